"""What detect-secrets finds with its default plugins: rows in, a JSON list of [type, start, end] a line out."""

import json
import sys
import time

from detect_secrets.core.scan import scan_line
from detect_secrets.settings import default_settings


def main(rows, found):
    begin, size = time.perf_counter(), 0
    with open(rows, encoding="utf-8") as source, open(found, "w", encoding="utf-8") as out, default_settings():
        for row in source:
            text = json.loads(row)["text"]
            size += len(text.encode())
            spans, at = [], 0
            for line in text.splitlines(keepends=True):
                for hit in scan_line(line):
                    start = line.find(hit.secret_value or "\0")
                    if start >= 0:
                        spans.append([hit.type, at + start, at + start + len(hit.secret_value)])
                at += len(line)
            out.write(json.dumps(spans) + "\n")
    seconds = time.perf_counter() - begin
    print(f"detect-secrets: {size / seconds / 1e6:.3f} MB/s")


main(*sys.argv[1:])
