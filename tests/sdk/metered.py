"""An upstream that makes as many tokens as it is asked for, and counts them. A token is four bytes of text.

The model's name says how:

    obeys    makes 40 tokens, or as many as the request's limit says, and tells its usage
    silent   the same, and tells no usage
    endless  makes tokens until nobody listens; as a whole answer 40, whatever the limit says
    slow     the same as obeys, a token every 20 ms
    fails    answers 500
    cached   tells that half of the prompt came from a cache
"""

import http.server
import json
import threading
import time

WORD = " tok"
LENGTH = 40
PROMPT = 10  # tokens that it says every prompt had


class Metered:
    """A server on a port of its own."""

    def __init__(self):
        self.seen = []  # bodies as they arrived
        self.at_once = 0
        self.most_at_once = 0
        self.lock = threading.Lock()
        outer = self

        class Handler(_Handler):
            upstream = outer

        class Many(http.server.ThreadingHTTPServer):
            request_queue_size = 256
            daemon_threads = True

        self._server = Many(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def toml(self):
        """The lines of stockade.toml that name this upstream, once for each of its dialects."""
        at = f"http://127.0.0.1:{self.port}"
        return (
            f'[upstreams.openai]\nbase_url = "{at}/v1"\nmodels = ["gpt-*"]\n'
            f'[upstreams.anthropic]\ndialect = "anthropic"\nbase_url = "{at}"\nmodels = ["claude-*"]\n'
            f'[upstreams.chat]\nbase_url = "{at}/v1"\napis = ["chat"]\nmodels = ["chat-*"]\n'
        )

    def close(self):
        """Stops."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: Metered

    def do_POST(self):
        """One request, answered in the dialect of its path."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        with self.upstream.lock:
            self.upstream.seen.append(json.loads(body))
            self.upstream.at_once += 1
            self.upstream.most_at_once = max(self.upstream.most_at_once, self.upstream.at_once)
        try:
            self._answer(json.loads(body))
        except OSError:
            pass
        finally:
            with self.upstream.lock:
                self.upstream.at_once -= 1
        self.close_connection = True

    def _answer(self, request):
        self.mode = request["model"].split("-", 1)[1]
        if self.mode == "fails":
            self.send_error(500)
            return
        limit = request.get("max_completion_tokens") or request.get("max_tokens") or request.get("max_output_tokens")
        self.count = min(limit or LENGTH, LENGTH) if self.mode != "endless" else LENGTH
        stopped = self.count == limit
        {
            "/v1/chat/completions": self._chat, "/v1/completions": self._completions, "/v1/messages": self._messages,
            "/v1/responses": self._responses, "/v1/embeddings": self._embeddings,
            "/v1/messages/count_tokens": self._count_tokens,
        }[self.path](request, stopped)

    def _words(self):
        made = 0
        while self.mode == "endless" or made < self.count:
            if self.mode == "slow":
                time.sleep(0.02)
            made += 1
            yield WORD

    def _usage(self, names=("prompt_tokens", "completion_tokens")):
        if self.mode == "silent":
            return None
        usage = {names[0]: PROMPT, names[1]: self.count, "total_tokens": PROMPT + self.count}
        if self.mode == "cached":
            usage["prompt_tokens_details"] = {"cached_tokens": PROMPT // 2}
        return usage

    def _chat(self, request, stopped):
        finish = "length" if stopped else "stop"
        head = {"id": "chatcmpl-1", "created": 1700000000, "model": request["model"]}
        if not request.get("stream"):
            if self.mode == "slow":
                time.sleep(1)
            message = {"role": "assistant", "content": WORD * self.count}
            choices = [{"index": i, "message": message, "finish_reason": finish} for i in range(request.get("n") or 1)]
            self._json(head | {"object": "chat.completion", "choices": choices, "usage": self._usage()})
            return
        self._open()

        def chunk(delta, finish=None):
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            self._raw(f'data: {json.dumps(head | {"object": "chat.completion.chunk", "choices": [choice]})}\n\n')

        for word in self._words():
            chunk({"content": word})
        chunk({}, finish)
        if request.get("stream_options", {}).get("include_usage") and self.mode != "silent":
            last = head | {"object": "chat.completion.chunk", "choices": [], "usage": self._usage()}
            self._raw(f"data: {json.dumps(last)}\n\n")
        self._raw("data: [DONE]\n\n")

    def _completions(self, request, stopped):
        def answer(text, finish):
            choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
            return {"id": "cmpl-1", "object": "text_completion", "created": 1700000000, "model": "gpt", "choices": [choice]}

        finish = "length" if stopped else "stop"
        if not request.get("stream"):
            self._json(answer(WORD * self.count, finish) | {"usage": self._usage()})
            return
        self._open()
        for word in self._words():
            self._raw(f"data: {json.dumps(answer(word, None))}\n\n")
        self._raw(f"data: {json.dumps(answer('', finish))}\n\n")
        self._raw("data: [DONE]\n\n")

    def _messages(self, request, stopped):
        usage = {"input_tokens": PROMPT, "output_tokens": self.count}
        if self.mode == "cached":
            usage = {"input_tokens": PROMPT - 6, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 1} | {
                "output_tokens": self.count}
        stop = "max_tokens" if stopped else "end_turn"
        message = {
            "id": "msg_01", "type": "message", "role": "assistant", "model": "claude", "stop_reason": stop,
            "stop_sequence": None, "content": [{"type": "text", "text": WORD * self.count}], "usage": usage,
        }
        if not request.get("stream"):
            self._json(message)
            return
        self._open()
        begun = {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}}
        self._typed({"type": "message_start", "message": message | begun})
        self._typed({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
        for word in self._words():
            self._typed({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}})
        self._typed({"type": "content_block_stop", "index": 0})
        delta = {"stop_reason": stop, "stop_sequence": None}
        self._typed({"type": "message_delta", "delta": delta, "usage": {"output_tokens": self.count}})
        self._typed({"type": "message_stop"})

    def _count_tokens(self, _request, _stopped):
        self._json({"input_tokens": PROMPT})

    def _responses(self, request, stopped):
        status = "incomplete" if stopped else "completed"
        text = WORD * self.count
        part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        item = {"id": "msg_01", "type": "message", "status": status, "role": "assistant", "content": [part]}
        response = {
            "id": "resp_01", "object": "response", "created_at": 1700000000, "status": status, "model": "gpt",
            "output": [item], "error": None, "metadata": {}, "parallel_tool_calls": True, "tool_choice": "auto",
            "incomplete_details": {"reason": "max_output_tokens"} if stopped else None, "instructions": None,
            "tools": [], "temperature": 1.0, "top_p": 1.0, "usage": self._usage(("input_tokens", "output_tokens")),
        }
        if not request.get("stream"):
            self._json(response)
            return
        self._open()
        self.number = 0
        begun = response | {"status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
        at = {"output_index": 0, "item_id": "msg_01", "content_index": 0}
        self._numbered({"type": "response.created", "response": begun})
        self._numbered({"type": "response.output_item.added", "output_index": 0, "item": item | {"content": [], "status": "in_progress"}})
        self._numbered({"type": "response.content_part.added", "part": part | {"text": ""}} | at)
        for word in self._words():
            self._numbered({"type": "response.output_text.delta", "delta": word, "logprobs": []} | at)
        self._numbered({"type": "response.output_text.done", "text": text, "logprobs": []} | at)
        self._numbered({"type": "response.content_part.done", "part": part} | at)
        self._numbered({"type": "response.output_item.done", "output_index": 0, "item": item})
        self._numbered({"type": f"response.{status}", "response": response})

    def _embeddings(self, _request, _stopped):
        data = [{"object": "embedding", "index": 0, "embedding": [0.5, -0.25]}]
        self._json({"object": "list", "model": "gpt", "data": data, "usage": {"prompt_tokens": PROMPT, "total_tokens": PROMPT}})

    # --- on the wire ---

    def _json(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _open(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()

    def _numbered(self, event):
        self._typed(event | {"sequence_number": self.number})
        self.number += 1

    def _typed(self, event):
        self._raw(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n")

    def _raw(self, text):
        self.wfile.write(text.encode())
        self.wfile.flush()

    def log_message(self, *_):
        """Quiet."""
