"""Path, bytes, file object, URL or array -> Image.

The joint of the room is `load_image`; `list_pictures` says what a folder holds. What is read, what is refused and why
stands in docs/images.md.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinlens.image.arrays import rgb_from_array
from twinlens.image.decoding import decode
from twinlens.image.folder import PICTURE_SUFFIXES, list_pictures
from twinlens.image.jpeg import made_up_pixels as made_up_pixels_of
from twinlens.image.kinds import kind_of
from twinlens.image.limits import ImageLimits
from twinlens.image.reading import BinaryReader, name_of, read_bytes
from twinlens.image.url import UrlOptions, fetch, is_url
from twinlens.types import Image

__all__ = [
    "PICTURE_SUFFIXES",
    "ImageLimits",
    "Source",
    "UrlOptions",
    "list_pictures",
    "load_image",
    "made_up_pixels",
]

Source = str | Path | bytes | bytearray | memoryview | BinaryReader | NDArray[np.generic] | Image


def load_image(
    source: Source,
    *,
    limits: ImageLimits | None = None,
    allow_url: bool = False,
    url_options: UrlOptions | None = None,
    strict: bool = False,
) -> Image:
    """Read a picture: RGB, upright, 8 bits a channel.

    JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF and (with the extra ``heic``) HEIC are recognised by their content, whatever
    the file is called. Of an animation or a file of several pages the first picture is read. EXIF orientation is
    applied; transparency is laid on white; 16 bits keep the upper 8; CMYK is converted without its colour profile.

    An array must be **RGB**: a picture from OpenCV is BGR, pass ``pixels[..., ::-1]``. It is copied. Accepted are
    uint8, uint16 (full range) and floating point from 0 to 1, shaped (height, width), (height, width, 1), (height,
    width, 3) or (height, width, 4) with alpha last.

    Args:
        source: a path, the bytes of a file, a file opened in binary mode, an ``http`` or ``https`` address, an
            array, or an Image (returned as it is).
        limits: bytes and pixels, checked before anything is decoded.
        allow_url: fetch addresses; without it an address is refused.
        url_options: time, redirects and whether private addresses may be fetched.
        strict: refuse every truncated JPEG. Otherwise one that lacks at most a tenth of its rows is accepted, and
            the rows that are not in the file are cut off.

    Raises:
        ImageError: missing, unreadable, not a picture, damaged, or an array of the wrong kind.
        ImageTooLargeError: more bytes or pixels than ``limits``.
        OptionError: a source of another type, or an address without ``allow_url``.
    """
    limits = limits or ImageLimits()
    if isinstance(source, Image):
        return source
    if isinstance(source, np.ndarray):
        return Image(rgb_from_array(source, limits))
    name = name_of(source)
    if isinstance(source, str) and is_url(source):
        data = fetch(source, limits, allow_url=allow_url, options=url_options or UrlOptions())
    else:
        data = read_bytes(source, limits)
    return Image(decode(data, name, limits, strict=strict), name)


def made_up_pixels(path: Path, *, limits: ImageLimits | None = None) -> int:
    """Return how many pixels of a file that decodes are not in it: its data end within the last block.

    Such a JPEG is read like any other; most decoders warn of it. Of other kinds 0.

    Raises:
        ImageError: missing, unreadable or damaged.
        ImageTooLargeError: more bytes or pixels than ``limits``.
    """
    limits = limits or ImageLimits()
    data = read_bytes(path, limits)
    return made_up_pixels_of(data, str(path), limits) if kind_of(data) == "JPEG" else 0
