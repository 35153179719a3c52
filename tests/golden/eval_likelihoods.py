#!/usr/bin/python3
"""Log-likelihoods of items of three tasks by stories260K and by the project's own model, in double
precision, with NumPy: formulas from Touvron et al. 2023, files as their formats' documentation has
them.

Needs the folder LLAMA2_TEST_DATA. Writes eval_likelihoods.json beside itself: for each model and task
the sums of log-probabilities of each item's choices and how many tokens those have; no text.
"""
import json
import os
import struct
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np

DATA = Path(os.environ["LLAMA2_TEST_DATA"])


class Model:
    """`dimensions` are those of a llama2.c header; `take` gives the tensors one after the other."""

    def __init__(self, dimensions, take):
        dim, hidden, layers, heads, kv_heads, vocab, context = dimensions
        shared, vocab = vocab > 0, abs(vocab)
        size = dim // heads
        self.heads, self.kv_heads, self.size, self.layers = heads, kv_heads, size, layers
        self.embedding = take(vocab, dim)
        self.attention_norm = take(layers, dim)
        self.wq = take(layers, dim, dim)
        self.wk = take(layers, kv_heads * size, dim)
        self.wv = take(layers, kv_heads * size, dim)
        self.wo = take(layers, dim, dim)
        self.ffn_norm = take(layers, dim)
        self.w1 = take(layers, hidden, dim)
        self.w2 = take(layers, dim, hidden)
        self.w3 = take(layers, hidden, dim)
        self.norm = take(dim)
        take(context, size // 2), take(context, size // 2)
        self.head = self.embedding if shared else take(vocab, dim)

    @staticmethod
    def rms(x, weight):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * weight

    def log_probs(self, ids):
        n = len(ids)
        angles = np.arange(n)[:, None] / 10000 ** (np.arange(0, self.size, 2) / self.size)
        turn = np.exp(1j * angles)[:, None]
        mask = np.where(np.arange(n)[None, :] > np.arange(n)[:, None], -np.inf, 0.0)

        def rotate(x):
            x = x.reshape(n, -1, self.size)
            turned = (x[..., 0::2] + 1j * x[..., 1::2]) * turn
            return np.stack([turned.real, turned.imag], -1).reshape(x.shape)

        x = self.embedding[ids]
        for l in range(self.layers):
            h = self.rms(x, self.attention_norm[l])
            q, k = rotate(h @ self.wq[l].T), rotate(h @ self.wk[l].T)
            v = (h @ self.wv[l].T).reshape(n, self.kv_heads, self.size)
            out = np.empty((n, self.heads, self.size))
            for head in range(self.heads):
                group = head // (self.heads // self.kv_heads)
                scores = q[:, head] @ k[:, group].T / np.sqrt(self.size) + mask
                weights = np.exp(scores - scores.max(-1, keepdims=True))
                out[:, head] = weights / weights.sum(-1, keepdims=True) @ v[:, group]
            x = x + out.reshape(n, -1) @ self.wo[l].T
            h = self.rms(x, self.ffn_norm[l])
            gate = h @ self.w1[l].T
            x = x + (gate / (1 + np.exp(-gate)) * (h @ self.w3[l].T)) @ self.w2[l].T
        logits = self.rms(x, self.norm) @ self.head.T
        logits -= logits.max(-1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


class Tokenizer:
    """Merges the pair with the best score first; bytes for what has no piece."""

    def __init__(self, pieces, scores):
        self.pieces, self.scores, self.ids = pieces, scores, {}
        for i, piece in enumerate(self.pieces):
            self.ids.setdefault(piece, i)

    def encode(self, text):
        ids = []
        for char in " " + text:
            raw = char.encode()
            ids += [self.ids[raw]] if raw in self.ids else [byte + 3 for byte in raw]
        while True:
            merges = [
                (-self.scores[merged], i, merged)
                for i in range(len(ids) - 1)
                for merged in [self.ids.get(self.pieces[ids[i]] + self.pieces[ids[i + 1]])]
                if merged is not None
            ]
            if not merges:
                return [1] + ids
            _, i, merged = min(merges)
            ids[i : i + 2] = [merged]


def from_llama2c(path, tokenizer_path):
    raw = path.read_bytes()
    dimensions = struct.unpack("<7i", raw[:28])
    at = 28

    def take(*shape):
        nonlocal at
        count = int(np.prod(shape))
        values = np.frombuffer(raw, "<f4", count, at).astype(np.float64).reshape(shape)
        at += 4 * count
        return values

    model = Model(dimensions, take)
    raw = tokenizer_path.read_bytes()
    at, pieces, scores = 4, [], []
    for _ in range(abs(dimensions[5])):
        score, length = struct.unpack("<fi", raw[at : at + 8])
        pieces.append(raw[at + 8 : at + 8 + length])
        scores.append(score)
        at += 8 + length
    return model, Tokenizer(pieces, scores)


def from_gguf(path):
    """A file of F32 and Q8_0 tensors with a tied head. Activations are not rounded here: so this is
    what the same weights compute in F32."""
    raw = path.read_bytes()
    at = 8  # after magic and version

    def number(form):
        nonlocal at
        (value,) = struct.unpack_from("<" + form, raw, at)
        at += struct.calcsize("<" + form)
        return value

    def string():
        nonlocal at
        size = number("Q")
        at += size
        return raw[at - size : at]

    def value(kind):
        if kind == 8:
            return string()
        if kind == 9:
            kind, count = number("I"), number("Q")
            return [value(kind) for _ in range(count)]
        return number("BbHhIif?  Qqd"[kind])

    tensors, entries = number("Q"), number("Q")
    facts = {}
    for _ in range(entries):
        name = string().decode()
        facts[name] = value(number("I"))
    listed = {}
    for _ in range(tensors):
        name = string().decode()
        shape = [number("Q") for _ in range(number("I"))][::-1]
        listed[name] = shape, number("I"), number("Q")
    alignment = facts.get("general.alignment", 32)
    data = -(-at // alignment) * alignment

    def tensor(name):
        shape, kind, offset = listed[name]
        count = int(np.prod(shape))
        if kind == 0:
            return np.frombuffer(raw, "<f4", count, data + offset).astype(np.float64).reshape(shape)
        assert kind == 8
        block = np.dtype([("scale", "<f2"), ("values", "i1", 32)])
        blocks = np.frombuffer(raw, block, count // 32, data + offset)
        return (blocks["scale"].astype(np.float64)[:, None] * blocks["values"]).reshape(shape)

    def fact(name):
        return facts["llama." + name]

    layers = fact("block_count")

    def of_blocks(name):
        return np.stack([tensor(f"blk.{i}.{name}.weight") for i in range(layers)])

    assert "output.weight" not in listed
    in_order = iter(
        [tensor("token_embd.weight")]
        + [of_blocks(n) for n in ("attn_norm", "attn_q", "attn_k", "attn_v", "attn_output")]
        + [of_blocks(n) for n in ("ffn_norm", "ffn_gate", "ffn_down", "ffn_up")]
        + [tensor("output_norm.weight"), None, None]
    )

    def take(*shape):
        values = next(in_order)
        assert values is None or values.shape == shape
        return values

    tokens = facts["tokenizer.ggml.tokens"]
    names = ("embedding_length", "feed_forward_length", "block_count", "attention.head_count")
    dimensions = [fact(n) for n in names]
    dimensions += [fact("attention.head_count_kv"), len(tokens), fact("context_length")]
    pieces = [piece.decode().replace("\u2581", " ").encode() for piece in tokens]
    return Model(dimensions, take), Tokenizer(pieces, facts["tokenizer.ggml.scores"])


def likelihoods(model, tokenizer):
    def score(prompt, continuation):
        before, ids = tokenizer.encode(prompt), tokenizer.encode(prompt + continuation)
        begin = next(
            (i for i, (a, b) in enumerate(zip(before, ids)) if a != b), min(len(before), len(ids) - 1)
        )
        gone = max(0, len(ids) - 513)  # the last token is predicted only
        ids = ids[:1] + ids[1 + gone :]
        begin = max(1, begin - gone)
        log_probs = model.log_probs(ids[:-1])
        rows = np.arange(begin - 1, len(ids) - 1)
        return round(float(log_probs[rows, ids[begin:]].sum()), 6), len(ids) - begin

    def lines(name):
        with open(DATA / "eval-llm-foundry" / name, encoding="utf8") as file:
            return [json.loads(line) for line in file]

    def choices(name, delimiter):
        return lambda x: [(x["query"].strip() + delimiter, " " + c) for c in x["choices"]]

    tasks = {
        "copa": ("commonsense_reasoning/copa.jsonl", 100, choices("copa", "")),
        "arc_easy": ("world_knowledge/arc_easy.jsonl", 60, choices("arc", "\nAnswer:")),
        "lambada_openai": (
            "language_understanding/lambada_openai.jsonl",
            40,
            lambda x: [(x["context"], " " + x["continuation"])],
        ),
    }
    result = {}
    for name, (file, count, pairs) in tasks.items():
        items = lines(file)
        scored = [
            [score(*pair) for pair in pairs(items[i * len(items) // count])] for i in range(count)
        ]
        result[name] = {
            "log_probs": [[s[0] for s in item] for item in scored],
            "tokens": [[s[1] for s in item] for item in scored],
        }
    return result


def main():
    root = Path(__file__).resolve().parents[2]
    result = {
        "stories260K": likelihoods(
            *from_llama2c(
                DATA / "model-stories260K/stories260K.bin", DATA / "model-stories260K/tok512.bin"
            )
        ),
        "storyteller": likelihoods(*from_gguf(root / "examples/models/storyteller.gguf")),
    }
    text = json.dumps(result, separators=(",", ":")).replace('"log_probs"', '\n"log_probs"')
    Path(__file__).with_suffix(".json").write_text(text.replace('"tokens"', '\n"tokens"') + "\n")


if __name__ == "__main__":
    main()
