"""First bytes -> which kind of picture it is, and its size; or what else it looks like.

Only the head is read, nothing is decoded. Sources: ITU-T T.81 (JPEG), W3C PNG third edition section 5, RFC 9649
(WebP), GIF89a section 18, BITMAPINFOHEADER, ISO/IEC 14496-12 (brands of AVIF and HEIC).
"""

from __future__ import annotations

import struct

Size = tuple[int, int]

# (bytes, offset) -> what it is. Order matters: the first that fits wins.
_PICTURES: tuple[tuple[bytes, int, str], ...] = (
    (b"\xff\xd8\xff", 0, "JPEG"),
    (b"\x89PNG\r\n\x1a\n", 0, "PNG"),
    (b"GIF87a", 0, "GIF"),
    (b"GIF89a", 0, "GIF"),
    (b"WEBP", 8, "WebP"),
    (b"CR", 8, "RAW"),  # Canon's raw files are TIFF with this mark
    (b"II*\x00", 0, "TIFF"),
    (b"MM\x00*", 0, "TIFF"),
    (b"II+\x00", 0, "TIFF"),
    (b"MM\x00+", 0, "TIFF"),
)
_OTHERS: tuple[tuple[bytes, int, str], ...] = (
    (b"%PDF", 0, "a PDF document; save its page as a picture"),
    (b"%!PS", 0, "a PostScript document; save its page as a picture"),
    (b"8BPS", 0, "a Photoshop document; export it as JPEG or PNG"),
    (b"\x00\x00\x00\x0cjP  ", 0, "a JPEG 2000 picture, which is not read; convert it to JPEG or PNG"),
    (b"\xff\x4f\xff\x51", 0, "a JPEG 2000 picture, which is not read; convert it to JPEG or PNG"),
    (b"\x00\x00\x00\x0cJXL ", 0, "a JPEG XL picture, which is not read; convert it to JPEG or PNG"),
    (b"\xff\x0a", 0, "a JPEG XL picture, which is not read; convert it to JPEG or PNG"),
    (b"\x00\x00\x01\x00", 0, "an icon; save it as PNG"),
    (b"AVI ", 8, "an AVI video; open it as a video"),
    (b"\x1aE\xdf\xa3", 0, "a Matroska or WebM video; open it as a video"),
    (b"\x00\x00\x01\xba", 0, "an MPEG video; open it as a video"),
    (b"\x00\x00\x01\xb3", 0, "an MPEG video; open it as a video"),
    (b"FLV\x01", 0, "a Flash video; open it as a video"),
    (b"0&\xb2u\x8ef\xcf\x11", 0, "a Windows Media video; open it as a video"),
    (b"RIFF", 0, "a RIFF file that holds no picture"),
    (b"PK\x03\x04", 0, "a ZIP archive or an office document; unpack it"),
    (b"\x1f\x8b", 0, "a gzip archive; unpack it"),
    (b"7z\xbc\xaf\x27\x1c", 0, "a 7z archive; unpack it"),
    (b"Rar!", 0, "a RAR archive; unpack it"),
    (b"\x93NUMPY", 0, "a NumPy file; load it and pass the array"),
    (b"SQLite format 3", 0, "an SQLite database"),
    (b"\x7fELF", 0, "a program"),
    (b"MZ", 0, "a program"),
    (b"OggS", 0, "an Ogg sound or video file"),
    (b"ID3", 0, "a sound file"),
)
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_BITMAP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0..15 without DHT, JPG, DAC
_MOST_SEGMENTS = 10_000  # a profile of 16 MiB takes 256
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})


def kind_of(data: bytes) -> str | None:
    """Return ``JPEG``, ``PNG``, ``WebP``, ``BMP``, ``TIFF``, ``GIF``, ``AVIF``, ``HEIC``, ``RAW`` or None."""
    if data[4:8] == b"ftyp":
        brands = {data[start : start + 4] for start in (8, *range(16, min(_u32(data, 0), 64), 4))}
        if brands & {b"avif", b"avis"}:
            return "AVIF"
        return "HEIC" if brands & _HEIC_BRANDS else None
    for magic, offset, kind in _PICTURES:
        if data.startswith(magic, offset):
            tiff = data[:4] in {b"II*\x00", b"MM\x00*"}
            if (kind == "RAW" and not tiff) or (kind == "WebP" and not data.startswith(b"RIFF")):
                continue
            return kind
    if data.startswith(b"BM") and len(data) >= 18 and struct.unpack_from("<I", data, 14)[0] in _BITMAP_HEADERS:
        return "BMP"
    return None


def looks_like(data: bytes) -> str:
    """Return, for a message, what a file that is no picture seems to be."""
    if data[4:8] == b"ftyp":
        return "an MP4 or QuickTime video; open it as a video"
    for magic, offset, what in _OTHERS:
        if data.startswith(magic, offset):
            return what
    return _looks_like_text(data[:1024])


def _looks_like_text(head: bytes) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page; perhaps the download failed: open the address in a browser"
    if b"<svg" in text:
        return "an SVG drawing; export it as PNG"
    if text.startswith((b"<?xml", b"{", b"[")):
        return "an XML or JSON document"
    if not any(head):
        return "zeros only: the copy or the disk is damaged; copy it again"
    if all(byte >= 32 or byte in b"\t\r\n\f" for byte in head):
        return "a text"
    return "data of an unknown kind; wanted JPEG, PNG, WebP, BMP, TIFF, GIF or AVIF"


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


def _u32(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 4], "big")


def _jpeg_size(data: bytes) -> Size:
    at = 2
    for _ in range(_MOST_SEGMENTS):
        while data[at] != 0xFF:  # decoders skip stray bytes between segments
            at += 1
        while data[at] == 0xFF:
            at += 1
        marker, at = data[at], at + 1
        if marker in _FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", data, at + 3)
            return width, height
        if marker in {0xD9, 0xDA}:
            msg = "there is no frame header"
            raise ValueError(msg)
        if marker not in _BARE_MARKERS:
            at += struct.unpack_from(">H", data, at)[0]
    msg = f"more than {_MOST_SEGMENTS} segments before the frame header"
    raise ValueError(msg)


def _png_size(data: bytes) -> Size:
    if data[12:16] not in {b"IHDR", b"CgBI"}:
        msg = "there is no header chunk"
        raise ValueError(msg)
    width, height = struct.unpack_from(">II", data, 16 if data[12:16] == b"IHDR" else 32)
    return width, height


def _gif_size(data: bytes) -> Size:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


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
