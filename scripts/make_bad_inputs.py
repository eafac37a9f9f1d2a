"""Nothing, or a free photo -> bad inputs that `twinlens` must survive: each kind once, mutations of real files.

Deterministic: the same version of Pillow gives the same bytes. The photo is scikit-image's astronaut (NASA, public
domain) where that package is installed, else a drawn face.

Usage: python scripts/make_bad_inputs.py OUT_DIR [--mutations 2000] [--seed 1]
"""

from __future__ import annotations

import argparse
import io
import json
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 160
# The drawn face, turned by EXIF; written once with pillow-heif 1.8, for what reads HEIC cannot write it:
# Image.fromarray(np.rot90(drawn_face())).save(HEIC, "HEIF", exif=<orientation 6>, quality=60)
HEIC = Path(__file__).parents[1] / "tests" / "golden" / "photo.heic"
INDEX = "index.json"  # file -> what is to come of it
HUGE = 60_000  # pixels a side that bombs state

Rgb = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Sample:
    """A bad input.

    Attributes:
        name: a file name; its suffix may lie.
        data: the file.
        outcome: ``Image``, ``ImageError`` or ``ImageTooLargeError``; ``any`` where either will do.
        says: a part of the message that a person gets; empty for any.
    """

    name: str
    data: bytes
    outcome: str
    says: str = ""


def photo() -> Rgb:
    """Return a face, SIDE x SIDE."""
    try:
        from skimage import data  # noqa: PLC0415 - a part of the demo extra
    except ImportError:
        return drawn_face()
    face = Image.fromarray(data.astronaut()[0:270, 90:360]).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(face)


def drawn_face() -> Rgb:
    """Return an oval with eyes and a mouth: enough for a decoder, not for a detector."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    picture = np.stack([90 + 80 * x, 120 + 60 * y, 140 - 60 * x], -1)
    picture[(x / 0.28) ** 2 + (y / 0.38) ** 2 < 1] = (224, 172, 138)
    for centre in (-0.11, 0.11):
        picture[((x - centre) / 0.05) ** 2 + ((y + 0.08) / 0.03) ** 2 < 1] = (40, 30, 30)
    picture[(x / 0.1) ** 2 + ((y - 0.18) / 0.025) ** 2 < 1] = (150, 60, 60)
    return picture.astype(np.uint8)


def encode(pixels: NDArray[np.generic] | Image.Image, kind: str, **options: object) -> bytes:
    """Return a file of Pillow's."""
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def real_files(rgb: Rgb) -> dict[str, bytes]:
    """Return the same photo in every kind and flavour that is read."""
    picture = Image.fromarray(rgb)
    alpha = picture.copy()
    alpha.putalpha(Image.linear_gradient("L").resize(picture.size))
    grey16 = np.asarray(picture.convert("L")).astype(np.uint16) * 257
    exif = Image.Exif()
    exif[0x0112] = 6
    heic = {"photo.heic": HEIC.read_bytes()} if find_spec("pi_heif") else {}
    return heic | {
        "baseline.jpg": encode(rgb, "JPEG"),
        "progressive.jpg": encode(rgb, "JPEG", progressive=True),
        "full-colour.jpg": encode(rgb, "JPEG", subsampling=0, quality=95, optimize=True),
        "grey.jpg": encode(picture.convert("L"), "JPEG"),
        "cmyk.jpg": encode(picture.convert("CMYK"), "JPEG"),
        "turned.jpg": encode(rgb, "JPEG", exif=exif),
        "rgb.png": encode(rgb, "PNG"),
        "alpha.png": encode(alpha, "PNG"),
        "palette.png": encode(picture.quantize(64), "PNG", transparency=3),
        "grey16.png": encode(grey16, "PNG"),
        "one-bit.png": encode(picture.convert("1"), "PNG"),
        "animated.png": encode(rgb, "PNG", save_all=True, append_images=[picture.rotate(90)]),
        "lossy.webp": encode(rgb, "WEBP", quality=70),
        "lossless.webp": encode(alpha, "WEBP", lossless=True),
        "animated.webp": encode(rgb, "WEBP", save_all=True, append_images=[picture.rotate(90)]),
        "rgb.bmp": encode(rgb, "BMP"),
        "palette.bmp": encode(picture.quantize(64), "BMP"),
        "plain.tif": encode(rgb, "TIFF"),
        "lzw.tif": encode(rgb, "TIFF", compression="tiff_lzw"),
        "deflate.tif": encode(alpha, "TIFF", compression="tiff_adobe_deflate"),
        "jpeg.tif": encode(rgb, "TIFF", compression="jpeg"),
        "fax.tif": encode(picture.convert("1"), "TIFF", compression="group4"),
        "grey16.tif": encode(grey16, "TIFF"),
        "palette.gif": encode(picture, "GIF"),
        "animated.gif": encode(picture, "GIF", save_all=True, append_images=[picture.rotate(90)]),
        "lossy.avif": encode(rgb, "AVIF", quality=70, speed=10),
    }


