"""Other scanners on a labelled corpus: peers.py CORPUS CACHE NAME[,NAME...]

Installs the named scanners from PyPI into environments below CACHE, runs each once per file, and prints how many files
of each label it blocks. A file counts as blocked when the scanner says so by its exit status or, for modelaudit, by a
critical issue; anything else that is not a clean exit counts as "not clean".
"""

import json
import os
import subprocess
import sys
import time

PEERS = {
    "picklescan": (["picklescan==1.0.5"], ["picklescan", "--path"]),
    "modelscan": (["modelscan==0.8.8"], ["modelscan", "--path"]),
    "fickling": (["fickling==0.1.12", "typing_extensions"], ["fickling", "--check-safety"]),
    "modelaudit": (["modelaudit==0.2.54"], ["modelaudit", "scan", "--format", "json"]),
}
# Nothing leaves the machine.
QUIET = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "NO_ANALYTICS": "1", "DO_NOT_TRACK": "1"}


def install(cache, name):
    home = os.path.join(cache, name)
    if not os.path.exists(os.path.join(home, "ready")):
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([os.path.join(home, "bin", "pip"), "install", "-q", *PEERS[name][0]], check=True)
        open(os.path.join(home, "ready"), "w").close()
    return os.path.join(home, "bin")


def main():
    corpus, cache, names = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
    labels = json.load(open(os.path.join(corpus, "labels.json")))
    print(f"{'scanner':<12} {'label':<10} {'files':>6} {'blocked':>8} {'not clean':>10} {'seconds':>8}")
    for name in names:
        bin_ = install(cache, name)
        command = PEERS[name][1]
        rows = {}
        for path, label in labels.items():
            began = time.monotonic()
            try:
                done = subprocess.run([os.path.join(bin_, command[0]), *command[1:], os.path.join(corpus, path)],
                                      capture_output=True, timeout=120, env={**os.environ, **QUIET})
                code, said = done.returncode, done.stdout
            except subprocess.TimeoutExpired:
                code, said = 124, b""
            row = rows.setdefault(label, [0, 0, 0, 0.0])
            row[0] += 1
            row[1] += b'"critical"' in said.lower() if name == "modelaudit" else code == 1
            row[2] += code != 0
            row[3] += time.monotonic() - began
        for label, (files, blocked, dirty, seconds) in sorted(rows.items()):
            print(f"{name:<12} {label:<10} {files:>6} {blocked:>8} {dirty:>10} {seconds:>8.1f}")


if __name__ == "__main__":
    main()
