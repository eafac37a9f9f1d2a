"""Array -> RGB pixels: which types, shapes and ranges are taken, and what is said of the others."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from twinlens.errors import ImageError
from twinlens.image.limits import ImageLimits

_SHAPES = "(height, width), (height, width, 3) in RGB order or (height, width, 4) with alpha last"


def rgb_from_array(array: NDArray[np.generic], limits: ImageLimits) -> UInt8[np.ndarray, "height width 3"]:
    """Return a copy as RGB of 8 bits.

    Args:
        array: uint8; uint16 over its full range; floating point from 0 to 1. Grey, RGB or RGBA.
        limits: how many pixels are taken.

    Raises:
        ImageError: another shape, type or range; NaN or infinity.
        ImageTooLargeError: more pixels than the limit.
    """
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in {2, 3} or channels not in {1, 3, 4}:
        first = array.ndim == 3 and array.shape[0] in {1, 3, 4}
        hint = "; channels come last: transpose(1, 2, 0)" if first else ""
        msg = f"array: wanted {_SHAPES}, got {'x'.join(map(str, array.shape)) or 'a single number'}{hint}"
        raise ImageError(msg)
    limits.check_size("array", array.shape[1], array.shape[0])
    pixels = _eight_bits(array)
    if channels == 4:
        return lay_on_white(pixels)
    if channels == 1:
        return spread_grey(pixels.reshape(array.shape[:2]))
    return np.array(pixels, order="C")


def spread_grey(grey: UInt8[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width 3"]:
    """Return the same grey in three channels."""
    import cv2  # noqa: PLC0415 - nine times as fast as numpy here; 0.1 s to import

    return np.asarray(cv2.cvtColor(np.ascontiguousarray(grey), cv2.COLOR_GRAY2RGB), np.uint8)


def _eight_bits(array: NDArray[np.generic]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array.astype(np.uint8, copy=False)
    if array.dtype == np.uint16:
        return (array.astype(np.uint16, copy=False) >> 8).astype(np.uint8)
    if array.dtype.kind == "f":
        return _from_unit_range(array)
    if array.dtype.kind == "b":
        msg = "array: bool is a mask, not a picture; if black and white is meant, pass array.astype('uint8') * 255"
    else:
        hint = "for 0..255 pass astype('uint8')"
        msg = f"array: wanted uint8, uint16 or floats from 0 to 1, got {array.dtype.name}; {hint}"
    raise ImageError(msg)


def _from_unit_range(array: NDArray[np.generic]) -> NDArray[np.uint8]:
    values: NDArray[np.floating] = array.astype(array.dtype, copy=False)
    with np.errstate(invalid="ignore"):
        low, high = float(values.min()), float(values.max())  # NaN spreads to both
    if not (np.isfinite(low) and np.isfinite(high)):
        msg = "array: holds NaN or infinity; a picture of floats runs from 0 to 1"
        raise ImageError(msg)
    if low < 0.0 or high > 1.0:
        msg = f"array: a picture of floats runs from 0 to 1, got {low:g} to {high:g}; for 0..255 pass astype('uint8')"
        raise ImageError(msg)
    scaled: NDArray[np.uint8] = np.rint(values.astype(np.float32) * np.float32(255)).astype(np.uint8)
    return scaled


def lay_on_white(rgba: UInt8[np.ndarray, "height width 4"]) -> UInt8[np.ndarray, "height width 3"]:
    """Return what a picture with transparency looks like on white paper (Porter and Duff 1984, "over")."""
    alpha = rgba[..., 3:].astype(np.uint16)
    mixed: NDArray[np.uint16] = rgba[..., :3] * alpha + 255 * (255 - alpha) + 127  # at most 65,152: fits 16 bits
    return (mixed // 255).astype(np.uint8)
