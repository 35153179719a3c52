#!/usr/bin/env bash
# compare_answer.sh COMPARE MODEL: two formats of a model answer questions, as text and in dialogue;
# the answers are those of the seed, whole lines where it was interrupted, and make a page.
set -euo pipefail
compare=$1 model=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/questions.jsonl" <<'END'
{"prompt":"Once upon a time","id":"story"}
{"prompt":"The \"old\" bear\nwas","answer":"is not read"}
{"messages":[{"role":"user","content":"Who?"},{"role":"assistant","content":"A hen."},{"role":"user","content":"And then"}]}
END
answer() { # answer OUT OPTION...
  "$compare" answer "$model" "$folder/questions.jsonl" --out "$folder/$1" --max-tokens 24 "${@:2}" \
    2>"$folder/errors" || { cat "$folder/errors" >&2; exit 1; }
}
fail() { echo "$1" >&2; cat "$folder"/*.jsonl >&2; exit 1; }

answer a.jsonl --plain --weights F32 --seed 1
answer again.jsonl --plain --weights F32 --seed 1 --threads 1
answer b.jsonl --plain --weights Q8_0 --seed 2 --temperature 1.5
answer chat.jsonl --weights Q8_0 --temperature 0
cmp "$folder/a.jsonl" "$folder/again.jsonl" || fail "the same seed, other answers"
for file in a b chat; do
  [[ $(grep -c '"answer":"..' "$folder/$file.jsonl") -eq 3 ]] || fail "$file: not three answers"
done
grep -q '"id":"story"' "$folder/a.jsonl" || fail "lost the id"
! grep -q "is not read" "$folder/a.jsonl" || fail "an answer that was there is kept"
"$compare" page "$folder/a.jsonl" "$folder/b.jsonl" --out "$folder/page.html" 2>"$folder/said"
grep -q '^3 items in ' "$folder/said" || { cat "$folder/said" >&2; exit 1; }
if "$compare" answer "$model" "$folder/said" --out "$folder/none.jsonl" 2>"$folder/errors"; then
  fail "no questions, no error"
fi
grep -q 'said, line 1' "$folder/errors" || { cat "$folder/errors" >&2; exit 1; }
[[ ! -e $folder/none.jsonl ]] || fail "a file without answers"
