#!/bin/bash
# evaluate.sh PROGRAM: an evaluation that is killed again and again ends with the results of one that
# was left alone, and so does a study of formats; one whose training text is named finds the items in
# it; versions of a model are compared in safety, by a reward model, too.
set -euo pipefail
program=$(realpath -- "$1")
here=$(realpath -- "$(dirname -- "$0")")
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
results() {
  grep -vE '^ *"(seconds|tokens|(prefill_|decode_)?tokens_per_second)": ([0-9.e+]+|null),?$' "$1/results.json"
}
finished() { if [[ -e $1/items.jsonl ]]; then grep -c '"key"' "$1/items.jsonl" || true; else echo 0; fi; }

# killed OUT WHOLE ARGUMENTS...: the evaluation into OUT, killed when it has finished some more items,
# sooner or later, again and again, and then left alone; WHOLE is one that was not killed.
killed() {
  local out=$1 whole=$2 kills=0 before delay
  shift 2
  for delay in 0 0.02 0 0.05 0 0.1; do
    before=$(finished "$out")
    "$@" --out "$out" >/dev/null 2>&1 &  # no function: $! is the program
    until (($(finished "$out") > before)) || ! kill -0 $! 2>/dev/null; do sleep 0.02; done
    sleep "$delay"
    if kill -KILL $! 2>/dev/null && (($(finished "$out") < $(finished "$whole"))); then
      kills=$((kills + 1))
    fi
    wait $! 2>/dev/null || true
  done
  ((kills >= 2)) || fail "it was too fast to be killed"
  "$@" --out "$out" >"$out.txt" 2>/dev/null
  cmp <(results "$whole") <(results "$out")
  echo "killed $kills times: the same results"
}

"${evaluate[@]}" "${options[@]}" --out whole >whole.txt 2>/dev/null
killed parts whole "${evaluate[@]}" "${options[@]}"
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
sed '1s/"rules":[0-9]*/"rules":0/' whole/items.jsonl >other.jsonl
cmp -s other.jsonl whole/items.jsonl && fail "the items do not say by which rules"
mkdir other_rules
mv other.jsonl other_rules/items.jsonl
if "${evaluate[@]}" --tasks copa --out other_rules 2>errors.txt; then
  fail "it added to an evaluation by other rules"
fi
grep -q "another evaluation.*rules" errors.txt
# A byte in the middle makes another model.
story=$here/../../examples/models/storyteller.gguf
cp "$story" story.gguf
few=("$program" story.gguf --data "$LLAMA2_TEST_DATA" --threads 1)
"${few[@]}" --limit 2 --tasks copa --out story >/dev/null 2>&1
printf '\x55' | dd of=story.gguf bs=1 seek=$(($(stat -c %s story.gguf) / 2)) conv=notrunc status=none
if "${few[@]}" --limit 2 --tasks copa --out story 2>errors.txt; then fail "it added to another model's"; fi
grep -q "another evaluation.*models" errors.txt

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

# The formats of the weights are asked as one model is: judged tasks, too, and those that cannot be
# are named; killed, it goes on.
study=("$program" "$LLAMA2_TEST_DATA/model-stories260K/stories260K.bin" --data "$LLAMA2_TEST_DATA"
       --threads 1 --limit 64 --formats F32,Q8_0 --chat --contamination leak.txt
       --tasks perplexity_tinystories,copa,xstest_safe,human_eval)
"${study[@]}" --out study >/dev/null 2>&1
killed study_parts study "${study[@]}"
python3 - study/results.json <<'PYTHON'
import json, sys
results = json.load(open(sys.argv[1]))
assert [f["format"] for f in results["formats"]] == ["F32", "Q8_0"]
for format in results["formats"]:
    assert [t["task"] for t in format["tasks"]] == ["copa", "xstest_safe"], format["tasks"]
assert results["formats"][0]["kl_divergence"]["value"] == 0 < results["formats"][1]["kl_divergence"]["value"]
assert [s["task"] for s in results["skipped"]] == ["human_eval"]
assert [t["name"] for t in results["tasks"]] == ["copa", "xstest_safe"]
assert results["tasks"][0]["results"][0]["contamination"]
PYTHON

# Versions under attack, in one turn and in two, by the rule and by a reward model that dislikes all.
attack=("$program" "$LLAMA2_TEST_DATA/model-stories260K/stories260K.bin" --data "$LLAMA2_TEST_DATA"
        --threads 1 --limit 4 --chat --compare "$story" --compare "$story"
        --tasks jailbreakbench,jailbreakbench_two_turns,xstest_safe,gsm8k,gsm8k_flexible)
"${attack[@]}" --out rule >/dev/null 2>&1
"$here/reward_model.py" "$story" reward.gguf 0 -1
"${attack[@]}" --out reward --judge-model reward.gguf >/dev/null 2>&1
python3 - <<'PYTHON'
import json
rule, reward = (json.load(open(f"{name}/results.json")) for name in ("rule", "reward"))
for results in rule, reward:
    labels = [m["label"] for m in results["models"]]
    assert len(labels) == 3 == len(set(labels)), labels
    assert [r["version"] for r in results["safety"]["rounds"]] == labels
    assert [r["name"] for r in results["safety"]["violations"][0]["by_turns"]] == ["one turn", "several turns"]
    assert all(r["trials"] == 4 for r in results["safety"]["violations"][0]["by_turns"])
    assert len(results["tasks"][0]["comparisons"]) == 2
    assert [g["tasks"] for g in results["groups"] if g["group"] == "math"] == [["gsm8k"]]
    assert "before" in results["tasks"][1]["results"][0]["items"][0]["answers"][0]
    assert results["safety"]["false_refusals"][0]["full"]["all"]["trials"] == 4
assert rule["safety"]["rewards"] == []
assert all(v["all"]["value"] == 1 for v in reward["safety"]["violations"])
assert [r["task"] for r in reward["safety"]["rewards"]] == ["jailbreakbench", "jailbreakbench_two_turns", "xstest_safe"]
assert all(abs(r["mean"] + 1) < 1e-6 for r in reward["safety"]["rewards"][0]["results"])
PYTHON
if "${attack[@]}" --out none --judge-model "$LLAMA2_TEST_DATA/model-stories260K/stories260K.bin" 2>errors.txt; then
  fail "a model without a vocabulary judged"
fi
grep -q "without a vocabulary" errors.txt
if "${attack[@]}" --out none --judge-model "$story" 2>errors.txt; then fail "a language model judged"; fi
grep -q "not a model that scores texts" errors.txt
