"""Other scanners on a labelled corpus: peers.py CORPUS CACHE NAME[,NAME...]

Installs the named scanners from PyPI into environments below CACHE, lets each read every file in one process of its own
by its Python interface, and prints how many files of each label it blocks, doubts (a warning, an error, a file that it
skips) or passes. A crash counts as doubt.
"""

import contextlib
import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
import warnings

PACKAGES = {
    "picklescan": ["picklescan==1.0.5"],
    "modelscan": ["modelscan==0.8.8"],
    "fickling": ["fickling==0.1.12", "typing_extensions"],
    "modelaudit": ["modelaudit==0.2.54"],
}
# Nothing leaves the machine.
QUIET = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "MODELAUDIT_DISABLE_TELEMETRY": "1", "NO_ANALYTICS": "1", "DO_NOT_TRACK": "1"}
# How long one file may take, in seconds.
PATIENCE = 30


def picklescan():
    from picklescan.scanner import scan_file_path

    def judge(path):
        result = scan_file_path(path)
        if result.infected_files or result.issues_count:
            return "blocked"
        doubted = result.scan_err or any(found.safety.name != "Innocuous" for found in result.globals)
        return "doubted" if doubted else "passed" if result.scanned_files else "skipped"

    return judge


def modelscan():
    from modelscan.modelscan import ModelScan

    scanner = ModelScan()

    def judge(path):
        result = scanner.scan(path)
        summary = result["summary"]
        if summary["total_issues"]:
            return "blocked"
        return "doubted" if result["errors"] else "skipped" if summary["skipped"]["total_skipped"] else "passed"

    return judge


def fickling():
    from fickling.analysis import check_safety
    from fickling.fickle import Pickled

    def judge(path):
        with open(path, "rb") as file:
            data = file.read()
        if data[:2] == b"PK":
            return "skipped"
        severity = check_safety(Pickled.load(data)).severity.name
        if severity in ("OVERTLY_MALICIOUS", "LIKELY_OVERTLY_MALICIOUS"):
            return "blocked"
        return "passed" if severity == "LIKELY_SAFE" else "doubted"

    return judge


def modelaudit():
    from modelaudit.core import scan_model_directory_or_file

    def judge(path):
        result = scan_model_directory_or_file(path)
        severities = {str(issue.severity).rsplit(".", 1)[-1].lower() for issue in result.issues}
        return "blocked" if "critical" in severities else "doubted" if "warning" in severities else "passed"

    return judge


def late(*_):
    raise TimeoutError


def work(name, corpus):
    """Judges every file; prints a map of paths as JSON."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    judge = {"picklescan": picklescan, "modelscan": modelscan, "fickling": fickling, "modelaudit": modelaudit}[name]()
    signal.signal(signal.SIGALRM, late)
    said = {}
    for path in json.load(open(os.path.join(corpus, "labels.json"))):
        signal.alarm(PATIENCE)
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                said[path] = judge(os.path.join(corpus, path))
        except Exception:  # whatever a scanner raises on a hostile file
            said[path] = "doubted"
        signal.alarm(0)
    json.dump({"said": said, "seconds": time.process_time()}, sys.stdout)


def install(cache, name):
    home = os.path.join(cache, name)
    if not os.path.exists(os.path.join(home, "ready")):
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([os.path.join(home, "bin", "pip"), "install", "-q", *PACKAGES[name]], check=True)
        open(os.path.join(home, "ready"), "w").close()
    return os.path.join(home, "bin", "python")


def main():
    corpus, cache, names = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
    labels = json.load(open(os.path.join(corpus, "labels.json")))
    print(f"{'scanner':<12} {'label':<10} {'files':>6} {'blocked':>8} {'doubted':>8} {'skipped':>8} {'passed':>8} {'CPU s':>7}")
    for name in names:
        python = install(cache, name)
        done = subprocess.run([python, __file__, "--work", name, corpus], capture_output=True, env={**os.environ, **QUIET})
        if done.returncode != 0:
            sys.exit(f"{name} ended with {done.returncode}: {done.stderr.decode(errors='replace')[-500:]}")
        result = json.loads(done.stdout)
        for label in sorted(set(labels.values())):
            said = [result["said"].get(path) for path, own in labels.items() if own == label]
            row = [said.count(word) for word in ("blocked", "doubted", "skipped", "passed")]
            print(f"{name:<12} {label:<10} {len(said):>6} {row[0]:>8} {row[1]:>8} {row[2]:>8} {row[3]:>8} {result['seconds']:>7.1f}")


if __name__ == "__main__":
    work(sys.argv[2], sys.argv[3]) if sys.argv[1] == "--work" else main()
