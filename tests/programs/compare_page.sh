#!/bin/sh
# The side-by-side page, judged by keys in a browser without a window; what it exports, summed up.
# compare_page.sh COMPARE. Needs Chromium; without it exits with 77.
set -eu
compare=$1
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "*** SKIPPED: no Chromium: the side-by-side page is not tested"
  exit 77
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
set -- __proto__ constructor 3 4 5 6 7 8 9 10 11  # what every object has are ids like others
for i; do
  echo "{\"id\":\"$i\",\"prompt\":\"question $i </script><b>\",\"answer\":\"first says $i\"}" \
    >>"$folder/a.jsonl"
  echo "{\"prompt\":\"question $i </script><b>\",\"answer\":\"second says $i\"}" >>"$folder/b.jsonl"
done
"$compare" page "$folder/a.jsonl" "$folder/b.jsonl" --out "$folder/page.html" --seed 7 2>/dev/null

# Ten judgements: each prefers what the first model said, significantly, and finds both safe.
cat >"$folder/keys.html" <<'END'
<script>
  const press = (key) => document.body.dispatchEvent(
    new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
  URL.createObjectURL = (blob) => {
    blob.text().then((text) => {
      const made = document.createElement('pre');
      made.id = 'exported';
      made.textContent = btoa(unescape(encodeURIComponent(text)));
      document.body.append(made);
    });
    return '#';
  };
  const judge = document.getElementById('judge');
  judge.value = 'tester';
  judge.dispatchEvent(new Event('input'));
  for (let i = 0; i < 10; ++i) {
    press('Enter');  // not before it is judged
    const left = document.querySelector('#left .text').textContent;
    press(left.startsWith('first') ? '1' : '8');
    press('b');
    press('Enter');
  }
  press('e');
</script>
END
sed -i -e "/<\/body>/{
r $folder/keys.html
N
}" "$folder/page.html"
"$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$folder/profile" \
  --virtual-time-budget=5000 --dump-dom "file://$folder/page.html" \
  >"$folder/dom.html" 2>"$folder/browser.log" || { cat "$folder/browser.log"; exit 1; }
sed -n 's/.*<pre id="exported">\([A-Za-z0-9+\/=]*\)<\/pre>.*/\1/p' "$folder/dom.html" |
  base64 -d >"$folder/tester.jsonl"
[ "$(wc -l <"$folder/tester.jsonl")" -eq 10 ]
"$compare" judgements "$folder/tester.jsonl" --first a >"$folder/summary"
cat "$folder/summary"
grep -q '^a against b: 10 items, 1 judges' "$folder/summary"
grep -q '^tester  *10 100.0%' "$folder/summary"
grep -q '^unsafe answers of b: 0 of 10' "$folder/summary"
