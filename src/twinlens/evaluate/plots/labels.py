"""Words for marks on a plot -> written beside them, where they cover neither a mark nor other words if that can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

FONT, LETTER = 8.5, 5.0  # points; how wide a letter is on average


@dataclass(frozen=True, slots=True)
class Label:
    """Words for one mark.

    Attributes:
        text: what is written.
        place: x and y of the mark, in the data's own units.
        radius: of the mark, points.
        line: from where to where a line through the mark goes, in y's own units.
        colour: of the words.
    """

    text: str
    place: tuple[float, float]
    radius: float
    line: tuple[float, float]
    colour: str


def write_beside(axes: Axes, labels: Sequence[Label]) -> None:
    """Write every label, in order; call it when the figure was drawn once, so that limits and places are settled."""
    figure = axes.get_figure(root=True)
    if figure is None:
        return
    scale = 72 / figure.dpi
    inside = _Plate(*(scale * value for value in axes.get_window_extent().extents))
    centres = [[scale * value for value in axes.transData.transform(label.place)] for label in labels]
    taken = [
        _Plate(x - one.radius, y - one.radius, x + one.radius, y + one.radius)
        for (x, y), one in zip(centres, labels, strict=True)
    ]
    for (x, _), one in zip(centres, labels, strict=True):
        low, high = (scale * float(axes.transData.transform((one.place[0], end))[1]) for end in one.line)
        taken.append(_Plate(x - 2, low, x + 2, high))
    for label, (x, y) in zip(labels, centres, strict=True):
        places = _places(x, y, label.radius, len(label.text) * LETTER)
        best = min(places, key=lambda place: sum(place.covers(other) for other in taken) + place.outside(inside))
        taken.append(best)
        words = axes.annotate(
            label.text,
            label.place,
            ((best.left + best.right) / 2 - x, (best.low + best.high) / 2 - y),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=FONT,
            color=label.colour,
            zorder=5,
        )
        words.set_in_layout(False)


@dataclass(frozen=True, slots=True)
class _Plate:
    """A rectangle in points."""

    left: float
    low: float
    right: float
    high: float

    def covers(self, other: _Plate) -> float:
        """Return the shared area."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.high, other.high) - max(self.low, other.low)
        return width * height if width > 0 and height > 0 else 0.0

    def outside(self, other: _Plate) -> float:
        """Return ten times the area that lies outside of the other."""
        return 10 * ((self.right - self.left) * (self.high - self.low) - self.covers(other))


def _places(x: float, y: float, radius: float, width: float) -> list[_Plate]:
    """Return where words may stand: above, below, right, left and at the corners, the preferred place first."""
    half, away, aside = FONT * 0.62, radius + FONT * 0.62 + 2, radius + width / 2 + 4
    corner = 0.7 * radius
    middles = [(0.0, away), (0.0, -away), (aside, 0.0), (-aside, 0.0)]
    middles += [(h * (corner + width / 2 + 2), v * (corner + half + 2)) for v in (1, -1) for h in (1, -1)]
    middles += [(0.0, away + 2 * half), (0.0, -away - 2 * half)]
    return [_Plate(x + dx - width / 2, y + dy - half, x + dx + width / 2, y + dy + half) for dx, dy in middles]
