"""Tables and plots of what the benchmarks wrote as JSON; bench/report.sh calls this."""

import json
import pathlib
import re
import subprocess
import sys

# What a row of each table tells: counter, unit, and by how much to divide.
RATES = {
    "Read": ("bytes_per_second", "GB/s", 1e9),
    "Product": ("items_per_second", "G multiply-adds/s", 1e9),
    "MatVec": ("bytes_per_second", "GB/s", 1e9),
    "MatVecs": ("bytes_per_second", "GB/s", 1e9),
    "MatMul": ("items_per_second", "G multiply-adds/s", 1e9),
    "Prefill": ("tokens_per_second", "tokens/s", 1),
    "Decode": ("tokens_per_second", "tokens/s", 1),
    "Small": ("tokens_per_second", "tokens/s", 1),
    "Attend": ("bytes_per_second", "GB/s", 1e9),
    "AttendPrompt": ("items_per_second", "G multiply-adds/s", 1e9),
    "Load": ("bytes_per_second", "GB/s", 1e9),
    "Open": ("real_time", "ms", 1e6),
}
OTHER_RATE = ("items_per_second", "G elements/s", 1e9)
STATIC_RATE = ("runtime_over_static", "run-time over static time", 1)

TITLES = {
    "MatVec": "One vector: share of the read bandwidth",
    "MatMul": "512 vectors: share of the peak of products",
    "Prefill": "A prompt: share of the peak of products",
    "Decode": "One token: share of the read bandwidth",
    "AttendPrompt": "Attention of 48 queries: share of the peak of products",
}
FORMATS = ["F32", "F16", "BF16", "Q8_0", "Q4_0"]
COLOURS = ["#4477aa", "#66ccee", "#228833", "#ee6677", "#aa3377"]

NAME = re.compile(
    r"BM_(?P<what>\w+)/(?P<target>\w+)/(?:(?:highway|xsimd)/)?(?P<case>.+)/threads:(?P<threads>\d+)"
)


def read_runs(folder):
    """Context, and a dictionary for each benchmark that ran, in their order."""
    context, runs = {}, []
    for path in sorted(folder.glob("*.json")):
        report = json.loads(path.read_text())
        context = context or report["context"]
        for run in report["benchmarks"]:
            name = NAME.fullmatch(run["run_name"])
            if name and run.get("run_type") == "iteration" and not run.get("error_occurred"):
                runs.append(run | name.groupdict() | {"threads": int(name["threads"])})
    return context, runs


def unique(values):
    return list(dict.fromkeys(values))


def rate_of(what):
    return RATES.get(what, STATIC_RATE if what.startswith("Static") else OTHER_RATE)


def table(what, runs):
    """Rows: cases; columns: target and threads."""
    counter, unit, scale = rate_of(what)
    columns = unique((run["target"], run["threads"]) for run in runs)
    cells = {(run["case"], run["target"], run["threads"]): run for run in runs}

    def cell(run):
        if run is None or counter not in run:
            return ""
        text = f"{run[counter] / scale:.3g}" if run[counter] / scale < 1000 else (
            f"{run[counter] / scale:,.0f}")
        if "roofline_pct" in run:
            share = f"{run['roofline_pct']:.0f} %, {run['roofline_median_pct']:.0f} %"
            text += f" ({'void: ' if run.get('label') else ''}{share})"
        if "times_baseline" in run:
            text += f", {run['times_baseline']:.1f} times the baseline"
        return text

    threads = {n: f"{n} thread" + ("s" if n > 1 else "") for _, n in columns}
    lines = [f"## {what}, {unit}", ""]
    lines.append("| |" + "".join(f" {target}, {threads[n]} |" for target, n in columns))
    lines.append("|---|" + "---:|" * len(columns))
    for case in unique(run["case"] for run in runs):
        row = "".join(f" {cell(cells.get((case, *column)))} |" for column in columns)
        lines.append(f"| {case} |{row}")
    return lines + [""]


