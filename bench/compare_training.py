#!/usr/bin/env python3
"""Whole steps of training by PyTorch and by this project's bench_training, in turns: the same
shapes and batches, forward, backward, clipping and AdamW. By hand:

    compare_training.py [--ours PROGRAM] [--rounds N] [--seconds S] [SHAPE...]

prints for each shape ("tiny", "small") and 1 and 2 threads the tokens per second of both, the
median and the best of the rounds, and their ratios. PyTorch alone gets the caller's allocator and
libraries, which decide how fast it is. On Debian it is quickest with

    LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/openblas-openmp
    GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=8589934592:\
glibc.malloc.trim_threshold=17179869184

`--torch SHAPE THREADS` measures PyTorch alone and prints JSON.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# (dim, hidden, layers, heads, kv_heads, vocab, tied), rows of a batch, tokens of a row: those of
# training_steps.cpp.
SHAPES = {"tiny": ((64, 172, 5, 8, 4, 512, True), 8, 512),
          "small": ((288, 768, 6, 6, 6, 4096, False), 16, 256)}


def measure_torch(shape_name, threads, seconds):
    import torch
    sys.path.insert(0, os.path.join(HERE, "..", "tests", "golden"))
    import torch_llama

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    shape, rows, length = SHAPES[shape_name]
    llama = torch_llama.Llama(shape, lambda kind, layer, r, c:
                              torch.ones(r, c) if r == 1 else 0.02 * torch.randn(r, c))
    optimiser = torch.optim.AdamW(llama.groups(0.1), lr=1e-5, betas=(0.9, 0.95), eps=1e-5)
    tensors = list(llama.tensors.values())
    inputs = torch.randint(shape[5], (rows, length))
    targets = torch.randint(shape[5], (rows, length))

    def step():
        llama.loss(inputs, targets).backward()
        torch.nn.utils.clip_grad_norm_(tensors, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    step()  # makes the optimiser's moments and the allocator's memory
    step()
    times, begin = [], time.perf_counter()
    while len(times) < 2 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return rows * length / min(times)


def run_torch(shape_name, threads, seconds):
    out = subprocess.run([sys.executable, __file__, "--torch", shape_name, str(threads),
                          "--seconds", str(seconds)], check=True, capture_output=True, text=True)
    return json.loads(out.stdout)["tokens_per_second"]


def run_ours(program, shape_name, threads, seconds):
    """Tokens per second, and the share of the FMA peak in per cent."""
    plain = {name: value for name, value in os.environ.items()
             if name not in ("LD_LIBRARY_PATH", "GLIBC_TUNABLES")}
    out = subprocess.run([program, f"--benchmark_filter=BM_TrainStep/.*/{shape_name}/.*"
                          f"threads:{threads}$", f"--benchmark_min_time={seconds}",
                          "--benchmark_format=json"], check=True, capture_output=True, text=True,
                         env=plain)
    run, = json.loads(out.stdout)["benchmarks"]
    return run["tokens_per_second"], run["roofline_pct"]


def compare(args):
    for shape_name in args.shapes or SHAPES:
        for threads in (1, 2):
            ours, shares, torch = [], [], []
            for _ in range(args.rounds):
                rate, share = run_ours(args.ours, shape_name, threads, args.seconds)
                ours.append(rate)
                shares.append(share)
                torch.append(run_torch(shape_name, threads, args.seconds))
            median = statistics.median
            print(f"{shape_name}, {threads} threads: ours {median(ours):.0f} (best {max(ours):.0f}, "
                  f"{max(shares):.0f} % of the FMA peak), PyTorch {median(torch):.0f} (best "
                  f"{max(torch):.0f}); ratio of medians {median(ours) / median(torch):.2f}, "
                  f"of the best {max(ours) / max(torch):.2f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shapes", nargs="*", metavar="SHAPE", help=", ".join(SHAPES))
    parser.add_argument("--ours", default=os.path.join(HERE, "..", "build", "release", "bench",
                                                       "bench_training"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement")
    parser.add_argument("--torch", nargs=2, metavar=("SHAPE", "THREADS"))
    args = parser.parse_args()
    if unknown := set(args.shapes) - set(SHAPES):
        parser.error(f"no such shape: {', '.join(unknown)}")
    if args.torch:
        rate = measure_torch(args.torch[0], int(args.torch[1]), args.seconds)
        print(json.dumps({"tokens_per_second": rate}))
    else:
        compare(args)
