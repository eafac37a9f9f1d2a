"""The bytes of a picture file -> upright RGB pixels, by Pillow.

Pillow's readers are called by kind, never by trial: of its forty kinds only those listed here can be reached, and its
limit on pixels, which is a setting of the whole process, is not consulted where ours is.
"""

from __future__ import annotations

import io
import warnings
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from twinlens.errors import ImageError
from twinlens.image.arrays import lay_on_white, spread_grey
from twinlens.image.kinds import kind_of, looks_like, size_of
from twinlens.image.limits import ImageLimits

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageFile import ImageFile

_READERS = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WebP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
}
_MODULES_NEEDED = {"WebP": "webp", "AVIF": "avif"}  # parts that a build of Pillow may lack
_ORIENTATION = 0x0112  # EXIF 2.32, table 4
_PREVIEW_ONLY, _DNG_VERSION = 254, 50706  # TIFF 6.0 NewSubfileType; DNG 1.7
_STRIP_PIXELS = 1 << 18  # rows are converted in strips of about a megabyte: they stay in the cache
_END_OF_IMAGE = b"\xff\xd9"
_GARBAGE = bytes(range(1, 129))  # codes of pixels to a decoder that still waits for some, otherwise ignored
LEAST_ROWS = 0.9  # of a truncated JPEG, when it is accepted at all
# A progressive JPEG repeats its pass over all pixels for each scan; encoders write about ten. A file of thousands of
# empty scans would keep a decoder busy for minutes.
_MOST_SCANS = 100
_MOST_SCANNED_PIXELS = 1_200_000_000


def decode(data: bytes, name: str, limits: ImageLimits, *, strict: bool) -> UInt8[np.ndarray, "height width 3"]:
    """Decode a file that is in memory.

    Args:
        data: the whole file.
        name: what messages call it.
        limits: how many pixels are decoded.
        strict: refuse every truncated JPEG.

    Raises:
        ImageError: not a picture, a kind that is not read, damaged.
        ImageTooLargeError: more pixels than the limit.
    """
    kind = _readable_kind(data, name)
    try:
        size = size_of(kind, data)
    except ValueError as error:
        raise ImageError(_damaged(name, kind, error)) from error
    if size is not None:
        limits.check_size(name, *size)
    _quieten_pillow()
    if kind == "JPEG":
        return _decode_jpeg(data, name, limits, strict=strict)
    picture = _open(kind, data, name, limits)
    try:
        return _upright(_rgb(picture, name), _orientation(picture))
    except ImageError:
        raise
    except Exception as error:  # Pillow's readers raise a dozen types, from OSError to struct.error
        raise ImageError(_damaged(name, kind, error)) from error


def _readable_kind(data: bytes, name: str) -> str:
    kind = kind_of(data)
    if kind is None:
        msg = f"{name}: not a picture: it looks like {looks_like(data)}"
        raise ImageError(msg)
    if kind == "HEIC":
        msg = f"{name}: a HEIC picture, which is not read; convert it to JPEG or PNG"
        raise ImageError(msg)
    if kind == "RAW":
        msg = f"{name}: a camera's raw file, which is not read; export it as JPEG"
        raise ImageError(msg)
    if kind in _MODULES_NEEDED:
        from PIL import features  # noqa: PLC0415 - only for these kinds

        if not features.check_module(_MODULES_NEEDED[kind]):
            msg = f"{name}: this build of Pillow reads no {kind}; convert the picture to JPEG or PNG, or update Pillow"
            raise ImageError(msg)
    return kind


def _quieten_pillow() -> None:
    """Ignore Pillow's remarks about odd metadata, whoever set the filters last.

    Saving and restoring filters (``warnings.catch_warnings``) is not safe between threads; one added line is.
    Pillow's DecompressionBombWarning is another category and stays as the application has set it.
    """
    first = warnings.filters[0] if warnings.filters else None
    if first is None or first[0] != "ignore" or getattr(first[3], "pattern", None) != r"PIL\.":
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def _open(kind: str, data: bytes, name: str, limits: ImageLimits) -> ImageFile:
    """Parse the header only."""
    module, reader = _READERS[kind]
    try:
        picture: ImageFile = getattr(import_module(module), reader)(io.BytesIO(data))
    except Exception as error:  # as above
        raise ImageError(_damaged(name, kind, error)) from error
    limits.check_size(name, *picture.size)
    if kind == "TIFF" and _is_raw(picture):
        msg = f"{name}: a camera's raw file, of which only a preview could be read; export it as JPEG"
        raise ImageError(msg)
    return picture


