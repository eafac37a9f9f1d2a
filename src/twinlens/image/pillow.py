"""The bytes of a picture file of a known kind -> Pillow's picture -> RGB pixels.

Pillow's readers are called by kind, never by trial: of its forty kinds only those listed here can be reached, and its
limit on pixels, which is a setting of the whole process, is not consulted where ours is.
"""

from __future__ import annotations

import ctypes
import io
import logging
import warnings
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from twinlens.errors import ImageError
from twinlens.image.arrays import lay_on_white, spread_grey
from twinlens.image.limits import ImageLimits

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageFile import ImageFile

Pixels = UInt8[np.ndarray, "height width 3"]

READERS = {
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
_MOST_EXIF_BYTES = 1 << 20  # cameras write at most 64 KiB
_STRIP_PIXELS = 1 << 18  # rows are converted in strips of about a megabyte: they stay in the cache
# Pillow's parsers take microseconds for each piece they read; a file of a million empty chunks is an attack.
# The largest honest count: a run-length coded bitmap, two reads a run.
_MOST_READS = 300_000


class _PatientFile(io.BytesIO):
    """Bytes in memory that refuse to be read in millions of morsels."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > _MOST_READS:
            msg = f"more than {_MOST_READS:,} pieces"
            raise ValueError(msg)
        return super().read(size)


def can_read(kind: str) -> bool:
    """Return whether this build of Pillow reads a kind of `READERS`."""
    if kind not in _MODULES_NEEDED:
        return True
    from PIL import features  # noqa: PLC0415 - only for these kinds

    return bool(features.check_module(_MODULES_NEEDED[kind]))


def open_picture(kind: str, data: bytes, name: str, limits: ImageLimits) -> ImageFile:
    """Parse a header; decode nothing.

    Raises:
        ImageError: the header is damaged.
        ImageTooLargeError: more pixels than the limit.
    """
    module, reader = READERS[kind]
    _quieten()
    if kind == "TIFF":
        _quieten_libtiff()
    try:
        picture: ImageFile = getattr(import_module(module), reader)(_PatientFile(data))
    except Exception as error:  # Pillow's readers raise a dozen types, from OSError to struct.error
        raise damaged(name, kind, error) from error
    limits.check_size(name, *picture.size)
    return picture


def _quieten() -> None:
    """Ignore Pillow's remarks about odd metadata, whoever set the filters last.

    Saving and restoring filters (``warnings.catch_warnings``) is not safe between threads; one added line is.
    Pillow's DecompressionBombWarning is another category and stays as the application has set it.
    """
    first = warnings.filters[0] if warnings.filters else None
    if first is None or first[0] != "ignore" or getattr(first[3], "pattern", None) != r"PIL\.":
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    log = logging.getLogger("PIL")
    if not log.handlers:  # an application's own handlers, at the root, still get every record
        log.addHandler(logging.NullHandler())


def _quieten_libtiff() -> None:
    """Take away the handler that writes libtiff's remarks to stderr; what it says of errors comes as an exception too.

    Pillow leaves that handler in place and has no setting for it; the symbol is found through Pillow's own extension
    module. Where libtiff is linked in without its symbols (Windows) the remarks stay.
    """
    from PIL import _imaging  # noqa: PLC0415 - only for TIFF

    with suppress(OSError, AttributeError):
        set_handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
        set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
        set_handler(None)


def damaged(name: str, kind: str, error: Exception) -> ImageError:
    """Return what to raise where a decoder gave up."""
    if isinstance(error, ImageError):
        return error
    if isinstance(error, MemoryError):
        return ImageError(f"{name}: not enough memory to decode this {kind}; shrink it or lower max_pixels")
    reason = str(error).strip().split("\n")[0] or type(error).__name__
    what = "truncated" if "truncated" in reason or "ends inside" in reason else "damaged"
    return ImageError(f"{name}: a {what} {kind} ({reason}); copy or download it again")


def orientation_of(picture: Picture) -> int:
    """Return the EXIF orientation, 1 to 8; unreadable metadata says nothing about the pixels and counts as 1."""
    if len(picture.info.get("exif", b"")) > _MOST_EXIF_BYTES:
        return 1
    try:
        value = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # as above
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def turn_upright(pixels: Pixels, orientation: int) -> UInt8[np.ndarray, "rows columns 3"]:
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


def rgb_of(picture: Picture, name: str) -> Pixels:
    """Decode the pixels and convert them, strip by strip: Pillow's own path holds three more copies.

    Raises:
        ImageError: 32 bits a channel.
        Exception: whatever Pillow raises at damaged data; see `damaged`.
    """
    picture.load()
    width, height = picture.size  # a TIFF is turned upright while it loads
    rgb = np.empty((height, width, 3), np.uint8)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        strip = picture if rows >= height else picture.crop((0, top, width, bottom))
        rgb[top:bottom] = _rgb_strip(strip, name)
    return rgb


def _rgb_strip(strip: Picture, name: str) -> Pixels:
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
