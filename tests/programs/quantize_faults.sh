#!/usr/bin/env bash
# quantize_faults.sh QUANTIZE FAIL_CALL_LIBRARY
#
# Whatever fails or ends the program, the file at the output's path is the old one or the new one,
# each whole: a full disk and a broken one at every call that writes, and SIGKILL at 100 moments.
set -euo pipefail

quantize=$1 library=$2
if [[ -z ${LLAMA2_TEST_DATA:-} ]]; then
  echo "*** SKIPPED: LLAMA2_TEST_DATA is not set; not tested with model-stories260K" >&2
  exit 0
fi
input=$LLAMA2_TEST_DATA/model-stories260K/stories260K.bin
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

run() { "$quantize" "$input" out --format F32 --no-tokenizer >log 2>&1; }

run
cp out new
echo "the old file" >old
fail() { echo "$1" >&2; cat log >&2; exit 1; }

for reason in 28 5; do  # ENOSPC, EIO
  for call in write fsync close rename fchmod; do
    number=0
    while true; do
      number=$((number + 1))
      cp old out
      if FAIL_CALL="$call $number $reason" LD_PRELOAD=$library run; then
        cmp -s out new || fail "$call $number $reason: success, but not the new file"
        break
      fi
      # Only the last fsync, the folder's, comes after the file is in place, and is told apart.
      if grep -q "the new file is in place" log; then
        cmp -s out new || fail "$call $number $reason: not in place"
      else
        cmp -s out old || fail "$call $number $reason: the old file is damaged"
      fi
      [[ $(echo out.tmp*) == "out.tmp*" ]] || fail "$call $number $reason: left $(echo out.tmp*)"
    done
    [[ $number -gt 1 ]] || fail "$call was never called"
    echo "$call: $((number - 1)) calls, each failing with errno $reason"
  done
done

# Kills at moments all over the time that the program takes.
start=$(date +%s%N)
run
whole=$(($(date +%s%N) - start))
new_ones=0
for i in $(seq 100); do
  cp old out
  "$quantize" "$input" out --format F32 --no-tokenizer >log 2>&1 &
  sleep "$(printf '%d.%09d' 0 $((whole * (RANDOM % 120) / 100)))"
  kill -KILL $! 2>/dev/null || true
  wait $! 2>/dev/null || true
  if cmp -s out new; then
    new_ones=$((new_ones + 1))
  else
    cmp -s out old || fail "killed: neither the old file nor the new one"
  fi
done
echo "killed 100 times: $new_ones times the new file was in place, else the old one"
