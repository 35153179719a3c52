#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
bench/compare.sh [OPTIONS] LLAMA_BENCH MODEL.gguf

Runs somebody's llama-bench (of llama.cpp or an engine derived from it) and this project's
bench_file in turns on the same file, and prints the medians of both in tokens per second, and their
ratio.

  LLAMA_BENCH    the other program: takes -m -p -n -t -r and -o json, as llama-bench does
  MODEL.gguf     a model with its vocabulary

  --ours PROGRAM   this project's program (build/release/bench/bench_file)
  --rounds N       how often each is run (5)
  --prompt N       tokens of the prompt (512); 0: no prompt
  --generate N     tokens produced, one after the other (32); 0: none
  --threads N      of each program (all processors)
  --help           this text

Needs python3 (nothing beyond its standard library).
TEXT
}

fail() {
  echo "compare.sh: $1 (see --help)" >&2
  exit 2
}

ours="$(dirname "$0")/../build/release/bench/bench_file"
rounds=5 prompt=512 generate=32 threads=$(nproc)
arguments=()
while (($# > 0)); do
  case $1 in
    --help) usage; exit 0 ;;
    --ours | --rounds | --prompt | --generate | --threads)
      (($# > 1)) || fail "$1 needs a value"
      printf -v "${1#--}" '%s' "$2"
      shift ;;
    -*) fail "no such option: $1" ;;
    *) arguments+=("$1") ;;
  esac
  shift
done
for option in rounds threads; do
  [[ ${!option} =~ ^[1-9][0-9]*$ ]] || fail "--$option needs a positive integer: ${!option}"
done
for option in prompt generate; do
  [[ ${!option} =~ ^(0|[1-9][0-9]*)$ ]] || fail "--$option needs an integer, 0 or more: ${!option}"
done
((${#arguments[@]} == 2)) || fail "LLAMA_BENCH and MODEL.gguf are needed"
theirs=${arguments[0]} model=${arguments[1]}
command -v "$theirs" > /dev/null || fail "cannot run $theirs"
command -v "$ours" > /dev/null || fail "cannot run $ours: build the target bench_file"
[[ -r $model ]] || fail "cannot read $model"

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# In turns: a shared machine's speed drifts, and both must feel it.
for ((round = 1; round <= rounds; ++round)); do
  for side in theirs ours; do
    echo "round $round of $rounds: ${!side}" >&2
    "${!side}" -m "$model" -p "$prompt" -n "$generate" -t "$threads" -r 1 -o json \
      > "$results/$side.$round.json"
  done
done

python3 - "$results" "$threads" <<'PYTHON'
import json, pathlib, statistics, sys

results, threads = pathlib.Path(sys.argv[1]), sys.argv[2]

def rates(side):
    """Tokens per second of every round, by what was measured."""
    found = {}
    for path in sorted(results.glob(side + ".*.json")):
        for test in json.loads(path.read_text()):
            p, n = test["n_prompt"], test["n_gen"]
            name = f"prefill {p}" if n == 0 else f"decode {n}"
            found.setdefault(name, []).append(test["avg_ts"])
    return found

theirs, ours = rates("theirs"), rates("ours")
if not set(theirs) & set(ours):
    sys.exit("compare.sh: the programs measured nothing in common")
print("| tokens/s, threads: " + threads + " | theirs | ours | ours / theirs |")
print("|---|---|---|---|")
for name in theirs:
    if name not in ours:
        continue
    a, b = statistics.median(theirs[name]), statistics.median(ours[name])
    print(f"| {name} | {a:.4g} | {b:.4g} | {b / a:.2f} |")
PYTHON
