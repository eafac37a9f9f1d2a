"""One photo -> altered copies of it; answers -> one sheet to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import UInt8

    from twinlens.recognizer import Identification
    from twinlens.types import Image

TILE_PX = 300  # side of one picture on the sheet
COLUMNS = 4
STRANGER_PX = 200  # side of an enlarged 25x25 face


def altered(photo: UInt8[np.ndarray, "height width 3"]) -> dict[str, UInt8[np.ndarray, "rows columns 3"]]:
    """Return copies of the astronaut, each altered in one way, by what was done."""
    import cv2

    height, width = photo.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 20, 1.0)
    _, packed = cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 10])
    covered = photo.copy()
    covered[118:175, 180:265] = (70, 130, 180)  # mouth and chin, as by a scarf
    return {
        "the photo itself": photo,
        "mirrored": np.ascontiguousarray(photo[:, ::-1]),
        "turned by 20 deg": np.asarray(cv2.warpAffine(photo, turn, (width, height)), np.uint8),
        "dimmed to 25 %": (photo * 0.25).astype(np.uint8),
        "small (128 px)": np.asarray(cv2.resize(photo, (128, 128), interpolation=cv2.INTER_AREA), np.uint8),
        "JPEG quality 10": np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR_RGB), np.uint8),
        "blurred": np.asarray(cv2.GaussianBlur(photo, (0, 0), 2.5), np.uint8),
        "half covered": covered,
    }


def enlarged(face: np.ndarray) -> UInt8[np.ndarray, "rows columns 3"]:
    """Return a small grey face (values 0 to 1) as a picture that a detector can work on."""
    import cv2

    grey = (np.clip(face, 0, 1) * 255).astype(np.uint8)
    large = cv2.resize(grey, (STRANGER_PX, STRANGER_PX), interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, 50, 50, 50, 50, cv2.BORDER_REPLICATE)
    return np.repeat(np.asarray(framed, np.uint8)[..., None], 3, axis=2)


def sheet(answers: Sequence[tuple[str, Image, list[Identification]]]) -> Image:
    """Return all pictures with their answers drawn on them, in rows."""
    import cv2

    from twinlens.draw import KNOWN, UNKNOWN, Mark, draw
    from twinlens.types import Image as Picture

    tiles = []
    for what, image, found in answers:
        marks = [Mark(a.portrait.face, f"{a.subject or 'unknown'}", KNOWN if a.subject else UNKNOWN) for a in found]
        tile = cv2.resize(draw(image, marks).pixels, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA)
        strip = np.full((30, TILE_PX, 3), 30, np.uint8)
        cv2.putText(strip, what, (8, 21), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (255, 255, 255), 1, cv2.LINE_AA)
        tiles.append(np.concatenate([np.asarray(tile, np.uint8), strip]))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    rows = [np.concatenate(tiles[i : i + COLUMNS], axis=1) for i in range(0, len(tiles), COLUMNS)]
    return Picture(np.concatenate(rows), "demo")
