"""What detect-secrets finds with its default plugins and filters: rows in, a JSON list of [type, start, end] a line out."""

import json
import os
import sys
import tempfile
import time

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings


def main(rows, found):
    texts = [json.loads(line)["text"] for line in open(rows, encoding="utf-8")]
    # One file for all rows: each line of it knows its row and where it begins there.
    lines, places = [], []
    for number, text in enumerate(texts):
        at = 0
        for line in text.splitlines(keepends=True):
            lines.append(line.rstrip("\n"))
            places.append((number, at))
            at += len(line)
    spans = [[] for _ in texts]
    with tempfile.TemporaryDirectory() as folder, default_settings():
        name = os.path.join(folder, "rows.txt")
        with open(name, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
        begin = time.perf_counter()
        hits = list(scan_file(name))
        seconds = time.perf_counter() - begin
    for hit in hits:
        number, at = places[hit.line_number - 1]
        start = lines[hit.line_number - 1].find(hit.secret_value or "\0")
        if start >= 0:
            spans[number].append([hit.type, at + start, at + start + len(hit.secret_value)])
    with open(found, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in spans)
    size = sum(len(text.encode()) for text in texts)
    print(f"detect-secrets: {size / seconds / 1e6:.3f} MB/s")


main(*sys.argv[1:])
