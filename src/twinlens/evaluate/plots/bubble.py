"""Benchmarks of detectors -> bubble graphs: time to the right, quality upwards, size of the network as area.

The form is that of Baez 2019, who drew two data sets into one graph without saying which point is which: here each set
has a panel of its own, colour is the detector, and words beside a bubble say its scales. His points appear only where
the measure is his, and hollow, because their times come from another machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from twinlens.evaluate.detector_records import MEAN_PRECISION, MEAN_RECALL, DetectorBenchmark, SettingResult
from twinlens.evaluate.plots.ink import INK, MUTED, Plot
from twinlens.evaluate.plots.labels import FONT, Label, write_beside
from twinlens.evaluate.published_detectors import BAEZ, Published

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#836600", "#56b4e9")  # Okabe and Ito 2008
ROUND = 4 / math.pi  # a circle's marker is sized by its square
LARGEST = 700.0  # square points that the largest network gets
NARROW = 3.0  # times; below it a logarithmic axis has no marks
DOT = 5.0  # square points; the middle of every bubble, to find the small ones by
STROKES = {"_": 2.0, "|": 1.0}  # signs that are lines, and how thick
PANEL, LIST, HEIGHT = 4.9, 2.4, 4.7  # inches
NAMES = {"wider": "WIDER FACE", "fddb": "FDDB"}


@dataclass(frozen=True, slots=True)
class Bubble:
    """One mark.

    Attributes:
        ms: to the right.
        quality: upwards; 0 to 1.
        parameters: 0 where nobody said.
        beside: the words beside it.
        colour: of the detector.
        ends: of its interval; None without.
        hollow: measured by others.
        below: recall that the measure does not see; None where it is not drawn.
    """

    ms: float
    quality: float
    parameters: int
    beside: str
    colour: str
    ends: tuple[float, float] | None = None
    hollow: bool = False
    below: float | None = None

    @property
    def line(self) -> tuple[float, float]:
        """From where to where something is drawn through it."""
        ends = [self.quality, *(self.ends or ()), *([] if self.below is None else [self.below])]
        return min(ends), max(ends)


@dataclass(frozen=True, slots=True)
class Panel:
    """The bubbles of one data set."""

    title: str
    upwards: str
    bubbles: tuple[Bubble, ...]


def quality_graph(benchmarks: Sequence[DetectorBenchmark]) -> Plot:
    """Draw the main figure of every setting on every set."""
    colours = _colours(benchmarks)
    panels = [
        Panel(_title(one), one.settings[0].main, tuple(_bubble(r, r.main, colours) for r in one.settings))
        for one in benchmarks
    ]
    title = "Quality, time and size of face detectors"
    figure = _draw(panels, title, "processor time a photo, milliseconds (one thread; logarithmic)", colours=colours)
    best = [(panel, max(panel.bubbles, key=lambda bubble: bubble.quality)) for panel in panels]
    return Plot(
        "quality",
        title,
        "Average precision or FDDB's score against the processor time of one thread for a photo. Area: parameters of "
        "all its networks. Bars: 95 % by drawing photos. Better is up and to the left.",
        " ".join(f"{p.title}: highest is {b.beside} with {b.quality:.3f} at {b.ms:.0f} ms." for p, b in best),
        figure,
        wide=True,
    )


def mean_precision_graph(benchmarks: Sequence[DetectorBenchmark]) -> Plot:
    """Draw Baez's measure for every setting, with the recall that it does not see, and his published points."""
    colours = _colours(benchmarks)
    panels = [
        Panel(
            _title(one),
            MEAN_PRECISION,
            (*_published(one.key), *(_bubble(r, MEAN_PRECISION, colours) for r in one.settings)),
        )
        for one in benchmarks
    ]
    missing = [key for key in NAMES if key not in {one.key for one in benchmarks}]
    panels += [Panel(f"{NAMES[key]} (not measured here)", MEAN_PRECISION, _published(key)) for key in missing]
    title = "Mean precision: what is missed costs nothing"
    across = "milliseconds a photo (logarithmic)\nours: one thread; hollow: network alone, another machine"
    figure = _draw(panels, title, across, colours=colours, others=True)
    ours = [bubble for panel in panels for bubble in panel.bubbles if not bubble.hollow]
    widest = max(ours, key=lambda bubble: bubble.quality - (bubble.below or 0.0))
    return Plot(
        "mean-precision",
        title,
        "Filled: measured here. Hollow: published by Baez 2019 (mean precision, other machine): the measure is the "
        "same, on other photos of these sets; the times are those of the network alone on a machine that is not named, "
        "so left and right of ours means nothing. A photo in which nothing is reported counts 100 % and a missed face "
        "costs nothing: the dash below a bubble is its recall.",
        f"The widest gap: {widest.beside} has a mean precision of {widest.quality:.3f} and a recall of "
        f"{widest.below or 0:.3f}.",
        figure,
        wide=True,
    )


