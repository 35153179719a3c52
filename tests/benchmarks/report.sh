#!/usr/bin/env bash
# report.sh SCRIPT BUILD_DIR: bench/report.sh writes its tables and plots.
set -euo pipefail

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$1" --quick --targets '[A-Z0-9_]+' "$2" "$out"

for plot in matvec matmul prefill decode; do
  # Where every figure of a plot is void there is none, and the tables say so.
  [[ $(head -c 4 "$out/roofline-$plot.png" | tail -c 3) == PNG ]] ||
    grep -q "void" "$out/benchmarks.md"
done
for what in MatVec MatMul Prefill Decode Load StaticMatVec; do
  grep -q "^## $what, " "$out/benchmarks.md"
done
