#!/usr/bin/env bash
# Runs ./story of examples/embed_in_your_project: the memory plan always, and where LLAMA2_TEST_DATA
# has the model, a story.
set -euo pipefail

./story | grep -x 'Stories260K in F32 needs [1-9][0-9]* bytes'
if [[ -n "${LLAMA2_TEST_DATA:-}" ]]; then
  model=$LLAMA2_TEST_DATA/model-stories260K
  ./story "$model/stories260K.bin" "$model/tok512.bin" | tee story.txt
  grep -q 'Once upon a time,' story.txt
fi
