"""The chart: how far each allocator is from the limit in each growth case, drawn by gnuplot as PNG and SVG."""

import os
import shutil
import subprocess

import plan
from results import ratio

# From the nearest to the farthest, as colours that can be told apart in print and by the colour-blind.
SERIES = {
    "arrowpool": "#D55E00",
    "glibc-hugetlb": "#009E73",
    "jemalloc-arrow-thp": "#56B4E9",
    "mimalloc-wheel": "#E69F00",
    "tcmalloc": "#CC79A7",
    "glibc": "#8FBC8F",
    "jemalloc-arrow": "#0072B2",
    "mimalloc": "#B8A000",
    "system": "#666666",
}
LABELS = {"doubling": "doubling\\nto 1 GiB", "interleaved-doubling": "16 doubling\\nto 64 MiB",
          "steps-1m": "1 MiB steps\\nto 128 MiB", "interleaved-steps-1m": "16 by 1 MiB\\nto 32 MiB",
          "steps-64k": "64 KiB steps\\nto 16 MiB"}
SCRIPT = """
set terminal {terminal}
set output '{output}'
set title 'Time to grow and fill buffers, relative to pre-sized memory on huge pages'
set style data histograms
set style histogram clustered gap 2
set style fill solid border rgb '#ffffff'
set boxwidth 0.95
set logscale y
set yrange [0.8:*]
set xrange [-0.6:4.6]
set bmargin 4
set ylabel 'time / limit (log scale; lower is better)'
set grid ytics back lt 1 lw 1 lc rgb '#cccccc'
set key outside right top vertical Left reverse noenhanced
set xtics nomirror scale 0
set border 3
set ytics nomirror
set mytics 10
set arrow from graph 0, first 1 to graph 1, first 1 nohead lc rgb '#000000' dt 2 front
set datafile missing '?'
plot {plots}
"""
TERMINALS = {"png": "pngcairo size 1200,640 font 'sans,11' background rgb 'white'",
             "svg": "svg size 1200,640 font 'sans,12' background rgb 'white'"}


def draw(results, folder, base):
    """Write BASE.png and BASE.svg; False: no gnuplot, or nothing to draw."""
    limits = {case: results.least(case, "limit", "total_ms") for case in plan.GROWTH}
    cases = [case for case in plan.GROWTH if limits[case] and results.has(case, "arrowpool")]
    series = [who for who in SERIES if any(results.has(case, who) for case in cases)]
    if not cases or not shutil.which("gnuplot"):
        return False
    data = os.path.join(folder, "chart.dat")
    with open(data, "w") as out:
        for case in cases:
            ratios = [ratio(results.least(case, who, "total_ms"), limits[case]) for who in series]
            cells = [f'"{LABELS[case]}"', *("?" if value is None else f"{value:.4f}" for value in ratios)]
            out.write(" ".join(cells) + "\n")
    plots = ", ".join(f"'{data}' using {column}{':xtic(1)' if column == 2 else ''} title '{who}' lc rgb '{SERIES[who]}'"
                      for column, who in enumerate(series, 2))
    for ending, terminal in TERMINALS.items():
        script = SCRIPT.format(terminal=terminal, output=f"{base}.{ending}", plots=plots)
        subprocess.run(["gnuplot"], input=script, text=True, check=True)
    return True
