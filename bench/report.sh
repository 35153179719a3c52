#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
bench/report.sh [OPTIONS] [BUILD_DIR] [OUT_DIR]

Runs the benchmarks of BUILD_DIR (build/release) and writes to OUT_DIR (docs/results) what they say:
benchmarks.md, tables, and roofline-*.png, plots of shares of the machine's limits.

  --quick            the small shapes only, briefly: a trial of the script, not a measurement
  --what REGEX       what to measure ('.*'), such as 'Prefill|Decode'
  --targets REGEX    processor targets ('AVX.*|NEON.*')
  --cases REGEX      what comes after the target and highway/ ('.*'), such as 'Q4_0/.*threads:1'
  --seconds S        how long to measure each (0.5); long ones take at most 20 times that
  --no-run           report again what the last run wrote to BUILD_DIR/bench/report
  --help             this text

Models of 7B are left out unless LLAMA2_BENCH_7B is set: they take minutes, and up to 14 GB.
Needs python3 (nothing beyond its standard library) and gnuplot with pngcairo.
TEXT
}

fail() {
  echo "report.sh: $1 (see --help)" >&2
  exit 2
}

here=$(cd "$(dirname "$0")" && pwd)
what='.*' targets='AVX.*|NEON.*' cases='.*' seconds=0.5 run=1
arguments=()
while (($# > 0)); do
  case $1 in
    --help) usage; exit 0 ;;
    --quick) cases='(.*/)?(64x64|64|Stories260K/F32)(/.*)?' seconds=0.001 ;;
    --no-run) run= ;;
    --what | --targets | --cases | --seconds)
      (($# > 1)) || fail "$1 needs a value"
      printf -v "${1#--}" '%s' "$2"
      shift ;;
    -*) fail "no such option: $1" ;;
    *) arguments+=("$1") ;;
  esac
  shift
done
((${#arguments[@]} <= 2)) || fail "too many arguments"
build=${arguments[0]:-$here/../build/release}
out=${arguments[1]:-$here/../docs/results}
json=$build/bench/report
[[ $seconds =~ ^[0-9]*\.?[0-9]+$ && $seconds =~ [1-9] ]] ||
  fail "--seconds needs a number above 0: $seconds"
command -v gnuplot > /dev/null || fail "gnuplot is missing"
command -v python3 > /dev/null || fail "python3 is missing"

if [[ -n $run ]]; then
  programs=(bench_kernels_dynamic bench_model_dynamic bench_load bench_extents bench_sessions)
  [[ ! -x $build/bench/bench_small ]] || programs+=(bench_small)
  for program in "${programs[@]}"; do
    [[ -x $build/bench/$program ]] || fail "no $program in $build/bench: build it first"
  done
  for regex in "$what" "$targets" "$cases"; do
    grep -E -e "$regex" /dev/null || (($? == 1)) || fail "not a regular expression: $regex"
  done
  mkdir -p "$json"
  rm -f "$json"/*.json
  filter="^BM_($what)/($targets)/(highway/)?($cases)\$"
  ran=
  for program in "${programs[@]}"; do
    # All names of the program, as it would not tell a filter of none from a failure.
    names=$("$build/bench/$program" --benchmark_filter="$filter|." --benchmark_list_tests)
    grep -qE "$filter" <<< "$names" || continue  # it has none of what was asked for
    "$build/bench/$program" --benchmark_filter="$filter" --benchmark_min_time="$seconds" \
      --benchmark_out="$json/$program.json" --benchmark_out_format=json
    ran=1
  done
  [[ -n $ran ]] || fail "no benchmark is called $filter"
fi
mkdir -p "$out"
python3 "$here/report.py" "$json" "$out"
