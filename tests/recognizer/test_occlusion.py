"""Maps of networks whose answer is known: where they look is where the map must be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from twinlens.errors import ModelMismatchError, OptionError
from twinlens.recognizer.occlusion import OcclusionOptions, importance, neutral, occluded
from twinlens.types import CROP_SIZE, Crop, Embedding

COARSE = OcclusionOptions(patch=32, stride=16)


class PatchEmbedder:
    """Looks at one square of a crop and nothing else: its pixels less their mean, as a direction."""

    model = "patch"

    def __init__(self, row: int, column: int, side: int = 16) -> None:
        self.place = slice(row, row + side), slice(column, column + side)
        self.dim = side * side

    def embed(self, crops: Sequence[Crop]) -> list[Embedding]:
        found = []
        for crop in crops:
            seen = crop.pixels[self.place].mean(2).astype(np.float64).ravel()
            seen -= seen.mean()
            seen[0] += 1e-3  # a flat square has a direction too
            found.append(Embedding((seen / np.linalg.norm(seen)).astype(np.float32), self.model))
        return found


class ConstantEmbedder:
    """Sees nothing."""

    model, dim = "constant", 4

    def embed(self, crops: Sequence[Crop]) -> list[Embedding]:
        return [Embedding(np.array([0, 0.6, 0.8, 0], np.float32), self.model) for _ in crops]


def noise(seed: int) -> Crop:
    return Crop(np.random.default_rng(seed).integers(0, 256, (CROP_SIZE, CROP_SIZE, 3), np.uint8))


def mapped(
    embedder: PatchEmbedder | ConstantEmbedder, crop: Crop, other: Crop, options: OcclusionOptions = COARSE
) -> np.ndarray:
    whole, kept = embedder.embed([crop, other])
    return importance(whole, embedder.embed(occluded(crop, options)), kept, options)


def test_who_sees_nothing_has_an_empty_map() -> None:
    assert (mapped(ConstantEmbedder(), noise(0), noise(1)) == 0).all()


@settings(max_examples=15)
@given(row=st.integers(0, 96), column=st.integers(0, 96), seed=st.integers(0, 2**31))
def test_the_map_peaks_where_the_network_looks(row: int, column: int, seed: int) -> None:
    crop = noise(seed)
    found = mapped(PatchEmbedder(row, column), crop, crop)  # with itself: every change is a loss
    assert found.max() > 0.1
    assert found.min() >= -1e-6
    peak = np.argwhere(found >= found.max() - 1e-6).mean(0)
    assert np.abs(peak - (row + 7.5, column + 7.5)).max() <= COARSE.stride
    away = np.ones_like(found, bool)
    reach = COARSE.patch
    away[max(row - reach, 0) : row + 16 + reach, max(column - reach, 0) : column + 16 + reach] = False
    assert (found[away] == 0).all()


def test_what_speaks_against_is_negative() -> None:
    crop = noise(3)
    opposite = Crop(255 - crop.pixels)
    found = mapped(PatchEmbedder(48, 48), crop, opposite)
    assert found.min() < -0.1
    assert found.max() <= 1e-6


def test_a_plain_loop_gives_the_same_map() -> None:
    crop, other, embedder = noise(4), noise(5), PatchEmbedder(40, 24, side=40)
    whole, kept = embedder.embed([crop, other])
    filling = neutral(crop)
    total, count = np.zeros((CROP_SIZE, CROP_SIZE)), np.zeros((CROP_SIZE, CROP_SIZE))
    for top in range(-16, CROP_SIZE, 16):
        for left in range(-16, CROP_SIZE, 16):
            pixels = crop.pixels.copy()
            for y in range(max(top, 0), min(top + 32, CROP_SIZE)):
                for x in range(max(left, 0), min(left + 32, CROP_SIZE)):
                    pixels[y, x] = filling[y, x]
            fall = whole.similarity(kept) - embedder.embed([Crop(pixels)])[0].similarity(kept)
            here = slice(max(top, 0), top + 32), slice(max(left, 0), left + 32)
            total[here] += fall
            count[here] += 1
    assert (count == 4).all()
    np.testing.assert_allclose(mapped(embedder, crop, other), total / count, atol=1e-6)


@given(stride=st.sampled_from([1, 2, 4, 7, 8, 14, 16, 28, 56, 112]), times=st.integers(1, 8))
def test_every_pixel_is_covered_alike(stride: int, times: int) -> None:
    if stride * times > CROP_SIZE or stride < 4:  # small strides: thousands of places, nothing new
        return
    options = OcclusionOptions(patch=stride * times, stride=stride)
    count = np.zeros((CROP_SIZE, CROP_SIZE), int)
    for row, column in options.places:
        count[max(row, 0) : row + options.patch, max(column, 0) : column + options.patch] += 1
    assert (count == times**2).all()


def test_copies_differ_in_their_patch_only() -> None:
    crop = noise(6)
    for (row, column), copy in zip(COARSE.places, occluded(crop, COARSE), strict=True):
        outside = np.ones((CROP_SIZE, CROP_SIZE), bool)
        outside[max(row, 0) : row + 32, max(column, 0) : column + 32] = False
        assert (copy.pixels[outside] == crop.pixels[outside]).all()
        assert (copy.pixels != crop.pixels).any()


def test_the_filling_keeps_light_and_has_no_detail() -> None:
    crop = noise(7)
    filling = neutral(crop).astype(float)
    assert filling.mean() == pytest.approx(crop.pixels.mean(), abs=2)
    assert filling.std() < crop.pixels.std() / 10
    flat = Crop(np.full((CROP_SIZE, CROP_SIZE, 3), 90, np.uint8))
    assert (neutral(flat) == 90).all()


@pytest.mark.parametrize(
    ("patch", "stride"), [(24, 7), (0, 1), (8, 16), (24, 0), (120, 8), (24, -8), (20, 10)]
)  # 20/10: 112 is no multiple of 10
def test_options_that_do_not_fit_are_refused(patch: int, stride: int) -> None:
    with pytest.raises(OptionError, match="stride must divide patch"):
        OcclusionOptions(patch=patch, stride=stride)


def test_two_models_are_not_compared() -> None:
    crop = noise(8)
    (whole,), (other,) = PatchEmbedder(0, 0, side=2).embed([crop]), ConstantEmbedder().embed([crop])
    with pytest.raises(ModelMismatchError):
        importance(whole, [whole] * len(COARSE.places), other, COARSE)
