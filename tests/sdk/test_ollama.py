"""The official Ollama client for Python, unmodified, against a running `stockade up`: with a server of the same protocol behind
it, with one of OpenAI's, and with the sandbox model."""

import json
import unittest

import httpx
import ollama

import ollamas
import stockade

TOOL = {
    "type": "function",
    "function": {
        "name": "demo_mail", "description": "Sends a mail.",
        "parameters": {"type": "object", "properties": {"to": {"type": "string"}}},
    },
}
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def setUpModule():
    global SERVER, MOCK
    MOCK = ollamas.Ollamas()
    SERVER = stockade.Server(config=MOCK.toml())
    done = SERVER.command("workload", "set", "playground", "--model", "llama-*", "--model", "chat-*", "--model", "sandbox",
                          "--tool", "demo_*")
    assert done.returncode == 0, done.stderr


def tearDownModule():
    SERVER.close()
    MOCK.close()


def client(key=None):
    base = SERVER.base_url.removesuffix("/v1") + "/ollama"
    return ollama.Client(host=base, headers={"Authorization": f"Bearer {key or SERVER.key}"})


def user(text, **more):
    return [{"role": "user", "content": text} | more]


def streamed(chunks):
    """(text, thinking, calls, last) of a stream."""
    text, thinking, calls, last = "", "", [], None
    for chunk in chunks:
        text += chunk.message.content or ""
        thinking += chunk.message.thinking or ""
        calls += chunk.message.tool_calls or []
        last = chunk
    return text, thinking, calls, last


