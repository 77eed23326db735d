"""A server of models that are not generative. It speaks the Open Inference Protocol, MLflow's `/invocations` and Azure ML's
`/score`; `Predictors.says` is what it answers, and without it the answer depends on the route."""

import http.server
import json
import threading


class Predictors:
    """A server on a port of its own, answering on threads."""

    def __init__(self):
        self.says = None
        self.seen = []  # (method, path, body, headers) as they arrived
        outer = self

        class Handler(_Handler):
            upstream = outer

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def toml(self, models="iris"):
        """The lines of stockade.toml that name this upstream."""
        return (f'[upstreams.predictors]\ndialect = "predict"\nbase_url = "http://127.0.0.1:{self.port}"\n'
                f'models = ["{models}"]\n')

    def last(self):
        """The body that arrived last."""
        return self.seen[-1][2]

    def close(self):
        """Stops."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: Predictors

    def do_GET(self):
        """What is known of a model."""
        self.upstream.seen.append(("GET", self.path, None, dict(self.headers)))
        self._json({"name": "iris", "versions": ["1"], "platform": "sklearn", "note": "ask bob@northwind-traders.co.uk",
                    "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}],
                    "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 3]}]})

    def do_POST(self):
        """A prediction."""
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        self.upstream.seen.append(("POST", self.path, body, dict(self.headers)))
        if self.upstream.says is not None:
            return self._json(self.upstream.says)
        if self.path.endswith("/infer"):
            shape = body["inputs"][0]["shape"]
            scores = [0.123456, 0.7654321, 0.1112229] * shape[0]
            return self._json({"model_name": "iris", "model_version": "1", "id": body.get("id", ""), "outputs": [
                {"name": "y", "datatype": "FP32", "shape": [shape[0], 3], "data": scores}]})
        if self.path == "/score":
            return self._json([[0.123456, 0.7654321, 0.1112229]])
        return self._json({"predictions": [[0.123456, 0.7654321, 0.1112229]]})

    def _json(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Quiet."""
