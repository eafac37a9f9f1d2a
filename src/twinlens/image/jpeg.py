"""The bytes of a JPEG -> upright RGB pixels, and what is done where some are missing.

A decoder fills what is missing with the last colour it saw and says nothing, so a picture that is half there looks
whole to a program. Here the rows that are really there are counted: where at most a tenth is missing it is cut off,
otherwise the picture is refused.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

from twinlens.errors import ImageError
from twinlens.image.limits import ImageLimits
from twinlens.image.pillow import Pixels, damaged, open_picture, orientation_of, rgb_of, turn_upright

_END_OF_IMAGE = b"\xff\xd9"
_START_OF_SCAN = b"\xff\xda"
_GARBAGE = bytes(range(0xA1, 0xFF))  # codes of pixels to a decoder that still waits for some, otherwise ignored
_STUFFING = b"\x00"  # after a last 0xFF, which would be taken for the beginning of a marker (T.81, F.1.2.3)
_BLOCK = 8  # pixels a side: what is missing is missing in whole blocks
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
    _check_scans(data, name, *picture.size)
    end = data.find(_END_OF_IMAGE, picture.fp.tell() if picture.fp else 0)
    orientation, progressive = orientation_of(picture), "progressive" in picture.info
    cut = end < 0
    if cut:
        data, end = data + _END_OF_IMAGE, len(data)
        picture = open_picture("JPEG", data, name, limits)
    try:
        pixels = rgb_of(picture, name)
        picture.close()  # gives back four bytes a pixel
        rows = len(pixels)
        if cut or _has_flat_corner(pixels):
            rows = _certain_rows(data, end, pixels, limits)
    except Exception as error:  # Pillow's readers raise a dozen types
        raise damaged(name, "JPEG", error) from error
    if rows < len(pixels):
        # a progressive picture is refined as a whole: what is missing is missing everywhere
        if strict or progressive or rows < LEAST_ROWS * len(pixels):
            there = "not all of its scans" if progressive else f"{rows} of {len(pixels)} rows"
            msg = f"{name}: a truncated JPEG: {there} are there; copy or download it again"
            raise ImageError(msg)
        pixels = pixels[:rows]
    return turn_upright(pixels, orientation)


def _check_scans(data: bytes, name: str, width: int, height: int) -> None:
    scans = data.count(_START_OF_SCAN)  # cannot occur inside coded pixels (T.81, B.1.1.5)
    if scans > _MOST_SCANS or scans * width * height > _MOST_SCANNED_PIXELS:
        msg = f"{name}: a JPEG of {scans} scans at {width} x {height} would take too long to decode; save it again"
        raise ImageError(msg)


def _has_flat_corner(pixels: Pixels) -> bool:
    """Return whether the last block is of one colour: so is what a decoder puts where data is missing."""
    corner = pixels[-_BLOCK:, -_BLOCK:]
    return not bool((corner != corner[-1, -1]).any())


def made_up_pixels(data: bytes, name: str, limits: ImageLimits) -> int:
    """Return how many pixels of a JPEG that decodes are not in the file; 0 for a whole one.

    Finds what `decode_jpeg` lets pass: data that end within the last block, where most decoders warn and go on.

    Raises:
        ImageError: damaged.
        ImageTooLargeError: more pixels than the limit.
    """
    picture = open_picture("JPEG", data, name, limits)
    end = data.find(_END_OF_IMAGE, picture.fp.tell() if picture.fp else 0)
    if end < 0:
        data, end = data + _END_OF_IMAGE, len(data)
        picture = open_picture("JPEG", data, name, limits)
    try:
        return int(_made_up(data, end, rgb_of(picture, name), limits).sum())
    except Exception as error:  # Pillow's readers raise a dozen types
        raise damaged(name, "JPEG", error) from error


def _certain_rows(data: bytes, end: int, pixels: Pixels, limits: ImageLimits) -> int:
    """Return how many rows, from above, come from the file."""
    changed = _made_up(data, end, pixels, limits).any(axis=1)
    return int(changed.argmax()) if changed.any() else len(pixels)


def _made_up(data: bytes, end: int, pixels: Pixels, limits: ImageLimits) -> Bool[np.ndarray, "height width"]:
    """Return which pixels a decoder made up.

    Garbage between the last code and the end mark is ignored by a decoder that has all its pixels, and becomes
    pixels where some are missing: the first row that it changes is the first that was made up.
    """
    garbage = _STUFFING + _GARBAGE if data.endswith(b"\xff", 0, end) else _GARBAGE
    probe = open_picture("JPEG", data[:end] + garbage + data[end:], "probe", limits)
    changed: Bool[np.ndarray, "height width"] = (rgb_of(probe, "probe") != pixels).any(axis=2)
    return changed
