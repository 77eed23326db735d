"""OpenAI's other surfaces, Azure's paths and LangChain, each through its official SDK, against a running `stockade up`."""

import json
import unittest

import openai
from langchain_anthropic import ChatAnthropic
from langchain_openai import AzureChatOpenAI, ChatOpenAI, OpenAIEmbeddings

import dialects
import stockade
from test_openai import INJECTION


def setUpModule():
    global SERVER, MOCK
    MOCK = dialects.Dialects()
    SERVER = stockade.Server(config=MOCK.toml(), environment={"TEST_UPSTREAM_KEY": "upstream-key-1"})
    models = [word for model in ("gpt-*", "dep-*", "claude-*", "sandbox") for word in ("--model", model)]
    done = SERVER.command("workload", "set", "playground", *models, "--tool", "demo_*")
    assert done.returncode == 0, done.stderr


def tearDownModule():
    SERVER.close()
    MOCK.close()


def client():
    return openai.OpenAI(base_url=SERVER.base_url, api_key=SERVER.key)


def azure():
    return openai.AzureOpenAI(
        azure_endpoint=SERVER.base_url.removesuffix("/v1"), api_key=SERVER.key, api_version="2024-10-21",
    )


TOOL = {"type": "function", "name": "demo_mail", "parameters": {"type": "object", "properties": {"to": {"type": "string"}}}}


class Responses(unittest.TestCase):
    def test_a_response_whole_and_streamed(self):
        key = stockade.planted_aws_key()
        MOCK.says = f"The key is {key}. Grüße!"
        clean = "The key is [redacted:aws_access_key]. Grüße!"
        response = client().responses.create(model="gpt-says", input="hello", instructions="Be kind.")
        self.assertEqual((response.output_text, response.status), (clean, "completed"))
        self.assertIsNone(response.instructions)
        with client().responses.stream(model="gpt-says", input="hello") as stream:
            deltas = "".join(e.delta for e in stream if e.type == "response.output_text.delta")
            final = stream.get_final_response()
        self.assertEqual((deltas, final.output_text), (clean, clean))
        self.assertEqual(final.usage.total_tokens, 18)

    def test_what_goes_out(self):
        key, email = stockade.planted_aws_key(), stockade.planted_email()
        parts = [{"role": "user", "content": [{"type": "input_text", "text": f"{key} and {email}"}]}]
        for given in (f"{key} and {email}", parts):
            response = client().responses.create(model="gpt-echo", input=given, instructions=f"Never say {key}")
            self.assertNotIn(key, MOCK.seen[-1][2])
            self.assertNotIn(email, MOCK.seen[-1][2])
            self.assertIn(email, response.output_text)

    def test_an_injection_in_a_call_output_is_denied(self):
        def turns(output):
            return [
                {"role": "user", "content": "Read it."},
                {"type": "function_call", "call_id": "c1", "name": "demo_mail", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c1", "output": output},
            ]

        client().responses.create(model="gpt-says", input=turns("All is well."))
        with self.assertRaises(openai.PermissionDeniedError):
            client().responses.create(model="gpt-says", input=turns(INJECTION))

    def test_a_call_is_checked_whole(self):
        key = stockade.planted_aws_key()
        MOCK.arguments = {"to": key, "n": 5}
        wanted = {"to": "[redacted:aws_access_key]", "n": 5}
        response = client().responses.create(model="gpt-tool", input="mail it", tools=[TOOL])
        self.assertEqual(json.loads(response.output[0].arguments), wanted)
        with client().responses.stream(model="gpt-tool", input="mail it", tools=[TOOL]) as stream:
            final = stream.get_final_response()
        self.assertEqual(json.loads(final.output[0].arguments), wanted)
        MOCK.arguments = {"to": "x"}
        other = TOOL | {"name": "send_money"}
        with self.assertRaises(openai.PermissionDeniedError):
            client().responses.create(model="gpt-tool", input="mail it", tools=[other])
        events = list(client().responses.create(model="gpt-tool", input="mail it", tools=[other], stream=True))
        self.assertEqual(events[-1].type, "response.incomplete")
        self.assertEqual(events[-1].response.incomplete_details.reason, "content_filter")
        self.assertNotIn("send_money", json.dumps([e.model_dump(mode="json") for e in events if e.type != "response.created" and e.type != "response.in_progress"]))

    def test_what_the_provider_keeps_or_runs_is_denied(self):
        for more in (
            {"previous_response_id": "resp_123"}, {"tools": [{"type": "web_search"}]}, {"conversation": "conv_1"},
            {"input": [{"type": "item_reference", "id": "msg_1"}]},
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]},
        ):
            with self.assertRaises(openai.PermissionDeniedError, msg=str(more)):
                client().responses.create(**({"model": "gpt-says", "input": "x"} | more))
        with self.assertRaises(openai.BadRequestError):
            client().responses.create(model="gpt-says", input="x", background=True)


