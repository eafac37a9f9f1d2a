"""The head of a picture file -> width and height, with nothing decoded.

Sources: ITU-T T.81 annex B (JPEG), W3C PNG third edition section 5, GIF89a sections 18 to 24, BITMAPINFOHEADER, RFC
9649 section 2 (WebP).
"""

from __future__ import annotations

import re
import struct

Size = tuple[int, int]

_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0..15 without DHT, JPG, DAC
_MOST_SEGMENTS = 10_000  # before the picture begins; a profile of 16 MiB takes 256
_MOST_EXIF_SEGMENTS = 16  # cameras write one; Pillow joins them in time that grows with the square of their number
_BEFORE_PIXELS = frozenset({0xD9, 0xDA})  # end of image, start of scan
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})
_MARKER = re.compile(rb"\xff[^\xff]", re.DOTALL)
_MOST_BLOCKS = 100_000  # of a GIF, before the first frame: 24 MiB of comments
_GIF_FRAME, _GIF_EXTENSION, _GIF_END = 0x2C, 0x21, 0x3B


def size_of(kind: str, data: bytes) -> Size | None:
    """Return width and height from the head of a file; None where this kind's decoder has to say it.

    Raises:
        ValueError: the head is cut short or contradicts itself.
    """
    reader = {"JPEG": _jpeg_size, "PNG": _png_size, "GIF": _gif_size, "WebP": _webp_size, "BMP": _bmp_size}.get(kind)
    if reader is None:
        return None
    try:
        return reader(data)
    except (struct.error, IndexError) as error:
        msg = "the file ends inside its header"
        raise ValueError(msg) from error


def _jpeg_size(data: bytes) -> Size:
    at, exif, size = 2, 0, None
    for _ in range(_MOST_SEGMENTS):
        marker, at = _next_marker(data, at)
        if marker in _FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", data, at + 3)
            size = width, height
        elif marker in _BEFORE_PIXELS:
            if size is None:
                msg = "there is no frame header"
                raise ValueError(msg)
            return size
        exif += data.startswith(b"Exif\0\0", at + 2)
        if exif > _MOST_EXIF_SEGMENTS:
            msg = f"more than {_MOST_EXIF_SEGMENTS} segments of EXIF"
            raise ValueError(msg)
        if marker not in _BARE_MARKERS:
            at += struct.unpack_from(">H", data, at)[0]
    msg = f"more than {_MOST_SEGMENTS} segments before the pixels"
    raise ValueError(msg)


def _next_marker(data: bytes, at: int) -> tuple[int, int]:
    """Return the next marker and the place after it; decoders skip stray and fill bytes between segments."""
    found = _MARKER.search(data, at)
    if found is None:
        msg = "the file ends inside its header"
        raise ValueError(msg)
    return data[found.end() - 1], found.end()


def _png_size(data: bytes) -> Size:
    if data[12:16] not in {b"IHDR", b"CgBI"}:
        msg = "there is no header chunk"
        raise ValueError(msg)
    width, height = struct.unpack_from(">II", data, 16 if data[12:16] == b"IHDR" else 32)
    return width, height


def _gif_size(data: bytes) -> Size:
    """Return the screen, widened to the first frame, as decoders do."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + _colours_length(flags)
    inside = False  # an extension: blocks of up to 255 bytes, the last one empty
    for _ in range(_MOST_BLOCKS):
        if inside:
            inside = data[at] > 0
            at += 1 + data[at]
        elif data[at] == _GIF_FRAME:
            left, top, wide, high = struct.unpack_from("<HHHH", data, at + 1)
            return max(width, left + wide), max(height, top + high)
        elif data[at] == _GIF_END:
            msg = "there is no frame"
            raise ValueError(msg)
        else:
            inside = data[at] == _GIF_EXTENSION
            at += 2 if inside else 1
    msg = f"more than {_MOST_BLOCKS:,} blocks before the first frame"
    raise ValueError(msg)


def _colours_length(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _bmp_size(data: bytes) -> Size:
    if struct.unpack_from("<I", data, 14)[0] == 12:
        width, height = struct.unpack_from("<HH", data, 18)
        return width, height
    width, height = struct.unpack_from("<ii", data, 18)
    return width, abs(height)  # a negative height: rows from top to bottom


def _webp_size(data: bytes) -> Size:
    chunk = data[12:16]
    if chunk == b"VP8X":
        wide, high = data[24:27], data[27:30]
        if len(high) == 3:
            return int.from_bytes(wide, "little") + 1, int.from_bytes(high, "little") + 1
    elif chunk == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    msg = "there is no picture chunk"
    raise ValueError(msg)
