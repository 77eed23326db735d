"""Times another tool on the texts of `cargo xtask bench inspect`: one JSON object a line, as our own rows are.

usage: inspect_peer.py presidio|detect-secrets TEXTS SORT...

presidio: the pattern recognizers of presidio-analyzer without a language model. detect-secrets: its default plugins and
filters on a file.
"""

import json
import os
import sys
import tempfile
import time


def presidio():
    import inspect

    import presidio_analyzer.predefined_recognizers as predefined
    from presidio_analyzer import PatternRecognizer

    recognizers = []
    for _, kind in inspect.getmembers(predefined, inspect.isclass):
        if issubclass(kind, PatternRecognizer) and kind is not PatternRecognizer:
            try:
                recognizers.append(kind())
            except Exception:  # a recognizer that wants a model or a service
                continue

    def examine(text):
        for recognizer in recognizers:
            recognizer.analyze(text, recognizer.supported_entities)

    return examine, lambda text: text


def detect_secrets():
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import default_settings

    settings = default_settings()
    settings.__enter__()
    folder = tempfile.mkdtemp()

    def prepare(text):
        name = os.path.join(folder, f"{abs(hash(text))}.txt")
        with open(name, "w", encoding="utf-8") as out:
            out.write(text)
        return name

    def examine(name):
        # The settings last as long as what holds them.
        return list(scan_file(name)) if settings else []

    return examine, prepare


def memory():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def main(tool, texts, *sorts):
    begun = time.perf_counter()
    examine, prepare = {"presidio": presidio, "detect-secrets": detect_secrets}[tool]()
    examine(prepare("warm"))
    start = {"start_us": int((time.perf_counter() - begun) * 1e6), "resident_kib": memory()}
    print(json.dumps(start), flush=True)
    for line in open(texts, encoding="utf-8"):
        row = json.loads(line)
        if row["sort"] not in sorts or row["size"] > 40_000:
            continue
        prepared = prepare(row["text"])
        times, begun = [], time.perf_counter()
        # Five runs at least, a second at most.
        while len(times) < 5 or (time.perf_counter() - begun < 1.0 and len(times) < 200):
            start = time.perf_counter_ns()
            examine(prepared)
            times.append(time.perf_counter_ns() - start)
        times.sort()
        took = {"p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100], "least": times[0]}
        size = len(row["text"].encode())
        print(json.dumps({"engine": tool, "sort": row["sort"], "ordinary": True, "size": size, **took}), flush=True)


main(*sys.argv[1:])