def samples() -> Iterator[Sample]:
    """Yield every kind of bad or odd input once."""
    rgb = photo()
    for name, data in real_files(rgb).items():
        yield Sample(name, data, "Image")
    yield from _cut_and_mislabelled(rgb)
    yield from _not_pictures()
    yield from _bombs(rgb)
    yield from _odd_pictures(rgb)
    yield from _junk_metadata(rgb)


def _cut_and_mislabelled(rgb: Rgb) -> Iterator[Sample]:
    files = real_files(rgb)
    yield Sample("empty.jpg", b"", "ImageError", "empty")
    yield Sample("one-byte.png", b"\x89", "ImageError", "not a picture")
    yield Sample("only-soi.jpg", b"\xff\xd8\xff", "ImageError", "header")
    yield Sample("png-called-jpg.jpg", files["rgb.png"], "Image")
    yield Sample("jpeg-called-gif.gif", files["baseline.jpg"], "Image")
    yield Sample("no-suffix", files["lossy.webp"], "Image")
    for name in ("baseline.jpg", "rgb.png", "lossy.webp", "rgb.bmp", "lzw.tif", "plain.tif", "lossy.avif"):
        yield Sample(f"half-{name}", files[name][: len(files[name]) // 2], "ImageError")
        yield Sample(f"head-of-{name}", files[name][:40], "ImageError")
    chance = random.Random(636)
    chance.choice(range(6))
    yield Sample("crashing-its-reader.heic", _edit_head(HEIC.read_bytes(), chance), "ImageError", "HEIC")
    jpeg = files["baseline.jpg"]
    yield Sample("half-with-end-mark.jpg", jpeg[: len(jpeg) // 2] + b"\xff\xd9", "ImageError", "truncated")
    yield Sample("without-end-mark.jpg", jpeg[:-2], "Image")
    yield Sample("trailing-junk.jpg", jpeg + b"junk" * 1000, "Image")
    png = files["rgb.png"]
    yield Sample("wrong-checksum.png", png[:60] + bytes([png[60] ^ 1]) + png[61:], "ImageError")


def _not_pictures() -> Iterator[Sample]:
    heic = struct.pack(">I4s4sI4s", 20, b"ftyp", b"heic", 0, b"mif1") + bytes(200)
    mp4 = struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 512, b"mp41") + bytes(200)
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>'
    for name, data, says in (
        ("page.pdf", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n", "PDF"),
        ("pdf-called-jpg.jpg", b"%PDF-1.7\n", "PDF"),
        ("page.html", b"<!DOCTYPE html>\n<html><body>404 not found</body></html>", "web page"),
        ("drawing.svg", drawing, "SVG"),
        ("notes.txt", "Grüße, this is no picture\n".encode() * 40, "text"),
        ("data.json", b'{"faces": []}', "JSON"),
        ("archive.zip", b"PK\x03\x04" + bytes(100), "ZIP"),
        ("video-called-jpg.jpg", mp4, "video"),
        ("clip.avi", b"RIFF\x24\x00\x00\x00AVI LIST" + bytes(64), "AVI"),
        ("clip.mkv", b"\x1aE\xdf\xa3" + bytes(64), "Matroska"),
        ("no-heic.heic", heic, "HEIC"),
        ("photo.jp2", b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(64), "JPEG 2000"),
        ("photo.jxl", b"\xff\x0a" + bytes(64), "JPEG XL"),
        ("layers.psd", b"8BPS\x00\x01" + bytes(64), "Photoshop"),
        ("camera.cr2", b"II*\x00\x10\x00\x00\x00CR\x02\x00" + bytes(64), "raw"),
        ("postscript.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        ("zeros.jpg", bytes(4096), "zeros"),
        ("noise.jpg", random.Random(7).randbytes(4096), "unknown kind"),
        ("sound.webp", b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(64), "RIFF"),
    ):
        yield Sample(name, data, "ImageError", says)


def _bombs(rgb: Rgb) -> Iterator[Sample]:
    files = real_files(rgb)
    limit = "the limit is"
    yield Sample("bomb.png", png_head(HUGE, HUGE) + files["rgb.png"][33:], "ImageTooLargeError", limit)
    jpeg = bytearray(files["baseline.jpg"])
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", HUGE, HUGE)
    yield Sample("bomb.jpg", bytes(jpeg), "ImageTooLargeError", limit)
    jpeg[at : at + 4] = struct.pack(">HH", 0, SIDE)
    yield Sample("no-rows.jpg", bytes(jpeg), "ImageError", "without pixels")
    gif = files["palette.gif"]
    yield Sample("bomb.gif", gif[:6] + struct.pack("<HH", HUGE, HUGE) + gif[10:], "ImageTooLargeError", limit)
    # decoders widen a screen to its first frame
    yield Sample("no-columns.gif", gif[:6] + struct.pack("<HH", 0, 9) + gif[10:], "Image")
    at = gif.index(b",\x00\x00\x00\x00") + 5
    frame = gif[:at] + struct.pack("<HH", HUGE, HUGE) + gif[at + 4 :]
    yield Sample("frame-beyond-screen.gif", frame, "ImageTooLargeError", limit)
    canvas = struct.pack("<4sI4s4sI", b"RIFF", 1000, b"WEBP", b"VP8X", 10) + b"\x02\0\0\0" + b"\xff\x3f\0" * 2
    yield Sample("bomb.webp", canvas + bytes(500), "ImageTooLargeError", limit)
    bmp = files["rgb.bmp"]
    yield Sample("bomb.bmp", bmp[:18] + struct.pack("<ii", HUGE, -HUGE) + bmp[26:], "ImageTooLargeError", limit)
    yield Sample("no-rows.bmp", bmp[:18] + struct.pack("<ii", 9, 0) + bmp[26:], "ImageError", "without pixels")
    yield Sample("no-columns.png", png_head(0, 9) + files["rgb.png"][33:], "ImageError", "without pixels")
    yield Sample("bomb.tif", tiff({256: (4, HUGE), 257: (4, HUGE), 273: (4, 8)}), "ImageTooLargeError", limit)
    tiles = {256: (4, 9000), 257: (4, 9000), 322: (3, 1), 323: (3, 1)}
    tiled = tiff(tiles | {324: (4, 8)}, counts={324: 16_000_000})
    yield Sample("sixteen-million-tiles.tif", tiled + bytes(4096), "ImageError", "values")
    yield Sample("directory-loop.tif", tiff({256: (4, 9), 257: (4, 9)}, following=8), "ImageError")
    yield Sample("endless-directory.tif", b"II*\x00\x08\x00\x00\x00\xff\xff" + bytes(2000), "ImageError", "entries")
    yield Sample("directory-nowhere.tif", b"II*\x00\xff\xff\xff\x7f", "ImageError", "ends inside")
    yield from _slow_files(files)


def _slow_files(files: dict[str, bytes]) -> Iterator[Sample]:
    progressive = files["progressive.jpg"]
    last = progressive.rindex(b"\xff\xda")
    scans = progressive[:-2] + progressive[last:-2] * 5000 + b"\xff\xd9"
    yield Sample("five-thousand-scans.jpg", scans, "ImageError", "scans")
    empty = png_chunk(b"tEXt", b"") * 400_000
    yield Sample("empty-chunks.png", files["rgb.png"][:33] + empty + files["rgb.png"][33:], "ImageError", "pieces")
    comments = b"!\xfe\x00" * 1_500_000
    gif = files["palette.gif"]
    at = 13 + 3 * 2 ** ((gif[10] & 7) + 1)
    yield Sample("empty-comments.gif", gif[:at] + comments + gif[at:], "ImageError", "blocks")
    yield Sample("stray-bytes.jpg", files["baseline.jpg"][:20] + bytes(30_000_000), "ImageError")
    yield Sample("fill-bytes.jpg", b"\xff\xd8" + b"\xff" * 30_000_000, "ImageError")
    pieces = b"!\xfe" + b"\x01a" * 10_000_000
    yield Sample("small-comments.gif", gif[:at] + pieces + gif[at:], "ImageError", "blocks")
    segments = b"\xff\xfe\x00\x02" * 500_000
    jpeg = files["baseline.jpg"]
    yield Sample("empty-comments.jpg", jpeg[:2] + segments + jpeg[2:], "ImageError", "segments")
    scan = jpeg.index(b"\xff\xda")
    yield Sample("late-empty-comments.jpg", jpeg[:scan] + segments + jpeg[scan:], "ImageError", "segments")
    text = png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000)))
    yield Sample("unpacking-text.png", files["rgb.png"][:33] + text + files["rgb.png"][33:], "any")


def _odd_pictures(rgb: Rgb) -> Iterator[Sample]:
    yield Sample("one-pixel.png", encode(rgb[:1, :1], "PNG"), "Image")
    yield Sample("one-pixel.jpg", encode(rgb[:1, :1], "JPEG"), "Image")
    yield Sample("one-row.png", encode(np.zeros((1, 20_000, 3), np.uint8), "PNG"), "Image")
    yield Sample("one-column.jpg", encode(np.zeros((20_000, 1, 3), np.uint8), "JPEG"), "Image")
    yield Sample("long-strip.png", encode(np.zeros((20, 30_000), np.uint8), "PNG"), "Image")
    yield Sample("black.jpg", encode(np.zeros((SIDE, SIDE, 3), np.uint8), "JPEG"), "Image")
    yield Sample("clear.png", encode(np.zeros((SIDE, SIDE, 4), np.uint8), "PNG"), "Image")
    yield Sample(
        "no-face.png", encode(np.tile(np.arange(250, dtype=np.uint8)[:, None, None], (1, 250, 3)), "PNG"), "Image"
    )
    yield Sample("forty-faces.jpg", encode(np.tile(rgb, (5, 8, 1)), "JPEG", quality=90), "Image")
    yield Sample("float.tif", encode(np.full((9, 9), np.nan, np.float32), "TIFF"), "ImageError", "32 bits")


def _junk_metadata(rgb: Rgb) -> Iterator[Sample]:
    noise = random.Random(3).randbytes(5000)
    jpeg = encode(rgb, "JPEG")
    loop = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0x8769, 4, 1, 8) + struct.pack("<I", 8)
    long = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 5000) + struct.pack("<HHII", 0x0112, 3, 2**31, 9) * 5000
    wrong = b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, 4711, 0, 0)
    for name, exif in (
        ("noise", b"Exif\0\0" + noise),
        ("loop", loop),
        ("long", long),
        ("wrong-turn", wrong),
        ("empty", b"Exif\0\0"),
    ):
        segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
        yield Sample(f"exif-{name}.jpg", jpeg[:2] + segment + jpeg[2:], "Image")
    many = (b"\xff\xe1" + struct.pack(">H", 60_008) + b"Exif\0\0" + bytes(60_000)) * 300
    yield Sample("exif-of-18-megabytes.jpg", jpeg[:2] + many + jpeg[2:], "ImageError", "EXIF")
    yield Sample("profile-junk.jpg", encode(rgb, "JPEG", icc_profile=noise), "Image")
    yield Sample("profile-junk.png", encode(rgb, "PNG", icc_profile=noise), "Image")
    yield Sample("profile-junk.webp", encode(rgb, "WEBP", icc_profile=noise), "Image")
    yield Sample("profile-junk.tif", encode(rgb, "TIFF", icc_profile=noise), "Image")
    png = encode(rgb, "PNG")
    yield Sample("exif-junk.png", png[:33] + png_chunk(b"eXIf", noise) + png[33:], "Image")
    yield Sample("animation-junk.png", png[:33] + png_chunk(b"acTL", bytes(3)) + png[33:], "any")


