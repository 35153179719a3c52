#!/usr/bin/env bash
# kill_and_resume.sh PRETRAIN COUNT
#
# Training that is killed COUNT times at random moments, or asked to end, and started again by the
# same command makes the very files of one that is left alone: the same last state, the same models.
set -euo pipefail

pretrain=$1 count=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# A text of made-up words: a tokenizer finds enough in it to learn.
awk 'BEGIN {
  srand(7)
  split("ba ne ri to su mel kan dor vi sha plo ter gin qua lem fos", syllable)
  for (w = 1; w <= 300; ++w)
    for (s = int(rand() * 3); s >= 0; --s) word[w] = word[w] syllable[int(rand() * 16) + 1]
  for (d = 0; d < 400; ++d) {
    for (s = 0; s < 8; ++s)
      printf "The %s %s the %s. ", word[int(rand() * 300) + 1], word[int(rand() * 300) + 1],
             word[int(rand() * 300) + 1]
    print "\n<|endoftext|>"
  }
}' >corpus.txt

train() {
  "$pretrain" --corpus corpus.txt --out "$1" --steps 40 --batch 2 --length 64 --save-every 3 \
    --validate-every 10 --validation-rows 4 --prompt "" --warmup 4 --keep 2
}
fail() { echo "$1" >&2; cat log >&2; ls -l run >&2; exit 1; }
same() {
  for name in step-000000040.state model.bin model.gguf train.tokens tokenizer.model; do
    cmp -s "whole/$name" "run/$name" || fail "$1: another $name"
  done
  # The metrics are whole, too: each step once, with the same loss.
  cut -d, -f1-5 whole/metrics.csv >expected
  cut -d, -f1-5 run/metrics.csv | cmp -s expected - || fail "$1: other metrics"
}

start=$(date +%s%N)
train whole >log 2>&1 || fail "the training that is left alone"
whole=$(($(date +%s%N) - start))

# Ctrl-C: it saves and ends, and goes on.
rm -rf run
train run >log 2>&1 &
until [[ -e run/step-000000003.state ]]; do
  kill -0 $! || fail "it ended early"
  sleep 0.01
done
kill -INT $!
wait $! || fail "Ctrl-C is no failure"
if [[ ! -e run/step-000000040.state ]]; then
  grep -q "the same command goes on" log || fail "Ctrl-C: it does not say how to go on"
  train run >log 2>&1 || fail "after Ctrl-C"
  grep -q "going on after step" log || fail "it began anew"
fi
same "after Ctrl-C"

finished=0 resumed=0
rm -rf run
for i in $(seq "$count"); do
  train run >log 2>&1 &
  sleep "$(printf '%d.%09d' 0 $((whole * (RANDOM % 70) / 100)))"
  kill -KILL $! 2>/dev/null || true
  wait $! 2>/dev/null || true
  if grep -q "going on after step" log; then resumed=$((resumed + 1)); fi
  if [[ -e run/step-000000040.state && -e run/model.bin ]]; then
    train run >log 2>&1 || fail "after it was finished"
    same "killed $i times"
    finished=$((finished + 1))
    rm -rf run
  fi
done
train run >log 2>&1 || fail "after the last kill"
same "after the last kill"
[[ $(echo run/*.tmp*) == "run/*.tmp*" ]] || fail "left $(echo run/*.tmp*)"
echo "killed $count times, resumed $resumed times, $((finished + 1)) trainings to the same bits"
