#!/usr/bin/env bash
# examples/recipe/pretrain.sh [FOLDER]: makes the project's own model anew, from nothing.
#
# Builds the programs, writes the corpus of the simulated world, trains a tokenizer and the model on
# it, and leaves storyteller.gguf and its card's figures in FOLDER (build/storyteller). About an hour
# on two cores. Interrupted at any stage, the same command goes on where it was.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
out=$(realpath -m -- "${1:-$root/build/storyteller}")
mkdir -p "$out"

"$root/cmake/install_dependencies.sh"
(
  cd "$root"
  cmake --preset native
  cmake --build --preset native --target write_stories pretrain quantize tell_story held_out_loss
)
programs=$root/build/native/examples

# Stage 1: the corpus, 100,000 texts.
[[ -f "$out/corpus.txt" ]] || "$programs/write_stories" --count 100000 --seed 1 --out "$out/corpus.txt"

# Stage 2: the tokenizer and the model.
"$programs/pretrain" --corpus "$out/corpus.txt" --out "$out" --shape storyteller \
  --steps 2800 --batch 8 --rate 2e-3 --validation 0.01 --validate-every 400 --save-every 200 \
  --prompt ""

# Stage 3: eight bits, ten stories as they come, and the loss on texts of another seed.
"$programs/quantize" "$out/model.gguf" "$out/storyteller.gguf" --format Q8_0
for seed in 1 2 3 4 5 6 7 8 9 10; do
  echo "--- seed $seed"
  "$programs/tell_story" --model "$out/storyteller.gguf" --seed "$seed"
done | tee "$out/samples.txt"
"$programs/held_out_loss" --model "$out/storyteller.gguf"
