#!/usr/bin/env bash
# consumer_pkg_config.sh PREFIX COMPILER WORK_DIR: builds and runs a program with nothing but what
# pkg-config says about the package installed under PREFIX.
set -euo pipefail
prefix=$1 compiler=$2 work=$3
source=$(cd "$(dirname "$0")" && pwd)/consumer_find_package/main.cpp
mkdir -p "$work"
export PKG_CONFIG_PATH="$prefix/share/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
read -ra flags <<<"$(pkg-config --cflags --libs llama2)"
set -x
"$compiler" -std=c++20 -O1 -march=native "$source" -o "$work/consumer" "${flags[@]}"
"$work/consumer"