class Chat(unittest.TestCase):
    MODELS = ("llama-echo", "chat-echo")

    def test_whole_and_streamed(self):
        email = stockade.planted_email()
        for model in self.MODELS:
            with self.subTest(model):
                whole = client().chat(model=model, messages=user(f"Write to {email} today"))
                self.assertEqual(whole.message.content, f"Write to {email} today")
                self.assertTrue(whole.done)
                self.assertNotIn(email, json.dumps(MOCK.last()))
                text, _, _, last = streamed(client().chat(model=model, messages=user(f"Write to {email} today"), stream=True))
                self.assertEqual(text, f"Write to {email} today")
                self.assertEqual((last.done, last.done_reason), (True, "stop"))
                self.assertEqual((last.prompt_eval_count, last.eval_count), (26, 237))

    def test_secrets_are_taken_out_both_ways(self):
        secret = stockade.planted_aws_key()
        MOCK.says = f"the key is {secret}, isn't it"
        for stream in (False, True):
            said = client().chat(model="llama-says", messages=user(f"is it {secret}?"), stream=stream)
            text = streamed(said)[0] if stream else said.message.content
            self.assertNotIn(secret[:12], text)
            self.assertTrue(text.startswith("the key is ") and text.endswith(", isn't it"), text)
            self.assertNotIn(secret, json.dumps(MOCK.last()))

    def test_a_stream_is_what_who_says_nothing_gets(self):
        """As Ollama does it. The client always says; curl does not."""
        body = {"model": "llama-echo", "messages": user("hello there")}
        answer = httpx.post(f"{SERVER.base_url.removesuffix('/v1')}/ollama/api/chat", json=body,
                            headers={"Authorization": f"Bearer {SERVER.key}"})
        self.assertEqual(answer.headers["content-type"], "application/x-ndjson")
        lines = [json.loads(line) for line in answer.text.splitlines()]
        self.assertEqual("".join(line["message"]["content"] for line in lines), "hello there")
        self.assertEqual([line["done"] for line in lines], [False] * (len(lines) - 1) + [True])
        self.assertEqual(lines[0]["created_at"], "2026-01-02T03:04:05Z")
        self.assertEqual(lines[-1]["total_duration"], 4930000000)

    def test_thinking(self):
        email = stockade.planted_email()
        for stream in (False, True):
            said = client().chat(model="llama-echo", messages=user(f"Ask {email}"), think=True, stream=stream)
            thinking = streamed(said)[1] if stream else said.message.thinking
            self.assertIn("Ask ", thinking)
        self.assertIs(MOCK.last()["think"], True)
        said = client().chat(model="chat-echo", messages=user("hello"), think="low")
        self.assertEqual(said.message.thinking, "hm")
        self.assertEqual(MOCK.last()["reasoning_effort"], "low")

    def test_tools(self):
        secret = stockade.planted_aws_key()
        MOCK.arguments = {"to": "bob", "note": f"key {secret}", "count": 3}
        for model, count in (("llama-tool", 2), ("chat-tool", 1)):
            for stream in (False, True):
                with self.subTest(f"{model} {stream}"):
                    said = client().chat(model=model, messages=user("mail bob"), tools=[TOOL], stream=stream)
                    calls = streamed(said)[2] if stream else said.message.tool_calls
                    self.assertEqual([call.function.name for call in calls], ["demo_mail"] * count)
                    for call in calls:
                        self.assertEqual((call.function.arguments["to"], call.function.arguments["count"]), ("bob", 3))
                        self.assertNotIn(secret[:12], json.dumps(call.function.arguments))

    def test_results_of_tools(self):
        history = [
            *user("mail bob"),
            {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "demo_mail", "arguments": {"to": "bob"}}}]},
            {"role": "tool", "tool_name": "demo_mail", "content": "sent"},
        ]
        self.assertEqual(client().chat(model="llama-echo", messages=history, tools=[TOOL]).message.content, "sent")
        self.assertEqual(client().chat(model="chat-echo", messages=history, tools=[TOOL]).message.content, "sent")
        asked = MOCK.last()["messages"]
        self.assertEqual(asked[1]["tool_calls"][0]["id"], asked[2]["tool_call_id"])
        self.assertEqual(json.loads(asked[1]["tool_calls"][0]["function"]["arguments"]), {"to": "bob"})

    def test_a_tool_that_is_not_allowed(self):
        tool = json.loads(json.dumps(TOOL).replace("demo_mail", "rm"))
        MOCK.arguments = {}
        with self.assertRaises(ollama.ResponseError) as refused:
            client().chat(model="llama-tool", messages=user("go"), tools=[tool])
        self.assertEqual(refused.exception.status_code, 403)
        _, _, calls, last = streamed(client().chat(model="llama-tool", messages=user("go"), tools=[tool], stream=True))
        self.assertEqual((calls, last.done_reason), ([], "content_filter"))

    def test_structured_format(self):
        schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
        for model in self.MODELS:
            client().chat(model=model, messages=user("who"), format=schema, options={"num_predict": 7, "temperature": 0})
            last = MOCK.last()
            if model == "llama-echo":
                self.assertEqual((last["format"], last["options"]["num_predict"]), (schema, 7))
            else:
                self.assertEqual(last["response_format"]["json_schema"]["schema"], schema)
                self.assertEqual((last["max_tokens"], last["temperature"]), (7, 0))
        client().chat(model="chat-echo", messages=user("who"), format="json")
        self.assertEqual(MOCK.last()["response_format"], {"type": "json_object"})

    def test_images_cannot_be_read(self):
        with self.assertRaises(ollama.ResponseError) as refused:
            client().chat(model="llama-echo", messages=user("what is this", images=[PICTURE]))
        self.assertEqual(refused.exception.status_code, 403)
        # Nor under a name that only the server takes for the same.
        body = {"model": "llama-echo", "messages": user("what", Images=[PICTURE]), "stream": False}
        answer = httpx.post(f"{SERVER.base_url.removesuffix('/v1')}/ollama/api/chat", json=body,
                            headers={"Authorization": f"Bearer {SERVER.key}"})
        self.assertEqual((answer.status_code, answer.json()["code"]), (400, "invalid_request"))

    def test_the_sandbox_answers(self):
        said = client().chat(model="sandbox", messages=user("say exactly: hello"))
        self.assertEqual(said.message.content, "[sandbox] hello")
        text, _, _, last = streamed(client().chat(model="sandbox", messages=user("say exactly: hello"), stream=True))
        self.assertEqual((text, last.done), ("[sandbox] hello", True))
        self.assertEqual(client().generate(model="sandbox", prompt="say exactly: hi").response, "[sandbox] hi")

    def test_ends_that_are_none(self):
        secret = stockade.planted_aws_key()
        MOCK.says = secret
        for model in ("llama-error", "llama-cut"):
            with self.subTest(model), self.assertRaises(ollama.ResponseError) as broken:
                streamed(client().chat(model=model, messages=user("hello"), stream=True))
            self.assertNotIn(secret, str(broken.exception))


