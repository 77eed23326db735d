"""An Azure OpenAI upstream that wants a token of Entra's: an own token endpoint, an own metadata service and an own App Service
endpoint hand them out, and what reaches the upstream is looked at."""

import http.server
import json
import pathlib
import tempfile
import threading
import time
import unittest
import urllib.parse

import openai

import stockade

TENANT, CLIENT = "8f2a4f3e-1f2b-4c6d-9e1a-3b5c7d9e1f20", "11111111-2222-3333-4444-555555555555"
SECRET, ASSERTION, HEADER = "s3cr3t&value", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "identity-header-value"


class Azure:
    """Entra, its stand-ins and the upstream, on one port."""

    def __init__(self):
        self.asked = []  # (path, form or query, headers) for tokens
        self.bearers = []  # what the upstream saw
        self.bodies = []
        self.lives = 3600
        self.wait = 0.0
        self.status = 200
        self.takes = True  # whether the upstream takes the token
        self._lock = threading.Lock()
        outer = self

        class Handler(_Handler):
            azure = outer

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def token(self, path, said, headers):
        """A new token each time."""
        time.sleep(self.wait)
        with self._lock:
            self.asked.append((path, said, headers))
            return {"token_type": "Bearer", "expires_in": str(self.lives), "access_token": f"token-{len(self.asked)}-of-{path[1:9]}"}

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    azure: Azure

    def do_GET(self):
        path, _, query = self.path.partition("?")
        self._json(self.azure.token(path, dict(urllib.parse.parse_qsl(query)), dict(self.headers)), self.azure.status)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        if "/oauth2/" in self.path:
            return self._json(self.azure.token(self.path, dict(urllib.parse.parse_qsl(body)), dict(self.headers)), self.azure.status)
        self.azure.bearers.append(self.headers.get("authorization", ""))
        self.azure.bodies.append(json.loads(body))
        if not self.azure.takes:
            return self._json({"error": {"message": "no"}}, 401)
        choice = {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
        self._json({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})

    def _json(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Quiet."""


class Case(unittest.TestCase):
    def start(self, entra, environment=None, more=""):
        """A gateway whose upstream wants a token."""
        self.azure = Azure()
        self.addCleanup(self.azure.close)
        entra = entra.replace("@", self.azure.base)
        environment = {name: value.replace("@", self.azure.base) for name, value in (environment or {}).items()}
        config = (f'[upstreams.azure]\ndialect = "azure"\nbase_url = "{self.azure.base}/openai/v1"\nmodels = ["gpt-*"]\n{more}'
                  f'[upstreams.azure.entra]\n{entra}')
        self.server = stockade.Server(config=config, environment=environment)
        self.addCleanup(self.server.close)
        self.server.command("workload", "set", "playground", "--model", "gpt-*")
        self.client = openai.OpenAI(base_url=self.server.base_url, api_key=self.server.key, max_retries=0)

    def ask(self, **more):
        return self.client.chat.completions.create(model="gpt-x", messages=[{"role": "user", "content": "hello"}], **more)


class Tokens(Case):
    SECRET = f'with = "client_secret"\nauthority = "@"\ntenant = "{TENANT}"\nclient_id = "{CLIENT}"\nclient_secret = "env:ENTRA_SECRET"\n'

    def test_an_application_with_a_secret(self):
        self.start(self.SECRET, {"ENTRA_SECRET": SECRET})
        for _ in range(3):
            self.assertEqual(self.ask().choices[0].message.content, "hello")
        # One token serves them all.
        [(path, form, _)] = self.azure.asked
        self.assertEqual(path, f"/{TENANT}/oauth2/v2.0/token")
        self.assertEqual(form, {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET,
                                "scope": "https://cognitiveservices.azure.com/.default"})
        self.assertEqual(set(self.azure.bearers), {"Bearer token-1-of-8f2a4f3e"})
        told = self.server.output() + json.dumps(self.server.events())
        self.assertNotIn("token-1", told)
        self.assertNotIn(SECRET, told)

    def test_doctor_says_whether_there_is_one(self):
        self.start(self.SECRET, {"ENTRA_SECRET": SECRET})
        asked = lambda: self.server.command("doctor", "--config", str(self.server.config)).stdout  # noqa: E731
        self.assertIn("Entra gives one", asked())
        self.azure.status = 401
        self.assertIn("azure: no token for the upstream: answered with status 401", asked())

    def test_many_at_once_ask_for_one_token(self):
        self.start(self.SECRET, {"ENTRA_SECRET": SECRET})
        self.azure.wait = 0.5
        threads = [threading.Thread(target=self.ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((len(self.azure.asked), len(self.azure.bearers)), (1, 12))

    def test_a_token_is_replaced_before_it_ends(self):
        self.start(self.SECRET, {"ENTRA_SECRET": SECRET})
        self.azure.lives = 4
        self.ask()
        time.sleep(2.5)
        self.ask()
        self.assertEqual([bearer.split("-")[1] for bearer in self.azure.bearers], ["1", "2"])

    def test_a_token_that_is_not_taken_is_not_used_again(self):
        self.start(self.SECRET, {"ENTRA_SECRET": SECRET})
        self.azure.takes = False
        with self.assertRaises(openai.APIStatusError) as refused:
            self.ask()
        self.assertEqual((refused.exception.status_code, refused.exception.code), (502, "upstream_unauthorized"))
        self.azure.takes = True
        self.ask()
        self.assertEqual(len(self.azure.asked), 2)

    def test_without_a_token_nothing_is_sent(self):
        self.start(self.SECRET, {"ENTRA_SECRET": SECRET})
        self.azure.status = 500
        for _ in range(3):
            with self.assertRaises(openai.APIStatusError) as refused:
                self.ask()
            self.assertEqual((refused.exception.status_code, refused.exception.code), (502, "upstream_unauthorized"))
        # Nobody is asked again at once.
        self.assertEqual((len(self.azure.asked), self.azure.bearers), (1, []))

    def test_a_workload_whose_cluster_signs(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "token"
            file.write_text(ASSERTION + "\n")
            self.start('with = "workload_identity"\n', {
                "AZURE_AUTHORITY_HOST": "@/", "AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT,
                "AZURE_FEDERATED_TOKEN_FILE": str(file)})
            self.ask()
        [(_, form, _)] = self.azure.asked
        self.assertEqual(form["client_assertion"], ASSERTION)
        self.assertEqual(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        self.assertNotIn("client_secret", form)

    def test_the_identity_of_a_machine(self):
        self.start(f'with = "managed_identity"\nclient_id = "{CLIENT}"\n', {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "@"})
        self.ask()
        [(path, query, headers)] = self.azure.asked
        self.assertEqual(path, "/metadata/identity/oauth2/token")
        self.assertEqual(query, {"api-version": "2018-02-01", "resource": "https://cognitiveservices.azure.com", "client_id": CLIENT})
        self.assertEqual(headers.get("metadata"), "true")

    def test_the_identity_of_an_app_service(self):
        self.start('with = "managed_identity"\n', {"IDENTITY_ENDPOINT": "@/msi/token", "IDENTITY_HEADER": HEADER})
        self.ask()
        [(path, query, headers)] = self.azure.asked
        self.assertEqual((path, query["api-version"]), ("/msi/token", "2019-08-01"))
        self.assertEqual(headers.get("x-identity-header"), HEADER)
        self.assertNotIn(HEADER, self.server.output())


class UserSecurityContext(Case):
    def test_azure_is_told_who_asks(self):
        self.start(Tokens.SECRET, {"ENTRA_SECRET": SECRET}, more="user_security_context = true\n")
        self.server.command("workload", "set", "playground", "--model", "gpt-*", "--trait", "asserts_users")
        self.ask(extra_headers={"x-stockade-user": "u-4711"}, extra_body={"user_security_context": {"end_user_id": "boss"}})
        told = self.azure.bodies[-1]["user_security_context"]
        self.assertEqual(told, {"application_name": "playground", "end_user_id": "u-4711", "source_ip": "127.0.0.1"})


class Configuration(unittest.TestCase):
    def test_what_makes_no_sense_is_told(self):
        base = '[upstreams.azure]\ndialect = "azure"\nbase_url = "https://x.openai.azure.com/openai/v1"\nmodels = ["gpt-*"]\n'
        secret = f'with = "client_secret"\ntenant = "{TENANT}"\nclient_id = "{CLIENT}"\nclient_secret = "env:PATH"\n'
        for text, needle in (
            (base + 'api_key = "env:PATH"\n[upstreams.azure.entra]\n' + secret, "one of the two"),
            (base + "[upstreams.azure.entra]\n" + secret.replace("env:PATH", "hunter2"), "env:"),
            (base + '[upstreams.azure.entra]\nwith = "client_secret"\n', "tenant"),
            (base + '[upstreams.azure.entra]\nwith = "magic"\n', "magic"),
            (base.replace("azure\"\nbase", "anthropic\"\nbase") + "[upstreams.azure.entra]\n" + secret, "Entra"),
        ):
            with self.subTest(needle), tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
                file.write(text)
                file.flush()
                done = stockade.subprocess.run([stockade.BINARY, "config", "check", file.name],
                                               capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertIn(needle, done.stdout + done.stderr)