class Others(unittest.TestCase):
    def test_embeddings(self):
        key = stockade.planted_aws_key()
        made = client().embeddings.create(model="gpt-x", input=["a b", f"key {key}"], encoding_format="float")
        self.assertEqual(made.data[0].embedding, [0.5, -0.25, 0.003])
        self.assertNotIn(key, MOCK.seen[-1][2])
        made = client().embeddings.create(model="sandbox", input=["the cat sat", INJECTION])
        self.assertEqual((len(made.data), len(made.data[0].embedding)), (2, 256))

    def test_an_embedding_model_gets_no_token_ids(self):
        with self.assertRaises(openai.PermissionDeniedError):
            client().embeddings.create(model="gpt-x", input=[[1, 2, 3]])

    def test_completions(self):
        key = stockade.planted_aws_key()
        MOCK.says = f"say {key} loudly"
        clean = "say [redacted:aws_access_key] loudly"
        self.assertEqual(client().completions.create(model="gpt-says", prompt="x").choices[0].text, clean)
        chunks = client().completions.create(model="gpt-says", prompt="x", stream=True)
        self.assertEqual("".join(c.choices[0].text for c in chunks), clean)
        self.assertIn("hello", client().completions.create(model="sandbox", prompt="say exactly: hello").choices[0].text)

    def test_an_operation_that_the_upstream_lacks(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            client().embeddings.create(model="claude-says", input="x")
        self.assertEqual(caught.exception.code, "operation_unsupported")


class Azure(unittest.TestCase):
    def test_deployments(self):
        MOCK.says = "from azure"
        answer = azure().chat.completions.create(model="dep-says", messages=[{"role": "user", "content": "x"}])
        self.assertEqual(answer.choices[0].message.content, "from azure")
        path, headers, body = MOCK.seen[-1]
        self.assertEqual((path, headers["api-key"]), ("/openai/v1/chat/completions", "upstream-key-1"))
        self.assertEqual(json.loads(body)["model"], "dep-says")
        made = azure().embeddings.create(model="dep-x", input="a", encoding_format="float")
        self.assertEqual(made.data[0].embedding[0], 0.5)

    def test_the_path_names_the_model_whatever_the_body_says(self):
        raw = openai.OpenAI(base_url=SERVER.base_url.removesuffix("/v1") + "/openai/deployments/dep-says", api_key=SERVER.key)
        answer = raw.chat.completions.create(model="other", messages=[{"role": "user", "content": "x"}])
        self.assertEqual(answer.choices[0].message.content, MOCK.says)
        self.assertEqual(json.loads(MOCK.seen[-1][2])["model"], "dep-says")

    def test_responses_and_version_one(self):
        MOCK.says = "r"
        self.assertEqual(azure().responses.create(model="dep-says", input="x").output_text, "r")
        one = openai.OpenAI(base_url=SERVER.base_url.removesuffix("/v1") + "/openai/v1/", api_key=SERVER.key)
        self.assertEqual(one.responses.create(model="dep-says", input="x").output_text, "r")


class LangChain(unittest.TestCase):
    def test_chats(self):
        email = stockade.planted_email()
        root = SERVER.base_url.removesuffix("/v1")
        chats = (
            ChatOpenAI(model="sandbox", base_url=SERVER.base_url, api_key=SERVER.key),
            AzureChatOpenAI(azure_deployment="sandbox", azure_endpoint=root, api_key=SERVER.key, api_version="2024-10-21"),
            ChatAnthropic(model="claude-echo", base_url=root, api_key=SERVER.key),
        )
        for chat in chats:
            with self.subTest(type(chat).__name__):
                self.assertIn(email, chat.invoke(f"Write to {email} today").text)
                self.assertIn(email, "".join(piece.text for piece in chat.stream(f"Write to {email} today")))

    def test_embeddings(self):
        made = OpenAIEmbeddings(model="sandbox", base_url=SERVER.base_url, api_key=SERVER.key, check_embedding_ctx_length=False)
        self.assertEqual(len(made.embed_query("hello")), 256)
