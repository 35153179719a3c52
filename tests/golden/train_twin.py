#!/usr/bin/env python3
"""PyTorch trains what the program `pretrain` has trained: the same weights at the start, the same
batches, the same schedule. By hand:

    train_twin.py start SEED START.bin            # writes fresh weights of Stories260K
    pretrain ... --shape stories260k --from START.bin --out RUN
    train_twin.py train RUN START.bin LOSSES.json [--steps N] [--threads N] [--nudge] [--double]
    train_twin.py compare RUN LOSSES.json [ANOTHER_LOSSES.json]

`train` reads the tokens and the saved state in RUN, which says how it was trained. Two options tell
how far rounding alone carries: --nudge changes the first weights by one unit in the last place,
--double computes in double.
`compare` prints how far the losses are apart, beside how far two PyTorch runs are.
"""
import argparse
import glob
import json
import os
import struct
import time

import numpy as np
import torch

import torch_llama

SHAPE = (64, 172, 5, 8, 4, 512, True)  # Stories260K
CONTEXT = 512
FILE_ORDER = ["token_embedding", "attention_norm", "wq", "wk", "wv", "wo", "ffn_norm", "w1", "w2",
              "w3", "norm"]
MASK = (1 << 64) - 1


def file_tensors():
    """(kind, layer, rows, cols) as llama2.c's version 0 has them."""
    by_kind = {}
    for kind, layer, rows, cols in torch_llama.tensor_shapes(SHAPE):
        by_kind.setdefault(kind, []).append((kind, layer, rows, cols))
    return [tensor for kind in FILE_ORDER for tensor in by_kind[kind]]


