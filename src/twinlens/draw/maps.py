"""Two crops and what each place of them says -> one picture: faces, maps, a legend in words.

Blue speaks for, orange against: a pair that colour-blind people tell apart. The face under a map is grey, and a place
is coloured the more the more it says; both maps share one scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from twinlens.draw.marks import Colour
from twinlens.types import Crop, Image

FOR: Colour = (0, 92, 190)
AGAINST: Colour = (224, 104, 0)
PAPER: Colour = (255, 255, 255)
INK: Colour = (32, 33, 36)
FAINT: Colour = (95, 99, 104)
TILE = 336  # pixels: three times the crop
GAP = 24
OPAQUE = 0.8  # of the colour at the strongest place
SMOOTH = 4.0  # standard deviation, crop pixels: a map is made of squares, whose edges mean nothing
LEAST_SCALE = 0.02  # similarity; below it nothing is worth a strong colour
TITLE, TEXT = 22, 15  # letter sizes, pixels
LINE = 1.55  # from one line to the next, in letter sizes
BAR_HEIGHT = 14

Canvas = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True, slots=True, eq=False)
class MapTile:
    """One of the two faces.

    Attributes:
        title: written above it.
        crop: the face.
        values: how much the similarity falls without each place; positive speaks for one person.
        notes: written below it.
    """

    title: str
    crop: Crop
    values: Float32[np.ndarray, "112 112"]
    notes: tuple[str, ...] = ()


def map_sheet(left: MapTile, right: MapTile, *, headline: str, lines: Sequence[str] = ()) -> Image:
    """Return a sheet: the headline, the two faces, their maps below them, and what the colours mean.

    Args:
        left: the first face.
        right: the second.
        headline: the answer.
        lines: written below the headline.
    """
    width = 2 * TILE + 3 * GAP
    scale = max(LEAST_SCALE, *(float(np.abs(tile.values).max()) for tile in (left, right)))
    lines = [part for line in lines for part in _wrapped(line, TEXT, width - 2 * GAP)]
    notes = [[part for note in tile.notes for part in _wrapped(note, TEXT, TILE)] for tile in (left, right)]
    head = GAP + _step(TITLE) + len(lines) * _step(TEXT) + GAP // 2
    faces = head + _step(TEXT)
    foot = faces + 2 * TILE + GAP // 2
    legend = foot + max(map(len, notes)) * _step(TEXT) + GAP
    canvas = np.full((legend + BAR_HEIGHT + 2 * _step(TEXT) + GAP, width, 3), PAPER, np.uint8)
    _write(canvas, headline, GAP, GAP, size=TITLE, weight=700)
    for number, line in enumerate(lines):
        _write(canvas, line, GAP, GAP + _step(TITLE) + number * _step(TEXT))
    for column, (tile, said) in enumerate(zip((left, right), notes, strict=True)):
        x = GAP + column * (TILE + GAP)
        _write(canvas, _shortened(tile.title, TEXT, TILE), x, head, weight=700)
        canvas[faces : faces + TILE, x : x + TILE] = _enlarged(tile.crop)
        canvas[faces + TILE : faces + 2 * TILE, x : x + TILE] = coloured(tile.crop, tile.values, scale)
        for number, note in enumerate(said):
            _write(canvas, note, x, foot + number * _step(TEXT), colour=FAINT)
    _legend(canvas, legend, scale)
    return Image(canvas, f"{left.title} | {right.title}")


def coloured(crop: Crop, values: Float32[np.ndarray, "112 112"], scale: float) -> UInt8[np.ndarray, "side side 3"]:
    """Return a face in grey, enlarged, under its map: full colour where the map reaches ``scale``."""
    grey = cv2.cvtColor(cv2.cvtColor(_enlarged(crop), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB).astype(np.float64)
    soft = cv2.GaussianBlur(values, (0, 0), SMOOTH, borderType=cv2.BORDER_REPLICATE)
    smooth = np.asarray(cv2.resize(soft, (TILE, TILE), interpolation=cv2.INTER_CUBIC), np.float64)
    strength = OPAQUE * np.clip(np.abs(smooth) / scale, 0.0, 1.0)[..., None]
    colour = np.where(smooth[..., None] > 0, np.array(FOR, float), np.array(AGAINST, float))
    return np.rint(grey * (1 - strength) + colour * strength).astype(np.uint8)


def _enlarged(crop: Crop) -> UInt8[np.ndarray, "side side 3"]:
    return np.asarray(cv2.resize(crop.pixels, (TILE, TILE), interpolation=cv2.INTER_CUBIC), np.uint8)


def _legend(canvas: Canvas, top: int, scale: float) -> None:
    """Draw the scale of colours on grey, as over a face, and what its ends mean."""
    left, right = GAP, canvas.shape[1] - GAP
    along = np.linspace(-1.0, 1.0, right - left)[None, :, None]
    strength = OPAQUE * np.abs(along)
    colour = np.where(along > 0, np.array(FOR, float), np.array(AGAINST, float))
    bar = np.rint(200.0 * (1 - strength) + colour * strength).astype(np.uint8)
    canvas[top : top + BAR_HEIGHT, left:right] = bar
    below = top + BAR_HEIGHT + 4
    _write(canvas, f"speaks against one person (-{scale:.2f})", left, below)
    _write(canvas, "says nothing", (left + right) // 2, below, align=0.5, colour=FAINT)
    _write(canvas, f"speaks for one person (+{scale:.2f})", right, below, align=1.0)
    said = "Numbers: by how much the similarity falls where that place is blotted out."
    _write(canvas, said, left, below + _step(TEXT), colour=FAINT)


def _step(size: int) -> int:
    return round(size * LINE)


def _width(text: str, size: int, weight: int = 400) -> int:
    return int(cv2.getTextSize((1, 1), text, (0, 0), cv2.FontFace("sans"), size, weight)[2])


def _write(  # noqa: PLR0913 - a line of text has a place, a size and a colour
    canvas: Canvas,
    text: str,
    x: int,
    y: int,
    *,
    size: int = TEXT,
    weight: int = 400,
    colour: Colour = INK,
    align: float = 0.0,
) -> None:
    """Write a line whose upper edge is ``y``; ``align`` 0 begins at ``x``, 0.5 centres there, 1 ends there."""
    start = x - round(align * _width(text, size, weight)) if align else x
    cv2.putText(canvas, text, (start, y + size), colour, cv2.FontFace("sans"), size, weight)


def _wrapped(text: str, size: int, room: int) -> list[str]:
    """Break a line between words where it is too long; a word that is too long alone is cut."""
    found = [""]
    for word in text.split():
        longer = f"{found[-1]} {word}".strip()
        if _width(longer, size) <= room:
            found[-1] = longer
        elif found[-1]:
            found.append(_shortened(word, size, room))
        else:
            found[-1] = _shortened(word, size, room)
    return found


def _shortened(text: str, size: int, room: int) -> str:
    """Return the end of a text that is too long: of a path the file's name counts."""
    if _width(text, size, 700) <= room:
        return text
    cut = next(n for n in range(1, len(text) + 1) if _width("…" + text[n:], size, 700) <= room)
    return "…" + text[cut:]
