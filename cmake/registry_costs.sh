#!/usr/bin/env bash
# registry_costs.sh COMPILER OUTPUT_DIR [compiler flags...]
#
# Measures what the model types of the example programs cost a compiler at -O3: processor seconds
# (user time) and bytes of code, static (for this machine) and dynamic (for every processor target).
# Prints a table, and writes it as Markdown to OUTPUT_DIR/registry_costs.md. Each file is compiled
# once. Needs GNU time and size (Debian packages: time, binutils).
set -euo pipefail

compiler=$1 out=$2
shift 2
flags=(-std=c++20 -O3 -DNDEBUG "$@")
examples=$(cd "$(dirname "$0")/../examples" && pwd)

if [[ ! -x /usr/bin/time ]]; then
  echo "registry_costs.sh: /usr/bin/time is missing (Debian package: time)" >&2
  exit 1
fi
mkdir -p "$out"
out=$(cd "$out" && pwd)

mode_flags() {
  if [[ "$1" == static ]]; then echo -march=native; else echo -DLLAMA2_DYNAMIC=1; fi
}

# measure MODE SOURCE: prints seconds and bytes of code.
measure() {
  /usr/bin/time -f %U -o "$out/time" \
    "$compiler" "${flags[@]}" "$(mode_flags "$1")" -I"$examples" -c "$2" -o "$out/measured.o" </dev/null
  echo "$(<"$out/time") $(size "$out/measured.o" | awk 'NR == 2 { print $1 }')"
}

# Prints how many types each format has: "F32 6" and so on, one a line.
counts() {
  cat >"$out/counts.cpp" <<'CPP'
#include <iostream>
#include "models.hpp"
template <class... Models>
std::size_t size(llama2::ModelList<Models...>) {
  return sizeof...(Models);
}
template <class... Formats>
void print() {
  (..., (std::cout << Formats::name << ' ' << size(examples::ModelsIn<Formats>()) << '\n'));
}
int main() { print<llama2::F32, llama2::F16, llama2::BF16, llama2::Q8_0, llama2::Q4_0>(); }
CPP
  "$compiler" "${flags[@]}" -O0 -march=native -I"$examples" "$out/counts.cpp" -o "$out/counts" \
    -lsentencepiece
  "$out/counts"
}

row() {
  printf '| %-38s | %8s | %10s | %9s | %11s |\n' "$@"
}

# share A B N: (A - B) / N of two "seconds bytes", as "seconds KiB".
share() {
  awk -v a="$1" -v b="$2" -v n="$3" 'BEGIN {
    split(a, x, " "); split(b, y, " ")
    printf "%.1f %.0f", (x[1] - y[1]) / n, (x[2] - y[2]) / n / 1024 }'
}

table() {
  row "model type" "static s" "static KiB" "dynamic s" "dynamic KiB"
  row "---" "---:" "---:" "---:" "---:"
  echo '#include "models/load_model_in.hpp"' >"$out/headers.cpp"
  declare -A headers first more
  local mode format all types
  for mode in static dynamic; do
    headers[$mode]=$(measure "$mode" "$out/headers.cpp")
  done
  # shellcheck disable=SC2046
  row "the headers, for each file" $(share "${headers[static]}" "0 0" 1) \
    $(share "${headers[dynamic]}" "0 0" 1)
  while read -r format types; do
    cat headers.cpp - >"$out/first.cpp" <<CPP
llama2::AnyModel first(const llama2::Checkpoint& checkpoint, const llama2::LoadOptions& options) {
  return llama2::AnyModel(
      llama2::load<llama2::Model<llama2::Stories260K, llama2::$format>>(checkpoint, options));
}
CPP
    for mode in static dynamic; do
      first[$mode]=$(measure "$mode" "$out/first.cpp")
      all=$(measure "$mode" "$examples/models/${format,,}.cpp")
      more[$mode]=$(share "$all" "${first[$mode]}" $((types - 1)))
      first[$mode]=$(share "${first[$mode]}" "${headers[$mode]}" 1)
    done
    # shellcheck disable=SC2086
    row "the first in $format" ${first[static]} ${first[dynamic]}
    # shellcheck disable=SC2086
    row "each further (of $types) in $format" ${more[static]} ${more[dynamic]}
  done < <(counts)
}

cd "$out"
echo "$("$compiler" --version | head -n 1), -O3:"
echo
table | tee registry_costs.md