def _is_raw(picture: ImageFile) -> bool:
    tags = getattr(picture, "tag_v2", {})
    return _DNG_VERSION in tags or tags.get(_PREVIEW_ONLY) == 1


def _damaged(name: str, kind: str, error: Exception) -> str:
    if isinstance(error, MemoryError):
        return f"{name}: not enough memory to decode this {kind}; shrink it or lower max_pixels"
    reason = str(error).strip().split("\n")[0] or type(error).__name__
    what = "truncated" if "truncated" in reason or "ends inside" in reason else "damaged"
    return f"{name}: a {what} {kind} ({reason}); copy or download it again"


def _orientation(picture: Picture) -> int:
    """Return the EXIF orientation, 1 to 8; unreadable metadata says nothing about the pixels and counts as 1."""
    try:
        value = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # as above
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(pixels: UInt8[np.ndarray, "height width 3"], orientation: int) -> UInt8[np.ndarray, "height width 3"]:
    """Undo an EXIF orientation (EXIF 2.32, section 4.6.4 A)."""
    if orientation == 1:
        return pixels
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _rgb(picture: Picture, name: str) -> UInt8[np.ndarray, "height width 3"]:
    """Decode the pixels and convert them, strip by strip: Pillow's own path holds three more copies."""
    picture.load()
    width, height = picture.size  # a TIFF is turned upright while it loads
    rgb = np.empty((height, width, 3), np.uint8)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        strip = picture if rows >= height else picture.crop((0, top, width, bottom))
        rgb[top:bottom] = _rgb_strip(strip, name)
    return rgb


def _rgb_strip(strip: Picture, name: str) -> np.ndarray:
    if strip.mode.startswith("I;16"):
        return spread_grey((np.asarray(strip) >> 8).astype(np.uint8))
    if strip.mode in {"I", "F"}:
        msg = f"{name}: 32 bits a channel, of which the range is not known; save it with 8 or 16 bits"
        raise ImageError(msg)
    if strip.has_transparency_data:
        return lay_on_white(np.asarray(strip.convert("RGBA")))
    if strip.mode == "L":
        return spread_grey(np.asarray(strip))
    return np.asarray(strip if strip.mode == "RGB" else strip.convert("RGB"))


def _decode_jpeg(data: bytes, name: str, limits: ImageLimits, *, strict: bool) -> UInt8[np.ndarray, "height width 3"]:
    picture = _open("JPEG", data, name, limits)
    _check_scans(data, name, picture.size)
    scan = picture.fp.tell() if picture.fp else 0
    end = data.find(_END_OF_IMAGE, scan)
    orientation = _orientation(picture)
    try:
        if end < 0:
            data, end = data + _END_OF_IMAGE, len(data)
            picture = _open("JPEG", data, name, limits)
        pixels = _rgb(picture, name)
        missing = _flat_rows(pixels)
        if missing and not _ends_early(data, end, pixels, name, limits):
            missing = 0
    except ImageError:
        raise
    except Exception as error:  # as above
        raise ImageError(_damaged(name, "JPEG", error)) from error
    height = len(pixels)
    if missing and (strict or height - missing < LEAST_ROWS * height):
        msg = f"{name}: a truncated JPEG: {height - missing} of {height} rows are there; copy or download it again"
        raise ImageError(msg)
    return _upright(pixels[: height - missing], orientation)


def _check_scans(data: bytes, name: str, size: tuple[int, int]) -> None:
    scans = data.count(b"\xff\xda")  # cannot occur inside coded pixels (T.81, B.1.1.5)
    if scans > _MOST_SCANS or scans * size[0] * size[1] > _MOST_SCANNED_PIXELS:
        msg = f"{name}: a JPEG of {scans} scans at {size[0]} x {size[1]}: decoding would take too long; save it again"
        raise ImageError(msg)


def _flat_rows(pixels: UInt8[np.ndarray, "height width 3"]) -> int:
    """Return how many rows at the bottom are of one colour: what a decoder puts where data is missing."""
    last = pixels[-1]
    if (last != last[0]).any():
        return 0
    rows = 1
    while rows < len(pixels) and not (pixels[-rows - 1] != last).any():
        rows += 1
    return rows


def _ends_early(data: bytes, end: int, pixels: np.ndarray, name: str, limits: ImageLimits) -> bool:
    """Tell a picture with a flat lower edge from one whose data ends early.

    Garbage between the last code and the end mark is ignored by a decoder that has all its pixels, and becomes
    pixels where some are missing.
    """
    probed = _rgb(_open("JPEG", data[:end] + _GARBAGE + data[end:], name, limits), name)
    return not np.array_equal(probed, pixels)
