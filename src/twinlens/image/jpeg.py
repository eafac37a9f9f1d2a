"""The bytes of a JPEG -> upright RGB pixels, and what is done where some are missing.

A decoder fills what is missing with the last colour it saw and says nothing, so a picture that is half there looks
whole to a program. Here the missing rows are counted: up to a tenth is cut off, more is refused.
"""

from __future__ import annotations

import numpy as np

from twinlens.errors import ImageError
from twinlens.image.limits import ImageLimits
from twinlens.image.pillow import Pixels, damaged, open_picture, orientation_of, rgb_of, turn_upright

_END_OF_IMAGE = b"\xff\xd9"
_START_OF_SCAN = b"\xff\xda"
_GARBAGE = bytes(range(1, 129))  # codes of pixels to a decoder that still waits for some, otherwise ignored
LEAST_ROWS = 0.9  # of a truncated JPEG, when it is accepted at all
# A progressive JPEG repeats its pass over all pixels for each scan; encoders write about ten. A file of thousands of
# empty scans would keep a decoder busy for minutes.
_MOST_SCANS = 100
_MOST_SCANNED_PIXELS = 1_200_000_000


def decode_jpeg(data: bytes, name: str, limits: ImageLimits, *, strict: bool) -> Pixels:
    """Decode a JPEG that is in memory; see `twinlens.image.load_image`.

    Raises:
        ImageError: damaged, too many scans, or more rows missing than ``strict`` allows.
        ImageTooLargeError: more pixels than the limit.
    """
    picture = open_picture("JPEG", data, name, limits)
    width, height = picture.size
    _check_scans(data, name, width, height)
    end = data.find(_END_OF_IMAGE, picture.fp.tell() if picture.fp else 0)
    orientation = orientation_of(picture)
    if end < 0:
        data, end = data + _END_OF_IMAGE, len(data)
        picture = open_picture("JPEG", data, name, limits)
    try:
        pixels = rgb_of(picture, name)
        picture.close()  # gives back four bytes a pixel
        missing = _flat_rows(pixels)
        if missing and not _ends_early(data, end, pixels, limits):
            missing = 0
    except Exception as error:  # Pillow's readers raise a dozen types
        raise damaged(name, "JPEG", error) from error
    if missing and (strict or height - missing < LEAST_ROWS * height):
        msg = f"{name}: a truncated JPEG: {height - missing} of {height} rows are there; copy or download it again"
        raise ImageError(msg)
    return turn_upright(pixels[: height - missing], orientation)


def _check_scans(data: bytes, name: str, width: int, height: int) -> None:
    scans = data.count(_START_OF_SCAN)  # cannot occur inside coded pixels (T.81, B.1.1.5)
    if scans > _MOST_SCANS or scans * width * height > _MOST_SCANNED_PIXELS:
        msg = f"{name}: a JPEG of {scans} scans at {width} x {height} would take too long to decode; save it again"
        raise ImageError(msg)


def _flat_rows(pixels: Pixels) -> int:
    """Return how many rows at the bottom are of one colour: what a decoder puts where data is missing."""
    last = pixels[-1]
    if (last != last[0]).any():
        return 0
    rows = 1
    while rows < len(pixels) and not (pixels[-rows - 1] != last).any():
        rows += 1
    return rows


def _ends_early(data: bytes, end: int, pixels: Pixels, limits: ImageLimits) -> bool:
    """Tell a picture with a flat lower edge from one whose data ends early.

    Garbage between the last code and the end mark is ignored by a decoder that has all its pixels, and becomes
    pixels where some are missing.
    """
    probe = open_picture("JPEG", data[:end] + _GARBAGE + data[end:], "probe", limits)
    return not np.array_equal(rgb_of(probe, "probe"), pixels)
