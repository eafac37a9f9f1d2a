"""Truncated JPEGs -> refused, or cut down to the rows that are there."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from twinlens.errors import ImageError
from twinlens.image import load_image

SIZE = 320


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    """Texture everywhere, so that every row costs about the same bytes."""
    return np.random.default_rng(5).integers(0, 255, (SIZE, SIZE, 3)).astype(np.uint8)


def jpeg(pixels: NDArray[np.uint8], **options: object) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("ending", [b"", b"\xff\xd9"], ids=["cut", "closed"])
def test_a_half_picture_is_refused(photo: NDArray[np.uint8], ending: bytes) -> None:
    data = jpeg(photo)
    with pytest.raises(ImageError, match=r"truncated JPEG: 1\d\d of 320 rows are there"):
        load_image(data[: len(data) // 2] + ending)


@pytest.mark.parametrize("ending", [b"", b"\xff\xd9"], ids=["cut", "closed"])
def test_of_an_almost_whole_picture_the_missing_rows_are_cut_off(photo: NDArray[np.uint8], ending: bytes) -> None:
    data = jpeg(photo)
    short = data[: int(len(data) * 0.96)] + ending
    image = load_image(short)
    assert 0.9 * SIZE <= image.height < SIZE
    assert image.width == SIZE
    assert np.array_equal(image.pixels, load_image(data).pixels[: image.height])  # nothing made up is left
    with pytest.raises(ImageError, match="truncated"):
        load_image(short, strict=True)


@pytest.mark.parametrize("ending", [b"", b"\xff\xd9"], ids=["cut", "closed"])
def test_a_cut_within_an_escaped_byte_is_noticed(photo: NDArray[np.uint8], ending: bytes) -> None:
    data = jpeg(photo)
    escaped = data.index(b"\xff\x00", len(data) // 2)
    with pytest.raises(ImageError, match="truncated"):
        load_image(data[: escaped + 1] + ending)


def test_rows_are_cut_off_before_the_picture_is_turned(photo: NDArray[np.uint8]) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    data = jpeg(photo, exif=exif)
    image = load_image(data[: int(len(data) * 0.96)])
    assert (image.height, image.width < SIZE) == (SIZE, True)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_flat_lower_edge_is_not_taken_for_a_missing_one(photo: NDArray[np.uint8], progressive: bool) -> None:
    barred = photo.copy()
    barred[SIZE // 2 :] = 0
    for pixels in (barred, np.full_like(photo, 200)):
        data = jpeg(pixels, progressive=progressive)
        assert load_image(data, strict=True).height == SIZE
        assert load_image(data + b"trailing bytes", strict=True).height == SIZE
    if not progressive:  # and a missing lower edge is noticed although it would be flat
        with pytest.raises(ImageError, match="truncated"):
            load_image(jpeg(barred)[: int(len(jpeg(barred)) * 0.8)])


@pytest.mark.slow
def test_every_truncation_gives_true_rows_or_an_error(photo: NDArray[np.uint8]) -> None:
    data = jpeg(photo[:64, :64])
    whole = load_image(data).pixels
    accepted = 0
    for length in range(len(data) // 2, len(data), 3):
        for ending in (b"", b"\xff\xd9"):
            try:
                pixels = load_image(data[:length] + ending).pixels
            except ImageError:
                continue
            accepted += 1
            # where less than a code is missing nothing can be noticed: one block and its neighbours' colour
            assert (pixels != whole[: len(pixels)]).any(axis=2).sum() <= 18 * 18
    assert accepted > 2


def test_a_truncated_progressive_picture_is_refused(photo: NDArray[np.uint8]) -> None:
    data = jpeg(photo, progressive=True)
    for share in (0.3, 0.6, 0.98):
        with pytest.raises(ImageError, match="not all of its scans"):
            load_image(data[: int(len(data) * share)])
    assert load_image(data[:-2], strict=True).height == SIZE


def test_only_the_end_mark_is_missing(photo: NDArray[np.uint8]) -> None:
    data = jpeg(photo)
    assert np.array_equal(load_image(data[:-2], strict=True).pixels, load_image(data).pixels)
