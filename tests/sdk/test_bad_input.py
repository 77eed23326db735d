"""Hostile and broken input, from clients and from upstreams, against a running `stockade up`.

Each must end in a clear error with a documented code, within bounded memory, and leave a record.
"""

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

import stockade
import upstream

MEBIBYTE = 1024 * 1024
MEMORY = 256  # MiB resident at most, whatever comes in; a body may be 32 MiB, an event 8 MiB


def setUpModule():
    global SERVER, MOCK
    MOCK = upstream.Upstream()
    SERVER = stockade.Server(config=MOCK.toml() + '[upstreams.gone]\nbase_url = "http://127.0.0.1:9/v1"\nmodels = ["gone-*"]\n')


def tearDownModule():
    try:
        now, most = SERVER.memory()
        print(f"server memory: {now:.0f} MiB at the end, {most:.0f} MiB at most")
    finally:
        SERVER.close()
        MOCK.close()


class Answer:
    """An HTTP/1.1 answer as it came over the socket."""

    def __init__(self, raw, reset):
        self.raw, self.reset = raw, reset
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1]) if lines[0].startswith("HTTP/") else 0
        self.headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        if self.headers.get("transfer-encoding") == "chunked":
            self.body = _unchunk(self.body)

    @property
    def error(self):
        return json.loads(self.body)["error"]


def send(pieces, timeout=30.0, until=None):
    """Sends raw bytes, answers what came back; `until` stops reading once those bytes were seen."""
    raw, reset, deadline = bytearray(), False, time.monotonic() + 60
    with socket.create_connection((SERVER.host, SERVER.port), timeout=timeout) as connection:
        try:
            for piece in [pieces] if isinstance(pieces, bytes) else pieces:
                connection.sendall(piece)
        except OSError:
            reset = True  # the server answered early and closed; what it said may still be readable
        try:
            while got := connection.recv(65536):
                raw += got
                if until and until in raw:
                    break
                if len(raw) > 64 * MEBIBYTE or time.monotonic() > deadline:
                    raise AssertionError(f"the answer does not end: {len(raw)} bytes so far")
        except OSError:
            reset = True
    return Answer(bytes(raw), reset)


def head(length=None, *, path="/v1/chat/completions", method="POST", key=None, extra=(), kind="application/json"):
    lines = [f"{method} {path} HTTP/1.1", f"host: {SERVER.host}:{SERVER.port}", "connection: close"]
    lines += [f"authorization: Bearer {SERVER.key if key is None else key}"]
    lines += [f"content-type: {kind}"] if kind else []
    lines += [f"content-length: {length}"] if length is not None else []
    return "\r\n".join([*lines, *extra, "", ""]).encode()


def post(body, **options):
    timeout, until = options.pop("timeout", 30.0), options.pop("until", None)
    return send(head(len(body), **options) + body, timeout, until)


def chat(model, stream=False, text="hello", **more):
    return json.dumps({"model": model, "stream": stream, "messages": [{"role": "user", "content": text}], **more}).encode()


