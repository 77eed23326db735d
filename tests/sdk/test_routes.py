"""Models that several upstreams serve, by the official SDK against a running `stockade up`."""

import json
import time
import unittest

import openai

import metered
import stockade

ASK = [{"role": "user", "content": "tell me something"}]

TARGETS = """
[[routes]]
models = ["gpt-*"]
targets = [{ upstream = "one", weight = 3 }, { upstream = "two" }, { upstream = "spare", weight = 0 }]
"""


class Routes(unittest.TestCase):
    def start(self, route=TARGETS, more=""):
        self.mocks = {name: metered.Metered() for name in ("one", "two", "spare")}
        for mock in self.mocks.values():
            self.addCleanup(mock.close)
        config = route + more
        for name, mock in self.mocks.items():
            label = 'label_max = "public"\n' if name == "spare" else ""
            config += f'[upstreams.{name}]\nbase_url = "http://127.0.0.1:{mock.port}/v1"\nmodels = ["{name}-*"]\n{label}'
        self.server = stockade.Server(config=config)
        self.addCleanup(self.server.close)
        done = self.server.command("workload", "set", "playground", "--model", "gpt-*")
        self.assertEqual(done.returncode, 0, done.stderr)

    def ask(self, model="gpt-obeys", **more):
        client = openai.OpenAI(base_url=self.server.base_url, api_key=self.server.key, max_retries=0)
        return client.chat.completions.with_raw_response.create(model=model, messages=ASK, **more)

    def asked(self):
        return {name: len(mock.seen) for name, mock in self.mocks.items()}

    def test_by_weight(self):
        self.start()
        for _ in range(60):
            self.ask()
        asked = self.asked()
        self.assertEqual((asked["one"] + asked["two"], asked["spare"]), (60, 0))
        self.assertTrue(30 <= asked["one"] <= 57, asked)

    def test_the_next_is_asked_when_one_is_gone_and_it_comes_last_for_a_while(self):
        self.start()
        self.mocks["one"].close()
        self.mocks["two"].close()
        raw = self.ask()
        self.assertEqual(raw.parse().choices[0].finish_reason, "stop")
        outcome = self.server.outcome(raw.headers["x-request-id"])
        self.assertEqual((len(outcome["attempts"]), outcome["attempts"][-1], outcome["end"]), (3, "spare", "completed"))
        intent = self.server.await_event(lambda e: e.get("type") == "intent" and e["request"] == outcome["request"])
        self.assertEqual(sorted(intent["targets"]), ["one", "spare", "two"])
        again = self.server.outcome(self.ask().headers["x-request-id"])
        self.assertEqual(again["attempts"], ["spare"])
        streamed = list(self.ask(stream=True).parse())
        self.assertEqual(streamed[-1].choices[0].finish_reason, "stop")

    def test_what_all_fail_at_fails_and_is_charged_nothing(self):
        limit = '[[limits.usage]]\nname = "all"\nwindow = "day"\ntokens = 9000\n'
        self.start(more=limit)
        with self.assertRaises(openai.InternalServerError):
            self.ask(model="gpt-fails", max_tokens=30)
        self.assertEqual(self.asked(), {"one": 1, "two": 1, "spare": 1})
        ended = self.server.await_event(lambda e: e.get("end") == "upstream_failed")
        self.assertEqual((len(ended["attempts"]), ended["charge"]["tokens"]), (3, 0))

    def test_no_more_attempts_than_are_allowed(self):
        self.start(TARGETS + "attempts = 2\n")
        with self.assertRaises(openai.InternalServerError):
            self.ask(model="gpt-fails")
        self.assertEqual(sum(self.asked().values()), 2)

    def test_an_upstream_that_policy_forbids_is_not_asked(self):
        self.start()
        (self.server.config.parent / "policies").mkdir()
        (self.server.config.parent / "policies" / "own.cedar").write_text(
            '@id("no-spare") forbid (principal, action == Stockade::Action::"invoke", resource)\n'
            'when { resource.upstream == Stockade::Upstream::"spare" };\n'
        )
        folder = json.dumps(str(self.server.config.parent / "policies"))
        self.server.config.write_text(self.server.config.read_text() + f"[policies]\ndir = {folder}\n")
        for _ in range(100):
            if "taken over" in self.server.output():
                break
            time.sleep(0.1)
        with self.assertRaises(openai.InternalServerError):
            self.ask(model="gpt-fails")
        self.assertEqual(self.asked()["spare"], 0)


if __name__ == "__main__":
    unittest.main()
