"""What the pattern recognizers of presidio-analyzer find: rows in, a JSON list of [type, start, end] a line out.

No language model is loaded, so recognizers run without their context words; a score of 0.4 and more counts.
"""

import inspect
import json
import sys
import time

import presidio_analyzer.predefined_recognizers as predefined
from presidio_analyzer import PatternRecognizer


def recognizers():
    for _, kind in inspect.getmembers(predefined, inspect.isclass):
        if issubclass(kind, PatternRecognizer) and kind is not PatternRecognizer:
            try:
                yield kind()
            except Exception:  # a recognizer that wants a model or a service
                continue


def main(rows, found):
    all_of_them = list(recognizers())
    begin, size = time.perf_counter(), 0
    with open(rows, encoding="utf-8") as source, open(found, "w", encoding="utf-8") as out:
        for line in source:
            text = json.loads(line)["text"]
            size += len(text.encode())
            spans = []
            for recognizer in all_of_them:
                for hit in recognizer.analyze(text, recognizer.supported_entities) or []:
                    if hit.score >= 0.4:
                        spans.append([hit.entity_type, hit.start, hit.end])
            out.write(json.dumps(spans) + "\n")
    seconds = time.perf_counter() - begin
    print(f"presidio-analyzer: {len(all_of_them)} recognizers, {size / seconds / 1e6:.3f} MB/s")


main(*sys.argv[1:])
