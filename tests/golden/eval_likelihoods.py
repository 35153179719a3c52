#!/usr/bin/python3
"""Log-likelihoods of items of three tasks by stories260K, in double precision, with NumPy.

Needs the folder LLAMA2_TEST_DATA. Writes eval_likelihoods.json beside itself: for each task the
sums of log-probabilities of each item's choices and how many tokens those have; no text.
"""
import json
import os
import struct
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np

DATA = Path(os.environ["LLAMA2_TEST_DATA"])


class Model:
    """A llama2.c checkpoint; formulas from Touvron et al. 2023 and llama2.c's documentation."""

    def __init__(self, path):
        raw = path.read_bytes()
        dim, hidden, layers, heads, kv_heads, vocab, context = struct.unpack("<7i", raw[:28])
        shared, vocab = vocab > 0, abs(vocab)
        size = dim // heads
        at = 28

        def take(*shape):
            nonlocal at
            count = int(np.prod(shape))
            values = np.frombuffer(raw, "<f4", count, at).astype(np.float64).reshape(shape)
            at += 4 * count
            return values

        self.heads, self.kv_heads, self.size, self.layers = heads, kv_heads, size, layers
        self.vocab = vocab
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
    """A llama2.c tokenizer: the best-scored merge first, bytes for what has no piece."""

    def __init__(self, path, vocab):
        raw = path.read_bytes()
        at, self.pieces, self.scores = 4, [], []
        for _ in range(vocab):
            score, length = struct.unpack("<fi", raw[at : at + 8])
            self.pieces.append(raw[at + 8 : at + 8 + length])
            self.scores.append(score)
            at += 8 + length
        self.ids = {}
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


def main():
    model = Model(DATA / "model-stories260K/stories260K.bin")
    tokenizer = Tokenizer(DATA / "model-stories260K/tok512.bin", model.vocab)

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
    text = json.dumps(result, separators=(",", ":")).replace('"log_probs"', '\n"log_probs"')
    Path(__file__).with_suffix(".json").write_text(text.replace('"tokens"', '\n"tokens"') + "\n")


if __name__ == "__main__":
    main()
