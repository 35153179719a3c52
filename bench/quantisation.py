#!/usr/bin/env python3
"""From `evaluate MODEL --formats ...`: a table and a plot of what formats of the weights cost.

quantisation.py RESULTS.json OUT: writes OUT.md's table to standard output and OUT.svg with gnuplot.
"""
import json
import subprocess
import sys


def interval(metric, factor=1, digits=4):
    value, low, high = (metric[key] * factor for key in ("value", "low", "high"))
    return f"{value:.{digits}g} ({low:.{digits}g} to {high:.{digits}g})"


def main():
    results, out = sys.argv[1:]
    with open(results, encoding="utf8") as file:
        formats = json.load(file)["formats"]
    tasks = [task["task"] for task in formats[0]["tasks"]]
    best = {
        key: max(f[key] for f in formats)
        for key in ("prefill_tokens_per_second", "decode_tokens_per_second")
    }
    print("| weights | bytes | bits per weight | perplexity | KL divergence, nats per token | "
          "same likeliest token | " + " | ".join(tasks) + " | prefill | decode |")
    print("|---" * (8 + len(tasks)) + "|")
    for f in formats:
        print(
            f"| {f['format']} | {f['weights_bytes']:,} | {f['bits_per_weight']:.2f} "
            f"| {interval(f['perplexity'])} | {interval(f['kl_divergence'], digits=3)} "
            f"| {interval(f['top_1'], 100, 3)} % | "
            + " | ".join(interval(t["metric"], 100, 3) + " %" for t in f["tasks"])
            + f" | {f['prefill_tokens_per_second'] / best['prefill_tokens_per_second']:.2f}"
            f" | {f['decode_tokens_per_second'] / best['decode_tokens_per_second']:.2f} |"
        )
    # Of a format without any divergence, no logarithm: the first one is left out.
    rows = "\n".join(
        f"\"{f['format']}\" {f['bits_per_weight']} {f['kl_divergence']['value']} "
        f"{f['kl_divergence']['low']} {f['kl_divergence']['high']}"
        for f in formats[1:]
    )
    script = f"""
set terminal svg size 640,400 dynamic font 'sans-serif,13' background '#ffffff'
set output '{out}.svg'
$data << END
{rows}
END
set logscale y
set format y '10^{{%L}}'
set xlabel 'bits per weight'
set ylabel 'KL divergence from {formats[0]["format"]}, nats per token'
set xrange [0:*]
set offsets 0, 3, 0, 0
set grid
unset key
plot $data using 2:3:4:5 with yerrorbars pt 7 lw 2 lc '#2060a0', \\
     $data using 2:3:1 with labels noenhanced offset 3,0.6
"""
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


if __name__ == "__main__":
    main()
