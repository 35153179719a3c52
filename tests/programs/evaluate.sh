#!/bin/bash
# evaluate.sh PROGRAM: an evaluation that is killed again and again ends with the results of one that
# was left alone; and one whose training text is named finds the items in it.
set -euo pipefail
program=$(realpath -- "$1")
if [[ -z ${LLAMA2_TEST_DATA:-} ]]; then
  echo "*** SKIPPED: LLAMA2_TEST_DATA is not set; evaluate was not run" >&2
  exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
fail() { echo "$1" >&2; exit 1; }
evaluate=("$program" "$LLAMA2_TEST_DATA/model-stories260K/stories260K.bin"
          --data "$LLAMA2_TEST_DATA" --threads 1 --limit 100)
options=(--tasks copa,triviaqa_sub,crows_pairs,perplexity_tinystories,lambada_openai)
# What the clock says is no result.
results() { grep -vE '^ *"(seconds|tokens|tokens_per_second)": ([0-9.e+]+|null),?$' "$1/results.json"; }
finished() { if [[ -e $1/items.jsonl ]]; then grep -c '"key"' "$1/items.jsonl" || true; else echo 0; fi; }

"${evaluate[@]}" "${options[@]}" --out whole >whole.txt 2>/dev/null
# Each time it is killed when it has finished some more items, sooner or later.
kills=0
for delay in 0 0.02 0 0.05 0 0.1; do
  before=$(finished parts)
  "${evaluate[@]}" "${options[@]}" --out parts >/dev/null 2>&1 &  # no function: $! is the program
  until (($(finished parts) > before)) || ! kill -0 $! 2>/dev/null; do sleep 0.02; done
  sleep "$delay"
  if kill -KILL $! 2>/dev/null && (($(finished parts) < $(finished whole))); then
    kills=$((kills + 1))
  fi
  wait $! 2>/dev/null || true
done
((kills >= 2)) || fail "it was too fast to be killed"
"${evaluate[@]}" "${options[@]}" --out parts >parts.txt 2>/dev/null
cmp <(results whole) <(results parts)
cmp <(sed '$d' whole.txt) <(sed '$d' parts.txt)

# Another evaluation does not go into the same folder.
if "${evaluate[@]}" --tasks copa --seed 1 --out whole 2>errors.txt; then
  fail "it added to another evaluation"
fi
grep -q "another evaluation.*seed" errors.txt
if "${evaluate[@]}" --tasks copa --rope-scaling linear --rope-factor 4 --out whole 2>errors.txt; then
  fail "it added to an evaluation with another reach"
fi
grep -q "another evaluation" errors.txt

# An item that stands in a training text is dirty, and those that do not are clean.
echo 'Nothing of what is asked stands in this short text about nothing at all.' >other.txt
subset() { grep -A1 "\"subset\": \"$1\"" whole/results.json | sed -n 's/.*"items": \([0-9]*\),/\1/p'; }
"${evaluate[@]}" --tasks lambada_openai --out whole --contamination other.txt >/dev/null 2>&1
[[ $(subset clean) == 100 && $(subset dirty) == 0 ]] || fail "items are in a text that has none of them"
python3 - "$folder" <<'PYTHON'
import json, sys
items = json.load(open(sys.argv[1] + "/whole/results.json"))["tasks"][0]["results"][0]["items"]
with open(sys.argv[1] + "/leak.txt", "w") as file:
    for item in items[:10]:
        file.write(item["prompt"] + item["continuation"] + "\n\n")
PYTHON
"${evaluate[@]}" --tasks lambada_openai --out whole --contamination other.txt leak.txt >/dev/null 2>&1
[[ $(subset clean) == 90 && $(subset dirty) == 10 ]] || fail "ten leaked items are not the dirty ones"
echo "killed $kills times: the same results"
