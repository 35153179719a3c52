#!/usr/bin/env bash
# runs.sh PROGRAM FILTER: a benchmark program measures what the filter chooses, without an error,
# under names of the pattern BM_<what>/<target>/<library>/<case>/threads:<n> (whole models without
# <library>/, which is highway or xsimd), and with the counters that docs/benchmarks.md promises.
set -euo pipefail

out=$(mktemp)
trap 'rm -f "$out"' EXIT
"$1" --benchmark_filter="$2" --benchmark_min_time=0.001s > "$out"

# Of every benchmark; the names of its counters.
counters_of() {
  local limit="limit roofline_pct roofline_median_pct"
  echo samples
  case $1 in
    Read | Load) echo bytes_per_second ;;
    Product) echo items_per_second ;;
    MatVec | MatMul | Prefill | Decode)
      echo "$limit bytes_per_second items_per_second tokens_per_second" ;;
    Attend | Prepare | Quantise | RmsNorm | SwiGlu | Rope)
      echo "$limit bytes_per_second items_per_second" ;;
    AttendPrompt | BackwardLinear* | BackwardAttention | BackwardCrossEntropy)
      echo "$limit items_per_second" ;;
    Backward*) echo items_per_second ;;
    TrainOptimiser) echo tokens_per_second ;;
    Train*) echo "$limit tokens_per_second" ;;
    Small) echo "$limit bytes_per_second tokens_per_second times_baseline times_baseline_median" ;;
    Static*) echo "runtime_over_static runtime_over_static_median" ;;
  esac
}

measured=0
while read -r name line; do
  [[ $name == BM_* ]] || continue
  what=${name#BM_} what=${what%%/*}
  case $what in
    Prefill | Decode | Small | Load | Open) library='' ;;
    *) library="(highway|xsimd)/" ;;
  esac
  pattern="^BM_[A-Za-z]+/[A-Z0-9_]+/${library}[A-Za-z0-9_:/]+/threads:[0-9]+\$"
  if [[ ! $name =~ $pattern || (-z $library && $name =~ /(highway|xsimd)/) ]]; then
    echo "breaks the pattern: $name"
    exit 1
  fi
  if [[ $line == *"ERROR OCCURRED"* ]]; then
    echo "reports an error: $name $line"
    exit 1
  fi
  for counter in $(counters_of "$what"); do
    if [[ " $line" != *" $counter="[0-9]* ]]; then
      echo "$counter is missing: $name $line"
      exit 1
    fi
  done
  measured=$((measured + 1))
done < "$out"
((measured > 0)) || { echo "nothing was measured"; exit 1; }

for seconds in 10x 0 -1 abc; do
  if "$1" --benchmark_filter="$2" --benchmark_min_time="$seconds" > "$out" 2>&1; then
    echo "took $seconds for a time"
    exit 1
  fi
done
