"""Makes large artifacts for the benchmark of scans: large_artifacts.py FOLDER. Nothing in them acts.

Weights are zeros, so that the files are sparse; what their loaders read of structure is as real files have it.
"""

import io
import json
import os
import pickle
import struct
import sys
import zipfile

MB = 1 << 20


def holey(path, head, size, tail=b""):
    """A file of `head`, `size` zeros, and `tail`."""
    with open(path, "wb") as out:
        out.write(head)
        out.seek(size, os.SEEK_CUR)
        out.write(tail)
        out.truncate()


def safetensors(path, size):
    header = json.dumps({"w": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}).encode()
    holey(path, struct.pack("<Q", len(header)) + header, size)


def pickled(path, size):
    """A dictionary with one bytes object, protocol 4."""
    holey(path, b"\x80\x04}\x94\x8c\x01w\x94\x8e" + struct.pack("<Q", size), size, b"\x94s.")


def torch_zip(path, size):
    """What torch.save writes: a pickle that names one storage, and the storage."""
    storage = (b"((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
               + b"\x8a\x04" + struct.pack("<i", size // 4) + b"tQK\x00")
    data = (b"\x80\x02}q\x00X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n" + storage
            + b"\x8a\x04" + struct.pack("<i", size // 4) + b"\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtRs.")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as out:
        out.writestr("archive/data.pkl", data)
        with out.open("archive/data/0", "w", force_zip64=False) as member:
            block = bytes(MB)
            for _ in range(size // MB):
                member.write(block)
        out.writestr("archive/version", "3\n")


def opcodes(path, count):
    """A list of small numbers, `count` opcodes."""
    out = io.BytesIO()
    out.write(b"\x80\x02](")
    out.write(b"K\x01" * (count - 5))
    out.write(b"e.")
    with open(path, "wb") as file:
        file.write(out.getvalue())


def main():
    folder = sys.argv[1]
    for name, size in (("500MB", 500 * MB), ("1GB", 1024 * MB)):
        safetensors(os.path.join(folder, f"{name}.safetensors"), size)
        pickled(os.path.join(folder, f"{name}.pkl"), size)
        torch_zip(os.path.join(folder, f"{name}.pt"), size)
    opcodes(os.path.join(folder, "5M-opcodes.pkl"), 5_000_000)
    with open(os.path.join(folder, "small.pkl"), "wb") as out:
        pickle.dump({"a": [1, 2, 3], "b": "x" * 100}, out)


if __name__ == "__main__":
    main()
