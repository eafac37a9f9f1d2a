"""First bytes -> which kind of picture it is, or what else it looks like.

The marks are those of each format's specification; AVIF and HEIC are told by their brands (ISO/IEC 14496-12).
"""

from __future__ import annotations

import struct

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


def kind_of(data: bytes) -> str | None:
    """Return ``JPEG``, ``PNG``, ``WebP``, ``BMP``, ``TIFF``, ``GIF``, ``AVIF``, ``HEIC``, ``RAW`` or None."""
    if data[4:8] == b"ftyp":
        brands = {data[start : start + 4] for start in (8, *range(16, min(int.from_bytes(data[:4], "big"), 64), 4))}
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
    return "data of an unknown kind; wanted JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF or HEIC"
