#!/usr/bin/env bash
# compare.sh SCRIPT BENCH_FILE QUANTIZE: bench/compare.sh runs this project's program and a stand-in
# for a llama-bench in turns, and prints the quotient of their medians.
set -euo pipefail

model=${LLAMA2_TEST_DATA:-}/model-stories260K/stories260K.bin
if [[ ! -r $model ]]; then
  echo "LLAMA2_TEST_DATA names no folder with model-stories260K"
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$3" "$model" "$folder/model.gguf" --format F32

cat > "$folder/llama-bench" <<'TEXT'
#!/bin/sh
echo "$@" >> "$0.calls"
cat <<JSON
[{"model_filename": "m", "n_prompt": 16, "n_gen": 0, "avg_ts": 1000.0, "stddev_ts": 0.0},
 {"model_filename": "m", "n_prompt": 0, "n_gen": 8, "avg_ts": 10.0, "stddev_ts": 0.0}]
JSON
TEXT
chmod +x "$folder/llama-bench"

"$1" --ours "$2" --rounds 3 --prompt 16 --generate 8 --threads 1 \
  "$folder/llama-bench" "$folder/model.gguf" | tee "$folder/table"
grep -qE '^\| prefill 16 \| 1000 \| [0-9.e+]+ \| [0-9.]+ \|$' "$folder/table"
grep -qE '^\| decode 8 \| 10 \| [0-9.e+]+ \| [0-9.]+ \|$' "$folder/table"
[[ $(grep -cx -- "-m $folder/model.gguf -p 16 -n 8 -t 1 -r 1 -o json" \
  "$folder/llama-bench.calls") == 3 ]]

for wrong in "--rounds x" "--rounds 0" "--threads 0" "--prompt -1" "--generate 1.5"; do
  # shellcheck disable=SC2086
  if "$1" --ours "$2" $wrong "$folder/llama-bench" "$folder/model.gguf" \
    > "$folder/out" 2> "$folder/errors"; then
    echo "$wrong went unnoticed"
    exit 1
  fi
  grep -q -- "^compare.sh: ${wrong% *} needs" "$folder/errors"
  [[ ! -s $folder/out ]]
done

if "$1" --ours "$2" "$folder/llama-bench" "$folder/none.gguf"; then
  echo "a missing model went unnoticed"
  exit 1
fi
