#!/usr/bin/env python3
"""From `evaluate MODEL --formats ...`: a table and a plot of what formats of the weights cost.

quantisation.py OUT RESULTS.json...: writes the table to standard output and OUT.svg with gnuplot, a
series for each file of results.
"""
import json
import subprocess
import sys


def interval(metric, factor=1, digits=4):
    value, low, high = (metric[key] * factor for key in ("value", "low", "high"))
    return f"{value:.{digits}g} ({low:.{digits}g} to {high:.{digits}g})"


def read(path):
    """A model's name and its formats."""
    with open(path, encoding="utf8") as file:
        results = json.load(file)
    return results["models"][0]["name"].split(" in ")[0].split("::")[-1], results["formats"]


def main():
    out, *paths = sys.argv[1:]
    studies = [read(path) for path in paths]
    tasks = []
    for _, formats in studies:
        tasks += [t["task"] for t in formats[0]["tasks"] if t["task"] not in tasks]
    print("| model | weights | bytes | bits per weight | perplexity | KL divergence, nats per token "
          "| same likeliest token | " + " | ".join(tasks) + " | prefill, tokens/s | decode, tokens/s |")
    print("|---" * 2 + "|---:" * (7 + len(tasks)) + "|")
    for model, formats in studies:
        for f in formats:
            scores = {t["task"]: interval(t["metric"], 100, 3) + " %" for t in f["tasks"]}
            print(
                f"| {model} | {f['format']} | {f['weights_bytes']:,} | {f['bits_per_weight']:.2f} "
                f"| {interval(f['perplexity'])} | {interval(f['kl_divergence'], digits=3)} "
                f"| {interval(f['top_1'], 100, 3)} % | "
                + " | ".join(scores.get(task, "") for task in tasks)
                + f" | {f['prefill_tokens_per_second']:,.0f}"
                f" | {f['decode_tokens_per_second']:,.0f} |"
            )
    # Of a format without any divergence, no logarithm: the first one is left out.
    data = "".join(
        f"$model{i} << END\n"
        + "".join(
            f"\"{f['format']}\" {f['bits_per_weight']} {f['kl_divergence']['value']} "
            f"{f['kl_divergence']['low']} {f['kl_divergence']['high']}\n"
            for f in formats[1:]
            if f["kl_divergence"]["value"] > 0
        )
        + "END\n"
        for i, (_, formats) in enumerate(studies)
    )
    marks = [(7, "#2060a0", "left offset 1,0.6"), (5, "#b05010", "right offset -1,-0.6")]
    series = ", ".join(
        f"$model{i} using 2:3:4:5 with yerrorbars pt {mark} lw 2 lc '{colour}' title '{model}', "
        f"$model{i} using 2:3:1 with labels {side} tc '{colour}' notitle"
        for i, ((model, _), (mark, colour, side)) in enumerate(zip(studies, marks))
    )
    script = f"""
set terminal svg size 640,400 dynamic noenhanced font 'sans-serif,13' background '#ffffff'
set output '{out}.svg'
{data}
set logscale y
set format y '1e%L'
set xlabel 'bits per weight'
set ylabel 'KL divergence from {studies[0][1][0]["format"]}, nats per token'
set xrange [0:*]
set offsets 0, 3, graph 0.05, graph 0.05
set grid
set key top right
plot {series}
"""
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


if __name__ == "__main__":
    main()
