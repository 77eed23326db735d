"""Models that are not generative: NVIDIA's Triton client, unmodified, and requests as MLflow's and Azure ML's pages show them,
against a running `stockade up`."""

import json
import unittest

import httpx
import numpy
import tritonclient.http
from tritonclient.utils import InferenceServerException

import predictors
import stockade

# What an operator would write into a file of `[policies] dir`.
SOFTENED = """
@id("soft")
@title("Scores of this workload have two digits")
@why("A test.")
@floor
@obligation("{obligation}")
permit (principal, action == Stockade::Action::"predict", resource)
when {{ principal.workload.name == "{workload}" }};
"""
SPLIT = {"columns": ["a", "b", "note"], "data": [[1.5, 2.5, "hello"], [3.5, 4.5, "you"]]}


def setUpModule():
    global SERVER, MOCK, KEYS
    MOCK = predictors.Predictors()
    limits = '[[limits.usage]]\nname = "few"\nper = ["key"]\nwindow = "minute"\nrequests = 3\nworkloads = ["few"]\n'
    rules = stockade.pathlib.Path(stockade.tempfile.mkdtemp(prefix="stockade-policies-"))
    for workload, obligation in {"soft": "round:2", "best": "top_k:1", "label": "label_only"}.items():
        text = SOFTENED.format(obligation=obligation, workload=workload).replace('"soft")\n@title', f'"soft-{workload}")\n@title')
        (rules / f"{workload}.cedar").write_text(text)
    SERVER = stockade.Server(config=MOCK.toml() + limits + f'[policies]\ndir = "{rules}"\n')
    assert SERVER.command("workload", "set", "playground", "--model", "iris", "--model", "sandbox").returncode == 0
    KEYS = {}
    for name in ("soft", "best", "label", "few", "none"):
        models = [] if name == "none" else ["--model", "iris"]
        assert SERVER.command("workload", "create", name, *models).returncode == 0
        done = SERVER.command("keys", "create", "--workload", name, "--format", "json", "--out", str(SERVER.data / f"{name}.key"))
        assert done.returncode == 0, done.stderr
        KEYS[name] = (SERVER.data / f"{name}.key").read_text().strip()


def tearDownModule():
    SERVER.close()
    MOCK.close()


def url(below, model="iris"):
    return f"{SERVER.base_url.removesuffix('/v1')}/predict/{model}{below}"


def ask(below, body, key=None, **more):
    return httpx.post(url(below, **more), json=body, headers={"Authorization": f"Bearer {key or SERVER.key}"})


class Triton(unittest.TestCase):
    def setUp(self):
        MOCK.says = None
        at = url("").removeprefix("http://")
        self.client = tritonclient.http.InferenceServerClient(at)
        self.addCleanup(self.client.close)
        self.headers = {"Authorization": f"Bearer {SERVER.key}"}

    def input(self, binary=False):
        values = numpy.array([[5.1, 3.5, 1.4, 0.2]], dtype=numpy.float32)
        given = tritonclient.http.InferInput("x", list(values.shape), "FP32")
        given.set_data_from_numpy(values, binary_data=binary)
        return given

    def test_a_prediction(self):
        made = self.client.infer("iris", [self.input()], headers=self.headers)
        scores = made.as_numpy("y")
        self.assertEqual(scores.shape, (1, 3))
        self.assertAlmostEqual(float(scores[0][1]), 0.7654321, 5)
        method, path, body, headers = MOCK.seen[-1]
        self.assertEqual((method, path), ("POST", "/v2/models/iris/infer"))
        self.assertAlmostEqual(body["inputs"][0]["data"][0], 5.1, 5)
        # What would have come back in binary is asked for in JSON.
        self.assertNotIn("true", json.dumps(body))
        self.assertNotIn(SERVER.key, json.dumps(headers))

    def test_a_version(self):
        outputs = [tritonclient.http.InferRequestedOutput("y")]
        self.client.infer("iris", [self.input()], model_version="1", outputs=outputs, headers=self.headers)
        self.assertEqual(MOCK.seen[-1][1], "/v2/models/iris/versions/1/infer")

    def test_texts_are_read(self):
        secret, email = stockade.planted_aws_key(), stockade.planted_email()
        words = numpy.array([[f"key {secret}", f"from {email}"]], dtype=numpy.object_)
        given = tritonclient.http.InferInput("x", [1, 2], "BYTES")
        given.set_data_from_numpy(words, binary_data=False)
        self.client.infer("iris", [given], headers=self.headers)
        self.assertNotIn(secret, json.dumps(MOCK.last()))
        self.assertNotIn(email, json.dumps(MOCK.last()))

    def test_binary_tensors_are_refused(self):
        with self.assertRaises(InferenceServerException) as refused:
            self.client.infer("iris", [self.input(binary=True)], headers=self.headers)
        self.assertIn("binary_data=False", str(refused.exception))

    def test_what_the_server_says(self):
        self.assertTrue(self.client.is_server_live(headers=self.headers))
        self.assertTrue(self.client.is_server_ready(headers=self.headers))
        self.assertTrue(self.client.is_model_ready("iris", headers=self.headers))
        self.assertFalse(self.client.is_server_live(headers={"Authorization": f"Bearer {KEYS['none']}"}))
        self.assertEqual(self.client.get_server_metadata(headers=self.headers)["name"], "stockade")
        told = self.client.get_model_metadata("iris", headers=self.headers)
        self.assertEqual(told["inputs"][0]["name"], "x")
        self.assertEqual(MOCK.seen[-1][:2], ("GET", "/v2/models/iris"))

    def test_another_model_behind_the_same_path(self):
        with self.assertRaises(InferenceServerException):
            self.client.infer("other", [self.input()], headers=self.headers)
        self.assertEqual(ask("/v2/models/other/infer", {"inputs": []}).status_code, 404)


