"""An upstream that speaks Anthropic's messages and OpenAI's responses, completions and embeddings.

The model's name says what it does:

    says     says `Dialects.says`
    echo     says what the last user message said, as this side saw it
    prompt   says what its system prompt said, as this side saw it
    tool     calls the first tool it was offered with `Dialects.arguments`
    think    thinks aloud, sealed, and then says `Dialects.says`
    broken   breaks off in the middle of a stream

Texts come in pieces of three characters, which cut every value in two.
"""

import http.server
import json
import threading

SEAL = "c2VhbGVkIGJ5IHRoZSBwcm92aWRlciwgYXQgc29tZSBsZW5ndGghIGFuZCBhIGJpdCBtb3Jl"


class Dialects:
    """A server on a port of its own."""

    def __init__(self):
        self.says = "nothing"
        self.arguments = {}
        self.refuses = None  # (status, headers, body): the answer to everything while it is set
        self.seen = []  # (path, headers, body) as they arrived
        outer = self

        class Handler(_Handler):
            upstream = outer

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def toml(self):
        """The lines of stockade.toml that name this upstream, once for each of its dialects."""
        at = f"http://127.0.0.1:{self.port}"
        return (
            f'[upstreams.anthropic]\ndialect = "anthropic"\nbase_url = "{at}"\nmodels = ["claude-*"]\n'
            f'api_key = "env:TEST_UPSTREAM_KEY"\n'
            f'[upstreams.openai]\nbase_url = "{at}/v1"\nmodels = ["gpt-*"]\n'
            f'[upstreams.azure]\ndialect = "azure"\nbase_url = "{at}/openai/v1"\nmodels = ["dep-*"]\n'
            f'api_key = "env:TEST_UPSTREAM_KEY"\n'
        )

    def close(self):
        """Stops."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: Dialects

    def do_POST(self):
        """One request, answered in the dialect of its path."""
        request = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        self.upstream.seen.append((self.path, dict(self.headers), json.dumps(request, ensure_ascii=False)))
        if self.upstream.refuses:
            status, fields, body = self.upstream.refuses
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json", "content-length": str(len(data)), **fields}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)
            self.close_connection = True
            return
        self.mode = request["model"].split("-", 1)[1]
        path = self.path.removeprefix("/openai").removeprefix("/v1")
        answer = {
            "/messages": self._messages, "/messages/count_tokens": self._count, "/responses": self._responses,
            "/embeddings": self._embeddings, "/completions": self._completions, "/chat/completions": self._chat,
        }[path]
        answer(request)
        self.close_connection = True

    # --- Anthropic ---

    def _messages(self, request):
        blocks = []
        if self.mode == "think":
            blocks.append({"type": "thinking", "thinking": "Let me think of it.", "signature": SEAL})
        if self.mode == "tool":
            name = request["tools"][0]["name"]
            blocks.append({"type": "tool_use", "id": "toolu_01", "name": name, "input": self.upstream.arguments})
        else:
            blocks.append({"type": "text", "text": self._text(request)})
        stop = "tool_use" if self.mode == "tool" else "end_turn"
        message = {
            "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-mock", "content": blocks,
            "stop_reason": stop, "stop_sequence": None, "usage": {"input_tokens": 11, "output_tokens": 7},
        }
        if not request.get("stream"):
            return self._json(message)
        self._open()
        head = message | {"content": [], "stop_reason": None, "usage": {"input_tokens": 11, "output_tokens": 1}}
        self._typed({"type": "message_start", "message": head})
        self._typed({"type": "ping"})
        for index, block in enumerate(blocks):
            self._block(index, block)
            if self.mode == "broken":
                return None
        delta = {"stop_reason": stop, "stop_sequence": None}
        self._typed({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}})
        return self._typed({"type": "message_stop"})

    def _block(self, index, block):
        kind = block["type"]
        begun = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}}}[kind]
        self._typed({"type": "content_block_start", "index": index, "content_block": block | begun})

        def delta(value):
            self._typed({"type": "content_block_delta", "index": index, "delta": value})

        if kind == "text":
            for piece in _pieces(block["text"]):
                delta({"type": "text_delta", "text": piece})
        elif kind == "thinking":
            for piece in _pieces(block["thinking"]):
                delta({"type": "thinking_delta", "thinking": piece})
            delta({"type": "signature_delta", "signature": block["signature"]})
        else:
            for piece in _pieces(json.dumps(block["input"])):
                delta({"type": "input_json_delta", "partial_json": piece})
        if self.mode != "broken":
            self._typed({"type": "content_block_stop", "index": index})

    def _count(self, request):
        self._json({"input_tokens": len(json.dumps(request)) // 4})

    # --- OpenAI ---

    def _responses(self, request):
        output = []
        if self.mode == "tool":
            output.append({
                "id": "fc_01", "type": "function_call", "status": "completed", "call_id": "call_01",
                "name": request["tools"][0]["name"], "arguments": json.dumps(self.upstream.arguments),
            })
        else:
            part = {"type": "output_text", "text": self._text(request), "annotations": [], "logprobs": []}
            output.append({"id": "msg_01", "type": "message", "status": "completed", "role": "assistant", "content": [part]})
        usage = {
            "input_tokens": 11, "output_tokens": 7, "total_tokens": 18,
            "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0},
        }
        response = {
            "id": "resp_01", "object": "response", "created_at": 1700000000, "status": "completed", "model": "gpt-mock",
            "output": output, "error": None, "incomplete_details": None, "instructions": request.get("instructions"),
            "metadata": {}, "parallel_tool_calls": True, "tool_choice": "auto", "tools": request.get("tools", []),
            "temperature": 1.0, "top_p": 1.0, "usage": usage,
        }
        if not request.get("stream"):
            return self._json(response)
        self._open()
        self.number = 0
        begun = response | {"status": "in_progress", "output": [], "usage": None}
        self._numbered({"type": "response.created", "response": begun})
        self._numbered({"type": "response.in_progress", "response": begun})
        for index, item in enumerate(output):
            self._item(index, item)
        return self._numbered({"type": "response.completed", "response": response})

    def _item(self, index, item):
        at = {"output_index": index, "item_id": item["id"]}
        if item["type"] == "function_call":
            self._numbered({"type": "response.output_item.added", "output_index": index, "item": item | {"arguments": "", "status": "in_progress"}})
            for piece in _pieces(item["arguments"]):
                self._numbered({"type": "response.function_call_arguments.delta", "delta": piece} | at)
            self._numbered({"type": "response.function_call_arguments.done", "arguments": item["arguments"], "name": item["name"]} | at)
        else:
            part = item["content"][0]
            at |= {"content_index": 0}
            self._numbered({"type": "response.output_item.added", "output_index": index, "item": item | {"content": [], "status": "in_progress"}})
            self._numbered({"type": "response.content_part.added", "part": part | {"text": ""}} | at)
            for piece in _pieces(part["text"]):
                self._numbered({"type": "response.output_text.delta", "delta": piece, "logprobs": []} | at)
            self._numbered({"type": "response.output_text.done", "text": part["text"], "logprobs": []} | at)
            self._numbered({"type": "response.content_part.done", "part": part} | at)
        self._numbered({"type": "response.output_item.done", "output_index": index, "item": item})

    def _numbered(self, event):
        self._typed(event | {"sequence_number": self.number})
        self.number += 1

    def _chat(self, request):
        message = {"role": "assistant", "content": self._text(request)}
        self._json({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": "gpt-mock",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        })

    def _completions(self, request):
        def answer(text, finish):
            choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
            return {"id": "cmpl-1", "object": "text_completion", "created": 1700000000, "model": "gpt-mock", "choices": [choice]}

        text = self._text(request)
        if not request.get("stream"):
            return self._json(answer(text, "stop"))
        self._open()
        for piece in _pieces(text):
            self._raw(f"data: {json.dumps(answer(piece, None))}\n\n")
        self._raw(f"data: {json.dumps(answer('', 'stop'))}\n\n")
        return self._raw("data: [DONE]\n\n")

    def _embeddings(self, request):
        texts = request["input"] if isinstance(request["input"], list) else [request["input"]]
        data = [{"object": "embedding", "index": i, "embedding": [0.5, -0.25, len(t) / 1000]} for i, t in enumerate(texts)]
        self._json({"object": "list", "model": "gpt-mock", "data": data, "usage": {"prompt_tokens": 3, "total_tokens": 3}})

    # --- what is said ---

    def _text(self, request):
        if self.mode == "echo":
            return _last_user_text(request)
        if self.mode == "prompt":
            system = request.get("system", request.get("instructions", ""))
            return system if isinstance(system, str) else "".join(block["text"] for block in system)
        return self.upstream.says

    # --- on the wire ---

    def _json(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _open(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("connection", "close")
        self.end_headers()

    def _typed(self, event):
        self._raw(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n")

    def _raw(self, text):
        self.wfile.write(text.encode())
        self.wfile.flush()

    def log_message(self, *_):
        """Quiet."""


def _pieces(text):
    return [text[start:start + 3] for start in range(0, len(text), 3)]


def _last_user_text(request):
    if isinstance(request.get("prompt"), str):
        return request["prompt"]
    turns = request.get("messages", request.get("input", []))
    if isinstance(turns, str):
        return turns
    for turn in reversed(turns):
        if turn.get("role") == "user":
            content = turn["content"]
            return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    return ""
