#!/usr/bin/env python3
"""Writes quantised_model.json: logits of a model whose matrices are in blocks of 32 small integers.

The blocks are made here, from the formats' description, and their checksums are written, so that
the library's encoders are compared bit for bit. Logits are computed in float64 in two ways:

exact      the decoded weights times activations as they are;
quantised  the decoded weights times activations that are rounded to 8 bits as the library does it.

A library that computes in float32 agrees with the second only where both round the same way, and
an activation close enough to the middle between two integers becomes the one here and the other
there, for no fault of either. That changes a row of logits by 0.1 % at the last product, and by
1.5 % at the first, as further activations then round differently. The text is therefore grown from
tokens with which no activation comes within MARGIN of such a middle; the library's lie up to
2e-4 from those computed here. Takes some minutes; run it by hand after changing anything:

    python3 tests/golden/quantised_model.py > tests/golden/quantised_model.json
"""
import json

import numpy as np

import tiny_model

# dim, hidden_dim, layers, heads, kv_heads, vocab, tied_head. One layer: see the test.
SHAPE = (256, 768, 1, 8, 2, 320, False)
SEED = 31
TOKENS = 70  # more than a page of the key/value cache has positions
ROWS = [0, 1, 35, 69]
MARGIN = 5e-4  # in units of the integers
F32 = np.float32

# In GGUF files.
NAMES = {"token_embedding": "token_embd.weight", "wq": "blk.{}.attn_q.weight",
         "wk": "blk.{}.attn_k.weight", "wv": "blk.{}.attn_v.weight",
         "wo": "blk.{}.attn_output.weight", "w1": "blk.{}.ffn_gate.weight",
         "w2": "blk.{}.ffn_down.weight", "w3": "blk.{}.ffn_up.weight", "output": "output.weight"}


def round_away(x):
    """To the nearest integer, halves away from zero; in float64, where x + 0.5 is exact."""
    x = x.astype(np.float64)
    return np.copysign(np.floor(np.abs(x) + 0.5), x)


def inverse_of(scale):
    return np.divide(F32(1), scale, out=np.zeros_like(scale), where=scale != 0)


def encode_q8_0(blocks):
    """A binary16 scale, then 32 integers in -127 .. 127, the largest magnitude being 127."""
    scale = np.abs(blocks).max(-1, keepdims=True) / F32(127)
    q = round_away(blocks * inverse_of(scale)).astype(np.int8)
    return scale.astype("<f2"), q, q.view(np.uint8)


def encode_q4_0(blocks):
    """A binary16 scale, then 32 integers in -8 .. 7, each plus 8 in four bits: byte i has element i
    in its low and element i + 16 in its high ones. The element of largest magnitude becomes -8."""
    extreme = np.take_along_axis(blocks, np.abs(blocks).argmax(-1)[:, None], -1)
    scale = extreme / F32(-8)
    nearest = np.floor((blocks * inverse_of(scale)).astype(np.float64) + 0.5)  # halves go up
    plus_8 = (np.clip(nearest, -8, 7) + 8).astype(np.uint8)
    return scale.astype("<f2"), plus_8.astype(np.int8) - 8, plus_8[:, :16] | plus_8[:, 16:] << 4


def checksum(data):
    """FNV-1a of 64 bits."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


class Weights:
    """The generated weights through a format."""

    def __init__(self, encode):
        self.encode = encode
        self.checksums = {}
        self.tensors = {}

    def __call__(self, kind, layer, rows, cols):
        if (kind, layer) not in self.tensors:
            self.tensors[kind, layer] = self.make(kind, layer, rows, cols)
        return self.tensors[kind, layer]

    def make(self, kind, layer, rows, cols):
        values = tiny_model.weights(SEED, kind, layer, rows, cols)
        if rows == 1:
            return values  # vectors are not quantised
        scale, q, packed = self.encode(values.astype(F32).reshape(-1, 32))
        data = np.hstack([scale.view(np.uint8), packed]).tobytes()
        self.checksums[NAMES[kind].format(layer)] = f"{checksum(data):016x}"
        return (scale.astype(np.float64) * q).reshape(rows, cols)


class Rounding:
    """Activations in 8 bits: 32 have a float32 scale, the largest magnitude over 127, and are
    rounded to its nearest multiple, ties to even."""

    def __init__(self):
        self.closest = 0.5  # an activation came to the middle between two multiples

    def __call__(self, x):
        blocks = x.astype(F32).reshape(-1, 32)
        largest = np.abs(blocks).max(-1, keepdims=True)
        scaled = blocks * (F32(127) / largest)
        q = np.rint(scaled)
        self.closest = min(self.closest, 0.5 - np.abs(scaled - q).max())
        return ((largest / F32(127)).astype(np.float64) * q).reshape(x.shape)


def grow_text(formats):
    """Tokens such that no activation comes within MARGIN of a middle, in any of the formats."""
    def fits(ids):
        for weights in formats.values():
            rounding = Rounding()
            tiny_model.forward(SHAPE, ids, weights, rounding)
            if rounding.closest < MARGIN:
                return False
        return True

    vocab = SHAPE[5]
    ids = []
    for i in range(TOKENS):
        candidates = ((97 * i + 41 * j + 1) % vocab for j in range(vocab))
        ids.append(next(token for token in candidates if fits(ids + [token])))
    return ids


def rounded(logits, digits):
    return [[round(float(v), digits) for v in logits[r]] for r in ROWS]


def case(weights, ids):
    rounding = Rounding()
    quantised = tiny_model.forward(SHAPE, ids, weights, rounding)
    assert rounding.closest >= MARGIN
    return {"checksums": weights.checksums,
            "exact": rounded(tiny_model.forward(SHAPE, ids, weights), 5),
            "quantised": rounded(quantised, 8)}


if __name__ == "__main__":
    formats = {"Q8_0": Weights(encode_q8_0), "Q4_0": Weights(encode_q4_0)}
    text = grow_text(formats)
    print(json.dumps({"seed": SEED, "ids": text, "rows": ROWS}
                     | {name: case(weights, text) for name, weights in formats.items()})
          .replace("], [", "],\n["))