def write_start(seed, path):
    generator = np.random.default_rng(seed)
    dim, hidden, layers, heads, kv_heads, vocab, tied = SHAPE
    with open(path, "wb") as out:
        out.write(struct.pack("<7i", dim, hidden, layers, heads, kv_heads, vocab, CONTEXT))
        for kind, layer, rows, cols in file_tensors():
            deviation = 0.02 / np.sqrt(2 * layers) if kind in ("wo", "w2") else 0.02
            values = generator.normal(0, deviation, rows * cols) if rows > 1 else np.ones(cols)
            out.write(values.astype("<f4").tobytes())
        out.write(np.zeros(CONTEXT * dim // heads, "<f4").tobytes())  # rotary tables, unread


def read_start(path):
    numbers = np.fromfile(path, "<f4", offset=28)
    tensors, at = {}, 0
    for kind, layer, rows, cols in file_tensors():
        tensors[kind, layer] = numbers[at:at + rows * cols].reshape(rows, cols)
        at += rows * cols
    return tensors


def read_options(run):
    """The fields of a saved state."""
    path = sorted(glob.glob(os.path.join(run, "step-*.state")))[-1]
    with open(path, "rb") as state:
        magic, size = state.read(8), struct.unpack("<Q", state.read(8))[0]
        assert magic == b"L2TRAIN1", magic
        text = state.read(size).decode()
    return dict(line.split(" ", 1) for line in text.splitlines() if not line.startswith("tensor "))


def read_tokens(path):
    data = open(path, "rb").read()
    assert data[:8] == b"LL2TOKEN" and data[-8:] == b"LL2TOKEN", path
    count = struct.unpack_from("<Q", data, len(data) - 32)[0]
    return np.frombuffer(data, "<u2", count, 40).astype(np.int64)


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def permuted(place, size, seed):
    """The library's Permutation."""
    bits = 0 if size < 2 else (size - 1).bit_length()
    half = 1 if bits < 2 else (bits + 1) // 2
    key, mask = mix(seed), (1 << half) - 1
    while True:
        left, right = place >> half, place & mask
        for r in range(8):
            left, right = right, left ^ (mix(mix((key + r) & MASK) ^ right) & mask)
        place = left << half | right
        if place < size:
            return place


class Batches:
    def __init__(self, tokens, options):
        self.length, self.batch = int(options["data.length"]), int(options["data.batch_rows"])
        self.seed, self.tokens = int(options["data.seed"]), tokens
        self.rows, self.given = (len(tokens) - 1) // self.length, 0

    def row(self, i):
        return self.tokens[i * self.length:(i + 1) * self.length + 1]

    def next(self):
        picked = []
        for _ in range(self.batch):
            epoch, place = divmod(self.given, self.rows)
            picked.append(self.row(permuted(place, self.rows, mix(self.seed) ^ epoch)))
            self.given += 1
        return torch.tensor(np.stack(picked))


def validation_loss(llama, tokens, length, most):
    rows = min((len(tokens) - 1) // length, most)
    total = 0.0
    with torch.no_grad():
        for begin in range(0, rows, 16):
            ids = torch.tensor(np.stack([tokens[i * length:(i + 1) * length + 1]
                                         for i in range(begin, min(rows, begin + 16))]))
            total += float(llama.loss(ids[:, :-1], ids[:, 1:])) * ids[:, 1:].numel()
    return total / (rows * length)


def train(args):
    torch.set_num_threads(args.threads)
    options = read_options(args.run)
    start = read_start(args.start)
    if args.nudge:
        signs = np.random.default_rng(1)
        start = {key: np.nextafter(values, np.float32(signs.choice([-9, 9])))
                 for key, values in start.items()}
    llama = torch_llama.Llama(SHAPE, lambda kind, layer, rows, cols: start[kind, layer],
                              dtype=torch.float64 if args.double else torch.float32)
    optimiser = torch.optim.AdamW(
        llama.groups(float(options["weight_decay"])), lr=1.0,
        betas=(float(options["beta1"]), float(options["beta2"])), eps=float(options["epsilon"]))
    batches = Batches(read_tokens(os.path.join(args.run, "train.tokens")), options)
    held_out = read_tokens(os.path.join(args.run, "validation.tokens"))
    tensors = list(llama.tensors.values())
    steps, warmup = int(options["steps"]), int(options["warmup_steps"])
    assert options["decay"] == "cosine" and options["accumulation"] == "1"
    losses, begin = [], time.time()
    for step in range(1, min(steps, args.steps or steps) + 1):
        ids = batches.next()
        loss = llama.loss(ids[:, :-1], ids[:, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(tensors, float(options["clip_norm"]))
        rate = torch_llama.cosine(step, float(options["peak_rate"]), warmup, steps,
                                  float(options["final_share"]))
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float(loss))
        if step % 100 == 0:
            print(f"step {step}: loss {losses[-1]:.4f}, "
                  f"{step * ids[:, 1:].numel() / (time.time() - begin):.0f} tokens/s", flush=True)
    result = {"threads": args.threads, "losses": losses, "seconds": time.time() - begin,
              "validation": validation_loss(llama, held_out, batches.length,
                                            int(options["validation_rows"]))}
    print("validation", result["validation"])
    json.dump(result, open(args.losses, "w"))


def compare(args):
    ours, validations = [], {}
    for line in open(os.path.join(args.run, "metrics.jsonl")):
        row = json.loads(line)
        if "loss" in row:
            ours.append(row["loss"])
        else:
            validations[row["step"]] = row["validation_loss"]
    twins = [json.load(open(path)) for path in args.losses]
    first = np.array(twins[0]["losses"])
    for n in (50, 200, len(first)):
        if n > len(first):
            continue
        apart = np.abs(np.array(ours[:n]) - first[:n]).max()
        line = f"first {n} steps: at most {apart:.3g} apart"
        if len(twins) > 1 and n <= len(twins[1]["losses"]):
            line += f"; two PyTorch runs {np.abs(np.array(twins[1]['losses'][:n]) - first[:n]).max():.3g}"
        print(line)
    if len(first) in validations:
        print(f"validation after {len(first)} steps: {validations[len(first)]:.5f}, "
              f"PyTorch {twins[0]['validation']:.5f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("start")
    command.add_argument("seed", type=int)
    command.add_argument("path")
    command.set_defaults(run_command=lambda args: write_start(args.seed, args.path))
    command = commands.add_parser("train")
    command.add_argument("run")
    command.add_argument("start")
    command.add_argument("losses")
    command.add_argument("--steps", type=int, default=0)
    command.add_argument("--threads", type=int, default=2)
    command.add_argument("--nudge", action="store_true")
    command.add_argument("--double", action="store_true")
    command.set_defaults(run_command=train)
    command = commands.add_parser("compare")
    command.add_argument("run")
    command.add_argument("losses", nargs="+")
    command.set_defaults(run_command=compare)
    args = parser.parse_args()
    args.run_command(args)