def _colours(benchmarks: Iterable[DetectorBenchmark]) -> dict[str, str]:
    names = dict.fromkeys(result.detector for one in benchmarks for result in one.settings)
    return {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}


def _bubble(result: SettingResult, name: str, colours: dict[str, str]) -> Bubble:
    figure = result.figure(name)
    return Bubble(
        ms=result.cost.cpu_ms,
        quality=figure.value or 0.0,
        parameters=result.parameters,
        beside=result.label,
        colour=colours[result.detector],
        ends=(figure.low, figure.high) if figure.low is not None and figure.high is not None else None,
        below=result.figure(MEAN_RECALL).value if name == MEAN_PRECISION else None,
    )


def _published(key: str) -> tuple[Bubble, ...]:
    return tuple(_theirs(point) for point in BAEZ if point.on == key)


def _theirs(point: Published) -> Bubble:
    return Bubble(1000 * point.seconds, point.mean_precision, point.parameters, point.detector, MUTED, hollow=True)


def _title(benchmark: DetectorBenchmark) -> str:
    quick = ", a quick look" if benchmark.quick else ""
    return f"{NAMES.get(benchmark.key, benchmark.title)} ({benchmark.photos:,} photos{quick})"


def _area(parameters: int, most: int) -> float:
    return LARGEST * parameters / most if most else 0.0


def _draw(panels: Sequence[Panel], title: str, across: str, *, colours: dict[str, str], others: bool = False) -> Figure:
    """Draw every panel on the same time axis, and the list of signs to their right."""
    figure = Figure(figsize=(PANEL * len(panels) + LIST, HEIGHT))
    grid = figure.add_gridspec(1, len(panels) + 1, width_ratios=[*[PANEL] * len(panels), LIST])
    every = [bubble for panel in panels for bubble in panel.bubbles]
    most = max(bubble.parameters for bubble in every)
    drawn: list[Axes] = []
    for place, panel in enumerate(panels):
        first = drawn[0] if drawn else None
        alike = first if first is not None and panel.upwards == panels[0].upwards else None
        axes = figure.add_subplot(grid[place], sharex=first, sharey=alike)
        axes.set_title(panel.title)
        axes.set_ylabel(panel.upwards)
        axes.set_xlabel(across)
        for bubble in sorted(panel.bubbles, key=lambda b: -b.parameters):
            _mark(axes, bubble, _area(bubble.parameters, most))
        drawn.append(axes)
    _scale(drawn[0], every)
    for axes in drawn:
        axes.margins(x=0.12, y=0.14)
    figure.suptitle(title, x=0.01, ha="left")
    side = figure.add_subplot(grid[len(panels)])
    side.set_axis_off()
    _signs(side, every, colours, others=others)
    figure.draw_without_rendering()  # settles where the axes are, and there they stay
    figure.set_layout_engine("none")
    for axes, panel in zip(drawn, panels, strict=True):
        write_beside(axes, [_label(bubble, _area(bubble.parameters, most)) for bubble in panel.bubbles])
    return figure


