#!/usr/bin/env python3
"""Writes tiny_model.json: logits in float64 of two tiny models with generated weights.

An implementation of its own, in numpy: the generator of make_random_model (SplitMix64's mixer)
and a plain Llama 2 forward pass. Run it by hand after changing either:

    python3 tests/golden/tiny_model.py > tests/golden/tiny_model.json
"""
import functools
import json

import numpy as np

np.seterr(over="ignore")
U64 = np.uint64


def mix_bits(x):
    x = x + U64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> U64(30))) * U64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> U64(27))) * U64(0x94D049BB133111EB)
    return x ^ (x >> U64(31))


def uniform(stream, n):
    index = np.arange(n, dtype=U64)
    bits = mix_bits(mix_bits(np.array([stream], dtype=U64)) ^ index) >> U64(40)
    return (bits.astype(np.float64) * 2.0**-23 - 1.0).astype(np.float32)


KINDS = ["token_embedding", "attention_norm", "wq", "wk", "wv", "wo", "ffn_norm", "w1", "w2", "w3",
         "norm", "output"]


def weights(seed, kind, layer, rows, cols):
    """The float32 values that make_random_model gives, widened."""
    stream = mix_bits(np.array([seed], dtype=U64))[0] + U64(4096 * KINDS.index(kind) + layer)
    values = uniform(stream, rows * cols).astype(np.float64)
    if rows == 1:
        out = 0.125 * values + 1.0
    else:
        out = np.float64(np.float32(np.sqrt(3.0 / cols))) * values
    return out.astype(np.float32).astype(np.float64).reshape(rows, cols)


def rms_norm(x, gain):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * gain


def forward(shape, ids, weights, prepare=lambda x: x):
    """Logits of a text, (tokens, vocab). `weights(kind, layer, rows, cols)` gives a tensor;
    `prepare` is applied to the inputs of every product with a matrix."""
    dim, hidden, layers, heads, kv_heads, vocab, tied = shape
    size = dim // heads
    count = len(ids)
    embedding = weights("token_embedding", 0, vocab, dim)
    x = embedding[ids]
    angles = np.outer(np.arange(count), 10000.0 ** (-np.arange(0, size, 2) / size))
    turn = np.exp(1j * angles)[:, None, :]

    def rotate(v):  # interleaved pairs as complex numbers
        pairs = v.reshape(count, -1, size // 2, 2)
        turned = (pairs[..., 0] + 1j * pairs[..., 1]) * turn
        return np.stack([turned.real, turned.imag], -1).reshape(count, -1, size)

    future = np.triu(np.ones((count, count), bool), 1)
    for layer in range(layers):
        def w(kind, rows, cols):
            return weights(kind, layer, rows, cols)
        h = prepare(rms_norm(x, w("attention_norm", 1, dim)))
        q = rotate(h @ w("wq", dim, dim).T)
        k = rotate(h @ w("wk", kv_heads * size, dim).T)
        v = (h @ w("wv", kv_heads * size, dim).T).reshape(count, kv_heads, size)
        out = np.empty((count, heads, size))
        for head in range(heads):
            group = head // (heads // kv_heads)
            scores = q[:, head] @ k[:, group].T / np.sqrt(size)
            scores[future] = -np.inf
            p = np.exp(scores - scores.max(-1, keepdims=True))
            out[:, head] = p / p.sum(-1, keepdims=True) @ v[:, group]
        x = x + prepare(out.reshape(count, dim)) @ w("wo", dim, dim).T
        h = prepare(rms_norm(x, w("ffn_norm", 1, dim)))
        gate = h @ w("w1", hidden, dim).T
        up = h @ w("w3", hidden, dim).T
        x = x + prepare(gate / (1 + np.exp(-gate)) * up) @ w("w2", dim, hidden).T
    head = embedding if tied else weights("output", 0, vocab, dim)
    return prepare(rms_norm(x, weights("norm", 0, 1, dim))) @ head.T


def case(name, shape, seed, count):
    ids = [(7 * i * i + 3 * i + 1) % shape[5] for i in range(count)]
    logits = forward(shape, ids, functools.partial(weights, seed))
    rows = sorted({0, 1, count // 2, count - 1})
    return {"name": name, "seed": seed, "ids": ids, "rows": rows,
            "logits": [[round(float(v), 10) for v in logits[r]] for r in rows]}


if __name__ == "__main__":
    print(json.dumps({
        "grouped": case("grouped", (24, 44, 3, 4, 2, 40, True), 11, 150),
        "plain": case("plain", (20, 36, 2, 2, 2, 33, False), 12, 70),
    }, indent=1))
