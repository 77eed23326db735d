"""An upstream model whose answers the tests decide, good or hostile. The model's name says which.

    mock-echo        says what the last user message said, as this side saw it
    mock-says        says `Upstream.says`
    mock-call        calls the tool `demo_mail` with the last word of what the last user message said, and what `Upstream.says` says
    mock-prompt      says what its system prompt said, as this side saw it
    mock-malformed   a stream whose second event is not JSON
    mock-line        one line of a stream that never ends
    mock-events      a stream of well-formed events that never ends
    mock-stall       one delta, then silence
    mock-mute        takes the request and never answers
    mock-gzip        a gzipped body that nobody asked for
    mock-bomb        a gzipped body that unpacks to 256 MiB
    mock-close       closes in the middle of an event
    mock-big         one event of 10 MB
    mock-drip        a tool call whose arguments take 12 seconds
    mock-error       status 500 and a body that repeats a secret
    mock-html        status 200 and a body that is not JSON
"""

import gzip
import http.server
import json
import threading
import time


class Upstream:
    """A server on a port of its own, answering on threads."""

    def __init__(self):
        self.says = "nothing"
        self.seen = []  # bodies as they arrived
        self.traces = []  # their `traceparent`
        self.left = []  # times at which the other side had gone, for streams without end
        self.release = threading.Event()
        outer = self

        class Handler(_Handler):
            upstream = outer

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def toml(self, name="mock", models="mock-*"):
        """The lines of stockade.toml that name this upstream."""
        return f'[upstreams.{name}]\nbase_url = "http://127.0.0.1:{self.port}/v1"\nmodels = ["{models}"]\n'

    def close(self):
        """Lets go of every waiting answer and stops."""
        self.release.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: Upstream

    def do_POST(self):
        """One chat completion."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.upstream.seen.append(body.decode())
        self.upstream.traces.append(self.headers.get("traceparent"))
        request = json.loads(body)
        mode = request["model"].removeprefix("mock-")
        self.stream = bool(request.get("stream"))
        try:
            getattr(self, f"_{mode.replace('-', '_')}", self._says)(request)
        except OSError:
            self.upstream.left.append(time.monotonic())
        self.close_connection = True

    # --- answers that are in order ---

    def _echo(self, request):
        self._text(_last_user_text(request))

    def _call(self, request):
        arguments = json.dumps({"to": _last_user_text(request).split()[-1], "note": self.upstream.says})
        if not self.stream:
            answer = _completion("")
            call = {"id": "call_1", "type": "function", "function": {"name": "demo_mail", "arguments": arguments}}
            answer["choices"][0]["message"].update(content=None, tool_calls=[call])
            answer["choices"][0]["finish_reason"] = "tool_calls"
            self._json(answer)
            return
        self._open()
        for name in ("demo_", "mail"):
            call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": ""}}
            self._event(_delta({"tool_calls": [call]}))
        for start in range(0, len(arguments), 5):
            self._event(_delta({"tool_calls": [{"index": 0, "function": {"arguments": arguments[start:start + 5]}}]}))
        self._event(_delta({}, finish="tool_calls"))
        self._raw(b"data: [DONE]\n\n")

    def _prompt(self, request):
        self._text("My orders: " + "".join(m["content"] for m in request["messages"] if m["role"] == "system") + " Done.")

    def _says(self, _request):
        self._text(self.upstream.says)

    def _text(self, text):
        if not self.stream:
            self._json(_completion(text))
            return
        self._open()
        for start in range(0, len(text), 3):  # pieces that cut every value in two
            self._event(_delta({"content": text[start:start + 3]}))
        self._event(_delta({}, finish="stop"))
        self._raw(b"data: [DONE]\n\n")

    # --- answers that are not ---

    def _malformed(self, _request):
        self._open()
        self._event(_delta({"content": "so far "}))
        self._raw(b'data: {"id": "x", "choices": [{"delta": {"content": "cut off\n\n')
        self._raw(b"data: [DONE]\n\n")

    def _line(self, _request):
        self._open()
        self._raw(b'data: {"id": "')
        while not self.upstream.release.is_set():
            self._raw(b"x" * 65536)

    def _events(self, _request):
        self._open()
        while not self.upstream.release.is_set():
            self._event(_delta({"content": "and on "}))
            time.sleep(0.002)

    def _stall(self, _request):
        self._open()
        self._event(_delta({"content": "wait "}))
        self._wait_until_left()

    def _mute(self, _request):
        self._wait_until_left()

    def _gzip(self, _request):
        self._compressed(gzip.compress(json.dumps(_completion("unpacked")).encode()))

    def _bomb(self, _request):
        self._compressed(gzip.compress(bytes(256 * 1024 * 1024), 9))

    def _compressed(self, body):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _close(self, _request):
        self._open()
        self._event(_delta({"content": "half "}))
        self._raw(b'data: {"id": "x", "object": "chat.completion.chunk", "choi')
        self.wfile.flush()

    def _big(self, _request):
        self._open()
        self._event(_delta({"content": "y" * 10_000_000}))
        self._event(_delta({}, finish="stop"))
        self._raw(b"data: [DONE]\n\n")

    def _drip(self, request):
        self._open()
        name = request["tools"][0]["function"]["name"]
        head = {"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": ""}}
        self._event(_delta({"tool_calls": [head]}))
        for piece in ['{"to": "'] + ["x"] * 24 + ['"}']:
            self._event(_delta({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}))
            time.sleep(12 / 26)
        self._event(_delta({}, finish="tool_calls"))
        self._raw(b"data: [DONE]\n\n")

    def _error(self, _request):
        self._json({"error": {"message": f"upstream says {self.upstream.says}", "type": "server_error"}}, 500)

    def _html(self, _request):
        self._json("<html>It works!</html>")

    # --- on the wire ---

    def _json(self, value, status=200):
        body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _open(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")  # the end of the body is the end of the connection
        self.end_headers()

    def _event(self, value):
        self._raw(b"data: " + json.dumps(value).encode() + b"\n\n")

    def _raw(self, data):
        self.wfile.write(data)
        self.wfile.flush()

    def _wait_until_left(self):
        self.connection.settimeout(0.05)
        while not self.upstream.release.is_set():
            try:
                if self.connection.recv(1) == b"":
                    raise ConnectionResetError
            except TimeoutError:
                continue

    def log_message(self, *_):
        """Quiet."""


def _last_user_text(request):
    for message in reversed(request["messages"]):
        if message["role"] == "user":
            content = message["content"]
            return content if isinstance(content, str) else "".join(p.get("text", "") for p in content)
    return ""


def _completion(text):
    return {
        "id": "chatcmpl-mock", "object": "chat.completion", "created": 1700000000, "model": "mock",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
    }


def _delta(delta, finish=None):
    return {
        "id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": 1700000000, "model": "mock",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