class Mlflow(unittest.TestCase):
    """As https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/ has it."""

    def setUp(self):
        MOCK.says = None

    def test_each_form(self):
        records = [{"a": 1.5, "note": "hello"}]
        for body in ({"dataframe_split": SPLIT}, {"dataframe_records": records}, {"instances": [[1.5, 2.5]]},
                     {"inputs": {"x": [1, 2]}, "params": {"n": 1}}):
            with self.subTest(str(body)):
                answer = ask("/invocations", body)
                self.assertEqual(answer.json(), {"predictions": [[0.123456, 0.7654321, 0.1112229]]})
                self.assertEqual(MOCK.last(), body)

    def test_texts_both_ways(self):
        secret, email = stockade.planted_aws_key(), stockade.planted_email()
        MOCK.says = {"predictions": [{"label": f"key {secret}", "score": 0.5}, f"key {secret}", email, 0.25]}
        answer = ask("/invocations", {"instances": [f"{email} has {secret}"], secret: 1})
        self.assertNotIn(secret, answer.text)
        self.assertEqual(answer.json()["predictions"][3], 0.25)
        self.assertNotIn(secret, json.dumps(MOCK.last()))
        self.assertNotIn(email, json.dumps(MOCK.last()))

    def test_ping_and_version(self):
        headers = {"Authorization": f"Bearer {SERVER.key}"}
        self.assertEqual(httpx.get(url("/ping"), headers=headers).status_code, 200)
        self.assertRegex(httpx.get(url("/version"), headers=headers).text, r"^\d+\.\d+")
        self.assertEqual(httpx.get(url("/ping")).status_code, 401)
        self.assertEqual(httpx.get(url("/ping", model="nobody"), headers=headers).status_code, 404)


class Azure(unittest.TestCase):
    """As https://learn.microsoft.com/azure/machine-learning/how-to-deploy-online-endpoints has it."""

    def setUp(self):
        MOCK.says = None

    def test_a_score(self):
        self.assertEqual(ask("/score", {"data": [[1, 2, 3]]}).json(), [[0.123456, 0.7654321, 0.1112229]])

    def test_json_in_a_string(self):
        secret = stockade.planted_aws_key()
        MOCK.says = json.dumps({"result": [0.123456], "note": secret})
        answer = ask("/score", {"data": [[1]]}).json()
        self.assertNotIn(secret, answer)
        self.assertEqual(json.loads(ask("/score", {"data": [[1]]}, key=KEYS["soft"]).json())["result"], [0.12])


class Policy(unittest.TestCase):
    def setUp(self):
        MOCK.says = None

    def test_scores_as_policy_has_them(self):
        for name, scores in {"soft": [0.12, 0.77, 0.11], "best": [0.0, 0.7654321, 0.0], "label": [0.0, 1.0, 0.0]}.items():
            with self.subTest(name):
                self.assertEqual(ask("/invocations", {"instances": [[1]]}, key=KEYS[name]).json(), {"predictions": [scores]})
                infer = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [2, 1], "data": [1, 2]}]}
                made = ask("/v2/models/iris/infer", infer, key=KEYS[name]).json()
                self.assertEqual(made["outputs"][0]["data"], scores * 2)

    def test_only_listed_models(self):
        self.assertEqual(ask("/invocations", {"instances": [[1]]}, key=KEYS["none"]).status_code, 403)

    def test_a_budget_of_queries(self):
        statuses = [ask("/invocations", {"instances": [[1]]}, key=KEYS["few"]).status_code for _ in range(4)]
        self.assertEqual(statuses, [200, 200, 200, 429])

    def test_the_record_has_shapes_and_no_numbers(self):
        answer = ask("/invocations", {"instances": [[1.987654321, 2.5]]})
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(SERVER.outcome(answer.headers["x-request-id"])["status"], 200)
        shown = json.dumps(SERVER.events())
        self.assertNotIn("987654321", shown)

    def test_a_chat_model_is_no_predictor(self):
        self.assertEqual(ask("/invocations", {"instances": [[1]]}, model="sandbox").status_code, 400)
