"""Callers of one API, upstreams of another, each through its official SDK, against a running `stockade up`.

The sandbox model speaks OpenAI's chat completions only, and the mock `claude-*` Anthropic's messages only.
"""

import json
import unittest

import anthropic
import openai

import dialects
import stockade


def setUpModule():
    global SERVER, MOCK
    MOCK = dialects.Dialects()
    SERVER = stockade.Server(config=MOCK.toml(), environment={"TEST_UPSTREAM_KEY": "upstream-key-1"})
    models = [word for model in ("gpt-*", "claude-*", "sandbox") for word in ("--model", model)]
    done = SERVER.command("workload", "set", "playground", *models, "--tool", "demo_*")
    assert done.returncode == 0, done.stderr


def tearDownModule():
    SERVER.close()
    MOCK.close()


def claude():
    return anthropic.Anthropic(base_url=SERVER.base_url.removesuffix("/v1"), api_key=SERVER.key)


def gpt():
    return openai.OpenAI(base_url=SERVER.base_url, api_key=SERVER.key)


def user(text):
    return [{"role": "user", "content": text}]


def chat_tool(name="demo_mail"):
    parameters = {"type": "object", "properties": {"to": {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "description": "Mails.", "parameters": parameters}}


CLAUDE_TOOL = {"name": "demo_mail", "input_schema": {"type": "object", "properties": {"to": {"type": "string"}}}}
RESPONSES_TOOL = {"type": "function", "name": "demo_mail", "parameters": {"type": "object", "properties": {}}}


class MessagesToChat(unittest.TestCase):
    def test_text(self):
        ask = {"model": "sandbox", "max_tokens": 100, "messages": user("say exactly: The tide is out.")}
        message = claude().messages.create(**ask)
        self.assertEqual(message.content[0].text, "[sandbox] The tide is out.")
        self.assertEqual((message.stop_reason, message.role), ("end_turn", "assistant"))
        with claude().messages.stream(**ask) as stream:
            self.assertEqual("".join(stream.text_stream), "[sandbox] The tide is out.")
            self.assertGreater(stream.get_final_message().usage.output_tokens, 0)

    def test_a_tool_loop(self):
        turns = user('call demo_mail with {"to": "bob"}')
        ask = {"model": "sandbox", "max_tokens": 100, "tools": [CLAUDE_TOOL]}
        whole = claude().messages.create(messages=turns, **ask)
        with claude().messages.stream(messages=turns, **ask) as stream:
            final = stream.get_final_message()
        for message in (whole, final):
            call = message.content[-1]
            self.assertEqual((call.type, call.name, call.input, message.stop_reason), ("tool_use", "demo_mail", {"to": "bob"}, "tool_use"))
        turns += [
            {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in whole.content]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": whole.content[-1].id, "content": "sent"}]},
        ]
        self.assertIn("The tool said: sent", claude().messages.create(messages=turns, **ask).content[0].text)

    def test_secrets_and_pseudonyms(self):
        key, email = stockade.planted_aws_key(), stockade.planted_email()
        text = claude().messages.create(model="sandbox", max_tokens=9, messages=user(f"say exactly: {email} has {key}")).content[0].text
        self.assertIn(email, text)
        self.assertNotIn(key, text)

    def test_what_cannot_be_said_is_refused(self):
        with self.assertRaises(anthropic.BadRequestError) as caught:
            claude().messages.create(model="sandbox", max_tokens=9, messages=user("x"), extra_body={"top_k": 5})
        self.assertEqual(caught.exception.body["error"]["code"], "untranslatable")
        self.assertIn("/top_k", caught.exception.body["error"]["message"])


class ResponsesToChat(unittest.TestCase):
    def test_text(self):
        response = gpt().responses.create(model="sandbox", input="say exactly: The tide is out.")
        self.assertEqual((response.output_text, response.status), ("[sandbox] The tide is out.", "completed"))
        with gpt().responses.stream(model="sandbox", input="say exactly: The tide is out.") as stream:
            kinds = [event.type for event in stream]
            self.assertEqual(stream.get_final_response().output_text, "[sandbox] The tide is out.")
        self.assertEqual((kinds[0], kinds[-1]), ("response.created", "response.completed"))

    def test_a_tool_loop(self):
        turns = user('call demo_mail with {"to": "bob"}')
        response = gpt().responses.create(model="sandbox", input=turns, tools=[RESPONSES_TOOL])
        call = response.output[-1]
        self.assertEqual((call.type, call.name, json.loads(call.arguments)), ("function_call", "demo_mail", {"to": "bob"}))
        with gpt().responses.stream(model="sandbox", input=turns, tools=[RESPONSES_TOOL]) as stream:
            self.assertEqual(json.loads(stream.get_final_response().output[-1].arguments), {"to": "bob"})
        turns += [
            {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments},
            {"type": "function_call_output", "call_id": call.call_id, "output": "sent"},
        ]
        self.assertIn("sent", gpt().responses.create(model="sandbox", input=turns, tools=[RESPONSES_TOOL]).output_text)


class ChatToMessages(unittest.TestCase):
    def test_text(self):
        MOCK.says = "The tide is out."
        ask = {"model": "claude-says", "messages": [{"role": "system", "content": "Be kind."}] + user("x")}
        answer = gpt().chat.completions.create(**ask)
        self.assertEqual((answer.choices[0].message.content, answer.choices[0].finish_reason), (MOCK.says, "stop"))
        self.assertEqual(answer.usage.total_tokens, 18)
        path, _, body = MOCK.seen[-1]
        sent = json.loads(body)
        self.assertEqual((path, sent["system"] if isinstance(sent["system"], str) else sent["system"][0]["text"]), ("/v1/messages", "Be kind."))
        chunks = list(gpt().chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
        self.assertEqual("".join(c.choices[0].delta.content or "" for c in chunks if c.choices), MOCK.says)
        self.assertEqual(chunks[-1].usage.completion_tokens, 7)

    def test_secrets_and_pseudonyms(self):
        key, email = stockade.planted_aws_key(), stockade.planted_email()
        answer = gpt().chat.completions.create(model="claude-echo", messages=user(f"{email} has {key}"))
        self.assertNotIn(key, MOCK.seen[-1][2])
        self.assertNotIn(email, MOCK.seen[-1][2])
        self.assertIn(email, answer.choices[0].message.content)
        MOCK.says = f"the key is {key}"
        chunks = gpt().chat.completions.create(model="claude-says", messages=user("x"), stream=True)
        self.assertEqual("".join(c.choices[0].delta.content or "" for c in chunks if c.choices), "the key is [redacted:aws_access_key]")

    def test_tools(self):
        MOCK.arguments = {"to": "bob", "n": 5}
        ask = {"model": "claude-tool", "messages": user("mail it")}
        answer = gpt().chat.completions.create(**ask, tools=[chat_tool()])
        call = answer.choices[0].message.tool_calls[0]
        self.assertEqual((call.function.name, json.loads(call.function.arguments)), ("demo_mail", MOCK.arguments))
        self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
        with self.assertRaises(openai.PermissionDeniedError):
            gpt().chat.completions.create(**ask, tools=[chat_tool("send_money")])
        chunks = list(gpt().chat.completions.create(**ask, tools=[chat_tool("send_money")], stream=True))
        self.assertEqual(chunks[-1].choices[0].finish_reason, "content_filter")

    def test_an_upstream_that_breaks_off(self):
        with self.assertRaises(openai.APIError):
            list(gpt().chat.completions.create(model="claude-broken", messages=user("x"), stream=True))


class ResponsesToMessages(unittest.TestCase):
    def test_text_and_thinking(self):
        MOCK.says = "Done."
        for model in ("claude-says", "claude-think"):
            self.assertEqual(gpt().responses.create(model=model, input="x").output_text, "Done.")
            with gpt().responses.stream(model=model, input="x") as stream:
                self.assertEqual(stream.get_final_response().output_text, "Done.")

    def test_tools(self):
        MOCK.arguments = {"to": "bob"}
        response = gpt().responses.create(model="claude-tool", input="mail it", tools=[RESPONSES_TOOL])
        self.assertEqual(json.loads(response.output[-1].arguments), {"to": "bob"})
