"""Starts the real binary and looks at what it recorded. Shared by the tests in this folder.

The binary is named by STOCKADE_BIN; everything else is temporary: data directory, root key, ports.
"""

import json
import os
import pathlib
import re
import secrets
import string
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

BINARY = os.environ.get("STOCKADE_BIN", "")
READY_WITHIN = 60.0  # seconds; a debug build on a busy machine


class Server:
    """One `stockade up` with its own data directory."""

    def __init__(self, config="", environment=None, **popen):
        if not BINARY:
            raise unittest.SkipTest("STOCKADE_BIN does not name the binary")
        self._folder = tempfile.TemporaryDirectory(prefix="stockade-test-", ignore_cleanup_errors=True)
        top = pathlib.Path(self._folder.name)
        self.data = top / "data"
        self.config = top / "stockade.toml"
        self.config.write_text(config)
        self.log = top / "server.log"
        keep = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR")}
        self.environment = keep | {
            "STOCKADE_HOME": str(self.data),
            "STOCKADE_ROOT_KEY_FILE": str(top / "key" / "root.key"),
        } | (environment or {})
        (top / "key").mkdir(mode=0o700)
        self._start(popen)

    def _start(self, popen):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [
                    BINARY, "up", "--data", self.data, "--config", self.config, "--no-env-upstreams",
                    "--gateway", "127.0.0.1:0", "--console", "127.0.0.1:0", "--metrics", "127.0.0.1:0",
                ],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, **popen,
            )
        addresses = self._await_ready()
        self.host, _, port = addresses["gateway"].rpartition(":")
        self.port = int(port)
        self.metrics = addresses["metrics"]
        self.base_url = f"http://{addresses['gateway']}/v1"
        self.key = (self.data / "playground.key").read_text().strip()

    def _await_ready(self):
        deadline = time.monotonic() + READY_WITHIN
        path = self.data / "run" / "addresses.json"
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"stockade up ended with {self.process.returncode}:\n{self.output()}")
            try:
                addresses = json.loads(path.read_text())
                with urllib.request.urlopen(f"http://{addresses['metrics']}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return addresses
            except (OSError, ValueError, urllib.error.URLError):
                pass
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"stockade up was not ready in {READY_WITHIN:.0f} s:\n{self.output()}")

    def output(self):
        """What the server printed."""
        return self.log.read_text(errors="replace")

    def command(self, *arguments, timeout=60):
        """Runs another verb of the binary against this server."""
        return subprocess.run(
            [BINARY, *arguments], env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=timeout, check=False,
        )

    def events(self):
        """Every audit event so far, as `stockade audit export` prints them, one JSON object a line."""
        done = self.command("audit", "export")
        if done.returncode != 0:
            raise RuntimeError(f"stockade audit export ended with {done.returncode}: {done.stderr}")
        return [event for line in done.stdout.splitlines() if line.startswith("{") for event in _events(json.loads(line))]

    def outcome(self, request, within=10.0):
        """The outcome that was recorded for a request id; waits for it."""
        return self.await_event(lambda e: e.get("type") == "outcome" and e.get("request") == request, within,
                                f"an outcome of {request}")

    def await_event(self, wanted, within=10.0, what="the event"):
        """The first audit event for which `wanted` is true; waits for it."""
        deadline = time.monotonic() + within
        while True:
            for event in self.events():
                if wanted(event):
                    return event
            if time.monotonic() > deadline:
                raise AssertionError(f"the ledger has not got {what} after {within:.0f} s")
            time.sleep(0.1)

    def memory(self):
        """(resident now, resident at most) in MiB."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        def field(name):
            return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M).group(1)) / 1024
        return field("VmRSS"), field("VmHWM")

    def alive(self):
        """Whether the process still runs."""
        return self.process.poll() is None

    def stop(self):
        """Ends the server as an operator would, and harder if it does not listen."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill_and_start(self):
        """Kills the server without a word, and starts it again on other ports."""
        self.process.kill()
        self.process.wait()
        (self.data / "run" / "addresses.json").unlink(missing_ok=True)
        self._start({})

    def close(self):
        """Ends the server and removes its files."""
        self.stop()
        self._folder.cleanup()


def _events(line):
    """The audit event in a line of output, inside its envelope or bare."""
    if isinstance(line, dict):
        if line.get("type") in ("intent", "outcome", "interrupted", "rejections", "admin"):
            yield line
        else:
            for value in line.values():
                yield from _events(value)


def planted_aws_key():
    """An access key id that nobody owns, made anew so that no scanner finds one in this repository."""
    return "AKIA" + "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16))


def planted_email():
    """A person's address that no rule can know."""
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(9)) + "@northwind-traders.co.uk"