class BadRequests(unittest.TestCase):
    def refused(self, answer, status, code, recorded=True):
        self.assertEqual(answer.status, status, answer.raw[:400])
        self.assertEqual(answer.error["code"], code)
        self.assertRegex(answer.headers.get("x-request-id", ""), r"^req_[0-9a-z]{26}$")
        if status not in (429, 502, 503, 504):
            self.assertEqual(answer.headers.get("x-should-retry"), "false")
        if recorded:
            outcome = SERVER.outcome(answer.headers["x-request-id"])
            self.assertEqual((outcome["code"], outcome["status"]), (code, status))
        self.assertTrue(SERVER.alive())
        self.assertLess(SERVER.memory()[1], MEMORY)

    def test_truncated_json(self):
        whole = chat("sandbox")
        for body in [b"", whole[:1], whole[:-1], whole[:len(whole) // 2], b"nul", b'"\\u12']:
            self.refused(post(body), 400, "invalid_json")

    def test_numbers_that_no_reader_holds(self):
        for number in [b"1e999", b"-1e400", b"1" * 500]:
            body = chat("sandbox", extra=0).replace(b'"extra": 0', b'"extra": ' + number)
            self.refused(post(body), 400, "invalid_json")

    def test_codings_of_the_body(self):
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(chat("sandbox")), chat("sandbox"))
        answer = send(head(extra=["transfer-encoding: gzip, chunked"]) + body)
        self.refused(answer, 501, "transfer_coding", recorded=False)
        self.assertEqual(send(head(extra=["transfer-encoding: chunked"]) + body).status, 200)

    def test_two_values(self):
        self.refused(post(chat("sandbox") + b"{}"), 400, "invalid_json")

    def test_wrong_utf8(self):
        for bad in [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xc0\xaf"]:
            self.refused(post(chat("sandbox").replace(b"hello", b"he" + bad + b"llo")), 400, "invalid_utf8")

    def test_duplicate_keys(self):
        body = b'{"model":"sandbox-observe","model":"sandbox","messages":[{"role":"user","content":"x"}]}'
        self.refused(post(body), 400, "duplicate_key")
        deep = b'{"model":"sandbox","messages":[{"role":"user","content":"x","con\\u0074ent":"y"}]}'
        self.refused(post(deep), 400, "duplicate_key")

    def test_a_thousand_levels(self):
        for opening, closing in [(b"[", b"]"), (b'{"a":', b"}")]:
            deep = opening * 1000 + b"1" + closing * 1000
            self.refused(post(chat("sandbox")[:-1] + b',"x":' + deep + b"}"), 400, "json_too_deep")

    def test_a_body_of_200_megabytes_with_its_length(self):
        self.refused(send([head(200 * MEBIBYTE)]), 413, "body_too_large")

    def test_a_body_of_200_megabytes_without_its_length(self):
        def pieces():
            yield head(extra=["transfer-encoding: chunked"])
            piece = b"%x\r\n" % MEBIBYTE + b" " * MEBIBYTE + b"\r\n"
            for _ in range(200):
                yield piece

        answer = send(pieces(), timeout=60)
        if answer.status == 0 and answer.reset:
            self.assertTrue(SERVER.alive())  # cut while we still sent: our own stack dropped the answer
            self.assertLess(SERVER.memory()[1], MEMORY)
        else:
            self.refused(answer, 413, "body_too_large")

    def test_ten_thousand_headers(self):
        self.header_block_refused([f"x-filler-{n}: {n}" for n in range(10_000)])

    def test_a_header_of_a_megabyte(self):
        self.header_block_refused(["x-filler: " + "y" * MEBIBYTE])

    def header_block_refused(self, extra):
        """No request begins, so there is no record of one; the refusal is counted."""
        answer = send(head(2, extra=extra) + b"{}")
        self.assertEqual(answer.status, 431)
        self.assertEqual(answer.error["code"], "header_block_too_large")
        SERVER.await_event(
            lambda e: e["type"] == "rejections" and any(c["code"] == "header_block_too_large" for c in e["counts"]),
            what="the count of oversized header blocks",
        )
        self.assertLess(SERVER.memory()[1], MEMORY)

    def test_what_is_not_http(self):
        for garbage in [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/9.9\r\n\r\n", b"hello\r\n\r\n"]:
            answer = send(garbage)
            self.assertEqual(answer.status, 400)
            self.assertEqual(answer.error["code"], "malformed_http")

    def test_other_media_types(self):
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None]:
            self.refused(post(chat("sandbox"), kind=kind), 415, "unsupported_media_type")

    def test_an_encoded_body(self):
        for coding in ["gzip", "br", "zstd", "deflate", "gzip, gzip", "no-such"]:
            answer = post(b"\x1f\x8b\x08\x00 this is not it", extra=[f"content-encoding: {coding}"])
            self.refused(answer, 415, "encoded_body")

    def test_lengths_that_disagree(self):
        body = chat("sandbox")
        for extra in (["transfer-encoding: chunked"], [f"content-length: {len(body) + 5}"]):
            answer = send(head(len(body), extra=extra) + body, timeout=10)
            self.assertNotEqual(answer.status, 200, "two readings of one request are possible")

    def test_lines_that_are_not_http(self):
        for line in [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 1000, b"POST\r\n\r\n"]:
            send(line, timeout=2)
            self.assertTrue(SERVER.alive())

    def test_a_foreign_host(self):
        raw = head(2).replace(f"host: {SERVER.host}:{SERVER.port}".encode(), b"host: attacker.example")
        answer = send(raw + b"{}")
        self.assertEqual((answer.status, answer.error["code"]), (403, "foreign_host"))

    def test_requests_without_a_valid_key_are_counted_not_written_one_by_one(self):
        size = len(SERVER.events())
        for _ in range(200):
            answer = send(head(2, key="stk_nobody") + b"{}")
            self.assertEqual((answer.status, answer.error["code"]), (401, "invalid_api_key"))
        SERVER.await_event(
            lambda e: e["type"] == "rejections" and any(c["code"] == "invalid_api_key" for c in e["counts"]),
            what="the count of rejections",
        )
        self.assertLess(len(SERVER.events()) - size, 100)

    def test_who_is_not_known_uploads_nothing(self):
        answer = send([head(20 * MEBIBYTE, key="stk_nobody")])  # the body never comes, the answer must
        self.assertEqual(answer.status, 401)


class BadUpstreams(unittest.TestCase):
    """The upstream is the attacker, or just broken."""

    def ends(self, model, stream, *, statuses=(502,), reasons=("upstream_failed",), text=None, **options):
        answer = post(chat(model, stream), **options)
        self.assertIn(answer.status, statuses, answer.raw[:400])
        outcome = SERVER.outcome(answer.headers["x-request-id"], within=20)
        self.assertIn(outcome["end"], reasons)
        if text is not None:
            self.assertIn(text, answer.body)
        self.assertTrue(SERVER.alive())
        self.assertLess(SERVER.memory()[1], MEMORY)
        return answer

    def well_formed(self, answer):
        """Every event that came is whole and JSON; the stream's end is said, not just a closed connection."""
        events = [e for e in answer.body.decode().replace("\r\n", "\n").split("\n\n") if e]
        data = [line[5:].strip() for e in events for line in e.split("\n") if line.startswith("data:")]
        parsed = [json.loads(d) for d in data if d != "[DONE]"]
        last = parsed[-1]
        said = "error" in last or any(c.get("finish_reason") for c in last.get("choices", []))
        self.assertTrue(said, f"the stream stops without a word: {answer.body[-300:]}")

    def test_an_event_that_is_not_json(self):
        self.well_formed(self.ends("mock-malformed", True, statuses=(200, 502)))

    def test_a_line_without_end(self):
        answer = self.ends("mock-line", True, statuses=(200, 502))
        if answer.status == 200:
            self.well_formed(answer)

    def test_events_without_end_stop_when_the_client_leaves(self):
        before = len(MOCK.left)
        answer = post(chat("mock-events", True), until=b"and on and on"[:6])
        self.assertEqual(answer.status, 200)
        self.assertEqual(SERVER.outcome(answer.headers["x-request-id"])["end"], "client_aborted")
        deadline = time.monotonic() + 5
        while len(MOCK.left) == before and time.monotonic() < deadline:
            time.sleep(0.005)
        self.assertGreater(len(MOCK.left), before, "the upstream still sends")

    def test_a_close_in_the_middle_of_an_event(self):
        answer = self.ends("mock-close", True, statuses=(200, 502))
        self.well_formed(answer)
        self.assertNotIn(b'"choi\n', answer.body)

    def test_an_event_of_ten_megabytes(self):
        answer = self.ends("mock-big", True, statuses=(200, 502), reasons=("upstream_failed", "cut"))
        self.assertLess(len(answer.body), 9 * MEBIBYTE)

    def test_a_compressed_body_that_nobody_asked_for(self):
        answer = self.ends("mock-gzip", False, statuses=(200, 502), reasons=("completed", "upstream_failed"))
        self.assertNotIn(b"\x1f\x8b", answer.body)

    def test_a_compressed_body_that_unpacks_to_256_megabytes(self):
        self.ends("mock-bomb", False)

    def test_a_body_that_is_not_json(self):
        answer = self.ends("mock-html", False)
        self.assertNotIn(b"It works", answer.body)

    def test_an_error_with_a_secret_in_it(self):
        MOCK.says = stockade.planted_aws_key()
        for stream in (False, True):
            answer = self.ends("mock-error", stream)
            self.assertNotIn(MOCK.says.encode(), answer.raw)

    def test_an_upstream_that_is_not_there(self):
        answer = self.ends("gone-away", False)
        self.assertEqual(answer.error["code"], "upstream_failed")

    def test_silence_ends_when_the_client_leaves(self):
        answer = post(chat("mock-stall", True), until=b"wait")
        self.assertEqual(SERVER.outcome(answer.headers["x-request-id"])["end"], "client_aborted")


class Waiting(unittest.TestCase):
    """Nobody may keep a request open for ever, on either side."""

    @classmethod
    def setUpClass(cls):
        global SERVER
        limits = '[limits]\nbody_timeout = "1s"\nhead_timeout = "1s"\nidle_timeout = "1s"\n'
        cls.outer, SERVER = SERVER, stockade.Server(config=limits + MOCK.toml())

    @classmethod
    def tearDownClass(cls):
        global SERVER
        SERVER.close()
        SERVER = cls.outer

    def recorded(self, answer, code, **wanted):
        outcome = SERVER.outcome(answer.headers["x-request-id"])
        self.assertEqual(outcome["code"], code)
        for name, value in wanted.items():
            self.assertEqual(outcome[name], value)

    def test_an_upstream_that_never_answers(self):
        answer = post(chat("mock-mute"))
        self.assertEqual((answer.status, answer.error["code"]), (504, "upstream_timeout"))
        self.recorded(answer, "upstream_timeout", status=504, end="upstream_failed")

    def test_an_upstream_that_falls_silent(self):
        answer = post(chat("mock-stall", True))
        self.assertEqual(answer.status, 200)
        self.assertIn(b"wait", answer.body)
        BadUpstreams.well_formed(self, answer)
        self.recorded(answer, "upstream_timeout", end="upstream_failed")

    def test_an_answer_that_is_held_is_heard_of(self):
        tool = {"type": "function", "function": {"name": "demo_mail", "parameters": {"type": "object"}}}
        answer = post(chat("mock-drip", True, tools=[tool]))
        self.assertIn(b"\n: still here\n", b"\n" + answer.body)
        self.assertIn(b"x" * 3, answer.body.replace(b"\n", b""))
        BadUpstreams.well_formed(self, answer)

    def test_a_client_that_never_finishes_its_body(self):
        body = chat("sandbox")
        answer = send(head(len(body)) + body[:-5], timeout=10)
        self.assertEqual((answer.status, answer.error["code"]), (408, "request_timeout"))
        self.recorded(answer, "request_timeout", status=408)


class Strangers(unittest.TestCase):
    """Whoever has no key cannot keep out those who have one."""

    def healthy(self, server, context=None):
        begun = time.monotonic()
        with contextlib.closing(socket.create_connection((server.host, server.port), timeout=20)) as plain:
            sock = context.wrap_socket(plain, server_hostname="localhost") if context else plain
            request = f"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.key}\r\nConnection: close\r\n\r\n"
            sock.sendall(request.encode())
            raw = b"".join(iter(lambda: sock.recv(65536), b""))
        self.assertTrue(raw.startswith(b"HTTP/1.1 200"), raw[:200])
        self.assertLess(time.monotonic() - begun, 5)

    def hold(self, server, first):
        held = [socket.create_connection((server.host, server.port)) for _ in range(20)]
        for connection in held:
            self.addCleanup(connection.close)
            connection.sendall(first)
        time.sleep(0.5)

    def test_silent_and_slow_connections_make_room(self):
        server = stockade.Server(config="[limits]\nconnections = 20\n")
        self.addCleanup(server.close)
        for first in (b"", b"GET /v1/models HTTP/1.1\r\nx: ", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])):
            self.hold(server, first)
            self.healthy(server)

    def test_half_handshakes_make_room(self):
        folder = tempfile.TemporaryDirectory(prefix="stockade-tls-")
        self.addCleanup(folder.cleanup)
        key, certificate = (os.path.join(folder.name, name) for name in ("key.pem", "cert.pem"))
        words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        words += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate]
        if not shutil.which("openssl") or subprocess.run(words, capture_output=True).returncode:
            self.skipTest("openssl makes the certificate; it is not there: apt-get install openssl")
        config = f"[server]\ntls_certificate = {json.dumps(certificate)}\ntls_key = {json.dumps(key)}\n[limits]\nconnections = 20\n"
        server = stockade.Server(config=config)
        self.addCleanup(server.close)
        self.hold(server, bytes([22, 3, 1]))
        self.healthy(server, ssl.create_default_context(cafile=certificate))


class FullDisk(unittest.TestCase):
    """No room for the ledger: the gateway says so and answers nothing."""

    def test_no_answer_without_a_record(self):
        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MEBIBYTE, 2 * MEBIBYTE))

        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write past the limit fails with EFBIG instead
        try:
            server = stockade.Server(config=MOCK.toml(), preexec_fn=small_files, restore_signals=False)
        finally:
            signal.signal(signal.SIGXFSZ, before)
        self.addCleanup(server.close)
        global SERVER
        outer, SERVER = SERVER, server
        try:
            statuses = []
            for _ in range(4000):
                answer = post(chat("sandbox", text="say exactly: " + "filler " * 200))
                statuses.append(answer.status)
                if answer.status != 200:
                    break
            self.assertIn(200, statuses)
            self.assertEqual((answer.status, answer.error["code"]), (503, "ledger_unavailable"))
            self.assertEqual(post(chat("sandbox")).status, 503, "it does not come back by itself")
            self.assertTrue(server.alive())
        finally:
            SERVER = outer


def _unchunk(body):
    out = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        try:
            length = int(size.split(b";")[0], 16)
        except ValueError:
            break
        out, body = out + body[:length], body[length + 2:]
    return out


if __name__ == "__main__":
    unittest.main()
