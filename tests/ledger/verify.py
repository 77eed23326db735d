"""A second verifier of Stockade's ledger, written from docs/ledger.md alone. Python's standard library only.

`Verifier(files).run()` takes the files of a directory as a mapping of relative path to bytes, and gives a `Result`. What
is a function of one file's bytes is remembered, so that verifying many variants of one directory is cheap.
"""

import base64
import binascii
import hashlib
import json
import re
import struct
import zlib
from collections import namedtuple

MAX_ENTRY = 16384
MAX_SAFE = 2**53 - 1
MAX_DEPTH = 32
WIDTH = 256

Bad = namedtuple("Bad", "index file why")
Facts = namedtuple("Facts", "leaf subject payload")

REQUEST = re.compile(r"req_[0-7][0-9a-hjkmnp-tv-z]{25}\Z")
HEX64 = re.compile(r"[0-9a-f]{64}\Z")
ORIGIN = re.compile(r"stockade/[a-z0-9-]{1,64}\Z")
NUMBER = re.compile(r"(0|[1-9][0-9]*)\Z")
DECIMAL = re.compile(r"[0-9]{1,20}\Z")


class Problem(Exception):
    def __init__(self, index, file, why):
        super().__init__(why)
        self.bad = Bad(index, file, why)


def remember(function):
    """Remembers what a function of hashable arguments gave, within bounds."""
    known = {}

    def wrapped(*arguments):
        if arguments in known:
            return known[arguments]
        if len(known) > 200_000:
            known.clear()
        known[arguments] = result = function(*arguments)
        return result

    return wrapped


# --- Ed25519 (RFC 8032 section 5.1), verification only -----------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * SQRT_M1 % P
    if (x * x - x2) % P:
        return None
    return P - x if x & 1 != sign else x


