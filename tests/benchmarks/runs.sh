#!/usr/bin/env bash
# runs.sh PROGRAM FILTER: a benchmark program measures what the filter chooses, without an error and
# under names of the pattern BM_<what>/<target>/highway/<case>/threads:<n>.
set -euo pipefail

out=$(mktemp)
trap 'rm -f "$out"' EXIT
"$1" --benchmark_filter="$2" --benchmark_min_time=0.001 > "$out"

names=$(grep -o '^BM_[^ ]*' "$out") || { echo "nothing was measured"; exit 1; }
if wrong=$(grep -vE '^BM_[A-Za-z]+/[A-Z0-9_]+/highway/[A-Za-z0-9_:/]+/threads:[0-9]+$' <<< "$names")
then
  echo "names that break the pattern:"
  echo "$wrong"
  exit 1
fi
if grep "ERROR OCCURRED" "$out"; then
  echo "benchmarks that report an error"
  exit 1
fi
