"""First bytes, or a name's ending -> is this a video, and which kind?

The marks are those of each container's specification. Nothing else is handed to FFmpeg: it also opens playlists and
stream descriptions (HLS, ffconcat, SDP), which name further files and addresses to be read.
"""

from __future__ import annotations

from pathlib import Path

from twinlens.image import PICTURE_SUFFIXES
from twinlens.image.folder import list_files
from twinlens.image.kinds import kind_of

HEAD_BYTES = 1024
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".m2ts", ".wmv", ".flv", ".ogv", ".3gp"}
    | {".3g2", ".y4m", ".ivf", ".vob", ".asf"}
)
SHARED_SUFFIXES = frozenset({".ts", ".mts"})  # MPEG, or TypeScript: only the content tells
_TS_PACKET, _M2TS_PACKET, _TS_SYNC = 188, 192, 0x47  # ISO/IEC 13818-1, 2.4.3.2; M2TS puts four bytes before each
_QUICKTIME_ATOMS = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_MARKS: tuple[tuple[bytes, int, str], ...] = (
    (b"AVI ", 8, "AVI"),
    (b"AVIX", 8, "AVI"),
    (b"\x1aE\xdf\xa3", 0, "Matroska or WebM"),
    (b"\x00\x00\x01\xba", 0, "MPEG"),
    (b"\x00\x00\x01\xb3", 0, "MPEG"),
    (b"FLV\x01", 0, "Flash"),
    (b"0&\xb2u\x8ef\xcf\x11", 0, "Windows Media"),
    (b"OggS", 0, "Ogg"),
    (b"YUV4MPEG2", 0, "YUV4MPEG2"),
    (b"DKIF", 0, "IVF"),
)


def video_kind(head: bytes) -> str | None:
    """Return the name of the container, or None for what is no video; an animated GIF is one here."""
    picture = kind_of(head)
    if picture is not None:
        return "GIF" if picture == "GIF" else None
    if head[4:8] in _QUICKTIME_ATOMS:
        return "MP4 or QuickTime"
    for mark, offset, name in _MARKS:
        if head.startswith(mark, offset):
            return name
    for first, step in ((0, _TS_PACKET), (4, _M2TS_PACKET)):
        places = range(first, len(head), step)
        if len(places) >= 3 and all(head[place] == _TS_SYNC for place in places):
            return "MPEG transport stream"
    return None


def head_of(path: Path) -> bytes:
    """Return the first bytes of a plain file; nothing of what cannot be read."""
    try:
        if not path.is_file():  # opening a pipe or a device can wait for ever
            return b""
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except (OSError, ValueError):  # ValueError: a zero byte inside the name
        return b""


def is_video(name: str | Path) -> bool:
    """Say whether a file is to be treated as a video: by its content, or else by its name.

    A GIF counts as a picture, whatever it is called.
    """
    path = Path(name)
    head = head_of(path)
    if kind_of(head) is not None:
        return False
    return video_kind(head) is not None or path.suffix.lower() in VIDEO_SUFFIXES


def list_media(folder: Path) -> list[Path]:
    """Return the pictures and videos of a folder and of the folders in it, sorted by path.

    Raises:
        ImageError: no such folder, or no permission to read it or one inside.
    """
    found = list_files(folder, PICTURE_SUFFIXES | VIDEO_SUFFIXES | SHARED_SUFFIXES)
    return [path for path in found if path.suffix.lower() not in SHARED_SUFFIXES or is_video(path)]


def lacks_index(path: Path) -> bool:
    """Say whether an MP4 or QuickTime file has no whole ``moov`` box: it is mostly last, so a cut file lacks it."""
    size = path.stat().st_size
    place = 0
    with path.open("rb") as file:
        while place + 8 <= size:
            file.seek(place)
            header = file.read(16)
            length = int.from_bytes(header[:4], "big")
            if length == 1:
                length = int.from_bytes(header[8:16], "big")
            if header[4:8] == b"moov":
                return place + length > size
            if length < 8:  # 0: up to the end of the file
                break
            place += length
    return True
