"""Error curves -> ROC, DET and CMC plots.

DET: Martin, Doddington, Kamm, Ordowski and Przybocki, "The DET curve in assessment of detection task performance",
Eurospeech 1997: both rates on axes of the normal deviate, where normally distributed scores give a straight line.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from twinlens.evaluate.plots.ink import DASHES, MUTED, PLATE, SYSTEMS, Plot, canvas
from twinlens.evaluate.score_records import ErrorCurve, OperatingRow, Search
from twinlens.evaluate.wording import percent, plural, shortened, target

Floats = Float64[np.ndarray, " points"]
LEAST_RATE = 1e-7  # no test set here has ten million independent pairs
DET_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
DET_END = 0.5
LABEL = 34  # letters of a name in a legend
MARKERS = ("o", "s", "D", "^")
MARKER_NAMES = ("circles:", "squares:", "diamonds:", "triangles:")
Place = Callable[[float, float], tuple[float, float]]
# labels of two sources go to two sides of the curve, one that rises and one that falls
BELOW, ABOVE = {"xytext": (6, -11)}, {"xytext": (6, 6)}
LEFT_ABOVE, LEFT_BELOW = {"xytext": (-5, 6), "ha": "right"}, {"xytext": (-5, -11), "ha": "right"}
RISING: tuple[dict[str, Any], ...] = (BELOW, LEFT_ABOVE, ABOVE, LEFT_BELOW)
FALLING: tuple[dict[str, Any], ...] = (ABOVE, LEFT_BELOW, BELOW, LEFT_ABOVE)
_PROBIT = NormalDist().inv_cdf


@dataclass(frozen=True, slots=True)
class Line:
    """One system's errors, to be drawn with others.

    Attributes:
        label: in the legend; empty where there is only one line.
        curve: its errors.
        operating: points to mark.
    """

    label: str
    curve: ErrorCurve
    operating: tuple[OperatingRow, ...] = ()


def roc_plot(lines: Sequence[Line]) -> Plot | None:
    """Draw how many genuine pairs are accepted against how many impostors, the latter on a logarithmic axis."""
    drawn = _told(lines)
    if not drawn:
        return None
    figure, axes = canvas(height=4.0)
    left = 10.0 ** math.floor(math.log10(min(_least_fmr(line) for line in drawn)))
    axes.set_xscale("log")
    bottom = 1.0
    for at, line in enumerate(drawn):
        fmr, tar = np.maximum(line.curve.fmr, left), 1 - np.asarray(line.curve.fnmr)
        band = _band(line.curve, left)
        if band is not None:
            axes.fill(band[0], 100 * (1 - band[1]), color=colour_of(at), alpha=0.16, linewidth=0)
        axes.plot(fmr, 100 * tar, color=colour_of(at), linestyle=_dash(at), label=shortened(line.label, LABEL))
        bottom = min(bottom, float(tar.min(initial=1, where=np.asarray(line.curve.fmr) <= 0.1)))
        if line.curve.fnmr_band:
            bottom = min(bottom, 1 - line.curve.fnmr_band[-1][1])
        bottom = min([bottom, *(1 - fnmr for _, fnmr in _marks(line))])
        _operating(axes, line, at, lambda fmr, fnmr: (max(fmr, left), 100 * (1 - fnmr)), RISING)
    floor = 100 * bottom if 100 * bottom < 60 else 100 - 1.25 * (100 - 100 * bottom)
    axes.set(xlim=(left, 1), ylim=(max(min(floor, 99), 0), 100.0), xlabel="FMR: impostor pairs accepted")
    decades = [10.0**e for e in range(round(math.log10(left)), 1)]
    axes.set_xticks(decades, [target(rate) for rate in decades])
    axes.minorticks_off()
    axes.set_ylabel("TAR: genuine pairs accepted, %")
    _legend(axes, drawn, "lower right")
    return Plot(
        "roc",
        "ROC: who is accepted, at each strictness",
        "The further up and to the left, the better: more genuine pairs accepted for fewer impostors; the left edge "
        "stands for no impostor at all." + _bands_said(drawn),
        " ".join(_roc_said(line) for line in drawn),
        figure,
    )


def det_plot(lines: Sequence[Line]) -> Plot | None:
    """Draw both error rates against each other on normal-deviate axes."""
    drawn = _told(lines)
    if not drawn:
        return None
    figure, axes = canvas(height=4.0)
    left = min(_least_fmr(line) for line in drawn)
    low = min(_least(line.curve.fnmr, line.curve.fnmr_band, [fnmr for _, fnmr in _marks(line)]) for line in drawn)
    for at, line in enumerate(drawn):
        band = _band(line.curve, min(left, low))
        if band is not None:
            axes.fill(probit(band[0]), probit(band[1]), color=colour_of(at), alpha=0.16, linewidth=0)
        x, y = np.maximum(line.curve.fmr, left), np.maximum(line.curve.fnmr, low)
        axes.plot(probit(x), probit(y), color=colour_of(at), linestyle=_dash(at), label=shortened(line.label, LABEL))
        within = _within(line)
        _operating(axes, within, at, lambda fmr, fnmr: (_deviate(max(fmr, left)), _deviate(max(fnmr, low))), FALLING)
    ends = _deviate(min(left, low)), _deviate(DET_END)
    axes.plot(ends, ends, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    axes.set(xlim=(_deviate(left), ends[1]), ylim=(_deviate(low), ends[1]))
    axes.set_xticks([_deviate(t) for t in DET_TICKS if t >= left], [_bare(t) for t in DET_TICKS if t >= left])
    axes.set_yticks([_deviate(t) for t in DET_TICKS if t >= low], [_bare(t) for t in DET_TICKS if t >= low])
    axes.set(xlabel="FMR: impostor pairs accepted, %", ylabel="FNMR: genuine pairs rejected, %")
    _legend(axes, drawn, "upper right")
    return Plot(
        "det",
        "DET: the price of each error in the other",
        "The nearer to the lower left corner, the better; where the curve crosses the dotted diagonal, both errors are "
        "equal (EER). Axes of the normal deviate spread out small rates." + _bands_said(drawn),
        " ".join(_det_said(line) for line in drawn),
        figure,
    )


def cmc_plot(searches: Sequence[tuple[str, Search]]) -> Plot | None:
    """Draw the share of probes whose subject is among the first k."""
    drawn = [(label, search) for label, search in searches if search.cmc]
    if not drawn:
        return None
    figure, axes = canvas()
    longest = max(len(search.cmc) for _, search in drawn)
    for at, (label, search) in enumerate(drawn):
        ranks = np.arange(1, len(search.cmc) + 1)
        marker = "o" if longest <= 25 else ""
        style: dict[str, Any] = {"color": colour_of(at), "linestyle": _dash(at), "marker": marker, "markersize": 3.5}
        axes.plot(ranks, 100 * np.asarray(search.cmc), label=shortened(label, LABEL), **style)
    low = 100 * min(min(search.cmc) for _, search in drawn)
    axes.set(ylim=(max(100 - 1.3 * max(100 - low, 1), 0), 100.3), xlim=(0.6, longest + 0.4))
    axes.set(xlabel="rank", ylabel="probes found at this rank or better, %")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(drawn) > 1:
        axes.legend(loc="lower right")
    said = [f"{label + ': ' if label else ''}{percent(s.cmc[0])} at rank 1 of {s.gallery}." for label, s in drawn]
    return Plot(
        "cmc",
        "CMC: how far down the list the right person stands",
        "The height at rank 1 is how often the right person comes first; further right, how often among the first k.",
        " ".join(said),
        figure,
    )


def probit(rates: Floats) -> Floats:
    """Return the normal deviate of rates; 0 and 1, whose deviates are infinite, as the nearest that can be drawn."""
    clipped = np.clip(rates, LEAST_RATE / 10, 1 - LEAST_RATE / 10)
    return np.array([_PROBIT(float(rate)) for rate in clipped])


def _deviate(rate: float) -> float:
    return float(probit(np.array([rate]))[0])


def _told(lines: Sequence[Line]) -> list[Line]:
    """Return the lines that have points, without those that only repeat that one of the rates is zero.

    Of the thresholds without any false match only the lowest says something, and likewise at the other end.
    """
    told = []
    for line in lines:
        curve = line.curve
        if not curve.fmr:
            continue
        last = len(curve.fmr) - 1
        start = max((at for at, rate in enumerate(curve.fnmr) if rate == 0), default=0)
        stop = min((at for at, rate in enumerate(curve.fmr) if rate == 0), default=last)
        part = slice(min(start, stop), max(start, stop) + 1)
        values = {name: getattr(curve, name)[part] for name in ("thresholds", "fmr", "fnmr", "fmr_band", "fnmr_band")}
        told.append(replace(line, curve=ErrorCurve(**values)))
    return told


def _marks(line: Line) -> list[tuple[float, float]]:
    """Return FMR and FNMR of the thresholds that were tested, where a false match was seen at all."""
    tested = [(row.fmr, row.fnmr) for row in line.operating if row.fmr is not None and row.fnmr is not None]
    return [(fmr.value, fnmr.value) for fmr, fnmr in tested if fmr.value and fnmr.value is not None]


def _within(line: Line) -> Line:
    """Return the line with only those thresholds whose errors lie on the DET's axes, which end at one half."""
    rows = [
        row for row in line.operating if all(max(mark) <= DET_END for mark in _marks(replace(line, operating=(row,))))
    ]
    return replace(line, operating=tuple(rows))


