#!/bin/sh
# The main chain: from the base model to its fifth version, in sittings, and the page of it.
#
#   examples/recipe/run.sh [--quick] [--seed N] [--scale SHARE] [--base MODEL] [--out FOLDER]
#                          [--page PAGE] [--minutes N] [--program PATH]
#
# It can be stopped at any moment, by Ctrl-C or a power cut; the same command goes on. A sitting of
# the program takes 20 minutes at most. --quick takes every step on very little data, in a few
# minutes.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
base=$here/../models/base.gguf
out=recipe_run
program=${ALIGN_RECIPE:-align_recipe}
minutes=20
page=
more=
while [ $# -gt 0 ]; do
  case $1 in
    --quick) more="$more --quick"; shift ;;
    --seed | --scale) more="$more $1 $2"; shift 2 ;;
    --base) base=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --page) page=$2; shift 2 ;;
    --minutes) minutes=$2; shift 2 ;;
    --program) program=$2; shift 2 ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "$0: no such option: $1 (--help lists them)" >&2; exit 1 ;;
  esac
done

# A sitting ends with status 3 when its time is over, and with 0 when all is done.
while :; do
  status=0
  # shellcheck disable=SC2086 # several words
  "$program" run --base "$base" --out "$out" --minutes "$minutes" $more || status=$?
  [ $status -eq 0 ] && break
  [ $status -eq 3 ] || exit $status
done
"$program" report --out "$out" --page "${page:-$out/recipe.md}"