def png_chunk(name: bytes, body: bytes) -> bytes:
    """Return a chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_head(width: int, height: int) -> bytes:
    """Return signature and header chunk of an RGB PNG."""
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def tiff(tags: dict[int, tuple[int, int]], counts: dict[int, int] | None = None, following: int = 0) -> bytes:
    """Return a TIFF of one directory: tag -> (type, value), grey of 8 bits, without pixels."""
    entries = {258: (3, 8), 259: (3, 1), 262: (3, 1), 277: (3, 1)} | tags
    body = b"".join(
        struct.pack("<HHII", tag, kind, (counts or {}).get(tag, 1), value)
        for tag, (kind, value) in sorted(entries.items())
    )
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + body + struct.pack("<I", following)


def mutations(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield damaged copies of the photo in all its kinds: name, bytes. The first n are the same for any count."""
    files = list(real_files(photo()).items())
    for number in range(count):
        chance = random.Random(seed * 1_000_003 + number)
        name, data = files[number % len(files)]
        damage = chance.choice((_flip_bits, _edit_head, _cut, _cut_out, _zero_out, _repeat))
        spliced = chance.random() < 0.15
        yield (
            f"{number:05d}-{name}",
            _splice(data, chance.choice(files)[1], chance) if spliced else damage(data, chance),
        )


