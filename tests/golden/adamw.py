#!/usr/bin/env python3
"""Writes adamw.json: 20 steps of PyTorch's AdamW with clipping and a cosine schedule, in double.

First on a few numbers with given gradients, then on whole tiny models (multi-head and grouped-query
attention, tied and untied heads) with generated weights and tokens. Run it by hand:

    python3 tests/golden/adamw.py > tests/golden/adamw.json
"""
import functools
import json

import torch

import tiny_model
import torch_llama

STEPS, WARMUP, PEAK, CLIP, DECAY = 20, 5, 1e-2, 1.0, 0.1


def optimiser_of(groups):
    return torch.optim.AdamW(groups, lr=1.0, betas=(0.9, 0.95), eps=1e-5)


def take_step(optimiser, tensors, step):
    norm = torch.nn.utils.clip_grad_norm_(tensors, CLIP)
    rate = torch_llama.cosine(step, PEAK, WARMUP, STEPS)
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    optimiser.zero_grad()
    return float(norm), rate


def numbers():
    """A matrix that decays and a gain that does not; gradient i of a step is uniform_at(100 * step +
    tensor, i) * step / 40, so that some steps are clipped and others are not."""
    sizes = [37, 11]
    tensors = [torch.tensor(tiny_model.uniform(7 + i, n).astype(float)).requires_grad_()
               for i, n in enumerate(sizes)]
    optimiser = optimiser_of([{"params": tensors[:1], "weight_decay": DECAY},
                              {"params": tensors[1:], "weight_decay": 0.0}])
    norms, rates = [], []
    for step in range(1, STEPS + 1):
        for i, tensor in enumerate(tensors):
            gradient = tiny_model.uniform(100 * step + i, sizes[i]).astype(float) * step / 40
            tensor.grad = torch.tensor(gradient)
        norm, rate = take_step(optimiser, tensors, step)
        norms.append(norm)
        rates.append(rate)
    return {"norms": norms, "rates": rates, "values": [t.tolist() for t in tensors]}


def model(shape, seed, batch, length):
    """Row r of step s has tokens (7 i^2 + 3 i + 5 r + 11 s) mod vocab."""
    values = functools.partial(tiny_model.weights, seed)
    llama = torch_llama.Llama(shape, values, dtype=torch.float64)
    tensors = list(llama.tensors.values())
    optimiser = optimiser_of(llama.groups(DECAY))
    losses, norms = [], []
    for step in range(1, STEPS + 1):
        i = torch.arange(length + 1)[None, :]
        rows = torch.arange(batch)[:, None]
        ids = (7 * i * i + 3 * i + 5 * rows + 11 * step) % shape[5]
        loss = llama.loss(ids[:, :-1], ids[:, 1:])
        loss.backward()
        losses.append(float(loss))
        norms.append(take_step(optimiser, tensors, step)[0])
    return {"shape": [int(x) for x in shape], "seed": seed, "batch": batch, "length": length, "losses": losses,
            "norms": norms}


if __name__ == "__main__":
    grouped, plain = (24, 44, 3, 4, 2, 40), (20, 36, 2, 2, 2, 33)
    print(json.dumps({
        "steps": STEPS, "warmup": WARMUP, "peak": PEAK, "clip": CLIP, "decay": DECAY,
        "numbers": numbers(),
        "models": [model((*extents, tied), seed, 3, 32)
                   for seed, (extents, tied) in enumerate([(grouped, True), (grouped, False),
                                                           (plain, True), (plain, False)], 21)],
    }, indent=1))