def _least_fmr(line: Line) -> float:
    return _least(line.curve.fmr, line.curve.fmr_band, [fmr for fmr, _ in _marks(line)])


def _least(rates: Sequence[float], band: Sequence[tuple[float, float]], marks: Sequence[float]) -> float:
    """Return where an axis begins: somewhat below the smallest rate that was seen, or that could have been."""
    seen = [rate for rate in (*rates, *marks) if rate > 0]
    possible = [high for rate, (_, high) in zip(rates, band, strict=False) if rate == 0 and high > 0]
    return min(max(min([*seen, *possible], default=1.0) * 0.7, LEAST_RATE), 0.05)


def _band(curve: ErrorCurve, floor: float) -> tuple[Floats, Floats] | None:
    """Return the outline between the curve at both lower ends and the curve at both upper ends."""
    if not curve.fmr_band or not curve.fnmr_band:
        return None
    fmr, fnmr = np.asarray(curve.fmr_band), np.asarray(curve.fnmr_band)
    x = np.concatenate([fmr[:, 0], fmr[::-1, 1]])
    y = np.concatenate([fnmr[:, 0], fnmr[::-1, 1]])
    return np.maximum(x, floor), y


def _operating(axes: Axes, line: Line, at: int, place: Place, sides: Sequence[Mapping[str, Any]]) -> None:
    """Mark where the thresholds that were chosen elsewhere came to lie: the first choice round, others otherwise."""
    sources = list(dict.fromkeys(row.source for row in line.operating))
    style: dict[str, Any] = {"color": colour_of(at), "markerfacecolor": PLATE, "markersize": 5.5}
    for row in line.operating:
        for fmr, fnmr in _marks(replace(line, operating=(row,))):
            x, y = place(fmr, fnmr)
            source = sources.index(row.source) % len(MARKERS)
            axes.plot([x], [y], MARKERS[source], zorder=4, clip_on=False, **style)
            note = axes.annotate(
                target(row.target_fmr), (x, y), textcoords="offset points", fontsize=8, **sides[source]
            )
            note.set_in_layout(False)


