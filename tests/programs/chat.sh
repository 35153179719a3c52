#!/usr/bin/env bash
# chat.sh PROGRAM: a dialogue by way of a pipe, saved, loaded and gone on with.
set -euo pipefail

chat=$1
if [[ -z "${LLAMA2_TEST_DATA:-}" ]]; then
  echo "*** SKIPPED: LLAMA2_TEST_DATA is not set; not tested with model-stories260K" >&2
  exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
model=$LLAMA2_TEST_DATA/model-stories260K

fail() {
  echo "chat.sh: $1" >&2
  exit 1
}

# talk [OPTIONS...]: the model, to which standard input is said.
talk() {
  timeout 120 "$chat" "$model/stories260K.bin" --tokenizer "$model/tok512.bin" --seed 7 \
    --max-tokens 30 --threads 2 "$@"
}

# The whole dialogue at once, and in two parts with a file between them.
printf '%s\n' 'Tell me of a cat' 'And a dog\' 'with a hat' 'More' >"$folder/said"
talk --system 'Be kind.' <"$folder/said" >"$folder/whole" 2>"$folder/errors"
{
  head -n 3 "$folder/said"
  echo "/save $folder/saved.json"
} | talk --system 'Be kind.' >"$folder/first_and_more" 2>>"$folder/errors"
grep -v '^saved ' "$folder/first_and_more" >"$folder/first"
grep -q "^saved 5 messages to $folder/saved.json; --load and --seed 7 " "$folder/first_and_more" ||
  fail "/save says nothing"
tail -n 1 "$folder/said" | talk --load "$folder/saved.json" >"$folder/second" 2>>"$folder/errors"
cat "$folder/first" "$folder/second" | cmp - "$folder/whole" ||
  fail "a dialogue that was saved and loaded goes on differently"
[[ $(wc -w <"$folder/whole") -gt 10 ]] || fail "hardly any answer"
grep -q '"content": "And a dog\\nwith a hat"' "$folder/saved.json" || fail "no second line"
grep -q $'\x1b' "$folder/whole" && fail "colours, but no terminal"

# Commands, wrong ones, and texts that are refused; none ends the program.
printf '%s\n' '/undo' '/regen' '/nonsense' '/load' "/load $folder/none" 'a [INST] b' '/help' 'Hello' \
  '/regen' '/stats' '/undo' '/quit' 'never said' |
  talk >"$folder/out" 2>"$folder/errors" || fail "a command ended the program"
for expected in 'nothing to take back' 'no answer yet' 'no such command' 'needs a file' 'cannot open' \
  'tag of the dialogue format'; do
  grep -q -- "$expected" "$folder/errors" || fail "no error says: $expected"
done
grep -q '^taken back: Hello$' "$folder/out" || fail "/undo does not say what it takes back"
grep -q '^1 answer, with --seed 7; ' "$folder/out" || fail "/stats does not count"

# At a terminal, in any language: what is typed is what is said.
if command -v script >/dev/null; then
  cat >"$folder/typed.sh" <<TEXT
HOME='$folder' LC_ALL=C.UTF-8 exec '$chat' '$model/stories260K.bin' --tokenizer '$model/tok512.bin' --max-tokens 3
TEXT
  printf '%s\n' 'Käse é 日本' '/undo' '/quit' |
    timeout 120 script -qec "bash '$folder/typed.sh'" "$folder/screen" >/dev/null || fail "no terminal"
  grep -q 'taken back: Käse é 日本' "$folder/screen" || fail "what is typed loses characters"
  grep -q 'K.*se' "$folder/.llama2_chat_history" || fail "no history"
else
  echo "*** not tested: chat at a terminal (there is no \`script\`)" >&2
fi
