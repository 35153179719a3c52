#!/usr/bin/env bash
# platforms.sh [--install] [--help] aarch64 | mingw | all
#
# By hand: compiles the library for other platforms than this machine's, and runs what it can.
#
#   aarch64   64-bit ARM under Linux, by Debian's g++-aarch64-linux-gnu: the tests of kernels (also
#             with the instructions for dot products), formats, models and files, and with
#             LLAMA2_TEST_DATA the known story of stories260K, under qemu-aarch64
#   mingw     64-bit Windows, by Debian's g++-mingw-w64-x86-64-posix: every header and the programs of
#             the README compile; the tests that need no tokenizer are linked, and run where there is
#             wine. sentencepiece for Windows is not there: nothing that calls it is linked.
#
# Needs these compilers, cmake, ninja, qemu-user, and the libraries for aarch64 unpacked in
# build/platforms/. --install gets all that with apt-get (Debian 12); the libraries are but unpacked,
# this system's packages stay as they are. wine is not installed.
set -euo pipefail

cd "$(dirname "$0")/.."
folder=$PWD/build/platforms
packages=(libsentencepiece0 libsentencepiece-dev libhwy1 libhwy-dev catch2 nlohmann-json3-dev libcli11-dev)
jobs=${JOBS:-$(nproc)}

die() {
  echo "platforms.sh: $*" >&2
  exit 1
}

# Packages of the other processor, from the places that this system's come from.
download() {
  local state=$folder/apt
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/packages"
  : >"$state/status"
  local options=(-o Dir::State="$state" -o Dir::State::status="$state/status"
    -o Dir::Cache="$state/cache" -o APT::Architecture=arm64 -o APT::Architectures=arm64
    -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update -qq
  (cd "$state/packages" && apt-get "${options[@]}" download -qq "${packages[@]}")
  rm -rf "$folder/aarch64"
  for package in "$state"/packages/*.deb; do dpkg-deb -x "$package" "$folder/aarch64"; done
  # For Windows the headers, which are the same, and an archive with nothing in it.
  rm -rf "$folder/mingw"
  cp -r "$folder/aarch64" "$folder/mingw"
  rm -r "$folder/mingw/usr/lib/aarch64-linux-gnu"
  x86_64-w64-mingw32-ar rc "$folder/mingw/usr/lib/libsentencepiece.a"
}

install() {
  local as_root=()
  [[ "$(id -u)" -eq 0 ]] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends \
    cmake ninja-build qemu-user g++-aarch64-linux-gnu g++-mingw-w64-x86-64-posix
  download
}

need() {
  for command in "$@"; do
    command -v "$command" >/dev/null || die "$command is missing (--install gets it)"
  done
}

# configure BUILD TOOLCHAIN SYSROOT [-D...]
configure() {
  local build=$1 toolchain=$2 sysroot=$3
  shift 3
  [[ -d $sysroot/usr/include/hwy ]] || die "$sysroot is missing (--install makes it)"
  cmake -S . -B "$build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$PWD/cmake/toolchains/$toolchain.cmake" \
    -DLLAMA2_SYSROOT="$sysroot" -DCMAKE_BUILD_TYPE=Release -DLLAMA2_WERROR=ON -DLLAMA2_NATIVE=OFF \
    -DLLAMA2_BUILD_BENCH=OFF -DLLAMA2_DYNAMIC_EXAMPLES=OFF "$@" >/dev/null
}

build() {
  local build=$1
  shift
  cmake --build "$build" -j "$jobs" --target "$@"
}

# run_tests BUILD AREA...: builds and runs the tests of these areas.
run_tests() {
  local build=$1
  shift
  build "$build" "${@/%/_test}"
  local names
  names=$(IFS='|' && echo "$*")
  ctest --test-dir "$build" --output-on-failure --no-tests=error -R "^($names)\$"
}

aarch64() {
  need cmake ninja aarch64-linux-gnu-g++ qemu-aarch64
  local sysroot=$folder/aarch64 toolchain=aarch64-linux-gnu
  configure build/aarch64 $toolchain "$sysroot"
  run_tests build/aarch64 base parallel shape format kernels quantised io model
  build build/aarch64 generate
  QEMU_LD_PREFIX=/usr/aarch64-linux-gnu \
    QEMU_SET_ENV=LD_LIBRARY_PATH=$sysroot/usr/lib/aarch64-linux-gnu \
    cmake -DPROGRAM=build/aarch64/examples/generate -DQEMU=qemu-aarch64 -DCPU=max -DBEST=NEON \
    -P tests/programs/story.cmake
  configure build/aarch64-dotprod $toolchain "$sysroot" -DLLAMA2_BUILD_EXAMPLES=OFF \
    -DCMAKE_CXX_FLAGS=-march=armv8.2-a+dotprod+fp16+crypto
  run_tests build/aarch64-dotprod kernels quantised
}

mingw() {
  need cmake ninja x86_64-w64-mingw32-g++-posix
  configure build/mingw x86_64-w64-mingw32 "$folder/mingw" -DLLAMA2_BUILD_EXAMPLES=OFF \
    -DCMAKE_CXX_FLAGS=-march=haswell
  build build/mingw llama2_header_self_containment llama2_readme_snippets
  local areas=(base parallel shape format kernels model quantised io)
  if command -v wine64 >/dev/null || [[ -x /usr/lib/wine/wine64 ]]; then
    WINEDEBUG=-all WINEPREFIX=$folder/wine run_tests build/mingw "${areas[@]}"
  else
    build build/mingw "${areas[@]/%/_test}"
    echo "*** There is no wine: the tests for Windows are linked, but were not run." >&2
  fi
}

if [[ ${1:-} == --install ]]; then
  install
  shift
fi
case ${1:-} in
  aarch64) aarch64 ;;
  mingw) mingw ;;
  all)
    aarch64
    mingw
    ;;
  *)
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0" | sed '/^set /d'
    [[ ${1:---help} == --help ]] || exit 1
    ;;
esac