def _legend(axes: Axes, drawn: Sequence[Line], place: Literal["lower right", "upper right"]) -> None:
    if len(drawn) > 1:
        axes.legend(loc=place)


def colour_of(at: int) -> str:
    """Return the colour of one of several systems."""
    return SYSTEMS[at % len(SYSTEMS)]


def _dash(at: int) -> Any:
    return DASHES[at % len(DASHES)]


def _bare(rate: float) -> str:
    return f"{rate * 100:.6f}".rstrip("0").rstrip(".")


def _bands_said(drawn: Sequence[Line]) -> str:
    said = " The shade is the 95 % interval of both rates." if any(line.curve.fmr_band for line in drawn) else ""
    sources = dict.fromkeys(row.source for line in drawn for row in line.operating if row.fmr is not None)
    marks = [f"{name} {source}" for name, source in zip(MARKER_NAMES, sources, strict=False)]
    return said + (f" Marked: thresholds and the FMR they were chosen for ({', '.join(marks)})." if marks else "")


def _at(curve: ErrorCurve, fmr: float) -> float | None:
    """Return the lowest FNMR among the points with at most some FMR."""
    return min((fn for f, fn in zip(curve.fmr, curve.fnmr, strict=True) if f <= fmr), default=None)


def _roc_said(line: Line) -> str:
    points = [(rate, _at(line.curve, rate)) for rate in (0.001, 0.01, 0.1)]
    parts = [f"{percent(1 - fnmr)} of genuine pairs at FMR {target(rate)}" for rate, fnmr in points if fnmr is not None]
    return f"{line.label + ': ' if line.label else ''}accepts {', '.join(parts) or 'nobody at FMR 10 % or less'}."


def _det_said(line: Line) -> str:
    gaps = [(abs(f - fn), max(f, fn)) for f, fn in zip(line.curve.fmr, line.curve.fnmr, strict=True)]
    crossing = percent(min(gaps)[1])
    name = f"{line.label}: " if line.label else ""
    return f"{name}{plural(len(gaps), 'point')}; both errors are equal near {crossing}."
