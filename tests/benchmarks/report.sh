#!/usr/bin/env bash
# report.sh SCRIPT BUILD_DIR: bench/report.sh writes its tables and plots, and says what is wrong with
# its arguments.
set -euo pipefail

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$1" --quick --targets '[A-Z0-9_]+' "$2" "$out"

for what in MatVec MatMul Prefill Decode; do
  # There is a plot exactly where a figure of its table is not void.
  shares=$(sed -n "/^## $what, /,/^## /p" "$out/benchmarks.md" | grep -oE '\((void: )?[0-9]+ %')
  plot=$out/roofline-${what,,}.png
  if grep -qv void <<< "$shares"; then
    [[ $(head -c 4 "$plot" | tail -c 3) == PNG ]]
  else
    [[ ! -e $plot ]]
  fi
done
for what in MatVec MatMul Prefill Decode Load StaticMatVec; do
  grep -q "^## $what, " "$out/benchmarks.md"
done

# expect_error MESSAGE ARGUMENTS...: the script fails and says so.
expect_error() {
  local message=$1
  shift
  if "$@" > /dev/null 2> "$out/errors"; then
    echo "went unnoticed: $*"
    exit 1
  fi
  grep -qF -- "report.sh: $message" "$out/errors" || { cat "$out/errors"; exit 1; }
}
expect_error "not a regular expression: (" "$1" --what '(' "$2" "$out"
expect_error "--seconds needs a number" "$1" --seconds abc --what None "$2" "$out"
expect_error "--seconds needs a number" "$1" --seconds 0 "$2" "$out"
expect_error "no bench_kernels_dynamic in" "$1" "$out" "$out"
