"""A server that speaks Ollama's own protocol, and OpenAI's chat completions below `/v1`, as Ollama does.

The model's name says how it answers:

    llama-echo     says what the last user message said, as this side saw it, and thinks the same when it is asked to
    llama-tool     calls the first of its tools with `Ollamas.arguments`, twice in one stream
    llama-says     says `Ollamas.says`
    llama-error    a stream that ends with an error which repeats a secret
    llama-cut      a stream that ends too early
"""

import http.server
import json
import threading


class Ollamas:
    """A server on a port of its own, answering on threads."""

    def __init__(self):
        self.says = "nothing"
        self.arguments = {}
        self.seen = []  # (path, body) as they arrived
        outer = self

        class Handler(_Handler):
            upstream = outer

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def toml(self):
        """The lines of stockade.toml that name this upstream: once as Ollama, once as a server of OpenAI's protocols."""
        at = f"http://127.0.0.1:{self.port}"
        return (
            f'[upstreams.llama]\ndialect = "ollama"\nbase_url = "{at}"\nmodels = ["llama-*"]\n'
            f'[upstreams.chat]\nbase_url = "{at}/v1"\napis = ["chat"]\nmodels = ["chat-*"]\n'
        )

    def last(self):
        """The body that arrived last."""
        return self.seen[-1][1]

    def close(self):
        """Stops."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: Ollamas

    def do_POST(self):
        """Any of the protocols."""
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        self.upstream.seen.append((self.path, body))
        self.model = body["model"]
        self.kind = self.model.partition("-")[2]
        {"/api/chat": self._chat, "/api/generate": self._generate, "/api/embed": self._embed,
         "/api/embeddings": self._embedding, "/v1/chat/completions": self._completion}[self.path](body)
        self.close_connection = True

    def _chat(self, body):
        text = body["messages"][-1].get("content", "")
        lines = []
        if body.get("think"):
            lines += [{"message": {"role": "assistant", "content": "", "thinking": piece}} for piece in _pieces(text)]
        if self.kind == "tool":
            call = {"function": {"name": body["tools"][0]["function"]["name"], "arguments": self.upstream.arguments}}
            calls = [dict(call, id=f"call_{at}") for at in range(2)]
            lines += [{"message": {"role": "assistant", "content": "", "tool_calls": [call]}} for call in calls]
        else:
            said = self.upstream.says if self.kind == "says" else text
            lines += [{"message": {"role": "assistant", "content": piece}} for piece in _pieces(said)]
        self._answer(body, lines, {"message": {"role": "assistant", "content": ""}})

    def _generate(self, body):
        lines = [{"response": "", "thinking": piece} for piece in _pieces(body["prompt"])] if body.get("think") else []
        lines += [{"response": piece} for piece in _pieces(body["prompt"])]
        self._answer(body, lines, {"response": "", "context": [101, 7592, 102]})

    def _answer(self, body, lines, last):
        head = {"model": self.model, "created_at": "2026-01-02T03:04:05.123456789Z"}
        end = {
            "done": True, "done_reason": "stop", "total_duration": 4935886791, "load_duration": 534986708,
            "prompt_eval_count": 26, "prompt_eval_duration": 107345000, "eval_count": 237, "eval_duration": 4289432000,
        }
        if not body.get("stream", True):
            return self._json(head | _joined(lines, last) | end)
        self.send_response(200)
        self.send_header("content-type", "application/x-ndjson")
        self.send_header("connection", "close")
        self.end_headers()
        for line in lines:
            self._line(head | line | {"done": False})
        if self.kind == "error":
            return self._line({"error": f"llama runner ended: {self.upstream.says}"})
        if self.kind != "cut":
            self._line(head | last | end)

    def _embed(self, body):
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        self._json({
            "model": self.model, "embeddings": [[0.010071029, -0.0017594862, 0.05007221] for _ in texts],
            "total_duration": 14143917, "load_duration": 1019500, "prompt_eval_count": 8,
        })

    def _embedding(self, _body):
        self._json({"embedding": [0.56, 0.009, -0.42]})

    def _completion(self, body):
        """OpenAI's chat: a call of each tool, or the last text."""
        text = body["messages"][-1]["content"]
        text = text if isinstance(text, str) else "".join(part.get("text", "") for part in text)
        message = {"role": "assistant", "content": text, "reasoning_content": "hm"}
        if self.kind == "tool":
            function = {"name": body["tools"][0]["function"]["name"], "arguments": json.dumps(self.upstream.arguments)}
            message = {"role": "assistant", "content": None,
                       "tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]}
        finish = "tool_calls" if self.kind == "tool" else "stop"
        usage = {"prompt_tokens": 26, "completion_tokens": 237, "total_tokens": 263}
        head = {"id": "chatcmpl-1", "created": 1, "model": self.model}
        if not body.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": finish}
            return self._json(head | {"object": "chat.completion", "choices": [choice], "usage": usage})
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        deltas = [{"tool_calls": message["tool_calls"]}] if self.kind == "tool" else [
            {"reasoning_content": "hm"}, *({"content": piece} for piece in _pieces(text))]
        for delta in deltas:
            self._event(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        self._event(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        self._event(head | {"choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def _json(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _line(self, value):
        self.wfile.write(json.dumps(value).encode() + b"\n")
        self.wfile.flush()

    def _event(self, value):
        self.wfile.write(b"data: " + json.dumps(value).encode() + b"\n\n")
        self.wfile.flush()

    def log_message(self, *_):
        """Quiet."""


def _pieces(text):
    """Three characters at a time: every value is cut."""
    return [text[at:at + 3] for at in range(0, len(text), 3)]


def _joined(lines, last):
    """The answer in one piece."""
    if "response" in last:
        whole = last | {"response": "".join(line["response"] for line in lines)}
        thinking = "".join(line.get("thinking", "") for line in lines)
        return whole | ({"thinking": thinking} if thinking else {})
    messages = [line["message"] for line in lines]
    whole = {"role": "assistant", "content": "".join(message["content"] for message in messages)}
    thinking = "".join(message.get("thinking", "") for message in messages)
    calls = [call for message in messages for call in message.get("tool_calls", [])]
    return {"message": whole | ({"thinking": thinking} if thinking else {}) | ({"tool_calls": calls} if calls else {})}
