#!/usr/bin/env python3
"""reward_model.py MODEL.gguf OUT.gguf WEIGHT BIAS: makes a language model without an output head of its
own a reward model, with a score head whose weights are all WEIGHT."""
import struct
import sys

model, out, weight, bias = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
data = open(model, "rb").read()
assert data[:4] == b"GGUF"
version, tensors, entries = struct.unpack_from("<IQQ", data, 4)
at = 24
sizes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


def text():
    global at
    (length,) = struct.unpack_from("<Q", data, at)
    at += 8 + length
    return data[at - length : at]


def value(kind):
    global at
    if kind == 8:
        return text()
    if kind == 9:
        of, count = struct.unpack_from("<IQ", data, at)
        at += 12
        for _ in range(count):
            value(of)
        return None
    at += sizes[kind]
    return int.from_bytes(data[at - sizes[kind] : at], "little")


alignment, dim = 32, 0
for _ in range(entries):
    key = text()
    (kind,) = struct.unpack_from("<I", data, at)
    at += 4
    read = value(kind)
    if key == b"general.alignment":
        alignment = read
    if key == b"llama.embedding_length":
        dim = read
metadata_end = at
for _ in range(tensors):
    text()
    (extents,) = struct.unpack_from("<I", data, at)
    at += 4 + 8 * extents + 4 + 8
infos = data[metadata_end:at]
body = data[(at + alignment - 1) // alignment * alignment :]
body += bytes(-len(body) % alignment)


def entry(name):
    return struct.pack("<Q", len(name)) + name


head = entry(b"cls.output.weight") + struct.pack("<IQIQ", 1, dim, 0, len(body))
numbers = struct.pack(f"<{dim}f", *[weight] * dim)
numbers += bytes(-len(numbers) % alignment)
head += entry(b"cls.output.bias") + struct.pack("<IQIQ", 1, 1, 0, len(body) + len(numbers))
numbers += struct.pack("<f", bias)
result = b"GGUF" + struct.pack("<IQQ", version, tensors + 2, entries + 1) + data[24:metadata_end]
result += entry(b"llama.pooling_type") + struct.pack("<II", 4, 4) + infos + head
result += bytes(-len(result) % alignment) + body + numbers
open(out, "wb").write(result + bytes(-len(result) % alignment))
