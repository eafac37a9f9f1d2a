from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from twinlens.errors import RecipeError
from twinlens.lab import geometry
from twinlens.lab.augment import AUGMENTATIONS, SETS, KochAffine, build_augmenter
from twinlens.lab.light import adjusted, blurred, coloured, erased
from twinlens.lab.recipe import Part

NAMES = [*AUGMENTATIONS, *SETS]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int = 6, channels: int = 3, size: int = 32) -> torch.Tensor:
    """Smooth pictures, 0 to 1, that are neither symmetric nor grey."""
    noise = torch.rand((n, channels, 5, 5), generator=seeded(9))
    return torch.nn.functional.interpolate(noise, size=(size, size), mode="bicubic").clamp(0, 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_same_stream_gives_the_same_pictures(name: str, channels: int) -> None:
    augment = build_augmenter([Part(name)])
    assert augment is not None
    given = pictures(channels=channels)
    before = given.clone()
    first, second, other = augment(given, seeded(1)), augment(given, seeded(1)), augment(given, seeded(2))
    assert torch.equal(given, before)
    assert torch.equal(first, second)
    assert first.shape == given.shape
    assert float(first.min()) >= -1e-5
    assert float(first.max()) <= 1 + 1e-5
    if not (name == "jitter" and channels == 1):
        assert not torch.equal(first, other)


def matrix(angle: float, shear: tuple[float, float], scale: tuple[float, float]) -> np.ndarray:
    """Koch's map written out: place in the new picture -> place in the old one, from the centre."""
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    sheared = np.array([[1, -shear[0]], [-shear[1], 1]])
    return np.asarray(turn @ sheared @ np.diag([1 / scale[0], 1 / scale[1]]))


def test_a_warp_is_what_opencv_does() -> None:
    linear, moved = matrix(0.15, (0.2, -0.1), (1.1, 0.9)), (1.5, -0.75)
    given = pictures(1, 1, 41)
    size = 41
    maps = (
        geometry.rotation(torch.tensor([math.degrees(0.15)]))
        @ geometry.shear(torch.tensor([0.2]), torch.tensor([-0.1]))
        @ geometry.scaling(torch.tensor([1.1]), torch.tensor([0.9]))
        @ geometry.shift(torch.tensor([moved[0]]), torch.tensor([moved[1]]))
    )
    ours = geometry.warp(given, maps, "border")[0, 0].numpy()
    middle = np.full(2, (size - 1) / 2)
    inverse = np.c_[linear, middle - linear @ (middle + moved)]
    theirs = cv2.warpAffine(
        given[0, 0].numpy(), inverse, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    assert np.abs(ours - theirs)[2:-2, 2:-2].max() < 0.02  # OpenCV rounds places to 1/32 pixel


def test_koch_distorts_within_his_ranges() -> None:
    drawn = KochAffine(copies=0).maps(4000, 105, seeded())
    still = KochAffine(degrees=0.0, shear=0.0, scale=(1.0, 1.0), shift=0.0, copies=0)
    alone = [
        replace(still, degrees=10.0),
        replace(still, shear=0.3),
        replace(still, scale=(0.8, 1.2)),
        replace(still, shift=2.0),
    ]
    turn, shear, scale, shift = (part.maps(4000, 105, seeded(3)) for part in alone)
    angles = torch.rad2deg(torch.atan2(turn[:, 1, 0], turn[:, 0, 0]))
    assert 9 < float(angles.abs().max()) <= 10.001
    assert 0.29 < float(shear[:, 0, 1].abs().max()) <= 0.3001
    factors = 1 / scale[:, 0, 0]
    assert float(factors.min()) + 1e-6 >= 0.8
    assert float(factors.max()) <= 1.2 + 1e-6
    assert 1.9 < float(shift[:, 0, 2].abs().max()) <= 2.0
    for values in (angles, shear[:, 0, 1], factors - 1, shift[:, 0, 2], shift[:, 1, 2]):
        assert float((values.abs() > 1e-5).float().mean()) == pytest.approx(0.5, abs=0.04)  # four standard errors
    unmoved = (drawn - torch.eye(3)).abs().amax(dim=(1, 2)) < 1e-6
    assert float(unmoved.float().mean()) == pytest.approx(0.5**7, abs=0.006)
    nine = KochAffine(probability=1.0).maps(4000, 105, seeded())
    left_alone = ((nine - torch.eye(3)).abs().amax(dim=(1, 2)) < 1e-6).float().mean()
    assert float(left_alone) == pytest.approx(1 / 9, abs=0.02)


def test_joined_parts_do_what_they_do_one_after_the_other() -> None:
    given = pictures(4, 1, 64)
    parts = [Part("flip", {"probability": 1.0}), Part("affine", {"probability": 1.0, "degrees": 10.0})]
    joined = build_augmenter(parts)
    alone = [build_augmenter([part]) for part in parts]
    assert joined is not None
    assert alone[0] is not None
    assert alone[1] is not None
    generator = seeded(5)
    one_by_one = alone[1](alone[0](given, generator), generator)
    assert float((joined(given, seeded(5)) - one_by_one)[..., 8:-8, 8:-8].abs().max()) < 0.03


def test_a_flip_is_a_flip() -> None:
    flip = build_augmenter([Part("flip", {"probability": 1.0})])
    assert flip is not None
    assert torch.allclose(flip(pictures(), seeded()), pictures().flip(-1), atol=1e-5)


def test_light_is_contrast_then_brightness_then_gamma() -> None:
    given = pictures(3, 1)
    added, factor, exponent = (torch.tensor(values) for values in ((0.1, -0.1, 0.0), (0.8, 1.2, 1.0), (0.9, 1.3, 1.0)))
    lit = adjusted(given, added, factor, exponent)
    for at in range(3):
        mean = given[at].mean()
        wanted = ((given[at] - mean) * factor[at] + mean + added[at]).clamp(0, 1) ** exponent[at]
        assert torch.allclose(lit[at], wanted, atol=1e-6)
    assert torch.allclose(lit[2], given[2], atol=1e-6)


def test_a_blur_is_opencvs() -> None:
    given = pictures(4, 3)
    sigma = torch.tensor([1.0, 0.7, 1.5, 0.4])
    some = torch.tensor([True, True, False, True])
    ours = blurred(given, sigma, some)
    assert torch.equal(ours[2], given[2])
    for at in (0, 1, 3):
        image = given[at].numpy().transpose(1, 2, 0)
        theirs = cv2.GaussianBlur(image, (9, 9), float(sigma[at]), borderType=cv2.BORDER_REPLICATE)
        assert np.abs(ours[at].numpy().transpose(1, 2, 0) - theirs).max() < 2e-3


def test_colour_is_turned_and_grey_is_not() -> None:
    none = torch.zeros(6)
    assert torch.allclose(coloured(pictures(), none, none + 1), pictures(), atol=1e-4)
    flat = coloured(pictures(), none, none)
    assert float((flat[:, 0] - flat[:, 2]).abs().max()) < 1e-4
    assert torch.equal(coloured(pictures(channels=1), none + 0.1, none), pictures(channels=1))


def test_a_rectangle_is_covered_and_nothing_else() -> None:
    given = pictures(2, 1, 32)
    low, high = torch.tensor([[0.25, 0.5]] * 2), torch.tensor([[0.5, 1.0]] * 2)
    covered = erased(given, low, high, torch.tensor([True, False]))
    assert torch.equal(covered[1], given[1])
    changed = covered[0, 0] != given[0, 0]
    assert int(changed.sum()) <= 8 * 16
    assert not bool(changed[:8].any() | changed[16:].any() | changed[:, :16].any())
    assert torch.allclose(covered[0, 0, 8:16, 16:], given[0].mean().expand(8, 16))


def test_unknown_parts_are_refused() -> None:
    assert build_augmenter([]) is None
    with pytest.raises(RecipeError, match="did you mean 'flip'"):
        build_augmenter([Part("filp")])
    with pytest.raises(RecipeError, match="degres"):
        build_augmenter([Part("rotation", {"degres": 3.0})])
    with pytest.raises(RecipeError, match="takes no options"):
        build_augmenter([Part("faces", {"degrees": 3.0})])
    with pytest.raises(RecipeError, match="between 0 and 1"):
        build_augmenter([Part("flip", {"probability": 2.0})])
