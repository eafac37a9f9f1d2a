"""Scores, probabilities and folds of a report -> histogram, reliability diagram and folds plot.

Reliability diagram: DeGroot and Fienberg 1983; with the number of pairs behind each bin below it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from twinlens.evaluate.plots.ink import GENUINE, HEIGHT, IMPOSTOR, INK, MUTED, PLATE, SYSTEMS, WIDTH, Plot, canvas
from twinlens.evaluate.score_records import CalibrationCheck, Histogram
from twinlens.evaluate.wording import count, number, percent, plural, threshold


def histogram_plot(histogram: Histogram, bar: float | None) -> Plot | None:
    """Draw how the similarities of both kinds of pairs lie, twice: as shares, and as counts on a logarithmic axis.

    Args:
        histogram: of scores.
        bar: the threshold of the decision; None where there is none.
    """
    genuine, impostors = np.asarray(histogram.genuine, float), np.asarray(histogram.impostors, float)
    if not len(genuine) or genuine.sum() + impostors.sum() == 0:
        return None
    figure = Figure(figsize=(WIDTH, HEIGHT + 1.0))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    edges = np.asarray(histogram.edges)
    for counts, colour, label in ((impostors, IMPOSTOR, "two people"), (genuine, GENUINE, "one person")):
        share = 100 * counts / max(counts.sum(), 1)
        upper.stairs(share, edges, fill=True, color=colour, alpha=0.25)
        upper.stairs(share, edges, color=colour, linewidth=1.5, label=f"{label} ({count(int(counts.sum()))} pairs)")
        lower.stairs(np.where(counts > 0, counts, np.nan), edges, color=colour, linewidth=1.5, baseline=None)
    _count_axis(lower, float(max(genuine.max(), impostors.max())))
    for axes in (upper, lower):
        if bar is not None:
            axes.axvline(bar, color=INK, linewidth=1, linestyle=(0, (4, 2)))
    if bar is not None:
        style: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "fontsize": 8}
        upper.annotate(f"threshold {threshold(bar)}", (bar, 1), (4, -2), va="top", **style)
    upper.set(ylabel="share of pairs, %", ylim=(0, upper.get_ylim()[1] * 1.12))
    lower.set(ylabel="pairs, log", xlabel="similarity")
    upper.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.98), ncols=2, handlelength=1.2, columnspacing=1.2)
    said = f"{count(int(genuine.sum()))} genuine and {count(int(impostors.sum()))} impostor pairs"
    centres = (edges[:-1] + edges[1:]) / 2
    means = [f"{number(float((c * centres).sum() / c.sum()))}" for c in (genuine, impostors) if c.sum()]
    return Plot(
        "histogram",
        "Scores of both kinds of pairs",
        "The less the two hills overlap, the better; what lies on the wrong side of the dashed line is a mistake. "
        "Below, the same as counts on a logarithmic axis, where the rare mistakes can be seen.",
        f"{said}; mean similarity {' and '.join(means)}.",
        figure,
    )


def reliability_plot(check: CalibrationCheck, at: int = 0, name: str = "reliability") -> Plot | None:
    """Draw the share of genuine pairs against the probability given, and the pairs behind each bin.

    Args:
        check: one calibration.
        at: which colour of the systems.
        name: of the plot's file.
    """
    bins = [b for b in check.bins if b.pairs]
    if not bins:
        return None
    figure = Figure(figsize=(WIDTH, HEIGHT + 1.0))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3.4, 1])
    upper.plot([0, 100], [0, 100], color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    x, y = (100 * np.array([getattr(b, key) for b in bins]) for key in ("mean", "share"))
    low, high = (100 * np.array([getattr(b, key) for b in bins]) for key in ("share_low", "share_high"))
    colour = SYSTEMS[at % len(SYSTEMS)]
    upper.vlines(x, low, high, color=colour, linewidth=1.3)
    upper.plot(x, y, color=colour, linewidth=1, alpha=0.5)
    upper.plot(x, y, "o", color=colour, markersize=5, markeredgecolor=PLATE, markeredgewidth=0.6)
    upper.set(xlim=(-2, 102), ylim=(-2, 102), ylabel="really one person, %")
    lower.vlines(x, 0.1, [b.pairs for b in bins], color=colour, linewidth=4, alpha=0.5)
    _count_axis(lower, float(max(b.pairs for b in bins)))
    lower.set(xlabel="probability given, %", ylabel="pairs")
    furthest = max(bins, key=lambda b: abs(b.share - b.mean))
    return Plot(
        name,
        f"Reliability: {check.name}",
        "On the dotted diagonal a probability means what it says; below it the program is too sure that it is one "
        "person, above it too doubtful. Lines are 95 % intervals; below, how many pairs each point rests on.",
        f"{plural(len(bins), 'bin')}; furthest from the diagonal: {percent(furthest.mean)} given, "
        f"{percent(furthest.share)} true.",
        figure,
    )


def folds_plot(folds: Sequence[float]) -> Plot | None:
    """Draw the accuracy of each fold, their mean and its standard error."""
    if not folds:
        return None
    figure, axes = canvas(height=2.7)
    values = 100 * np.asarray(folds)
    mean = float(values.mean())
    error = stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    axes.axhspan(mean - error, mean + error, color=SYSTEMS[0], alpha=0.14, linewidth=0)
    axes.axhline(mean, color=SYSTEMS[0], linewidth=1)
    axes.plot(np.arange(1, len(values) + 1), values, "o", color=SYSTEMS[0], markersize=6)
    spread = max(float(values.max() - values.min()), 0.4)
    axes.set(xlabel="fold", ylabel="accuracy, %", xlim=(0.4, len(values) + 0.6))
    top = min(values.max() + spread * 0.25, 100 + spread * 0.1)  # room for a dot at 100, not for a tick above
    axes.set(ylim=(values.min() - spread * 0.25, top))
    if len(values) <= 20:
        axes.set_xticks(range(1, len(values) + 1))
    axes.grid(visible=False, axis="x")
    tail = f", standard error {percent(error / 100)}" if len(values) > 1 else ""
    return Plot(
        "folds",
        "Accuracy of each fold",
        "Each dot is one fold, tested with the threshold of the others; the line is their mean, the shade one standard "
        "error on either side.",
        f"{plural(len(values), 'fold')}, mean {percent(fmean(folds))}{tail}; "
        f"lowest {percent(min(folds))}, highest {percent(max(folds))}.",
        figure,
    )


def _count_axis(axes: Axes, most: float) -> None:
    """Make the upright axis logarithmic, from one, with counts written out."""
    axes.set_yscale("log")
    axes.set_ylim(0.7, most * 1.6)
    ticks = [10**e for e in range(math.floor(math.log10(most)) + 1)]
    ticks = ticks[:: max(len(ticks) // 3, 1)]
    axes.set_yticks(ticks, [count(tick) for tick in ticks])
    axes.minorticks_off()
