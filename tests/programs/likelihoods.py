#!/usr/bin/env python3
"""likelihoods.py EVALUATE: the project's own model, its weights in F32, finds items of three
tasks as likely as a reference in double precision does (golden/eval_likelihoods.py), and chooses the
same."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

evaluate = sys.argv[1]
root = Path(__file__).resolve().parents[2]
if "LLAMA2_TEST_DATA" not in os.environ:
    print("*** SKIPPED: LLAMA2_TEST_DATA is not set; nothing was evaluated", file=sys.stderr)
    sys.exit()


def best(scores):
    return max(range(len(scores)), key=lambda i: scores[i])


golden = json.loads((root / "tests/golden/eval_likelihoods.json").read_text())["storyteller"]
seen, worst = 0, 0.0
with tempfile.TemporaryDirectory() as folder:
    for task, expected in golden.items():
        subprocess.run(
            [evaluate, root / "examples/models/storyteller.gguf", "--weights", "F32"]
            + ["--data", os.environ["LLAMA2_TEST_DATA"], "--threads", "1"]
            + ["--tasks", task, "--limit", str(len(expected["log_probs"]))]
            + ["--out", f"{folder}/{task}"],
            check=True,
            capture_output=True,
        )
        results = json.loads(Path(f"{folder}/{task}/results.json").read_text())
        items = results["tasks"][0]["results"][0]["items"]
        assert len(items) == len(expected["log_probs"])
        for item, sums, tokens in zip(items, expected["log_probs"], expected["tokens"]):
            found = item["log_probs"] if "log_probs" in item else [item["log_prob"]]
            counts = item["tokens"] if "log_probs" in item else [item["tokens"]]
            assert counts == tokens, item["id"]
            worst = max([worst] + [abs(a - b) for a, b in zip(found, sums, strict=True)])
            for lengths in [1] * len(tokens), tokens, item.get("bytes", tokens):
                mean = [[x / n for x, n in zip(of, lengths)] for of in (found, sums)]
                assert best(mean[0]) == best(mean[1]), item["id"]
            seen += 1
assert seen == 200
assert worst < 1e-3, worst
print(f"{seen} items, log-probabilities apart by at most {worst:.1e}")
