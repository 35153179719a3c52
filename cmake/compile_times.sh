#!/usr/bin/env bash
# compile_times.sh COMPILER OUTPUT_DIR [compiler flags...]
#
# Measures what the library costs a compiler at -O2: processor seconds (the least of three runs),
# peak memory and object size of small translation units. Prints a table, and writes it as Markdown
# to OUTPUT_DIR/compile_times.md. Needs GNU time (Debian package: time).
set -euo pipefail

compiler=$1 out=$2
shift 2
flags=("$@")

if [[ ! -x /usr/bin/time ]]; then
  echo "compile_times.sh: /usr/bin/time is missing (Debian package: time)" >&2
  exit 1
fi
mkdir -p "$out"
cd "$out"

echo 'int nothing;' >empty.cpp
echo '#include <llama2/llama2.hpp>' >umbrella.cpp
cat umbrella.cpp - >one_model.cpp <<'CPP'
LLAMA2_INSTANTIATE_MODEL(llama2::Stories260K, llama2::F32);
CPP
cat one_model.cpp - >two_shapes.cpp <<'CPP'
LLAMA2_INSTANTIATE_MODEL(llama2::Stories15M, llama2::F32);
CPP

# measure NAME: sets seconds, memory (MiB) and object (KiB) for NAME.cpp.
measure() {
  local user system kib
  seconds=
  for _ in 1 2 3; do
    /usr/bin/time -f '%U %S %M' -o "$1.time" \
      "$compiler" -std=c++20 -O2 -march=native "${flags[@]}" -c "$1.cpp" -o "$1.o"
    read -r user system kib <"$1.time"
    seconds=$(awk -v a="$user" -v b="$system" -v least="$seconds" \
      'BEGIN { s = a + b; if (least != "" && least < s) s = least; printf "%.2f", s }')
  done
  memory=$(awk -v kib="$kib" 'BEGIN { printf "%.0f", kib / 1024 }')
  object=$(awk -v bytes="$(stat -c %s "$1.o")" 'BEGIN { printf "%.1f", bytes / 1024 }')
}

row() {
  printf '| %-47s | %10s | %15s | %12s |\n' "$@"
}

difference() {
  awk -v a="$1" -v b="$2" -v format="$3" 'BEGIN { printf format, a - b }'
}

table() {
  row "translation unit" "seconds" "peak memory MiB" "object KiB"
  row "---" "---:" "---:" "---:"
  measure empty
  row "empty" "$seconds" "$memory" "$object"
  measure umbrella
  row "#include <llama2/llama2.hpp>" "$seconds" "$memory" "$object"
  measure one_model
  row "the same and one model instantiated" "$seconds" "$memory" "$object"
  local one_seconds=$seconds one_memory=$memory one_object=$object
  measure two_shapes
  row "what a further shape of that format adds" "$(difference "$seconds" "$one_seconds" %.2f)" \
    "$(difference "$memory" "$one_memory" %.0f)" "$(difference "$object" "$one_object" %.1f)"
}

echo "$("$compiler" --version | head -n 1), -O2 -march=native:"
echo
table | tee compile_times.md
