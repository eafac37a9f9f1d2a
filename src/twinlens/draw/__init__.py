"""Image, faces, names, maps -> Image to be looked at."""

from __future__ import annotations

from twinlens.draw.maps import MapTile, map_sheet
from twinlens.draw.marks import KNOWN, LEAST_SIDE, NEUTRAL, UNKNOWN, Colour, Mark, draw, save, side_by_side

__all__ = [
    "KNOWN",
    "LEAST_SIDE",
    "NEUTRAL",
    "UNKNOWN",
    "Colour",
    "MapTile",
    "Mark",
    "draw",
    "map_sheet",
    "save",
    "side_by_side",
]