def _flip_bits(data: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(2 ** chance.randrange(8)):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _edit_head(data: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(min(len(damaged) - 4, 700))
        value = chance.choice((0, 1, 255, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, chance.getrandbits(32)))
        width = chance.choice((1, 2, 4))
        damaged[at : at + width] = (value % 256**width).to_bytes(width, chance.choice(("big", "little")))
    return bytes(damaged)


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _cut_out(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + data[start + chance.randint(1, 300) :]


def _zero_out(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data))
    gap = bytes(min(chance.randint(1, 2000), len(data) - start))
    return data[:start] + gap + data[start + len(gap) :]


def _repeat(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data))
    piece = data[start : start + chance.randint(1, 500)]
    return data[:start] + piece * chance.randint(2, 20) + data[start:]


def _splice(data: bytes, other: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))] + other[chance.randrange(len(other)) :]


def main() -> None:
    """Write the corpus to a folder."""
    parser = argparse.ArgumentParser(description="Write the bad-input corpus.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--mutations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    index: dict[str, dict[str, str]] = {}
    for sample in samples():
        (options.out / sample.name).write_bytes(sample.data)
        index[sample.name] = {"outcome": sample.outcome, "says": sample.says}
    for name, data in mutations(options.mutations, options.seed):
        (options.out / f"mutated-{name}").write_bytes(data)
        index[f"mutated-{name}"] = {"outcome": "any", "says": ""}
    (options.out / INDEX).write_text(json.dumps(index, indent=1))
    print(f"{len(index)} files in {options.out}")


if __name__ == "__main__":
    main()
