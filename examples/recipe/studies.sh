#!/bin/sh
# What the parts of the recipe are good for: seeds, margins, data of safety, Ghost Attention,
# context distillation, a bad reward. To be run when run.sh has ended; over several sittings.
#
#   examples/recipe/studies.sh [--quick] [--scale SHARE] [--base MODEL] [--out FOLDER]
#                              [--seeds "2 3"] [--page PAGE] [--program PATH]
#
# It can be stopped at any moment; the same command goes on.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
base=$here/../models/base.gguf
out=recipe_run
program=${ALIGN_RECIPE:-align_recipe}
seeds="2 3"
page=
more=
while [ $# -gt 0 ]; do
  case $1 in
    --quick) more="$more --quick"; shift ;;
    --scale) more="$more $1 $2"; shift 2 ;;
    --base) base=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --seeds) seeds=$2; shift 2 ;;
    --page) page=$2; shift 2 ;;
    --program) program=$2; shift 2 ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "$0: no such option: $1 (--help lists them)" >&2; exit 1 ;;
  esac
done

for study in margins ghosts distillation safety-data bad-reward; do
  # shellcheck disable=SC2086 # several words
  "$program" study $study --base "$base" --out "$out" $more
done
others=
for seed in $seeds; do
  # shellcheck disable=SC2086
  "$program" run --base "$base" --out "$out-seed-$seed" --seed "$seed" $more
  others="$others --other $out-seed-$seed"
done
# shellcheck disable=SC2086
"$program" report --out "$out" $others --page "${page:-$out/recipe.md}"
