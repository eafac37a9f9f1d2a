"""Image, faces, names, maps -> Image to be looked at."""

from __future__ import annotations

from twinlens.draw.maps import MapTile, map_sheet
from twinlens.draw.marks import (
    KNOWN,
    LEAST_SIDE,
    NEUTRAL,
    UNKNOWN,
    Colour,
    Mark,
    check_writable,
    draw,
    save,
    side_by_side,
)

__all__ = [
    "KNOWN",
    "LEAST_SIDE",
    "NEUTRAL",
    "UNKNOWN",
    "Colour",
    "MapTile",
    "Mark",
    "check_writable",
    "draw",
    "map_sheet",
    "save",
    "side_by_side",
]
