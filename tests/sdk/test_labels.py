"""Labelled text and where it may go, by the official SDKs against a running `stockade up`."""

import json
import pathlib
import secrets
import time
import unittest
import urllib.request

import anthropic
import openai

import stockade
from upstream import Upstream

WORDS = "harbour ledger orchard violet ninefold audit copper winter signal bridge parcel lantern".split()
ANSWER = "They owe the rest in nine parts, and nobody may say how much it comes to."


def paragraph():
    """A paragraph that stands nowhere else."""
    picked = [secrets.choice(WORDS) + str(secrets.randbelow(90) + 10) for _ in range(30)]
    return "The agreement says: " + " ".join(picked) + "."


class Labels(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.low, cls.high = Upstream(), Upstream()
        cls.addClassCleanup(cls.low.close)
        cls.addClassCleanup(cls.high.close)
        config = (
            cls.low.toml("low", "mock-low*")
            + cls.high.toml("high", "mock-high*") + 'label_max = "confidential"\nregion = "eu"\n'
            + cls.high.toml("tooling", "mock-drip") + 'label_max = "confidential"\n'
            + '[[routes]]\nmodels = ["either-*"]\nattempts = 1\n'
            'targets = [{ upstream = "low" }, { upstream = "high", weight = 0 }]\n'
            "[labels]\n"
            'regions = { eu = "restricted" }\n'
            'models = { "mock-high-small" = "internal" }\n'
            'tools = { "demo_web*" = "public", "web_*" = "public" }\n'
            "[[labels.rules]]\n"
            'name = "marked"\nlabel = "confidential"\n'
            "patterns = ['(?i)classification: confidential']\ntools = [\"hr_*\"]\n"
        )
        cls.server = stockade.Server(config=config)
        cls.addClassCleanup(cls.server.close)
        cls.workload("playground")

    @classmethod
    def workload(cls, name, *more):
        verb = "set" if name == "playground" else "create"
        done = cls.server.command(
            "workload", verb, name, "--label", "confidential", "--model", "mock-*", "--model", "either-*",
            "--tool", "demo_*", *more,
        )
        assert done.returncode == 0, done.stderr
        return name

    def setUp(self):
        self.low.says = self.high.says = ANSWER

    def register(self, text, label="confidential"):
        """Registers a text."""
        file = pathlib.Path(self.server.config.parent, f"{secrets.token_hex(4)}.txt")
        file.write_text(text)
        done = self.server.command("--format", "json", "labels", "add", "--label", label, str(file))
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout), file

    def ask(self, model, *messages, key=None, **more):
        """A chat completion with its head."""
        client = openai.OpenAI(base_url=self.server.base_url, api_key=key or self.server.key, max_retries=0)
        messages = [{"role": "user", "content": m} if isinstance(m, str) else m for m in messages]
        return client.chat.completions.with_raw_response.create(model=model, messages=messages, **more)

    def denied(self, model, *messages, **more):
        """The message of a denial for a label."""
        before = len(self.low.seen)
        with self.assertRaises(openai.PermissionDeniedError) as caught:
            self.ask(model, *messages, **more)
        self.assertEqual(caught.exception.code, "label_too_high", caught.exception)
        self.assertEqual(len(self.low.seen), before)
        return str(caught.exception)

    def test_a_registered_paragraph_goes_where_it_may(self):
        secret = paragraph()
        self.register(f"Heading\n\n{secret}\n")
        words = secret.split()
        clothes = [
            secret,
            "> " + "\n> ".join(" ".join(words[at:at + 4]) for at in range(0, len(words), 4)),
            json.dumps({"text": "\n".join(words)}),
            f"Please summarise: {'  '.join(words).upper()} Thank you.",
            " ".join(words[5:28]),
        ]
        for text in clothes:
            message = self.denied("mock-low", text)
            self.assertIn("`confidential` because of a registered text", message)
            self.assertIn("`mock-low` may have `internal` at most", message)
            self.assertNotIn(words[6], message)
        parts = [{"role": "user", "content": " ".join(words[at:at + 6])} for at in range(0, len(words), 6)]
        self.denied("mock-low", *parts)
        self.denied("mock-low", "x", {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "demo_x", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": secret})
        raw = self.ask("mock-high", secret)
        request = raw.headers["x-request-id"]
        intent = self.server.await_event(lambda e: e.get("type") == "intent" and e["request"] == request)
        asked = intent["decision"]["asked"]
        self.assertEqual((asked["label"], asked["label_from"], intent["mode"]),
                         ("confidential", ["registered"], "strict"))
        self.assertIn("`mock-high-small` may have `internal`", self.denied("mock-high-small", secret))
        with self.assertRaises(openai.PermissionDeniedError):
            client = openai.OpenAI(base_url=self.server.base_url, api_key=self.server.key, max_retries=0)
            client.embeddings.create(model="mock-low", input=secret)

    def test_a_conversation_keeps_its_label(self):
        secret = paragraph()
        self.register(secret)
        opening = f"Help me with the letter about {secrets.token_hex(12)}, please."
        self.high.says = f"As agreed {secrets.token_hex(4)}, " + ANSWER
        for stream in (False, True):
            raw = self.ask("mock-high", opening, secret, stream=stream)
            if stream:
                list(raw.parse())
        message = self.denied("mock-low", opening, "And in French?")
        self.assertIn("what came before in its conversation", message)
        other = f"Translate this for me into French ({secrets.token_hex(8)}):"
        self.assertIn("an answer of a labelled conversation", self.denied("mock-low", other, self.high.says))
        self.ask("mock-low", other, "Good morning.")
        time.sleep(0.5)
        self.server.kill_and_start()
        self.denied("mock-low", opening, "And in Spanish?")

    def test_denied_text_can_be_left_out(self):
        secret = paragraph()
        self.register(secret)
        opening = f"Help me with the letter about {secrets.token_hex(12)}, please."
        self.denied("mock-low", opening, secret)
        self.ask("mock-low", opening, "Without it, then.")

    def test_a_route_leads_to_the_upstream_that_may_have_it(self):
        secret = paragraph()
        self.register(secret)
        raw = self.ask("either-model", f"What does this say? {secret}")
        outcome = self.server.outcome(raw.headers["x-request-id"])
        self.assertEqual((outcome["attempts"], outcome["end"]), (["high"], "completed"))
        raw = self.ask("either-model", f"What does this say? {paragraph()}")
        self.assertEqual(self.server.outcome(raw.headers["x-request-id"])["attempts"], ["low"])

    def test_rules_by_pattern_and_by_tool(self):
        self.assertIn("the rule `marked`", self.denied("mock-low", "CLASSIFICATION: Confi\u200bdential\nhello"))
        call = {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_9", "type": "function", "function": {"name": "hr_pay", "arguments": "{}"}}]}
        result = {"role": "tool", "tool_call_id": "call_9", "content": "42"}
        opening = f"How much does she earn ({secrets.token_hex(8)})?"
        self.denied("mock-low", opening, call, result)
        self.denied("mock-low", f"{opening} {secrets.token_hex(8)}", result)
        client = anthropic.Anthropic(base_url=self.server.base_url.removesuffix("/v1") + "/anthropic",
                                     api_key=self.server.key, max_retries=0)
        with self.assertRaises(anthropic.PermissionDeniedError) as caught:
            client.messages.create(model="mock-low", max_tokens=9, messages=[
                {"role": "user", "content": opening + "?"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "hr_pay", "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "42"}]}])
        self.assertEqual(caught.exception.body["error"]["code"], "label_too_high")

    def test_a_tool_gets_no_more_than_it_may(self):
        secret = paragraph()
        self.register(secret)
        tools = [{"type": "function", "function": {"name": "demo_web_search", "parameters": {"type": "object"}}}]
        raw = self.ask("mock-drip", f"Search for this: {secret}", tools=tools, stream=True)
        try:
            said = list(raw.parse())
        except openai.APIError:
            said = []
        self.assertFalse([c for c in said if c.choices and c.choices[0].delta.tool_calls])
        outcome = self.server.outcome(raw.headers["x-request-id"])
        self.assertEqual((outcome["end"], outcome["code"]), ("cut", "tool_denied"))
        self.assertEqual(outcome["tool_decisions"][0]["reasons"], ["label_too_high"])

    def test_a_tool_that_the_provider_runs_gets_no_more_either(self):
        secret = paragraph()
        self.register(secret)
        name = self.workload("searching-" + secrets.token_hex(4), "--trait", "allows_references")
        file = self.server.data / f"{name}.key"
        done = self.server.command("keys", "create", "--workload", name, "--out", str(file))
        self.assertEqual(done.returncode, 0, done.stderr)
        search = {"key": file.read_text().strip(), "extra_body": {"web_search_options": {}}}
        self.ask("mock-high", f"What is new ({secrets.token_hex(8)})?", **search)
        self.assertIn("may have `public` at most", self.denied("mock-high", f"Search for this: {secret}", **search))

    def test_what_a_trusted_workload_says(self):
        with self.assertRaises(openai.PermissionDeniedError) as caught:
            self.ask("mock-low", "hello", extra_headers={"x-stockade-label": "confidential"})
        self.assertEqual(caught.exception.code, "label_untrusted")
        name = self.workload("search-" + secrets.token_hex(4), "--trait", "sets_labels")
        key = self.server.command("keys", "create", "--workload", name, "--out", str(self.server.data / f"{name}.key"))
        self.assertEqual(key.returncode, 0, key.stderr)
        key = (self.server.data / f"{name}.key").read_text().strip()
        say = lambda **fields: {"key": key, "extra_headers": {f"x-stockade-{k}": v for k, v in fields.items()}}
        self.assertIn("what the workload says", self.denied("mock-low", "hello", **say(label="confidential")))
        with self.assertRaises(openai.BadRequestError) as caught:
            self.ask("mock-low", "hello", **say(label="top"))
        self.assertIn("`restricted`", str(caught.exception))
        self.high.says = "ok"
        self.ask("mock-high", "hello", **say(label="confidential", conversation="c-1"))
        self.denied("mock-low", "something else altogether", **say(conversation="c-1"))
        self.ask("mock-low", "hello", **say(conversation="c-2"))

    def test_operators_see_what_is_registered(self):
        secret = paragraph()
        added, file = self.register(secret)
        check = lambda: self.server.command("labels", "check", str(file))
        self.assertEqual(check().returncode, 1)
        listed = self.server.command("labels", "list")
        self.assertIn(str(file), listed.stdout)
        self.assertEqual(self.server.command("labels", "add", "--label", "top", str(file)).returncode, 2)
        self.assertEqual(self.server.command("labels", "remove", added[0]["id"][:10]).returncode, 0)
        self.assertEqual(check().returncode, 0)
        self.ask("mock-low", f"Now it may go ({secrets.token_hex(8)}): {secret}")
        with urllib.request.urlopen(f"http://{self.server.metrics}/metrics", timeout=5) as answer:
            metrics = answer.read().decode()
        self.assertIn("stockade_label_paragraphs", metrics)
        for stored in self.server.data.rglob("*"):
            if stored.is_file():
                self.assertNotIn(secret.encode()[20:60], stored.read_bytes(), stored)


if __name__ == "__main__":
    unittest.main()
