"""Errors by slice -> two dot plots, FNMR and FMR: one row a slice (Cleveland 1984)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from matplotlib.axes import Axes

from twinlens.evaluate.plots.ink import GENUINE, IMPOSTOR, SYSTEMS, Plot, canvas
from twinlens.evaluate.records import Slice
from twinlens.evaluate.score_records import Figure
from twinlens.evaluate.wording import percent, shortened

ROW, HEAD = 0.235, 0.85  # inches: a row, and the axis
LETTERS, LONG = 26, 40  # of a label, of a heading
MARKERS = "osD^vP"
MOST_ROWS = 60  # beyond that a plot is a wall; the table has them all
LEAST_PAIRS = 30  # of a slice whose whole interval must fit
Error = Literal["fnmr", "fmr"]
Row = tuple[str, Sequence[Slice | None], bool]  # label, the slice of each system, is a heading
TITLES = {"fnmr": "FNMR by what pairs have in common", "fmr": "FMR by what pairs have in common"}
AXES = {"fnmr": "FNMR: genuine pairs rejected, %", "fmr": "FMR: impostor pairs accepted, %"}


def slices_plots(slices: Sequence[Slice]) -> list[Plot]:
    """Draw both errors of every slice with their intervals."""
    return compared_slices([("", slices)])


def compared_slices(systems: Sequence[tuple[str, Sequence[Slice]]]) -> list[Plot]:
    """Draw both errors of every slice of several systems, in the order of the first that has it."""
    rows = _rows(systems)
    errors: tuple[Error, ...] = ("fnmr", "fmr")
    return [_plot(systems, rows, error) for error in errors if rows]


def _plot(systems: Sequence[tuple[str, Sequence[Slice]]], rows: Sequence[Row], error: Error) -> Plot:
    shown = rows[:MOST_ROWS]
    alone = len(systems) == 1
    figure, axes = canvas(height=HEAD + ROW * len(shown) * (1 + 0.3 * (len(systems) - 1)) + (0 if alone else 0.3))
    colours = [GENUINE if error == "fnmr" else IMPOSTOR] if alone else list(SYSTEMS)
    _dots(axes, shown, error, colours)
    axes.set_yticks(range(len(shown)), ["" if head else shortened(label, LETTERS) for label, _, head in shown])
    for y, (label, _, heading) in enumerate(shown):
        if heading:  # over the lines, where a long one has room
            place = axes.get_yaxis_transform()
            axes.text(0.01, y, shortened(label, LONG), transform=place, va="center", fontweight="bold")
    axes.set(ylim=(len(shown) - 0.4, -0.7), xlabel=AXES[error])
    if not alone:
        for at, (label, _) in enumerate(systems):
            style: dict[str, Any] = {"color": colours[at % len(colours)], "marker": MARKERS[at % len(MARKERS)]}
            axes.plot([], [], label=shortened(label, LETTERS), **style)
        figure.legend(loc="outside lower center", ncols=min(len(systems), 3))
    return Plot(
        f"slices-{error}",
        TITLES[error],
        "Each row is a part of the test pairs; the dot is its error, the line the 95 % interval. Rows whose lines "
        "overlap may well be equal; a line that is cut off goes on.",
        _said(systems, error) + (f" The plot shows the first {MOST_ROWS} rows." if len(rows) > MOST_ROWS else ""),
        figure,
    )


def _rows(systems: Sequence[tuple[str, Sequence[Slice]]]) -> list[Row]:
    known = [{(s.by, s.value): s for s in slices} for _, slices in systems]
    order = dict.fromkeys((s.by, s.value) for _, slices in systems for s in slices)
    groups: dict[str, list[str]] = {}
    for by, value in order:
        groups.setdefault(by, []).append(value)
    rows: list[Row] = []
    for by, values in groups.items():
        rows.append((by, (), True))
        for value in values:
            found = [table.get((by, value)) for table in known]
            rows.append((value, found, False))
    return rows


def _dots(axes: Axes, rows: Sequence[Row], error: Error, colours: Sequence[str]) -> None:
    widest = 0.0
    for y, (_, slices, _) in enumerate(rows):
        for at, part in enumerate(slices):
            rate = _rate(part, error)
            if part is None or rate is None or rate.value is None:
                continue
            place = y + 0.26 * (at - (len(slices) - 1) / 2)
            style: dict[str, Any] = {"color": colours[at % len(colours)], "markersize": 5, "clip_on": False}
            high = rate.value if rate.high is None else rate.high
            if rate.low is not None:
                axes.plot([100 * rate.low, 100 * high], [place, place], color=style["color"], linewidth=1.5)
            axes.plot([100 * rate.value], [place], MARKERS[at % len(MARKERS)], **style)
            enough = (part.genuine if error == "fnmr" else part.impostors) >= LEAST_PAIRS
            widest = max(widest, 100 * (high if enough else rate.value))
    axes.set_xlim(0, widest * 1.06 or 1)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0, pad=7)
    axes.spines["left"].set_visible(False)


def _rate(part: Slice | None, error: Error) -> Figure | None:
    if part is None:
        return None
    return part.fnmr if error == "fnmr" else part.fmr


def _said(systems: Sequence[tuple[str, Sequence[Slice]]], error: Error) -> str:
    parts = []
    for label, slices in systems:
        rates = [(rate.value, s) for s in slices if (rate := _rate(s, error)) is not None and rate.value is not None]
        if rates:
            value, worst = max(rates, key=lambda pair: pair[0])
            name = f"{label}: " if label else ""
            parts.append(f"{name}the highest is {percent(value)}, for {worst.by} {worst.value}.")
    return " ".join(parts) or "No slice has pairs of this kind."
