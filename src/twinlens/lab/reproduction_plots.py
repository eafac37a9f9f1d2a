"""A reproduction -> published points beside our intervals, and the validation curves of every run over one another.

The second is figures 8 and 9 of 003: every run's validation accuracy and loss in one frame.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from twinlens.evaluate.plots.ink import DASHES, GENUINE, IMPOSTOR, MUTED, SYSTEMS, Plot, canvas, drawing, write
from twinlens.lab.curves import epoch_axis
from twinlens.lab.reproduction import Reproduction
from twinlens.lab.study import MEASURES

CURVES = {"accuracy": "validation accuracy at its best threshold", "loss": "validation loss"}

FACTOR = 20  # between the least and the largest value, from which on a scale is logarithmic


def reproduction_plots(done: Reproduction, folders: Sequence[Path]) -> list[Plot]:
    """Draw what there is.

    Args:
        done: what was published and what ran.
        folders: of finished runs, for their curves.
    """
    with drawing():
        plots = [_accuracies(done, name) for name in MEASURES]
        plots += [_curves(folders, column, title) for column, title in CURVES.items()]
    return [plot for plot in plots if plot is not None]


def write_plots(done: Reproduction, folders: Sequence[Path], folder: Path) -> list[Path]:
    """Write the plots as SVG files of the system's name and return them."""
    paths = []
    for plot in reproduction_plots(done, folders):
        paths.append(folder / f"reproduce-{done.study.name}-{plot.name}.svg")
        write(plot, paths[-1])
    return paths


def _accuracies(done: Reproduction, measure: str) -> Plot | None:
    """Draw one line a configuration that ran: published figures as crosses, ours as interval and runs."""
    ran = [one for one in done.study.configurations if measure in done.beside(one.name).tallies]
    if not ran:
        return None
    figure, axes = canvas(width=6.4, height=1.1 + 0.34 * len(ran))
    for at, one in enumerate(reversed(ran)):
        beside = done.beside(one.name)
        ours = beside.tallies[measure]
        axes.plot([100 * ours.low, 100 * ours.high], [at, at], color=GENUINE, linewidth=2.4, alpha=0.55)
        axes.plot([100 * value for value in ours.values], [at] * len(ours.values), "|", color=GENUINE, markersize=9)
        axes.plot([100 * ours.mean], [at], "o", color=GENUINE, markersize=5)
        published = [row.figures[measure] for row in done.study.rows_of(one.name) if measure in row.figures]
        axes.plot(published, [at + 0.22] * len(published), "x", color=IMPOSTOR, markersize=6)
    axes.set_yticks(range(len(ran)), [f"{one.name}{' (quick)' * done.beside(one.name).quick}" for one in reversed(ran)])
    axes.set_ylim(-0.6, len(ran) - 0.3)
    if done.study.about.floor and measure == "test_accuracy":
        axes.axvline(done.study.about.floor, color=MUTED, linestyle=(0, (4, 3)), linewidth=1)
        axes.annotate("pixels", (done.study.about.floor, len(ran) - 0.3), fontsize=7, color=MUTED, va="top")
    axes.set_xlabel(f"{MEASURES[measure]} accuracy, %")
    title = f"{done.study.name}: published (crosses) and ours (dots with 95 %)"
    axes.set_title(title)
    reading = "The dashed line is the trivial answer. A cross inside or near our interval has been reproduced."
    said = f"{len(ran)} configurations with published figures as crosses and ours as dots with intervals."
    return Plot(measure.replace("_", "-"), title, reading, said, figure)


def _curves(folders: Sequence[Path], column: str, title: str) -> Plot | None:
    """Draw one validation figure of every run, epoch by epoch."""
    lines = [(folder.name, found) for folder in folders if (found := validation_curve(folder, column))]
    if not lines:
        return None
    figure = Figure(figsize=(8.4, 3.8))
    axes: Axes = figure.add_subplot()
    names = list(dict.fromkeys(_configuration(name) for name, _ in lines))
    drawn: set[str] = set()
    for name, found in lines:
        mine = _configuration(name)
        turn, at = divmod(names.index(mine), len(SYSTEMS))
        style = DASHES[turn % len(DASHES)]
        label = "" if mine in drawn else mine
        axes.plot(*zip(*found, strict=True), color=SYSTEMS[at], linestyle=style, linewidth=1, alpha=0.75, label=label)
        drawn.add(mine)
    epoch_axis(axes)
    values = [value for _, found in lines for _, value in found]
    if min(values) > 0 and max(values) > FACTOR * min(values):  # a loss with penalties falls by factors
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylabel(title)
    axes.set_title(f"{title} of {len(lines)} runs")
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return Plot(
        f"curves-{column}",
        title,
        "One line is one run; seeds of one configuration are drawn alike.",
        f"{title} of {len(lines)} runs",
        figure,
    )


def _configuration(folder: str) -> str:
    """Return whose run a folder holds; quick ones are told apart."""
    name, _, rest = folder.rpartition("-s")
    return f"{name} (quick)" if rest.endswith("-quick") else name


def validation_curve(folder: Path, column: str) -> list[tuple[float, float]]:
    """Return (epoch, value) of a run's validation from its metrics.csv; empty where there is none."""
    path = folder / "metrics.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    name = f"validation_{column}"
    return [(float(row["epoch"]), float(row[name])) for row in rows if row.get(name) and row.get("epoch")]
