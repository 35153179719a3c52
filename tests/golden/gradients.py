#!/usr/bin/env python3
"""Writes gradients.json: losses and the gradients of all tensors of two tiny models, by PyTorch.

In float64, on the generated weights of tiny_model.py. The loss is a sum over two texts' tokens of
weight * -log softmax(logits)[target]. Run it by hand:

    python3 tests/golden/gradients.py > tests/golden/gradients.json
"""
import functools
import json

import torch

from tiny_model import weights
from torch_llama import Llama


def case(shape, seed, lengths):
    model = Llama(shape, functools.partial(weights, seed), dtype=torch.float64)
    vocab = shape[5]
    loss, texts = 0, []
    for number, length in enumerate(lengths):
        ids = [(7 * i * i + 3 * i + 1 + number) % vocab for i in range(length + 1)]
        scale = [(i + number) % 3 / 2 for i in range(length)]  # 0, 0.5 or 1
        logits = model.logits(torch.tensor([ids[:-1]]))[0]
        log_probs = logits.log_softmax(-1)[torch.arange(length), torch.tensor(ids[1:])]
        loss = loss - (log_probs * torch.tensor(scale, dtype=torch.float64)).sum()
        texts.append({"ids": ids, "weights": scale,
                      "log_probs": [round(float(p), 9) for p in log_probs],
                      "last_logits": [round(float(v), 9) for v in logits[-1]]})
    loss.backward()
    gradients = [[float("%.7g" % v) for v in t.grad.flatten()] for t in model.tensors.values()]
    return {"seed": seed, "texts": texts, "loss": float(loss.detach()), "gradients": gradients}


if __name__ == "__main__":
    print(json.dumps({
        "grouped": case((16, 20, 2, 4, 2, 24, True), 21, [70, 9]),
        "plain": case((20, 12, 2, 2, 2, 19, False), 22, [5, 66]),
    }, separators=(",", ":")))
