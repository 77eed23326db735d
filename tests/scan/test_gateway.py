"""A scan beside a running server: "N model endpoints in this code, M seen at the gateway", after real traffic."""

import json
import pathlib
import subprocess
import tempfile
import time
import unittest
import urllib.request

import stockade
import tree
import upstream

OURS = """from openai import OpenAI
client = OpenAI(base_url="{base}")
client.chat.completions.create(model="mock-echo", messages=[])
"""
THEIRS = """from openai import OpenAI
client = OpenAI(base_url="http://127.0.0.1:{port}/v1")
client.chat.completions.create(model="mock-says", messages=[])
"""
ELSEWHERE = """import Anthropic from "@anthropic-ai/sdk";
const client = new Anthropic();
client.messages.create({ model: "claude-3-5-sonnet-20241022" });
"""


def setUpModule():
    global MOCK, SERVER
    MOCK = upstream.Upstream()
    SERVER = stockade.Server(config=MOCK.toml())


def tearDownModule():
    SERVER.close()
    MOCK.close()


def ask(model, key):
    """One request through the gateway."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hello"}]}).encode()
    request = urllib.request.Request(f"{SERVER.base_url}/chat/completions", data=body, method="POST", headers={
        "authorization": f"Bearer {key}", "content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200
        return answer.headers["x-request-id"]


class Join(unittest.TestCase):
    def scan(self, root, *more):
        done = SERVER.command("scan", str(root), *more)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done.stdout

    def test_endpoints_are_joined_with_what_the_gateway_saw(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder) / "shop"
            root.mkdir()
            (root / "ours.py").write_text(OURS.format(base=SERVER.base_url))
            (root / "theirs.py").write_text(THEIRS.format(port=MOCK.port))
            (root / "elsewhere.ts").write_text(ELSEWHERE)
            # The server does not know the workload yet.
            text = self.scan(root)
            self.assertIn("does not know the workload shop", text)
            self.assertTrue(text.rstrip().endswith("3 model endpoints in this code, 1 seen at the gateway"), text)
            # A workload of that name, and a request of its own.
            made = SERVER.command("workload", "create", "shop", "--model", "mock-*")
            self.assertEqual(made.returncode, 0, made.stderr)
            file = pathlib.Path(folder) / "key"
            made = SERVER.command("keys", "create", "--workload", "shop", "--expires", "1h", "--out", str(file))
            self.assertEqual(made.returncode, 0, made.stderr)
            request = ask("mock-says", file.read_text().strip())
            SERVER.outcome(request)
            # What was asked for is looked up in an index that follows the record.
            for _ in range(50):
                report = json.loads(self.scan(root, "--format", "json"))["gateway"]
                if report["seen"] == 2:
                    break
                time.sleep(0.2)
            self.assertEqual((report["endpoints"], report["seen"]), (3, 2), report)
            unseen = report["unseen"]
            self.assertEqual([(one["path"], one["line"]) for one in unseen], [("elsewhere.ts", 2)])
            self.assertIn("ANTHROPIC_BASE_URL=", unseen[0]["change"])
            text = self.scan(root)
            self.assertIn("knows the workload shop", text)
            self.assertTrue(text.rstrip().endswith("3 model endpoints in this code, 2 seen at the gateway"), text)

    def test_an_upstream_of_the_gateway_is_named_as_one(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder) / "other"
            root.mkdir()
            (root / "stockade.toml").write_text('[workload]\nname = "nobody"\n')
            (root / "theirs.py").write_text(THEIRS.format(port=MOCK.port))
            unseen = json.loads(self.scan(root, "--format", "json"))["gateway"]["unseen"]
            self.assertEqual([(one["path"], one["line"]) for one in unseen], [("theirs.py", 2)])
            self.assertIn("the gateway has this upstream", unseen[0]["change"])

    def test_without_a_server_nothing_is_claimed(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "a.py").write_text(THEIRS.format(port=1))
            done = subprocess.run([tree.binary(), "scan", folder], capture_output=True, text=True, check=False,
                                  env=tree.environment(home=folder + "/none"), timeout=60)
            self.assertIn("1 model endpoints in this code, - seen at the gateway", done.stdout)


if __name__ == "__main__":
    unittest.main()
