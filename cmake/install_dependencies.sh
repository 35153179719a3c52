#!/usr/bin/env bash
# install_dependencies.sh [--tests]
#
# Installs what building llama2, its tests, examples and benchmarks needs and this machine lacks;
# with --tests also what more the tests can be run on: an emulator of older processors.
# With apt-get and the right to use it, installs; elsewhere, prints the names of what is missing
# and fails. Does nothing, and asks for nothing, where nothing is missing.
set -euo pipefail

missing=()

# need PACKAGE COMMAND...: PACKAGE is missing unless COMMAND succeeds.
need() {
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}

compiler=${CXX:-c++}
has_header() {
  echo "#include <$1>" | "$compiler" -std=c++17 -fsyntax-only -x c++ -
}
has_catch2() {
  has_header catch2/catch.hpp || has_header catch2/catch_all.hpp
}

need g++ "$compiler" --version
need cmake cmake --version
need ninja-build ninja --version
need pkg-config pkg-config --version
need time test -x /usr/bin/time
[[ "${1:-}" != --tests || "$(uname -m)" != x86_64 ]] || need qemu-user qemu-x86_64 --version
if [[ ${#missing[@]} -eq 0 || "${missing[0]}" != g++ ]]; then
  need libhwy-dev has_header hwy/highway.h
  need libxsimd-dev has_header xsimd/xsimd.hpp
  need libsentencepiece-dev has_header sentencepiece_processor.h
  need libbenchmark-dev has_header benchmark/benchmark.h
  need catch2 has_catch2
  need nlohmann-json3-dev has_header nlohmann/json.hpp
  need libcli11-dev has_header CLI/CLI.hpp
  need libedit-dev has_header editline/readline.h
  need zlib1g-dev has_header zlib.h
else  # nothing can be looked for without a compiler
  missing+=(libhwy-dev libxsimd-dev libsentencepiece-dev libbenchmark-dev catch2 nlohmann-json3-dev
    libcli11-dev libedit-dev zlib1g-dev)
fi

if [[ ${#missing[@]} -eq 0 ]]; then
  exit 0
fi

as_root=()
if [[ "$(id -u)" -ne 0 ]]; then
  as_root=(sudo)
fi
if ! command -v apt-get >/dev/null || ! { [[ ${#as_root[@]} -eq 0 ]] || command -v sudo >/dev/null; }; then
  echo "Missing, by the names of Debian's packages: ${missing[*]}" >&2
  echo "Install them with this system's package manager and run this again." >&2
  exit 1
fi
echo "Installing ${missing[*]}" >&2
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends \
  "${missing[@]}"