def shape_of(run):
    """The case without its format, and without what all cases of a plot share."""
    shared = "tokens:512" if run["what"] == "MatMul" else None
    return " ".join(
        part for part in run["case"].split("/") if part not in FORMATS and part != shared
    )


def format_of(case):
    return next((part for part in case.split("/") if part in FORMATS), None)


def plot(what, runs, path):
    """A panel for each target with one thread and with all: groups of bars, a bar for a format."""
    runs = [run for run in runs if "roofline_pct" in run and not run.get("label")]
    if not runs:
        return False
    threads = [run["threads"] for run in runs]
    panels = unique(
        (run["target"], run["threads"])
        for run in runs
        if run["threads"] in (min(threads), max(threads))
    )
    shapes = unique(shape_of(run) for run in runs)
    formats = [f for f in FORMATS if any(format_of(run["case"]) == f for run in runs)]
    share = {
        (run["target"], run["threads"], shape_of(run), format_of(run["case"])): run[
            "roofline_pct"
        ]
        for run in runs
    }
    width = max(640, 170 + 115 * len(shapes))
    commands = [
        f"set terminal pngcairo noenhanced font 'sans,10' size {width},{60 + 260 * len(panels)}",
        f"set output '{path}'",
        f"set multiplot layout {len(panels)},1 title '{TITLES[what]}' font 'sans,13'",
        "set datafile missing '-'",
        "set style data histograms",
        "set style histogram clustered gap 1",
        "set style fill solid noborder",
        "set boxwidth 0.9",
        "set yrange [0:110]",
        "set ytics 0,20,100 format '%g %%'",
        "set grid ytics back linecolor '#cccccc' linetype 1",
        f"set xrange [-0.6:{len(shapes) - 0.4}]",
        "set border 3 linecolor '#888888'",
        "set tics nomirror scale 0.5 textcolor 'black'",
        "set key outside right center reverse Left samplen 1",
        "set lmargin 8",
        "set rmargin 14",
        "set bmargin 3.5",
    ]
    for i, (target, threads) in enumerate(panels):
        commands.append(f"$panel{i} << END")
        for shape in shapes:
            values = [share.get((target, threads, shape, f)) for f in formats]
            row = " ".join("-" if value is None else f"{value:.2f}" for value in values)
            label = shape.replace(" ", "\\n")
            commands.append(f'"{label}" {row}')
        commands.append("END")
        bars = [
            f"$panel{i} using {column}:xticlabels(1) title '{name}' "
            f"linecolor rgb '{COLOURS[FORMATS.index(name)]}'"
            for column, name in enumerate(formats, start=2)
        ]
        limit = "100 with lines title 'limit' linecolor 'black' linewidth 2"
        plural = "s" if threads > 1 else ""
        commands.append(f"set title '{target}, {threads} thread{plural}'")
        commands.append("plot " + ", ".join([*bars, limit]))
    commands.append("unset multiplot")
    subprocess.run(["gnuplot"], input="\n".join(commands) + "\n", text=True, check=True)
    return True


def main(folder, out):
    context, runs = read_runs(folder)
    if not runs:
        sys.exit("report.py: no benchmark has run")
    lines = ["# Benchmarks", "", "Written by `bench/report.sh`; `docs/benchmarks.md` tells how to "
             "read it. In brackets: the share of the limit, best of both and median of both.", ""]
    keys = ["cpu", "threads", "cache_l2_bytes", "cache_l3_bytes", "huge_pages", "compiler",
            "llama2", "abi", "highway", "benchmark", "date"]
    lines += ["| | |", "|---|---|"]
    lines += [f"| {key.replace('_', ' ')} | {context[key]} |" for key in keys if key in context]
    lines.append("")
    for what in sorted(unique(run["what"] for run in runs),
                       key=lambda w: (list(RATES) + [w]).index(w)):
        some = [run for run in runs if run["what"] == what]
        lines += table(what, some)
        name = f"roofline-{what.lower()}.png"
        if what in TITLES and plot(what, some, out / name):
            lines += [f"![{TITLES[what]}]({name})", ""]
    (out / "benchmarks.md").write_text("\n".join(lines))


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
