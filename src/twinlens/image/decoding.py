"""The bytes of a picture file -> upright RGB pixels: which reader takes it, and what is refused before."""

from __future__ import annotations

from twinlens.errors import ImageError
from twinlens.image.heic import decode_heic
from twinlens.image.jpeg import decode_jpeg
from twinlens.image.kinds import kind_of, looks_like
from twinlens.image.limits import ImageLimits
from twinlens.image.pillow import Pixels, can_read, damaged, open_picture, orientation_of, rgb_of, turn_upright
from twinlens.image.sizes import size_of
from twinlens.image.tiff import check_tiff


def decode(data: bytes, name: str, limits: ImageLimits, *, strict: bool) -> Pixels:
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
        if kind == "TIFF":
            check_tiff(data, name)
        size = size_of(kind, data)
    except ValueError as error:
        raise damaged(name, kind, error) from error
    if size is not None:
        limits.check_size(name, *size)
    if kind == "JPEG":
        return decode_jpeg(data, name, limits, strict=strict)
    if kind == "HEIC":
        return decode_heic(data, name, limits)
    picture = open_picture(kind, data, name, limits)
    try:
        return turn_upright(rgb_of(picture, name), orientation_of(picture))
    except Exception as error:  # Pillow's readers raise a dozen types
        raise damaged(name, kind, error) from error


def _readable_kind(data: bytes, name: str) -> str:
    kind = kind_of(data)
    if kind is None:
        problem = f"not a picture: it looks like {looks_like(data)}"
    elif kind == "RAW":
        problem = "a camera's raw file, which is not read; export it as JPEG"
    elif kind != "HEIC" and not can_read(kind):
        problem = f"this build of Pillow reads no {kind}; convert the picture to JPEG or PNG, or update Pillow"
    else:
        return kind
    msg = f"{name}: {problem}"
    raise ImageError(msg)