def decompress(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def add(a, b):
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(n, point):
    total = (0, 1, 1, 0)
    while n:
        if n & 1:
            total = add(total, point)
        point = add(point, point)
        n >>= 1
    return total


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


@remember
def ed25519_verify(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = decompress(public), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = multiply(s, BASE), add(r, multiply(h, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# --- Merkle tree (RFC 6962 section 2.1) --------------------------------------------------------------------------------


def sha256(data):
    return hashlib.sha256(data).digest()


def root_of(nodes):
    """The root over nodes of one size of which the last may be smaller."""
    if not nodes:
        return sha256(b"")
    nodes = list(nodes)
    while len(nodes) > 1:
        pairs = [sha256(b"\x01" + nodes[i] + nodes[i + 1]) for i in range(0, len(nodes) - 1, 2)]
        nodes = pairs + ([nodes[-1]] if len(nodes) % 2 else [])
    return nodes[0]


@remember
def full_root(tile):
    return root_of([tile[i : i + 32] for i in range(0, len(tile), 32)])


def inclusion_holds(leaf, index, size, path, root):
    """RFC 9162 section 2.1.3.2."""
    if index >= size:
        return False
    node, last, value = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            value = sha256(b"\x01" + sibling + value)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            value = sha256(b"\x01" + value + sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and value == root


# --- Canonical JSON ----------------------------------------------------------------------------------------------------


def no_number(text):
    raise ValueError("a number is not an integer")


def ordered(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("an object has a key twice")
    return dict(pairs)


def check_value(value, depth=0):
    if depth >= MAX_DEPTH and isinstance(value, (dict, list)):
        raise ValueError("it nests too deep")
    if isinstance(value, dict):
        for member in value.values():
            check_value(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            check_value(member, depth + 1)
    elif type(value) is int and abs(value) > MAX_SAFE:
        raise ValueError("an integer is beyond 2^53 - 1")


def by_utf16(value):
    if isinstance(value, dict):
        return {key: by_utf16(value[key]) for key in sorted(value, key=lambda k: k.encode("utf-16-be"))}
    if isinstance(value, list):
        return [by_utf16(member) for member in value]
    return value


def canonical(data):
    """The value of canonical JSON; ValueError for anything else."""
    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=ordered, parse_float=no_number, parse_constant=no_number)
    except RecursionError:
        raise ValueError("it nests too deep") from None
    check_value(value)
    if json.dumps(by_utf16(value), ensure_ascii=False, separators=(",", ":")) != text:
        raise ValueError("it is not in canonical form")
    return value


def decode64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


# --- Entries -----------------------------------------------------------------------------------------------------------


@remember
def read_entry(entry):
    """Facts of an entry's bytes, or a string that says what is wrong with it."""
    if not 1 <= len(entry) <= MAX_ENTRY:
        return f"it has {len(entry)} bytes"
    try:
        value = canonical(entry)
    except ValueError as error:
        return str(error)
    if not isinstance(value, dict) or not {"event", "v"} <= set(value) <= {"event", "payload", "v"}:
        return "it is not an envelope"
    event, mark = value["event"], value.get("payload")
    if type(value["v"]) is not int or value["v"] != 1 or not isinstance(event, dict):
        return "it is not an envelope of version 1"
    if not isinstance(event.get("type"), str):
        return "its event has no type"
    payload = None
    if "payload" in value:
        if not isinstance(mark, dict) or set(mark) != {"commitment", "salt", "sealed"}:
            return "its payload mark is not of the known form"
        if not all(isinstance(v, str) and HEX64.match(v) for v in mark.values()):
            return "its payload mark is not of the known form"
        payload = (bytes.fromhex(mark["salt"]), bytes.fromhex(mark["sealed"]))
    subject = read_subject(event)
    if isinstance(subject, str):
        return subject
    return Facts(sha256(b"\x00" + entry), subject, payload)


def read_subject(event):
    kind = event["type"]
    if kind in ("intent", "outcome", "interrupted"):
        request = event.get("request")
        if not isinstance(request, str) or not REQUEST.match(request):
            return "its request id is missing or malformed"
        return ("opens" if kind == "intent" else "ends", request)
    if kind == "admin" and event.get("action") in ("payload.erase", "payload.expire"):
        detail = event.get("detail")
        if not isinstance(detail, dict):
            return "it announces an erasure without saying of what"
        bounds = [detail.get("first"), detail.get("last")]
        if not all(isinstance(b, str) and DECIMAL.match(b) for b in bounds):
            return "it announces an erasure without saying of what"
        first, last = map(int, bounds)
        if first > last or (event["action"] == "payload.erase" and first != last):
            return "it announces an erasure without saying of what"
        return ("erases", first, last)
    return None


@remember
def read_bundle(data):
    """Entries of a bundle, and whether it ends where an entry ends."""
    entries, at = [], 0
    while at < len(data):
        if at + 2 > len(data):
            return entries, False
        length = int.from_bytes(data[at : at + 2], "big")
        if at + 2 + length > len(data):
            return entries, False
        entries.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return entries, True


@remember
def check_bundle(bundle, tile, width):
    """Facts of the entries of a bundle that agrees with its tile, or (place in the bundle, why)."""
    entries, whole = read_bundle(bundle)
    facts = []
    for at in range(width):
        if at >= len(entries):
            return (at, "the bundle ends before it" if whole else "the bundle ends inside it")
        leaf = sha256(b"\x00" + entries[at])
        if leaf != tile[32 * at : 32 * at + 32]:
            return (at, "entry and tile do not agree")
        read = read_entry(entries[at])
        if isinstance(read, str):
            return (at, read)
        facts.append(read)
    if len(entries) > width or not whole:
        return (width, "the bundle goes on after its last entry")
    return facts


# --- Segments ----------------------------------------------------------------------------------------------------------


def header(data, magic):
    """First index and time of a segment header, or None."""
    if len(data) < 32 or data[:8] != magic or data[24:28] != bytes(4):
        return None
    if zlib.crc32(data[:28]) != int.from_bytes(data[28:32], "big"):
        return None
    return struct.unpack(">Qq", data[8:24])


def is_room(data, at):
    """Whether there are only zeros from here on."""
    return data[at : at + 4] == bytes(len(data[at : at + 4])) and not data[at:].strip(b"\0")


@remember
def read_frames(data, first):
    """Entries of an append segment, and what is wrong after them (or None)."""
    head = header(data, b"STKFRM1\n")
    if head is None or head[0] != first:
        return [], "its header is not as it was written"
    entries, at, last_round = [], 32, None
    while at < len(data):
        if is_room(data, at):
            return entries, None
        if at + 24 > len(data):
            return entries, "a frame is cut short"
        length, crc, seq, round_ = struct.unpack(">IIQQ", data[at : at + 24])
        if not 1 <= length <= MAX_ENTRY:
            return entries, "a frame has an impossible length"
        end = at + 24 + length
        if end > len(data):
            return entries, "a frame is cut short"
        if zlib.crc32(data[at + 8 : end], zlib.crc32(data[at : at + 4])) != crc:
            return entries, "a frame's checksum does not fit"
        if seq != first + len(entries) or round_ not in (seq, last_round):
            return entries, "a frame has another index or round"
        entries.append(data[at + 24 : end])
        last_round, at = round_, end
    return entries, None


def tile_name(level, number, width):
    text = str(number)
    text = text.zfill(-(-len(text) // 3) * 3)
    groups = [text[i : i + 3] for i in range(0, len(text), 3)]
    path = "/".join(["tile", str(level)] + ["x" + group for group in groups[:-1]] + groups[-1:])
    return path if width == WIDTH else f"{path}.p/{width}"


def nodes(level, size):
    return size >> (8 * level)


def width_of(level, number, size):
    return min(WIDTH, max(0, nodes(level, size) - number * WIDTH))


# --- Checkpoints -------------------------------------------------------------------------------------------------------


def key_id(origin, public):
    return sha256(origin.encode() + b"\n\x01" + public)[:4]


def read_key(line):
    """Origin and public key of a verifier key, or None."""
    parts = line.split("+", 2)
    if len(parts) != 3 or not ORIGIN.match(parts[0]):
        return None
    typed = decode64(parts[2])
    if typed is None or len(typed) != 33 or typed[0] != 1 or parts[1] != key_id(parts[0], typed[1:]).hex():
        return None
    return parts[0], typed[1:]


@remember
def read_checkpoint(note, origin, public):
    """Size and root of a signed checkpoint, or a string that says what is wrong."""
    try:
        text = note.decode("utf-8")
    except UnicodeDecodeError:
        return "it is not UTF-8"
    lines = text.split("\n")
    if len(lines) != 6 or lines[3] or lines[5] or lines[0] != origin or not NUMBER.match(lines[1]):
        return "it does not have the form of a signed checkpoint"
    root = decode64(lines[2])
    start = f"\u2014 {origin} "
    signature = decode64(lines[4][len(start) :]) if lines[4].startswith(start) else None
    if root is None or len(root) != 32 or signature is None or len(signature) != 68:
        return "it does not have the form of a signed checkpoint"
    if signature[:4] != key_id(origin, public) or int(lines[1]) >= 2**64:
        return "it is signed by another key"
    if not ed25519_verify(public, "\n".join(lines[:3]).encode() + b"\n", signature[4:]):
        return "its signature does not verify"
    return int(lines[1]), root


# --- The verifier ------------------------------------------------------------------------------------------------------


class Result:
    def __init__(self):
        self.bad = []
        self.origin = ""
        self.signed = self.unsigned = self.intact = self.erased = 0
        self.leftovers = []

    def first(self):
        return min(self.bad, key=lambda bad: (bad.index is None, bad.index or 0)) if self.bad else None


class Record:
    """A payload's record."""

    def __init__(self, index, named, crc, salt, length, sealed, following):
        self.index, self.named, self.crc, self.salt = index, named, crc, salt
        self.length, self.sealed, self.following = length, sealed, following

    def crc_of(self):
        return zlib.crc32(struct.pack(">IQ", self.length, self.named) + self.sealed)


class Joined:
    """A payload segment: records with their salts."""

    def __init__(self, name, data):
        self.name, self.data, self.at = name, data, 32

    def peek(self, index):
        data, at = self.data, self.at
        if data[at : at + 4] == bytes(len(data[at : at + 4])):
            return None
        if at + 48 > len(data):
            raise Problem(index, self.name, "a payload record is cut short")
        length, crc, named = struct.unpack(">IIQ", data[at : at + 16])
        end = at + 48 + length
        if end > len(data):
            raise Problem(index, self.name, "a payload record is cut short")
        return Record(named, named, crc, data[at + 16 : at + 48], length, data[at + 48 : end], end)

    def ends(self):
        return not self.data[self.at :].strip(b"\0")


class Split:
    """A payload segment of the format's first version: records and salts apart."""

    def __init__(self, name, sealed, salts):
        self.name, self.sealed, self.salts, self.at = name, sealed, salts, (32, 32)

    def peek(self, index):
        record, slot = self.at
        if slot == len(self.salts):
            return None
        if slot + 48 > len(self.salts):
            raise Problem(index, self.name, "a slot is cut short")
        of, offset = struct.unpack(">QQ", self.salts[slot : slot + 16])
        if offset != record:
            raise Problem(index, self.name, "a slot names another place")
        if record + 16 > len(self.sealed):
            raise Problem(index, self.name, "a payload record is cut short")
        length, crc, named = struct.unpack(">IIQ", self.sealed[record : record + 16])
        end = record + 16 + length
        if end > len(self.sealed):
            raise Problem(index, self.name, "a payload record is cut short")
        salt = self.salts[slot + 16 : slot + 48]
        return Record(of, named, crc, salt, length, self.sealed[record + 16 : end], (end, slot + 48))

    def ends(self):
        return self.at == (len(self.sealed), len(self.salts))


class Verifier:
    def __init__(self, files, public=None):
        self.files = files
        self.public = public
        self.result = Result()
        self.open = {}
        self.snapshot = None
        self.announced = []
        self.gone = []
        self.payloads_dead = False

    def run(self):
        try:
            self.anchor()
            self.prepare()
            self.signed_part()
            total = self.frames()
            self.finish(total)
        except Problem as problem:
            self.result.bad.append(problem.bad)
        return self.result

    def need(self, path, index=None):
        data = self.files.get(path)
        if data is None:
            raise Problem(index, path, "it is missing")
        return data

    def anchor(self):
        if self.need("format") not in (b"stockade-ledger 1\n", b"stockade-ledger 2\n"):
            raise Problem(None, "format", "it is neither `stockade-ledger 1` nor `stockade-ledger 2`")
        try:
            line = self.need("ledger.pub").decode("ascii")
        except UnicodeDecodeError:
            line = ""
        key = read_key(line[:-1]) if line.endswith("\n") else None
        if key is None:
            raise Problem(None, "ledger.pub", "it is not one line with a verifier key")
        if self.public is not None and self.public != key[1]:
            raise Problem(None, "ledger.pub", "it is another key than the one to verify with")
        self.result.origin = key[0]
        read = read_checkpoint(self.need("checkpoint"), *key)
        if isinstance(read, str):
            raise Problem(None, "checkpoint", read)
        self.size, self.root = read
        self.result.signed = self.size

    def prepare(self):
        names = {"frames": [], "payloads": set()}
        for path in self.files:
            match = re.match(r"(frames|payloads)/([0-9]{20})\.(frames|records|sealed|salts)\Z", path)
            if not match:
                continue
            if match[1] == "frames" and match[3] == "frames":
                names["frames"].append(int(match[2]))
            elif match[1] == "payloads" and match[3] != "frames":
                names["payloads"].add(int(match[2]))
        self.frame_firsts = sorted(names["frames"])
        self.payload_firsts = sorted(names["payloads"])
        self.payload_at = None
        data = self.files.get("open-intents")
        if data is not None:
            try:
                value = canonical(data)
                assert set(value) == {"intents", "size", "v"} and value["v"] == 1 and type(value["size"]) is int
                assert all(REQUEST.match(r) and type(i) is int for r, i in value["intents"])
                self.snapshot = value
            except (ValueError, AssertionError, TypeError):
                why = "it does not have the form of such a list"
                self.result.bad.append(Bad(None, "open-intents", why))
        self.compared = self.snapshot is None

    # The signed part.

    def tile(self, level, number, index=None):
        width = width_of(level, number, self.size)
        path = tile_name(level, number, width)
        data = self.need(path, index)
        if len(data) != 32 * width:
            raise Problem(index, path, f"it does not hold {width} hashes")
        return data

    def signed_part(self):
        below, rest = [], []
        for number in range(-(-self.size // WIDTH)):
            first = number * WIDTH
            width = width_of(0, number, self.size)
            tile = self.tile(0, number, first)
            path = tile_name("entries", number, width)
            checked = check_bundle(self.need(path, first), tile, width)
            if isinstance(checked, tuple):
                raise Problem(first + checked[0], path, checked[1])
            for at, facts in enumerate(checked):
                if facts.subject or facts.payload:
                    self.entry(first + at, facts)
            if width == WIDTH:
                below.append(full_root(tile))
            else:
                rest = [tile[i : i + 32] for i in range(0, len(tile), 32)]
        right = root_of(rest) if rest else None
        level = 1
        while nodes(level, self.size):
            above = []
            for number in range(-(-len(below) // WIDTH)):
                here = b"".join(below[number * WIDTH : number * WIDTH + WIDTH])
                if self.tile(level, number) != here:
                    path = tile_name(level, number, width_of(level, number, self.size))
                    raise Problem(None, path, "it does not hold the roots of the tiles below")
                if len(here) == 32 * WIDTH:
                    above.append(full_root(here))
            incomplete = below[len(below) // WIDTH * WIDTH :]
            if incomplete or right is not None:
                right = root_of(incomplete + ([right] if right is not None else []))
            below, level = above, level + 1
        if (right if right is not None else sha256(b"")) != self.root:
            raise Problem(None, "checkpoint", "the entries do not give the signed root")

    # Append segments.

    def frames(self):
        bundled = self.size // WIDTH * WIDTH
        if not self.frame_firsts or self.frame_firsts[0] > bundled:
            raise Problem(bundled, "frames", "the append segment with it is missing")
        following = self.frame_firsts[0]
        if following > 0 and self.snapshot is None:
            raise Problem(None, "open-intents", "it is missing")
        if self.snapshot is not None and self.snapshot["size"] < following:
            raise Problem(None, "open-intents", "it is older than the first append segment")
        for first in self.frame_firsts:
            path = f"frames/{first:020}.frames"
            if first != following:
                raise Problem(following, path, "the segments before it end with that entry")
            entries, wrong = read_frames(self.files[path], first)
            for entry in entries:
                facts = read_entry(entry)
                if isinstance(facts, str):
                    raise Problem(following, path, facts)
                if following < self.size:
                    tile, at = self.tile(0, following // WIDTH), following % WIDTH
                    if tile[32 * at : 32 * at + 32] != facts.leaf:
                        raise Problem(following, path, "it is not the entry that was signed")
                elif facts.subject or facts.payload:
                    self.entry(following, facts)
                following += 1
            if wrong:
                raise Problem(following, path, wrong)
        if following < self.size:
            raise Problem(following, "frames", "it is signed, but its frame is missing")
        self.result.unsigned = following - self.size
        return following

    # Along all entries.

    def entry(self, index, facts):
        self.compare_snapshot(index)
        if facts.subject:
            kind = facts.subject[0]
            if kind == "opens":
                self.open[facts.subject[1]] = index
            elif kind == "ends":
                self.open.pop(facts.subject[1], None)
            elif facts.subject[2] >= index:
                self.result.bad.append(Bad(index, "entry", "it announces the erasure of what comes after it"))
            else:
                self.announced.append(facts.subject[1:])
        if facts.payload and not self.payloads_dead:
            try:
                if self.payload(index, *facts.payload):
                    self.result.intact += 1
                else:
                    self.result.erased += 1
                    self.gone.append(index)
            except Problem as problem:
                self.payloads_dead = True
                self.result.bad.append(problem.bad)

    def compare_snapshot(self, index):
        if self.compared or self.snapshot["size"] > index:
            return
        self.compared = True
        expected = [[request, at] for request, at in sorted(self.open.items(), key=lambda item: item[1])]
        if self.snapshot["intents"] != expected:
            self.result.bad.append(Bad(None, "open-intents", "it does not list the requests that were open"))

    def payload(self, index, salt_hash, sealed_hash):
        """Whether the payload is there; it must be right if it is."""
        while True:
            if self.payload_at is None:
                if not self.payload_firsts or self.payload_firsts[0] > index:
                    return False
                self.payload_at = self.open_payloads(self.payload_firsts.pop(0), index)
            segment = self.payload_at
            record = segment.peek(index)
            if record is not None:
                break
            if not segment.ends():
                raise Problem(index, segment.name, "the segment goes on after its last record")
            self.payload_at = None
        if record.index > index:
            return False
        if record.index < index:
            raise Problem(index, segment.name, "there is a record of another entry")
        if record.crc_of() != record.crc:
            raise Problem(index, segment.name, "a payload record's checksum does not fit")
        if record.named != index or sha256(record.sealed) != sealed_hash:
            raise Problem(index, segment.name, "the record is not the one that the entry speaks of")
        erased = record.salt == bytes(32)
        if not erased and sha256(record.salt) != salt_hash:
            raise Problem(index, segment.name, "the salt is not the one that the entry speaks of")
        segment.at = record.following
        return not erased

    def open_payloads(self, first, index):
        name = f"payloads/{first:020}.records"
        if name in self.files:
            data = self.files[name]
            head = header(data, b"STKREC1\n")
            if head is None or head[0] != first:
                raise Problem(index, name, "its header is not as it was written")
            return Joined(name, data)
        names = [f"payloads/{first:020}.sealed", f"payloads/{first:020}.salts"]
        sealed, salts = (self.need(name, index) for name in names)
        heads = header(sealed, b"STKPAY1\n"), header(salts, b"STKSLT1\n")
        for name, head in zip(names, heads):
            if head is None or head[0] != first or head != heads[0]:
                raise Problem(index, name, "its header is not as it was written")
        return Split(names[0], sealed, salts)

    def finish(self, total):
        if self.snapshot is not None and self.snapshot["size"] > total:
            self.result.bad.append(Bad(None, "open-intents", "it speaks of more entries than there are"))
        elif not self.compared:
            self.compare_snapshot(total)
        if not self.payloads_dead:
            self.finish_payloads(total)
        for index in self.gone:
            if not any(first <= index <= last for first, last in self.announced):
                why = "its payload is gone without an entry that announces it"
                self.result.bad.append(Bad(index, "payloads", why))
                break
        self.find_leftovers()

    def finish_payloads(self, total):
        if self.payload_at is not None:
            segment = self.payload_at
            try:
                record = segment.peek(None)
                fine = segment.ends() if record is None else record.index >= total
                why = "there is more in it than entries speak of"
            except Problem as problem:
                fine, why = False, problem.bad.why
            if not fine:
                self.result.bad.append(Bad(None, segment.name, why))
        for first in self.payload_firsts:
            if first < total:
                self.result.bad.append(Bad(first, f"payloads/{first:020}", "no entry speaks of it"))

    def find_leftovers(self):
        known = {"format", "ledger.pub", "checkpoint", "open-intents"}
        known.update(f"frames/{first:020}.frames" for first in self.frame_firsts)
        for path in self.files:
            if path in known or re.match(r"payloads/[0-9]{20}\.(records|sealed|salts)\Z", path):
                continue
            if not self.is_tile(path):
                self.result.leftovers.append(path)

    def is_tile(self, path):
        match = re.match(r"tile/(entries|[0-7])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/[0-9]+)?\Z", path)
        if not match:
            return False
        level = 0 if match[1] == "entries" else int(match[1])
        number = int(match[2].replace("x", "").replace("/", ""))
        width = width_of(level, number, self.size)
        return width > 0 and tile_name(match[1], number, width) == path


def verify_proof(data, public=None):
    """None when a proof bundle verifies, else why it does not."""
    if len(data) > 262144 or not data.endswith(b"\n"):
        return "it does not have the form of a proof bundle"
    try:
        value = canonical(data[:-1])
        assert set(value) == {"checkpoint", "does_not_prove", "entries", "public_key", "request", "type", "v"}
        assert value["type"] == "stockade-proof" and value["v"] == 1 and value["entries"]
        key = read_key(value["public_key"])
        assert key is not None and public in (None, key[1])
    except (ValueError, AssertionError, TypeError):
        return "it does not have the form of a proof bundle under this key"
    checkpoint = read_checkpoint(value["checkpoint"].encode(), *key)
    if isinstance(checkpoint, str):
        return checkpoint
    kinds = []
    for entry in value["entries"]:
        facts = read_entry(entry["entry"].encode())
        if isinstance(facts, str):
            return facts
        if not facts.subject or facts.subject[-1] != value["request"] or facts.subject[0] in kinds:
            return "an entry is not one of the request"
        kinds.append(facts.subject[0])
        path = [decode64(node) for node in entry["path"]]
        if None in path or not inclusion_holds(facts.leaf, entry["index"], checkpoint[0], path, checkpoint[1]):
            return "a path does not lead to the signed root"
    return None
