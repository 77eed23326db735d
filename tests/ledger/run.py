"""Runs the second verifier.

    run.py DIR [--key FILE]     verify a log; exit 0 when it is whole, 1 with the first bad entry on standard output
    run.py --proof FILE         verify a proof bundle
    run.py --batch DIR          read one mutation a line from standard input, apply it to DIR's files in memory, and
                                print `ok` or `bad <index or -> <file>: <why>` for each; the mutation is then undone

Mutations: `none` | `flip FILE BIT` | `cut FILE FROM TO` | `swap FILE A0 A1 B0 B1` (two byte ranges, A before B)
| `remove FILE` | `exchange FILE OTHER` (contents of two files). Bits are counted from the lowest of the first byte.
"""

import os
import sys

from verify import Verifier, read_key, verify_proof


def load(directory):
    files = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                files[os.path.relpath(path, directory).replace(os.sep, "/")] = file.read()
    return files


def mutate(files, line):
    """The files that a mutation changes, with their new content (None: removed)."""
    kind, *words = line.split(" ")
    if kind == "none":
        return {}
    name, numbers = words[0], words[1:]
    data = files[name]
    if kind == "flip":
        changed = bytearray(data)
        changed[int(numbers[0]) // 8] ^= 1 << int(numbers[0]) % 8
        return {name: bytes(changed)}
    if kind == "cut":
        begin, end = map(int, numbers)
        return {name: data[:begin] + data[end:]}
    if kind == "swap":
        a0, a1, b0, b1 = map(int, numbers)
        return {name: data[:a0] + data[b0:b1] + data[a1:b0] + data[a0:a1] + data[b1:]}
    if kind == "remove":
        return {name: None}
    if kind == "exchange":
        return {name: files[words[1]], words[1]: data}
    raise SystemExit(f"unknown mutation: {line}")


def verdict(result):
    bad = result.first()
    if bad is None:
        return "ok"
    return f"bad {'-' if bad.index is None else bad.index} {bad.file}: {bad.why}"


def batch(directory):
    files = load(directory)
    for line in sys.stdin:
        changes = mutate(files, line.rstrip("\n"))
        kept = {name: files[name] for name in changes}
        for name, data in changes.items():
            if data is None:
                del files[name]
            else:
                files[name] = data
        sys.stdout.write(verdict(Verifier(files).run()) + "\n")
        files.update(kept)
    sys.stdout.flush()


def main(arguments):
    if arguments[:1] == ["--batch"] and len(arguments) == 2:
        return batch(arguments[1])
    if arguments[:1] == ["--proof"] and len(arguments) == 2:
        with open(arguments[1], "rb") as file:
            why = verify_proof(file.read())
        print("ok" if why is None else f"bad: {why}")
        return 0 if why is None else 1
    if len(arguments) not in (1, 3) or (len(arguments) == 3 and arguments[1] != "--key"):
        print(__doc__, file=sys.stderr)
        return 2
    public = None
    if len(arguments) == 3:
        with open(arguments[2], encoding="ascii") as file:
            key = read_key(file.read().rstrip("\n"))
        if key is None:
            print(f"{arguments[2]} is not a verifier key", file=sys.stderr)
            return 2
        public = key[1]
    result = Verifier(load(arguments[0]), public).run()
    print(verdict(result))
    if not result.bad:
        print(f"{result.origin}: {result.signed} entries signed, {result.unsigned} not yet signed")
        print(f"payloads: {result.intact} intact, {result.erased} erased on the record")
        for path in result.leftovers:
            print(f"not part of the log: {path}")
    return 1 if result.bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
