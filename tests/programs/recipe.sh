#!/usr/bin/env bash
# recipe.sh ALIGN_RECIPE [whole]
#
# The recipe's quick chain, every step of it, killed now and then and started again by the same
# command: it comes to its end and makes its page. With `whole`, a chain that is left alone must have
# made the same files, but for how long its stages took.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
recipe=$here/../../examples/recipe/run.sh
export ALIGN_RECIPE=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { echo "$1" >&2; tail -20 "$folder/log" >&2; exit 1; }

# The base, from the storyteller: killed while it reads, and begun again.
school() {
  "$ALIGN_RECIPE" school --base "$here/../../examples/models/storyteller.gguf" \
    --out "$folder/school" --quick >"$folder/log" 2>&1
}
base=$folder/school/sft.gguf
school &
until [[ -e $folder/school/sft.json ]]; do
  kill -0 $! 2>/dev/null || fail "no school"
  sleep 0.02
done
sleep 0.2
pkill -KILL -P $! || true
wait $! 2>/dev/null || true
school || fail "school after a kill"

# Killed soon after it has begun a stage, in stages of each sort.
killed=0
for stage in sft v1.compare.safety v1.reward.helpfulness v2.sample v3 v4.ghost v5 exam.v5; do
  "$ALIGN_RECIPE" run --base "$base" --out "$folder/parts" \
    --quick >"$folder/log" 2>&1 &
  until [[ -e $folder/parts/$stage.json ]]; do
    kill -0 $! 2>/dev/null || fail "it did not get to $stage"
    sleep 0.02
  done
  sleep 0.2
  if kill -KILL $! 2>/dev/null; then killed=$((killed + 1)); fi
  wait $! 2>/dev/null || true
done
[[ $killed -gt 4 ]] || fail "killed only $killed times"

mkdir "$folder/page"
"$recipe" --quick --base "$base" --out "$folder/parts" --page "$folder/page/recipe.md" >"$folder/log" 2>&1 ||
  fail "after the last kill"
for section in "The versions" "Reward models" "Rejection sampling" PPO "Ghost Attention" \
               "Context distillation" Time; do
  grep -q "^## $section\$" "$folder/page/recipe.md" || fail "no section $section"
done
for version in sft v1 v2 v3 v4 v5; do
  grep -q "^| $version | .* % \[" "$folder/page/recipe.md" || fail "nothing of $version"
done
for plot in wins violations best-of-k ppo; do
  grep -q "</svg>" "$folder/page/recipe-$plot.svg" || fail "no plot $plot"
done
if find "$folder/parts" -name "*.scratch" | grep -q .; then fail "something is left in a scratch folder"; fi
echo "killed $killed times, and all done"

if [[ ${2:-} == whole ]]; then
  "$recipe" --quick --base "$base" --out "$folder/whole" >"$folder/log" 2>&1 || fail "the chain that is left alone"
  rm "$folder"/whole/recipe*
  for run in whole parts; do
    (cd "$folder/$run" && find . -type f ! -name '*.csv' | sort >"../$run.list")
    find "$folder/$run" -name '*.json*' -exec sed -i -E 's/ ?"[a-z]*_?seconds": ?[^,}]*,?//' {} +
  done
  cmp "$folder/whole.list" "$folder/parts.list" || fail "other files"
  while read -r name; do
    cmp -s "$folder/whole/$name" "$folder/parts/$name" || fail "another $name"
  done <"$folder/whole.list"
  echo "$(wc -l <"$folder/whole.list") files the same as of a chain that is left alone"
fi