class Generate(unittest.TestCase):
    def test_whole_and_streamed(self):
        email = stockade.planted_email()
        for model in ("llama-echo", "chat-echo"):
            with self.subTest(model):
                whole = client().generate(model=model, prompt=f"Write to {email}", system="Be brief.")
                self.assertEqual(whole.response, f"Write to {email}")
                # Tokens of the conversation, which nobody here can read.
                self.assertIsNone(whole.context)
                chunks = list(client().generate(model=model, prompt=f"Write to {email}", stream=True))
                self.assertEqual("".join(chunk.response for chunk in chunks), f"Write to {email}")
                self.assertEqual(chunks[-1].eval_count, 237)
                self.assertNotIn(email, json.dumps(MOCK.last()))

    def test_what_cannot_be_said_otherwise(self):
        for more in ({"suffix": "end"}, {"raw": True}, {"template": "{{ .Prompt }}"}, {"options": {"top_k": 3}}):
            with self.subTest(str(more)), self.assertRaises(ollama.ResponseError) as refused:
                client().generate(model="chat-echo", prompt="hello", **more)
            self.assertEqual(refused.exception.status_code, 400)


class Embeddings(unittest.TestCase):
    def test_natively(self):
        made = client().embed(model="llama-embed", input=["hello", "you"])
        self.assertEqual(len(made.embeddings), 2)
        self.assertAlmostEqual(made.embeddings[0][0], 0.010071029)
        self.assertEqual(made.prompt_eval_count, 8)
        self.assertEqual(list(client().embeddings(model="llama-embed", prompt="hello").embedding), [0.56, 0.009, -0.42])

    def test_by_an_openai_server(self):
        made = client().embed(model="sandbox", input=["hello", "you"], dimensions=8)
        self.assertEqual([len(vector) for vector in made.embeddings], [8, 8])
        self.assertEqual(len(client().embeddings(model="sandbox", prompt="hello").embedding), 256)


class Server(unittest.TestCase):
    def test_what_it_says_of_its_models(self):
        names = [model.model for model in client().list().models]
        self.assertIn("sandbox", names)
        self.assertIn("completion", client().show("sandbox").capabilities)
        self.assertEqual(client().ps().models, [])
        with self.assertRaises(ollama.ResponseError) as unknown:
            client().show("nobody")
        self.assertEqual(unknown.exception.status_code, 404)
        base = SERVER.base_url.removesuffix("/v1")
        version = httpx.get(f"{base}/ollama/api/version", headers={"Authorization": f"Bearer {SERVER.key}"})
        self.assertRegex(version.json()["version"], r"^\d+\.\d+\.\d+$")
        self.assertEqual(httpx.get(f"{base}/ollama/api/version").status_code, 401)

    def test_models_are_not_managed_here(self):
        for call in (lambda: client().pull("llama3"), lambda: client().push("x/y"), lambda: client().delete("llama3"),
                     lambda: client().copy("a", "b"), lambda: client().create("a", from_="b")):
            with self.assertRaises(ollama.ResponseError) as refused:
                call()
            self.assertEqual(refused.exception.status_code, 403)
            self.assertIn("managed at the server itself", refused.exception.error)

    def test_no_key(self):
        with self.assertRaises(ollama.ResponseError) as refused:
            client("stk_wrong").chat(model="sandbox", messages=user("hello"))
        self.assertEqual(refused.exception.status_code, 401)

    def test_the_record(self):
        base = SERVER.base_url.removesuffix("/v1")
        answer = httpx.post(f"{base}/ollama/api/generate", headers={"Authorization": f"Bearer {SERVER.key}"},
                            json={"model": "llama-echo", "prompt": "hello", "stream": False})
        outcome = SERVER.outcome(answer.headers["x-request-id"])
        self.assertEqual(outcome["usage"]["completion_tokens"], 237)


class Limits(unittest.TestCase):
    def test_tokens_are_settled_by_what_the_server_counts(self):
        config = MOCK.toml() + '[[limits.usage]]\nname = "all"\nwindow = "hour"\ntokens = 400\n'
        server = stockade.Server(config=config)
        self.addCleanup(server.close)
        server.command("workload", "set", "playground", "--model", "llama-*")
        one = ollama.Client(host=server.base_url.removesuffix("/v1") + "/ollama", headers={"Authorization": f"Bearer {server.key}"})
        one.chat(model="llama-echo", messages=user("hello"), options={"num_predict": 240})
        # 263 of 400 are used: what is left open is told, and one that asks for more is refused.
        one.chat(model="llama-echo", messages=user("hello"), options={"num_predict": -1})
        self.assertLess(MOCK.last()["options"]["num_predict"], 140)
        with self.assertRaises(ollama.ResponseError) as refused:
            one.chat(model="llama-echo", messages=user("hello"), options={"num_predict": 240})
        self.assertEqual(refused.exception.status_code, 429)
