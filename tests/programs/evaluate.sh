#!/bin/bash
# evaluate.sh PROGRAM: an evaluation that is killed again and again ends with the results of one that
# was left alone.
set -euo pipefail
program=$1
if [[ -z ${LLAMA2_TEST_DATA:-} ]]; then
  echo "*** SKIPPED: LLAMA2_TEST_DATA is not set; evaluate was not run" >&2
  exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
run() { # run OUT
  "$program" "$LLAMA2_TEST_DATA/model-stories260K/stories260K.bin" --data "$LLAMA2_TEST_DATA" \
    --tasks copa,triviaqa_sub,crows_pairs,perplexity_tinystories,lambada_openai --limit 100 \
    --threads 1 --out "$folder/$1" 2> /dev/null > "$folder/$1.txt"
}
# What the clock says is no result.
results() { grep -vE '^ *"(seconds|tokens|tokens_per_second)": ([0-9.e+]+|null),?$' "$folder/$1/results.json"; }

run whole
kills=0
for delay in 0.05 0.1 0.15 0.2 0.3 0.3 0.4 0.4; do
  run parts &
  child=$!
  sleep "$delay"
  if kill -KILL "$child" 2> /dev/null; then kills=$((kills + 1)); fi
  wait "$child" 2> /dev/null || true
done
run parts
[[ $kills -ge 2 ]] || { echo "the program was too fast to be killed" >&2; exit 1; }
cmp <(results whole) <(results parts)
cmp <(sed '$d' "$folder/whole.txt") <(sed '$d' "$folder/parts.txt")

# Another evaluation does not go into the same folder.
if "$program" "$LLAMA2_TEST_DATA/model-stories260K/stories260K.bin" --data "$LLAMA2_TEST_DATA" \
  --tasks copa --seed 1 --out "$folder/whole" 2> "$folder/errors.txt"; then
  exit 1
fi
grep -q "another evaluation.*seed" "$folder/errors.txt"
echo "killed $kills times: the same results"