def _mark(axes: Axes, bubble: Bubble, area: float) -> None:
    if bubble.ends is not None:
        axes.plot([bubble.ms] * 2, bubble.ends, color=bubble.colour, linewidth=1.0, alpha=0.8, zorder=2)
    axes.scatter(
        bubble.ms,
        bubble.quality,
        s=area * ROUND,
        facecolor="none" if bubble.hollow else bubble.colour,
        edgecolor=bubble.colour,
        alpha=None if bubble.hollow else 0.55,
        linewidth=1.2,
        linestyle="--" if bubble.hollow else "-",
        zorder=3,
    )
    axes.scatter(bubble.ms, bubble.quality, s=DOT * ROUND, color=bubble.colour, zorder=4)
    if bubble.below is not None:
        axes.plot([bubble.ms] * 2, [bubble.below, bubble.quality], ":", color=bubble.colour, linewidth=1, zorder=1)
        axes.plot(bubble.ms, bubble.below, "_", color=bubble.colour, markersize=12, markeredgewidth=2, zorder=3)


def _scale(axes: Axes, bubbles: Sequence[Bubble]) -> None:
    """Make times logarithmic, over at least a few of the marks at 1, 2 and 5; name no share above one."""
    fast, slow = min(b.ms for b in bubbles), max(b.ms for b in bubbles)
    decades = math.log10(slow / fast)
    axes.set_xscale("log")
    if slow < NARROW * fast:
        axes.set_xlim(fast / NARROW, slow * NARROW)
    ends = axes.get_ylim()
    axes.set_yticks([tick for tick in axes.get_yticks() if max(ends[0], 0) <= tick <= min(ends[1], 1)])
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 2 else (1.0,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _label(bubble: Bubble, area: float) -> Label:
    radius = math.sqrt(max(area, DOT) / math.pi)
    colour = MUTED if bubble.hollow else INK
    return Label(bubble.beside, (bubble.ms, bubble.quality), radius, bubble.line, colour)


def _signs(axes: Axes, bubbles: Sequence[Bubble], colours: dict[str, str], *, others: bool) -> None:
    """List what colours, lines and sizes mean."""
    most = max(bubble.parameters for bubble in bubbles)
    signs = [_sign(name, "o", colour) for name, colour in colours.items()]
    signs.append(_sign("95 % interval", "|", INK))
    if others:
        signs.append(_sign("recall, which the\nmeasure does not see", "_", INK))
        signs.append(_sign("published by Baez 2019\n(mean precision,\nother machine)", "o", MUTED, hollow=True))
    sizes = [
        _sign(_millions(number), "o", MUTED, points=math.sqrt(_area(number, most) * ROUND), hollow=True)
        for number in _examples(bubble.parameters for bubble in bubbles)
    ]
    if any(not bubble.parameters for bubble in bubbles):
        sizes.append(_sign("not stated: a dot", "o", INK, points=math.sqrt(DOT * ROUND)))
    for title, some, top, spacing in (("detector", signs, 1.0, 0.6), ("parameters", sizes, 0.38, 1.5)):
        listed = axes.legend(
            handles=some,
            title=title,
            alignment="left",
            loc="upper left",
            bbox_to_anchor=(0.0, top),
            labelspacing=spacing,
            handlelength=math.sqrt(LARGEST * ROUND) / FONT,
            borderaxespad=0.0,
        )
        if title == "detector":
            axes.add_artist(listed)


def _sign(text: str, shape: str, colour: str, *, points: float = 7.0, hollow: bool = False) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="",
        marker=shape,
        markersize=10 if shape in STROKES else points,
        markerfacecolor="none" if hollow else colour,
        markeredgecolor=colour,
        markeredgewidth=STROKES.get(shape, 1.0),
        label=text,
    )


def _examples(parameters: Iterable[int]) -> list[int]:
    """Return one or two round sizes that span what is drawn."""
    known = sorted({number for number in parameters if number})
    ends = [int(float(f"{number:.0e}")) for number in (*known[:1], *known[-1:])]
    return list(dict.fromkeys(ends))


def _millions(parameters: int) -> str:
    return f"{parameters / 1e6:g} million" if parameters >= 1_000_000 else f"{parameters:,}"
