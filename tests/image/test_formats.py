"""Files in every format -> the same pixels; the reference is the picture they were written from."""

from __future__ import annotations

import io
import runpy
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow, ImageOps

from twinlens.errors import ImageError, ImageTooLargeError, OptionError
from twinlens.image import ImageLimits, load_image
from twinlens.types import Image

Rgb = NDArray[np.uint8]


@pytest.fixture(scope="module")
def rgb() -> Rgb:
    """Smooth in both directions, and nowhere symmetric."""
    y, x = np.mgrid[:48, :64]
    return np.stack([x * 3 + 20, y * 4 + 10, 255 - x * 2 - y], -1).astype(np.uint8)


def encoded(pixels: NDArray[np.generic] | Pillow.Image, kind: str, **options: object) -> bytes:
    picture = pixels if isinstance(pixels, Pillow.Image) else Pillow.fromarray(pixels)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def distance(left: Rgb, right: Rgb) -> float:
    assert left.shape == right.shape
    return float(np.abs(left.astype(int) - right.astype(int)).mean())


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("TIFF", {"compression": "tiff_adobe_deflate"}, 0),
        ("TIFF", {"compression": "jpeg"}, 3),
        ("WEBP", {"lossless": True}, 0),
        ("WEBP", {"quality": 90}, 3),
        ("JPEG", {"quality": 95}, 2),
        ("JPEG", {"quality": 95, "progressive": True}, 2),
        ("AVIF", {"quality": 95, "speed": 10}, 2),
        ("GIF", {}, 12),
    ],
    ids=lambda value: str(value) if not isinstance(value, dict) else ".".join(map(str, value.values())),
)
def test_a_picture_survives_its_format(rgb: Rgb, kind: str, options: dict[str, object], tolerance: float) -> None:
    assert distance(load_image(encoded(rgb, kind, **options)).pixels, rgb) <= tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_is_applied(rgb: Rgb, kind: str, orientation: int) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    data = encoded(rgb, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    reference = np.asarray(ImageOps.exif_transpose(Pillow.open(io.BytesIO(data))).convert("RGB"))
    assert np.array_equal(load_image(data).pixels, reference)
    if orientation == 6:  # stored lying on its left side: the first row is the right column
        assert distance(load_image(data).pixels[:, -1], rgb[0]) < 6


def test_grey_becomes_three_equal_channels(rgb: Rgb) -> None:
    pixels = load_image(encoded(rgb[..., 0], "PNG")).pixels
    assert np.array_equal(pixels, np.repeat(rgb[..., :1], 3, axis=2))


@pytest.mark.parametrize(
    "make",
    [
        lambda rgb: encoded(rgb[..., 0].astype(np.uint16) * 257, "PNG"),
        lambda rgb: encoded(rgb[..., 0].astype(np.uint16) * 257, "TIFF"),
        lambda rgb: cv2.imencode(".png", rgb[..., 0].astype(np.uint16) * 257)[1].tobytes(),
        lambda rgb: cv2.imencode(".tiff", rgb[..., 0].astype(np.uint16) * 257)[1].tobytes(),
    ],
)
def test_16_bit_grey_is_scaled_not_clipped(rgb: Rgb, make: Callable[[Rgb], bytes]) -> None:
    assert np.array_equal(load_image(make(rgb)).pixels, np.repeat(rgb[..., :1], 3, axis=2))


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_16_bit_colour_is_scaled_not_clipped(rgb: Rgb, suffix: str) -> None:
    data = cv2.imencode(suffix, rgb[..., ::-1].astype(np.uint16) * 257)[1].tobytes()
    assert np.array_equal(load_image(data).pixels, rgb)


def test_transparency_is_laid_on_white(rgb: Rgb) -> None:
    alpha = np.zeros(rgb.shape[:2], np.uint8)
    alpha[:, 20:40], alpha[:, 40:] = 128, 255
    rgba = np.dstack([rgb, alpha])
    for data in (encoded(rgba, "PNG"), encoded(rgba, "WEBP", lossless=True, exact=True), encoded(rgba, "TIFF")):
        pixels = load_image(data).pixels
        assert (pixels[:, :20] == 255).all()
        assert distance(pixels[:, 20:40], ((rgb[:, 20:40].astype(int) * 128 + 255 * 127) / 255).astype(np.uint8)) < 1
        assert np.array_equal(pixels[:, 40:], rgb[:, 40:])
    assert np.array_equal(load_image(rgba).pixels, load_image(encoded(rgba, "PNG")).pixels)


def test_a_transparent_palette_entry_is_white(rgb: Rgb) -> None:
    palette = Pillow.fromarray(rgb).quantize(16)
    clear = np.asarray(palette) == 5
    pixels = load_image(encoded(palette, "PNG", transparency=5)).pixels
    assert clear.any()
    assert (pixels[clear] == 255).all()
    assert np.array_equal(pixels[~clear], np.asarray(palette.convert("RGB"))[~clear])


def test_one_bit_is_black_and_white() -> None:
    bits = np.indices((9, 13)).sum(0) % 3 == 0
    for kind, options in (("PNG", {}), ("TIFF", {"compression": "group4"}), ("BMP", {})):
        pixels = load_image(encoded(Pillow.fromarray(bits), kind, **options)).pixels
        assert np.array_equal(pixels, np.repeat(bits[..., None], 3, axis=2) * np.uint8(255))


def test_cmyk_and_ycck_jpeg_are_not_inverted(rgb: Rgb) -> None:
    cmyk = encoded(Pillow.fromarray(rgb).convert("CMYK"), "JPEG", quality=95)
    assert distance(load_image(cmyk).pixels, rgb) < 3
    # Adobe writes ink inverted; YCCK is that, with the first three inks as luma and chroma. Pillow inverts once more.
    ink = np.asarray(Pillow.fromarray(255 - rgb).convert("YCbCr"))
    planes = np.dstack([255 - ink, np.zeros(rgb.shape[:2], np.uint8)])
    data = bytearray(encoded(Pillow.fromarray(planes, "CMYK"), "JPEG", quality=95))
    data[data.index(b"Adobe") + 11] = 2  # the transform flag: YCCK
    assert distance(load_image(bytes(data)).pixels, rgb) < 4


def test_of_an_animation_the_first_picture_is_read(rgb: Rgb) -> None:
    first, second = Pillow.fromarray(rgb), Pillow.fromarray(255 - rgb)
    for kind, options in (("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {})):
        data = encoded(first, kind, save_all=True, append_images=[second], **options)
        assert np.array_equal(load_image(data).pixels, rgb), kind
    few = first.quantize(64)
    gif = encoded(few, "GIF", save_all=True, append_images=[second.quantize(64)])
    assert np.array_equal(load_image(gif).pixels, np.asarray(few.convert("RGB")))


def test_every_kind_of_source_gives_the_same(rgb: Rgb, tmp_path: Path) -> None:
    path = tmp_path / "a photo.jpg"  # a PNG inside: what counts is the content
    path.write_bytes(encoded(rgb, "PNG"))
    with path.open("rb") as file:
        images = [load_image(path), load_image(str(path)), load_image(path.read_bytes()), load_image(file)]
    images += [load_image(memoryview(path.read_bytes())), load_image(rgb), load_image(Image(rgb))]
    assert all(np.array_equal(image.pixels, rgb) for image in images)
    assert [image.source for image in images[:4]] == [str(path), str(path), "bytes", str(path)]


def test_limits_hold_before_decoding(rgb: Rgb, tmp_path: Path) -> None:
    data = encoded(rgb, "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    few = ImageLimits(max_bytes=len(data) - 1)
    for source in (path, data, io.BytesIO(data)):
        with pytest.raises(ImageTooLargeError, match="MiB"):
            load_image(source, limits=few)
        load_image(io.BytesIO(data) if isinstance(source, io.BytesIO) else source, limits=ImageLimits(len(data)))
    with pytest.raises(ImageTooLargeError, match=r"a.png: 64 x 48 = 3,072 pixels, the limit is 3,071"):
        load_image(path, limits=ImageLimits(max_pixels=3071))
    with pytest.raises(ImageTooLargeError):
        load_image(rgb, limits=ImageLimits(max_pixels=3071))
    # beyond the limit of Pillow itself, which is a setting of the whole process
    wide = ImageLimits(max_pixels=200_000_000)
    with pytest.raises(ImageError, match="truncated"):
        load_image(encoded(Pillow.new("1", (15_000, 12_000)), "PNG")[:-200], limits=wide)


def test_limits_must_be_positive() -> None:
    with pytest.raises(OptionError, match="max_pixels=0"):
        ImageLimits(max_pixels=0)


def test_decoding_on_eight_threads_gives_the_same(rgb: Rgb) -> None:
    from concurrent.futures import ThreadPoolExecutor

    files = [encoded(rgb, "PNG"), encoded(rgb, "TIFF", compression="tiff_lzw"), encoded(rgb, "WEBP", lossless=True)]
    with ThreadPoolExecutor(8) as pool:
        assert all(np.array_equal(image.pixels, rgb) for image in pool.map(load_image, files * 50))


def test_heic_is_read_where_its_reader_is_installed() -> None:
    pytest.importorskip("pi_heif", reason="the extra heic is not installed")
    photo = Path(__file__).parents[1] / "golden" / "photo.heic"
    drawn = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "make_bad_inputs.py"))["drawn_face"]()
    assert distance(load_image(photo).pixels, drawn) < 4
    with pytest.raises(ImageTooLargeError, match="160 x 160"):
        load_image(photo, limits=ImageLimits(max_pixels=25_599))
    with pytest.raises(ImageError, match="damaged HEIC"):
        load_image(photo.read_bytes()[:900])


def test_heic_without_its_reader_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinlens.image.heic.find_spec", lambda _: None)
    with pytest.raises(ImageError, match=r"photo.heic: a HEIC picture.*twinlens\[heic\]"):
        load_image(Path(__file__).parents[1] / "golden" / "photo.heic")
