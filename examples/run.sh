#!/usr/bin/env bash
# examples/run.sh: builds `tell_story` and tells a story with the project's own model.
# examples/run.sh MODEL [options of generate...]: builds `generate` and lets MODEL tell one.
set -euo pipefail

if [[ $# -gt 0 && ( "$1" == -h || "$1" == --help ) ]]; then
  cat >&2 <<'TEXT'
usage: examples/run.sh [options of tell_story...]
       examples/run.sh MODEL [options of generate...]

Without MODEL, a model tells the story that comes with the project (examples/models/).
MODEL is a checkpoint of llama2.c, such as stories260K.bin or stories15M.bin of the TinyStories
models that its README (github.com/karpathy/llama2.c) links to. The tokenizer is found next to the
model if it is named tokenizer.model, tokenizer.bin or tok512.bin (the one of stories260K); else
add --tokenizer FILE. For all options: examples/run.sh MODEL --help
TEXT
  exit 2
fi

root=$(cd "$(dirname "$0")/.." && pwd)
program=tell_story
if [[ $# -gt 0 && "$1" != -* ]]; then
  program=generate
  model=$(realpath -- "$1")
  shift
  if [[ ! -f "$model" ]]; then
    echo "examples/run.sh: no such file: $model" >&2
    exit 2
  fi
  set -- "$model" "$@"
fi

"$root/cmake/install_dependencies.sh"
# The build's own output goes to standard error: standard output is the story.
(
  cd "$root"
  cmake --preset native
  cmake --build --preset native --target "$program"
) >&2
exec "$root/build/native/examples/$program" "$@"
