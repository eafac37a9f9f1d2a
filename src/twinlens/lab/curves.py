"""Epochs' figures -> loss and accuracy over epochs, as a picture."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from twinlens.evaluate.plots.ink import DASHES, INK, PLATE, SYSTEMS, drawing
from twinlens.lab.module import Row

LINES = {
    "loss": (("train_loss", "training"), ("validation_loss", "validation")),
    "accuracy": (
        ("train_accuracy", "training, at the published threshold"),
        ("validation_accuracy", "validation, at its best threshold"),
        ("validation_auc", "validation, AUC"),
    ),
}


def curves_png(rows: Sequence[Row], *, title: str, kept_epoch: int) -> bytes:
    """Draw a run's curves.

    Args:
        rows: one an epoch.
        title: over them.
        kept_epoch: marked; counted from 1.
    """
    with drawing():
        figure = Figure(figsize=(9.2, 3.6))
        for axes, (name, lines) in zip(figure.subplots(1, 2), LINES.items(), strict=True):
            _draw(axes, rows, lines)
            axes.set_title(f"{title}: {name}" if name == "loss" else name)
            epoch_axis(axes)
            axes.axvline(kept_epoch, color=INK, linewidth=0.8, linestyle=(0, (1, 2)))
            axes.annotate("kept", (kept_epoch, 1), xycoords=("data", "axes fraction"), fontsize=8, ha="center")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=130, facecolor=PLATE, metadata={"Software": None})
    return buffer.getvalue()


def epoch_axis(axes: Axes) -> None:
    """Name the axis across, and write whole numbers on it alone: there is no epoch 1.5."""
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _draw(axes: Axes, rows: Sequence[Row], lines: Sequence[tuple[str, str]]) -> None:
    drawn = False
    for at, (key, label) in enumerate(lines):
        points = [(row["epoch"], row[key]) for row in rows if math.isfinite(row.get(key, math.nan))]
        if points:
            x, y = zip(*points, strict=True)
            style = "o" if len(points) == 1 else ""
            axes.plot(x, y, color=SYSTEMS[at], linestyle=DASHES[at], marker=style, markersize=3, label=label)
            drawn = True
    if drawn:
        axes.legend(fontsize=8)
