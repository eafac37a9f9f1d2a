"""Width, height, options -> the parts and scales at which a picture is shown to a network.

YuNet finds faces from about 10 to 400 of its own pixels. A picture whose faces may be smaller or larger than
that needs more than one look.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from twinlens.detect.options import DetectOptions

SINGLE_SIDE = 1600  # pixels; the usual single-scale test size on WIDER FACE
NATIVE_SIDE = 1280  # pixels; up to here a picture is shown as it is
COARSE_SIDE = 320  # pixels; a face as large as the picture is well inside YuNet's range here
COARSE_FROM = 640  # pixels; a smaller picture needs no coarse look
SMALLEST_FACE = 10.0  # network pixels; YuNet's own lower end
SECOND_LOOK_MARGIN = 0.5  # of the longer side, on each side of the picture


@dataclass(frozen=True, slots=True)
class View:
    """A part of a picture at a scale.

    Attributes:
        left: first column, in pixels of the picture; negative where black is added around it.
        top: first row.
        right: the column after the last one.
        bottom: the row after the last one.
        scale: network pixels in one pixel of the picture.
    """

    left: int
    top: int
    right: int
    bottom: int
    scale: float

    def pixels(self, picture: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "rows columns 3"]:
        """Return this part of the picture, resized; black where it reaches outside."""
        import cv2  # noqa: PLC0415 - 0.1 s, only where it runs

        height, width = picture.shape[:2]
        part = picture[max(self.top, 0) : self.bottom, max(self.left, 0) : self.right]
        around = (
            max(-self.top, 0),
            max(self.bottom - height, 0),
            max(-self.left, 0),
            max(self.right - width, 0),
        )
        if any(around):
            part = cv2.copyMakeBorder(part, *around, cv2.BORDER_CONSTANT, value=(0, 0, 0))
        if self.scale == 1.0:
            return part
        size = (
            max(round((self.right - self.left) * self.scale), 1),
            max(round((self.bottom - self.top) * self.scale), 1),
        )
        way = cv2.INTER_AREA if self.scale < 1.0 else cv2.INTER_LINEAR
        return cv2.resize(part, size, interpolation=way)


def whole(width: int, height: int, scale: float) -> View:
    """Return the view of a whole picture."""
    return View(0, 0, width, height, scale)


def views(width: int, height: int, options: DetectOptions) -> list[View]:
    """Return what to look at first: the fine scale, and a coarse one where the picture is large."""
    longer = max(width, height)
    if options.scales == "single":
        return [whole(width, height, min(1.0, SINGLE_SIDE / longer))]
    fine = max(SMALLEST_FACE / options.min_face_px, min(1.0, NATIVE_SIDE / longer))
    bound = (options.max_megapixels * 1e6 / (width * height)) ** 0.5
    looks = [whole(width, height, min(1.0, fine, bound))]
    if longer * looks[0].scale > COARSE_FROM:
        looks.append(whole(width, height, COARSE_SIDE / longer))
    return looks


def second_look(width: int, height: int) -> View:
    """Return the view for a picture in which nothing was found: small, with black around it.

    A face that fills the frame is missed otherwise, and so is one in a picture of a few dozen pixels.
    """
    longer = max(width, height)
    margin = max(round(longer * SECOND_LOOK_MARGIN), 1)
    return View(-margin, -margin, width + margin, height + margin, COARSE_SIDE / (longer + 2 * margin))
