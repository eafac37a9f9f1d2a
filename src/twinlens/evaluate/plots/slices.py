"""Errors by slice -> a dot plot: one row a slice, FNMR and FMR beside each other (Cleveland 1984)."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from twinlens.evaluate.plots.ink import GENUINE, IMPOSTOR, SYSTEMS, WIDTH, Plot
from twinlens.evaluate.records import Slice
from twinlens.evaluate.wording import percent, shortened

ROW, HEAD = 0.235, 1.1  # inches: a row, and axis with title
LETTERS, LONG = 26, 46  # of a label, of a heading
MARKERS = "osD^vP"
MOST_ROWS = 60  # beyond that a plot is a wall; the table has them all
LEAST_PAIRS = 30  # of a slice whose whole interval must fit
Row = tuple[str, Sequence[Slice | None], bool]  # label, the slice of each system, is a heading


def slices_plot(slices: Sequence[Slice]) -> Plot | None:
    """Draw both errors of every slice with their intervals."""
    return compared_slices([("", slices)])


def compared_slices(systems: Sequence[tuple[str, Sequence[Slice]]]) -> Plot | None:
    """Draw both errors of every slice of several systems, in the order of the first that has it."""
    rows = _rows(systems)
    if not rows:
        return None
    shown = rows[:MOST_ROWS]
    figure = Figure(figsize=(WIDTH * 1.55, HEAD + ROW * len(shown) * (1 + 0.3 * (len(systems) - 1))))
    panels = figure.subplots(1, 2, sharey=True)
    for panel, axes, colour in ((0, panels[0], GENUINE), (1, panels[1], IMPOSTOR)):
        _panel(axes, shown, panel, [colour] if len(systems) == 1 else list(SYSTEMS))
    panels[0].set_yticks(range(len(shown)), ["" if head else shortened(label, LETTERS) for label, _, head in shown])
    for y, (label, _, heading) in enumerate(shown):
        if heading:  # over the lines, where a long one has room
            panels[0].text(
                0.01,
                y,
                shortened(label, LONG),
                transform=panels[0].get_yaxis_transform(),
                va="center",
                fontweight="bold",
            )
    panels[0].set(ylim=(len(shown) - 0.4, -0.7))
    panels[0].set_title("FNMR: genuine rejected, %")
    panels[1].set_title("FMR: impostors accepted, %")
    if len(systems) > 1:
        handles = panels[0].get_legend_handles_labels()[0][: len(systems)]
        names = [shortened(label, LETTERS) for label, _ in systems]
        figure.legend(handles, names, loc="outside lower center", ncols=min(len(systems), 3))
    return Plot(
        "slices",
        "Errors by what pairs have in common",
        "Each row is a part of the test pairs; the dot is its error, the line the 95 % interval. Rows whose lines "
        "overlap may well be equal. The two panels have scales of their own; a line that is cut off goes on.",
        _said(systems) + (f" The plot shows the first {MOST_ROWS} rows." if len(rows) > MOST_ROWS else ""),
        figure,
        wide=True,
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


def _panel(axes: Axes, rows: Sequence[Row], panel: int, colours: Sequence[str]) -> None:
    widest = 0.0
    for y, (_, slices, _) in enumerate(rows):
        for at, part in enumerate(slices):
            rate = None if part is None else (part.fnmr, part.fmr)[panel]
            if part is None or rate is None or rate.value is None:
                continue
            place = y + 0.26 * (at - (len(slices) - 1) / 2)
            colour = colours[at % len(colours)]
            high = rate.value if rate.high is None else rate.high
            if rate.low is not None:
                axes.plot([100 * rate.low, 100 * high], [place, place], color=colour, linewidth=1.5)
            axes.plot(
                [100 * rate.value], [place], MARKERS[at % len(MARKERS)], color=colour, markersize=5, clip_on=False
            )
            enough = (part.genuine, part.impostors)[panel] >= LEAST_PAIRS
            widest = max(widest, 100 * (high if enough else rate.value))
    for at in range(len(colours) if len(colours) > 1 else 0):
        axes.plot([], [], MARKERS[at % len(MARKERS)], color=colours[at], linestyle="-", label=str(at))
    axes.set_xlim(0, widest * 1.06 or 1)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _said(systems: Sequence[tuple[str, Sequence[Slice]]]) -> str:
    parts = []
    for label, slices in systems:
        known = [(s.fnmr.value, s) for s in slices if s.fnmr is not None and s.fnmr.value is not None]
        if known:
            value, worst = max(known, key=lambda pair: pair[0])
            name = f"{label}: " if label else ""
            parts.append(f"{name}the highest FNMR is {percent(value)}, for {worst.by} {worst.value}.")
    return " ".join(parts) or "No slice has genuine pairs."
