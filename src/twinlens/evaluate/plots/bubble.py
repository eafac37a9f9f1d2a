"""Benchmarks of detectors -> bubble graphs: time to the right, quality upwards, size of the network as area.

The form is that of Baez 2019, who drew both data sets into one graph without saying which point is which: here colour
is the detector, shape the data set, and the words beside a bubble its scales. His points appear only where the measure
is his, and hollow, because their times come from another machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from twinlens.evaluate.detector_records import MEAN_PRECISION, MEAN_RECALL, DetectorBenchmark, SettingResult
from twinlens.evaluate.plots.ink import INK, MUTED, Plot, canvas
from twinlens.evaluate.plots.labels import Label, write_beside
from twinlens.evaluate.published_detectors import BAEZ, Published

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#836600", "#56b4e9")  # Okabe and Ito 2008
SHAPES = ("o", "s", "D", "^", "v")
ROUND = 4 / math.pi  # a circle's marker is sized by its square
LARGEST = 900.0  # square points that the largest network gets
DOT = 5.0  # square points; the middle of every bubble, to find the small ones by
WIDTH, HEIGHT = 8.4, 4.9


@dataclass(frozen=True, slots=True)
class Bubble:
    """One mark.

    Attributes:
        ms: to the right.
        quality: upwards; 0 to 1.
        ends: of its interval; None without.
        parameters: 0 where nobody said.
        beside: the words beside it.
        shape: a marker.
        colour: of the detector.
        hollow: measured by others.
        below: recall that the measure does not see; None where it is not drawn.
    """

    ms: float
    quality: float
    ends: tuple[float, float] | None
    parameters: int
    beside: str
    shape: str
    colour: str
    hollow: bool = False
    below: float | None = None


def quality_graph(benchmarks: Sequence[DetectorBenchmark]) -> Plot:
    """Draw the main figure of every setting on every set."""
    kinds = _Kinds(benchmarks)
    bubbles = [
        _bubble(result, result.main, kinds, one, several=len(benchmarks) > 1)
        for one in benchmarks
        for result in one.settings
    ]
    measures = " · ".join(f"{_short(one)}: {one.settings[0].main}" for one in benchmarks)
    figure, axes = canvas(WIDTH, HEIGHT)
    _draw(axes, bubbles)
    axes.set_ylabel(measures if len(benchmarks) == 1 else f"quality\n({measures})")
    axes.set_title(_title("Quality, time and size of face detectors", benchmarks))
    _legends(axes, kinds, bubbles, others=False, recall=False)
    best = max(bubbles, key=lambda bubble: bubble.quality)
    return Plot(
        "quality",
        "Quality, time and size of face detectors",
        f"{measures}, against the processor time of one thread for a photo (logarithmic). Area: parameters. Bars: 95 % "
        "by drawing photos. Better is up and to the left.",
        f"The highest is {best.beside} with {best.quality:.3f} at {best.ms:.0f} ms a photo.",
        figure,
        wide=True,
    )


def mean_precision_graph(benchmarks: Sequence[DetectorBenchmark]) -> Plot:
    """Draw Baez's measure for every setting, with the recall that it does not see, and his published points."""
    kinds = _Kinds(benchmarks)
    ours = [
        _bubble(result, MEAN_PRECISION, kinds, one, several=len(benchmarks) > 1)
        for one in benchmarks
        for result in one.settings
    ]
    theirs = [_published(point) for point in BAEZ]
    figure, axes = canvas(WIDTH, HEIGHT)
    _draw(axes, [*theirs, *ours])
    axes.set_ylabel('mean precision over photos (the "accuracy" of Baez 2019)')
    axes.set_title(_title("Mean precision: what is missed costs nothing", benchmarks))
    _legends(axes, kinds, [*theirs, *ours], others=True, recall=True)
    lowest = min(ours, key=lambda bubble: bubble.below if bubble.below is not None else 1.0)
    return Plot(
        "mean-precision",
        "Mean precision, time and size, with published points",
        "Filled: measured here, processor time of one thread for a photo. Hollow: published by Baez 2019 (mean "
        "precision, other machine): the measure is the same, on other photos of FDDB and WIDER FACE; the times are "
        "those of the network alone on a machine that is not named, so left and right of ours means nothing. A photo "
        "in which nothing is reported counts 100 % and a missed face costs nothing: the dash below each bubble is its "
        "recall.",
        f"The widest gap: {lowest.beside} has a mean precision of {lowest.quality:.3f} and a recall of "
        f"{lowest.below or 0:.3f}.",
        figure,
        wide=True,
    )


class _Kinds:
    """Which colour is which detector, which shape which set."""

    def __init__(self, benchmarks: Sequence[DetectorBenchmark]) -> None:
        names = dict.fromkeys(result.detector for one in benchmarks for result in one.settings)
        self.colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
        self.shapes = {_short(one): SHAPES[i % len(SHAPES)] for i, one in enumerate(benchmarks)}


def _bubble(result: SettingResult, name: str, kinds: _Kinds, benchmark: DetectorBenchmark, *, several: bool) -> Bubble:
    figure = result.figure(name)
    ends = (figure.low, figure.high) if figure.low is not None and figure.high is not None else None
    return Bubble(
        ms=result.cost.cpu_ms,
        quality=figure.value or 0.0,
        ends=ends,
        parameters=result.parameters,
        beside=f"{result.label}, {_short(benchmark)}" if several else result.label,
        shape=kinds.shapes[_short(benchmark)],
        colour=kinds.colours[result.detector],
        below=result.figure(MEAN_RECALL).value if name == MEAN_PRECISION else None,
    )


