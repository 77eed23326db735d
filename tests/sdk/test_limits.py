"""Limits of use, by the official SDKs and an upstream that counts its tokens, against a running `stockade up`."""

import concurrent.futures
import json
import threading
import time
import unittest

import anthropic
import openai

import metered
import stockade

ASK = [{"role": "user", "content": "tell me something"}]


def limit(name, **what):
    """A `[[limits.usage]]` of stockade.toml."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in ({"name": name} | what).items()]
    return "[[limits.usage]]\n" + "\n".join(lines) + "\n"


PRICE = '[[prices]]\nmodels = ["*"]\ninput = 2\noutput = 8.5\ncached = 0.5\nanswer = 64\n'


class Case(unittest.TestCase):
    """One server for each test: limits are what the test is about."""

    def start(self, *limits, more=PRICE):
        self.mock = metered.Metered()
        self.addCleanup(self.mock.close)
        self.server = stockade.Server(config="".join(limits) + more + self.mock.toml())
        self.addCleanup(self.server.close)
        models = [word for model in ("gpt-*", "claude-*", "chat-*", "sandbox") for word in ("--model", model)]
        done = self.server.command("workload", "set", "playground", *models)
        assert done.returncode == 0, done.stderr

    def openai(self, retries=0, **more):
        return openai.OpenAI(base_url=self.server.base_url, api_key=self.server.key, max_retries=retries, **more)

    def anthropic(self, retries=0):
        base = self.server.base_url.removesuffix("/v1") + "/anthropic"
        return anthropic.Anthropic(base_url=base, api_key=self.server.key, max_retries=retries)

    def uses(self):
        done = self.server.command("--format", "json", "limits")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def use(self, measure):
        return next(use for use in self.uses() if use["measure"] == measure)

    def settled(self, measure="tokens", within=10):
        """The use, once nothing is under way."""
        deadline = time.monotonic() + within
        while True:
            use = self.use(measure)
            if use["reserved"] == 0 or time.monotonic() > deadline:
                self.assertEqual(use["reserved"], 0)
                return use["used"]
            time.sleep(0.05)


class NeverOver(Case):
    def race(self, most, clients, one):
        """Many clients until each is refused."""
        begin = threading.Barrier(clients)

        def run(number):
            client, got = self.openai(), 0
            begin.wait()
            for _ in range(40):
                try:
                    got += one(client, number)
                except openai.RateLimitError as error:
                    self.assertIn(error.code, ("limit_reached", "request_over_limit"))
                    if int(error.response.headers["x-ratelimit-remaining-tokens"]) < 60:
                        break
            return got

        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            received = sum(pool.map(run, range(clients)))
        used = self.settled()
        self.assertLessEqual(used, most)
        self.assertGreater(used, most * 0.6)
        charged = sum(e["charge"]["tokens"] for e in self.server.events() if e.get("type") == "outcome" and e.get("charge"))
        self.assertEqual(charged, used)
        return received

    def test_sixty_four_clients_whole_and_streamed(self):
        self.start(limit("all", window="day", tokens=6000))

        def one(client, number):
            if number % 2:
                answer = client.chat.completions.create(model="gpt-obeys", messages=ASK, max_tokens=20 + number % 7)
                return answer.usage.completion_tokens
            stream = client.chat.completions.create(model="gpt-silent", messages=ASK, stream=True)
            return sum(len(c.choices[0].delta.content or "") for c in stream if c.choices) // 4

        self.assertLessEqual(self.race(6000, 64, one), 6000)

    def test_sixty_four_streams_without_end(self):
        self.start(limit("all", window="day", tokens=4000))

        def one(client, _number):
            stream = client.chat.completions.create(model="gpt-endless", messages=ASK, stream=True)
            said, finish = 0, None
            for chunk in stream:
                said += len(chunk.choices[0].delta.content or "")
                finish = chunk.choices[0].finish_reason or finish
            self.assertEqual(finish, "length")
            return said // 4

        self.assertLessEqual(self.race(4000, 64, one), 4000)


class Ends(Case):
    """A stream that comes to the limit ends as one that has come to its length."""

    def test_chat_and_completions(self):
        self.start(limit("all", window="hour", tokens=400))
        stream = list(self.openai().chat.completions.create(model="gpt-endless", messages=ASK, stream=True))
        self.assertEqual(stream[-1].choices[0].finish_reason, "length")
        self.assertLessEqual(self.settled(), 400)
        self.assertGreater(self.use("tokens")["used"], 350)
        ended = self.server.await_event(lambda e: e.get("end") == "limited", what="an answer that was ended")
        self.assertEqual((ended["code"], ended["charge"]["reached"]), ("limit_reached", "all"))
        self.assertEqual(ended["charge"]["tokens"], self.use("tokens")["used"])

    def test_legacy_completions(self):
        self.start(limit("all", window="hour", tokens=300))
        stream = list(self.openai().completions.create(model="gpt-endless", prompt="on and on", stream=True))
        self.assertEqual(stream[-1].choices[0].finish_reason, "length")

    def test_messages(self):
        self.start(limit("all", window="hour", tokens=400))
        with self.anthropic().messages.stream(model="claude-endless", max_tokens=100, messages=ASK) as stream:
            text = "".join(stream.text_stream)
            last = stream.get_final_message()
        self.assertEqual(last.stop_reason, "max_tokens")
        self.assertGreater(len(text), 400)
        self.assertLessEqual(self.settled(), 400)

    def test_responses(self):
        self.start(limit("all", window="hour", tokens=400))
        with self.openai().responses.stream(model="gpt-endless", input="on and on") as stream:
            kinds = [event for event in stream]
        self.assertEqual(kinds[-1].type, "response.incomplete")
        self.assertEqual(kinds[-1].response.incomplete_details.reason, "max_output_tokens")
        self.assertLessEqual(self.settled(), 400)

    def test_translated_both_ways(self):
        self.start(limit("all", window="hour", tokens=600))
        with self.anthropic().messages.stream(model="chat-endless", max_tokens=100, messages=ASK) as stream:
            for _ in stream.text_stream:
                pass
            self.assertEqual(stream.get_final_message().stop_reason, "max_tokens")
        self.assertLessEqual(self.settled(), 600)

    def test_translated_usage_is_the_upstreams(self):
        self.start(limit("all", window="hour", tokens=6000))
        list(self.openai().chat.completions.create(model="claude-obeys", messages=ASK, stream=True))
        self.assertEqual(self.settled(), metered.PROMPT + metered.LENGTH)
        self.anthropic().messages.create(model="chat-obeys", max_tokens=20, messages=ASK)
        self.assertEqual(self.settled(), 2 * metered.PROMPT + metered.LENGTH + 20)


class Told(Case):
    def test_a_refusal_as_sdks_know_it(self):
        self.start(limit("few", per=["key"], window="minute", requests=2))
        client = self.openai()
        for left in ("1", "0"):
            raw = client.chat.completions.with_raw_response.create(model="gpt-obeys", messages=ASK)
            self.assertEqual(raw.headers["x-ratelimit-limit-requests"], "2")
            self.assertEqual(raw.headers["x-ratelimit-remaining-requests"], left)
        with self.assertRaises(openai.RateLimitError) as caught:
            client.chat.completions.create(model="gpt-obeys", messages=ASK)
        error = caught.exception
        self.assertEqual((error.status_code, error.code, error.type), (429, "limit_reached", "rate_limit_error"))
        self.assertIn("`few`", error.message)
        self.assertTrue(50 <= int(error.response.headers["retry-after"]) <= 62)
        with self.assertRaises(anthropic.RateLimitError) as caught:
            self.anthropic().messages.create(model="claude-obeys", max_tokens=9, messages=ASK)
        error = caught.exception
        self.assertEqual(error.body["error"]["type"], "rate_limit_error")
        self.assertEqual(error.response.headers["anthropic-ratelimit-requests-limit"], "2")
        self.assertRegex(error.response.headers["anthropic-ratelimit-requests-reset"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        refused = self.server.await_event(lambda e: e.get("code") == "limit_reached", what="a refusal")
        self.assertEqual((refused["end"], refused["charge"]["reached"]), ("refused", "few"))

    def test_sdks_ask_again_when_it_is_worth_it_and_only_then(self):
        self.start(limit("one", window="day", requests=3), limit("at-once", concurrent=1))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(self.openai(4).chat.completions.create, model="gpt-slow", messages=ASK) for _ in range(2)]
            self.assertEqual([len(a.result().choices) for a in asked], [1, 1])
        self.assertEqual(self.mock.most_at_once, 1)
        client = self.openai(4)
        client.chat.completions.create(model="gpt-obeys", messages=ASK)
        began = time.monotonic()
        with self.assertRaises(openai.RateLimitError) as caught:
            client.chat.completions.create(model="gpt-obeys", messages=ASK)
        self.assertLess(time.monotonic() - began, 2)
        self.assertEqual(caught.exception.response.headers["x-should-retry"], "false")

    def test_what_can_never_fit_is_said_so(self):
        self.start(limit("all", window="minute", tokens=200))
        with self.assertRaises(openai.RateLimitError) as caught:
            self.openai(4).chat.completions.create(model="gpt-obeys", messages=ASK, max_tokens=5000)
        self.assertEqual(caught.exception.code, "request_over_limit")
        self.assertEqual(self.mock.seen, [])

    def test_the_upstream_is_told_how_long_an_answer_may_be(self):
        self.start(limit("all", window="minute", tokens=3000))
        self.openai().chat.completions.create(model="gpt-obeys", messages=ASK)
        self.openai().responses.create(model="gpt-obeys", input="hello")
        self.openai().chat.completions.create(model="gpt-obeys", messages=ASK, n=2)
        self.openai().chat.completions.create(model="claude-obeys", messages=ASK)
        told = [(s.get("max_tokens"), s.get("max_output_tokens")) for s in self.mock.seen]
        self.assertEqual(told, [(64, None), (None, 64), (64, None), (64, None)])


class Settles(Case):
    def test_by_the_upstreams_word_else_by_what_was_read(self):
        self.start(limit("all", window="day", tokens=90000))
        self.openai().chat.completions.create(model="gpt-obeys", messages=ASK, max_tokens=30)
        self.assertEqual(self.settled(), metered.PROMPT + 30)
        before = self.settled()
        self.openai().chat.completions.create(model="gpt-silent", messages=ASK, max_tokens=30)
        self.assertTrue(30 < self.settled() - before < 90)
        before = self.settled()
        with self.assertRaises(openai.InternalServerError):
            self.openai().chat.completions.create(model="gpt-fails", messages=ASK, max_tokens=30)
        self.assertEqual(self.settled(), before)

    def test_a_stream_is_asked_for_its_usage_and_the_client_is_not_told_what_it_did_not_ask_for(self):
        self.start(limit("all", window="day", tokens=90000))
        chunks = list(self.openai().chat.completions.create(model="gpt-obeys", messages=ASK, stream=True))
        self.assertTrue(all(chunk.choices for chunk in chunks))
        self.assertEqual(self.settled(), metered.PROMPT + metered.LENGTH)
        options = {"include_usage": True}
        chunks = list(self.openai().chat.completions.create(model="gpt-obeys", messages=ASK, stream=True, stream_options=options))
        self.assertEqual(chunks[-1].usage.total_tokens, metered.PROMPT + metered.LENGTH)
        self.assertEqual(self.settled(), 2 * (metered.PROMPT + metered.LENGTH))

    def test_a_client_that_leaves_is_charged_what_it_got(self):
        self.start(limit("all", window="day", tokens=90000))
        stream = self.openai().chat.completions.create(model="gpt-slow", messages=ASK, stream=True)
        for _, _chunk in zip(range(10), stream):
            pass
        self.assertGreater(self.use("tokens")["reserved"], 0)
        stream.close()
        used = self.settled()
        self.assertTrue(20 < used < 100, used)
        left = self.server.await_event(lambda e: e.get("end") == "client_aborted", what="a client that left")
        self.assertEqual(left["charge"]["tokens"], used)

    def test_embeddings_and_counts(self):
        self.start(limit("all", window="day", tokens=900, requests=90))
        self.openai().embeddings.create(model="gpt-obeys", input="some words")
        self.assertEqual(self.settled(), metered.PROMPT)
        self.anthropic().messages.count_tokens(model="claude-obeys", messages=ASK)
        self.assertEqual((self.settled(), self.settled("requests")), (metered.PROMPT, 2))

    def test_money(self):
        self.start(limit("purse", window="month", money=0.01))
        self.openai().chat.completions.create(model="gpt-cached", messages=ASK, max_tokens=30)
        cost = 5 * 2_000 + 5 * 500 + 30 * 8_500  # billionths
        self.assertEqual(self.settled("money"), cost)
        self.anthropic().messages.create(model="claude-cached", messages=ASK, max_tokens=30)
        self.assertEqual(self.settled("money"), 2 * cost)
        with self.assertRaises(openai.RateLimitError):
            self.openai().chat.completions.create(model="gpt-obeys", messages=ASK, max_tokens=3000)

    def test_money_without_a_price(self):
        price = PRICE.replace('["*"]', '["gpt-*"]')
        self.start(limit("purse", window="month", money=10), more=price)
        with self.assertRaises(anthropic.PermissionDeniedError) as caught:
            self.anthropic().messages.create(model="claude-obeys", messages=ASK, max_tokens=30)
        self.assertEqual(caught.exception.body["error"]["code"], "price_unknown")


class Apart(Case):
    def test_each_key_and_each_user_has_its_own(self):
        self.start(limit("each", per=["key", "user"], window="hour", requests=1))
        done = self.server.command("workload", "set", "playground", "--trait", "asserts_users")
        self.assertEqual(done.returncode, 0, done.stderr)
        for user in ("ann", "bob", None):
            headers = {"x-stockade-user": user} if user else {}
            client = self.openai(default_headers=headers)
            client.chat.completions.create(model="gpt-obeys", messages=ASK)
            with self.assertRaises(openai.RateLimitError):
                client.chat.completions.create(model="gpt-obeys", messages=ASK)
        self.assertEqual(len(self.uses()), 3)
        self.assertNotIn("ann", json.dumps([use["subject"] for use in self.uses()]))

    def test_a_changed_file_holds_at_once(self):
        self.start(limit("each", window="hour", requests=1))
        self.openai().chat.completions.create(model="gpt-obeys", messages=ASK)
        with self.assertRaises(openai.RateLimitError):
            self.openai().chat.completions.create(model="gpt-obeys", messages=ASK)
        self.server.config.write_text(limit("each", window="hour", requests=3) + PRICE + self.mock.toml())
        for _ in range(100):
            if "limits of use" in self.server.output():
                break
            time.sleep(0.1)
        for _ in range(2):
            self.openai().chat.completions.create(model="gpt-obeys", messages=ASK)
        with self.assertRaises(openai.RateLimitError):
            self.openai().chat.completions.create(model="gpt-obeys", messages=ASK)


class Restarts(Case):
    def test_a_killed_server_knows_what_was_used(self):
        self.start(limit("all", window="day", tokens=2000, requests=4))
        for _ in range(2):
            self.openai().chat.completions.create(model="gpt-obeys", messages=ASK, max_tokens=30)
        stream = self.openai().chat.completions.create(model="gpt-slow", messages=ASK, stream=True)
        next(iter(stream))
        used, reserved = self.use("tokens")["used"], self.use("tokens")["reserved"]
        time.sleep(0.4)
        self.server.kill_and_start()
        self.assertEqual(self.settled(), used + reserved)
        self.assertEqual(self.settled("requests"), 3)
        self.openai().chat.completions.create(model="gpt-obeys", messages=ASK, max_tokens=30)
        with self.assertRaises(openai.RateLimitError):
            self.openai().chat.completions.create(model="gpt-obeys", messages=ASK, max_tokens=30)


if __name__ == "__main__":
    unittest.main()
