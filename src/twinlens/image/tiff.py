"""The first directory of a TIFF -> refused where it is a trap or a camera's raw file.

Source: TIFF 6.0, section 2; the BigTIFF layout of libtiff; DNG 1.7. A directory can state sixteen million tiles of one
pixel; a reader that lists them before it decodes would need minutes and gigabytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from twinlens.errors import ImageError

_MOST_ENTRIES = 4096  # tags in a directory; cameras write under a hundred
_MOST_VALUES = 200_000  # numbers in a tag: strips or tiles, or a colour map of 3 x 65,536
_BYTE_TYPES = frozenset({1, 2, 6, 7})  # BYTE, ASCII, SBYTE, UNDEFINED: profiles and texts, read as they are
_NEW_SUBFILE_TYPE, _SUB_DIRECTORIES, _DNG_VERSION = 254, 330, 50706
_REDUCED = 1  # NewSubfileType, bit 0: a smaller copy of another picture


@dataclass(frozen=True, slots=True)
class _Layout:
    """How one flavour writes a directory."""

    order: str
    count: str
    entry: str  # tag, type, number of values, value
    first_at: int
    first: str


def check_tiff(data: bytes, name: str) -> None:
    """Look at the first directory only.

    Raises:
        ValueError: it is cut short, or states more entries or values than any picture needs.
        ImageError: a camera's raw file, of which this directory is but a preview.
    """
    tags = _read_tags(data)
    for tag, (kind, count, _) in tags.items():
        if kind not in _BYTE_TYPES and count > _MOST_VALUES:
            msg = f"tag {tag} states {count:,} values"
            raise ValueError(msg)
    preview = tags.get(_NEW_SUBFILE_TYPE, (0, 0, 0))[2] & _REDUCED and _SUB_DIRECTORIES in tags
    if _DNG_VERSION in tags or preview:
        msg = f"{name}: a camera's raw file, of which only a preview could be read; export it as JPEG"
        raise ImageError(msg)


def _read_tags(data: bytes) -> dict[int, tuple[int, int, int]]:
    layout = _layout(data)
    try:
        start = struct.unpack_from(layout.order + layout.first, data, layout.first_at)[0]
        count = struct.unpack_from(layout.order + layout.count, data, start)[0]
        if count > _MOST_ENTRIES:
            msg = f"its directory states {count:,} entries"
            raise ValueError(msg)
        start += struct.calcsize(layout.order + layout.count)
        entry = struct.Struct(layout.order + layout.entry)
        tags = {}
        for at in range(start, start + count * entry.size, entry.size):
            tag, kind, values, value = entry.unpack_from(data, at)
            if kind == 3 and layout.order == ">":  # a SHORT stands at the left of its field
                value >>= 16 if entry.size == 12 else 48
            tags[tag] = (kind, values, value)
    except (struct.error, OverflowError) as error:
        msg = "the file ends inside its directory"
        raise ValueError(msg) from error
    return tags


def _layout(data: bytes) -> _Layout:
    order = "<" if data.startswith(b"II") else ">"
    if data[2:4] in {b"+\x00", b"\x00+"}:
        return _Layout(order, count="Q", entry="HHQQ", first_at=8, first="Q")
    return _Layout(order, count="H", entry="HHII", first_at=4, first="I")