def _published(point: Published) -> Bubble:
    return Bubble(
        ms=1000 * point.seconds,
        quality=point.mean_precision,
        ends=None,
        parameters=point.parameters,
        beside=f"{point.detector}, {point.on}",
        shape="o",
        colour=MUTED,
        hollow=True,
    )


def _short(benchmark: DetectorBenchmark) -> str:
    return {"wider": "WIDER FACE", "fddb": "FDDB"}.get(benchmark.key, benchmark.title)


def _title(text: str, benchmarks: Iterable[DetectorBenchmark]) -> str:
    """Say which sets, and that it was a quick look where it was."""
    sets = ", ".join(
        f"{_short(one)} ({one.photos:,} photos{', a quick look' if one.quick else ''})" for one in benchmarks
    )
    return f"{text}\n{sets}"


def _area(parameters: int, most: int) -> float:
    return LARGEST * parameters / most if most else 0.0


def _draw(axes: Axes, bubbles: Sequence[Bubble]) -> None:
    most = max(bubble.parameters for bubble in bubbles)
    for bubble in sorted(bubbles, key=lambda b: -b.parameters):
        face = "none" if bubble.hollow else bubble.colour
        size = _area(bubble.parameters, most) * (ROUND if bubble.shape == "o" else 1.0)
        if bubble.ends is not None:
            axes.plot([bubble.ms] * 2, bubble.ends, color=bubble.colour, linewidth=1.0, alpha=0.8, zorder=2)
        axes.scatter(
            bubble.ms,
            bubble.quality,
            s=size,
            marker=bubble.shape,
            facecolor=face,
            edgecolor=bubble.colour,
            alpha=None if bubble.hollow else 0.55,
            linewidth=1.2,
            linestyle="--" if bubble.hollow else "-",
            zorder=3,
        )
        axes.scatter(bubble.ms, bubble.quality, s=DOT, marker=bubble.shape, color=bubble.colour, zorder=4)
        if bubble.below is not None:
            axes.plot(
                [bubble.ms] * 2, [bubble.below, bubble.quality], ":", color=bubble.colour, linewidth=1.0, zorder=1
            )
            axes.plot(bubble.ms, bubble.below, "_", color=bubble.colour, markersize=12, markeredgewidth=2, zorder=3)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("processor time a photo, milliseconds (one thread; logarithmic)")
    axes.margins(x=0.12, y=0.12)


def _legends(axes: Axes, kinds: _Kinds, bubbles: Sequence[Bubble], *, others: bool, recall: bool) -> None:
    """Put one list of all signs beside the axes, then the words beside the bubbles."""
    most = max(bubble.parameters for bubble in bubbles)
    signs = [_sign("detector", "")]
    signs += [_sign(name, "o", colour) for name, colour in kinds.colours.items()]
    if len(kinds.shapes) > 1:
        signs += [_sign("\ndata set", ""), *(_sign(name, shape, INK) for name, shape in kinds.shapes.items())]
    if recall:
        signs.append(_sign("its recall, which the\nmeasure does not see", "_", INK))
    if others:
        signs.append(_sign("published by Baez 2019\n(mean precision,\nother machine)", "o", MUTED, hollow=True))
    signs.append(_sign("\nparameters", ""))
    for parameters in _examples(bubble.parameters for bubble in bubbles):
        points = math.sqrt(_area(parameters, most) * ROUND)
        signs.append(_sign(_millions(parameters), "o", MUTED, points=points, hollow=True))
    if any(not bubble.parameters for bubble in bubbles):
        signs.append(_sign("not stated: only a dot", "o", INK, points=math.sqrt(DOT)))
    signs.append(_sign("\nbar: 95 % interval", ""))
    axes.legend(handles=signs, loc="upper left", bbox_to_anchor=(1.01, 1.02), labelspacing=0.55, borderaxespad=0.0)
    write_beside(axes, [_label(bubble, most) for bubble in bubbles])


def _label(bubble: Bubble, most: int) -> Label:
    radius = max(math.sqrt(_area(bubble.parameters, most) / math.pi), 2.0)
    return Label(bubble.beside, (bubble.ms, bubble.quality), radius, MUTED if bubble.hollow else INK)


def _sign(text: str, shape: str, colour: str = INK, *, points: float = 7.0, hollow: bool = False) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="",
        marker=shape or "None",
        markersize=points if shape != "_" else 10,
        markerfacecolor="none" if hollow else colour,
        markeredgecolor=colour,
        markeredgewidth=2.0 if shape == "_" else 1.0,
        label=text,
    )


def _examples(parameters: Iterable[int]) -> list[int]:
    """Return one or two round sizes that span what is drawn."""
    known = sorted({number for number in parameters if number})
    if not known:
        return []
    rounded = [_rounded(known[0]), _rounded(known[-1])]
    return list(dict.fromkeys(rounded))


def _rounded(number: int) -> int:
    """Return one significant digit."""
    return int(float(f"{number:.0e}"))


def _millions(parameters: int) -> str:
    return f"{parameters / 1e6:g} million" if parameters >= 1_000_000 else f"{parameters:,}"
