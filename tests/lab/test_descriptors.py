"""Fixed descriptors inside a network: against OpenCV and loops."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from twinlens.errors import RecipeError
from twinlens.lab.networks import build_trunk
from twinlens.lab.networks.binary_patterns import BinaryPatterns, BinaryPatternsOptions
from twinlens.lab.networks.gradients import Gradients, GradientsOptions
from twinlens.lab.networks.local_phase import LocalPhase, LocalPhaseOptions
from twinlens.lab.networks.patches import spans
from twinlens.lab.networks.resampling import Resampled, grey
from twinlens.lab.recipe import Part


def picture(side: int, channels: int = 1, seed: int = 0) -> torch.Tensor:
    coarse = np.random.default_rng(seed).random((side // 4, side // 4, channels)).astype(np.float32)
    smooth = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC).reshape(side, side, channels)
    return torch.from_numpy(smooth.transpose(2, 0, 1)[None].copy()).clamp(0, 1)


@pytest.mark.parametrize("size", [20, 25, 40])
def test_resampling_is_opencvs_area(size: int) -> None:
    seen = picture(60)
    wanted = cv2.resize(seen[0, 0].numpy(), (size, size), interpolation=cv2.INTER_AREA)
    assert np.allclose(Resampled(60, 1.0, size)(seen)[0, 0].numpy(), wanted, atol=1e-5)


def test_resampling_takes_the_centre() -> None:
    seen = picture(60)
    assert torch.allclose(Resampled(60, 0.5, 30)(seen), seen[:, :, 15:45, 15:45], atol=1e-6)
    assert Resampled(60, 1.0, 60)(seen) is seen


def test_grey_is_opencvs() -> None:
    seen = picture(16, 3)
    wanted = cv2.cvtColor(seen[0].permute(1, 2, 0).numpy(), cv2.COLOR_RGB2GRAY)
    assert np.allclose(grey(seen)[0, 0].numpy(), wanted, atol=1e-6)


def test_patterns_are_those_of_a_loop() -> None:
    """Radius 1 has its diagonal neighbours between pixels; every step is done by hand."""
    options = BinaryPatternsOptions(sizes=(14,), radius=1, cell=4, blur=0.0)
    seen = picture(14)
    pixels = seen[0, 0].numpy()
    uniform = [code for code in range(256) if sum((code >> k & 1) != (code >> (k - 1) % 8 & 1) for k in range(8)) <= 2]
    counts = np.zeros((59, 3, 3))
    for row in range(12):
        for column in range(12):
            code = 0
            for k in range(8):
                x, y = column + 1 + np.cos(np.pi * k / 4), row + 1 + np.sin(np.pi * k / 4)
                x0, y0 = int(np.floor(x + 1e-9)), int(np.floor(y + 1e-9))
                fx, fy = max(x - x0, 0), max(y - y0, 0)
                x1, y1 = min(x0 + 1, 13), min(y0 + 1, 13)
                above = pixels[y0, x0] * (1 - fx) + pixels[y0, x1] * fx
                below = pixels[y1, x0] * (1 - fx) + pixels[y1, x1] * fx
                value = above * (1 - fy) + below * fy
                code |= int(value - pixels[row + 1, column + 1] >= -options.tolerance) << k
            counts[uniform.index(code) if code in uniform else 58, row // 4, column // 4] += 1
    found = BinaryPatterns(options, 1, 14)(seen)[0].numpy().reshape(59, 3, 3)
    assert np.allclose(found, np.sqrt(counts / 16), atol=1e-5)


def test_patterns_do_not_see_light() -> None:
    trunk = BinaryPatterns(BinaryPatternsOptions(sizes=(40,), tolerance=0.0), 1, 40)
    seen = picture(40).double().float()
    assert float((trunk(seen) - trunk(seen * 0.5 + 0.25)).abs().mean()) < 0.01


def test_gradients_vote_for_their_direction() -> None:
    """A ramp to the right votes for direction 0 alone, one downwards for a quarter turn."""
    options = GradientsOptions(sizes=(32,), cell=8, orientations=8)
    ramp = torch.arange(32.0)[None, None, None].expand(1, 1, 32, 32) / 32
    trunk = Gradients(options, 1, 32)
    across = trunk(ramp)[0].reshape(4, 8, 9)[:, :, 4]
    down = trunk(ramp.transpose(2, 3))[0].reshape(4, 8, 9)[:, :, 4]
    assert int(across.sum(0).argmax()) == 0
    assert int(down.sum(0).argmax()) == 2
    assert float(across[:, 1:].sum()) < 1e-3
    assert torch.allclose((trunk(ramp)[0].reshape(4 * 8, 9) ** 4).sum(0), torch.ones(9), atol=0.02)  # blocks: norm 1


@pytest.mark.parametrize("trunk", [BinaryPatterns, Gradients])
def test_they_say_how_many_numbers_they_give(trunk: type) -> None:
    options = BinaryPatternsOptions() if trunk is BinaryPatterns else GradientsOptions()
    built = trunk(options, 1, 120)
    with torch.no_grad():
        assert built(torch.rand(2, 1, 120, 120)).shape == (2, built.dim)


def test_what_leaves_nothing_to_count_is_refused() -> None:
    with pytest.raises(RecipeError, match="leaves no cell"):
        BinaryPatternsOptions(sizes=(12,))
    with pytest.raises(RecipeError, match="leaves no block"):
        GradientsOptions(sizes=(15,))


def phase_codes(pixels: np.ndarray, window: int) -> np.ndarray:
    """Return the codes of every place, by the Fourier sums of the paper written out."""
    reach = window // 2
    steps = np.arange(-reach, reach + 1)
    y, x = np.meshgrid(steps, steps, indexing="ij")
    waves = [np.exp(-2j * np.pi * (u * y + v * x) / window) for u, v in ((0, 1), (1, 0), (1, 1), (-1, 1))]
    flat = np.stack([wave.real.ravel() for wave in waves] + [wave.imag.ravel() for wave in waves])
    apart = np.hypot(*(axis.ravel()[:, None] - axis.ravel() for axis in (y, x)))
    spread = np.diag(1 + 1e-6 * np.arange(7, -1, -1))
    turn = np.linalg.svd(spread @ flat @ 0.9**apart @ flat.T @ spread)[2]
    turn *= np.sign(turn[np.arange(8), np.abs(turn).argmax(1)])[:, None]
    side = len(pixels) - window + 1
    codes = np.zeros((side, side), int)
    for row in range(side):
        for column in range(side):
            seen = pixels[row : row + window, column : column + window].ravel()
            bits = turn @ flat @ seen > 1e-3
            codes[row, column] = int(bits @ (2 ** np.arange(8)))
    return codes


def test_phase_is_that_of_the_sums_written_out() -> None:
    seen = picture(16)
    codes = phase_codes(seen[0, 0].numpy().astype(np.float64), 5)
    wanted = np.zeros((2, 2, 256))
    for row in range(12):
        for column in range(12):
            wanted[row // 6, column // 6, codes[row, column]] += 1
    found = LocalPhase(LocalPhaseOptions(windows=(5,), cells=(2,)), 1, 16)(seen)[0].numpy() ** 2 * 36
    assert np.abs(found.reshape(2, 2, 256) - wanted).sum() <= 4  # two places of 144, where a response is at the bound


def test_phase_hardly_sees_light_and_blur_but_the_face() -> None:
    trunk = LocalPhase(LocalPhaseOptions(windows=(9,), cells=(4,)), 1, 60)
    seen, other = picture(60), picture(60, seed=1)
    soft = torch.from_numpy(cv2.GaussianBlur(seen[0, 0].numpy(), (0, 0), 1.5))[None, None]
    first, light, blurred, stranger = (trunk(one)[0] for one in (seen, seen * 0.5 + 0.2, soft, other))
    assert float((first - light).abs().mean()) < 0.004
    assert float((first - blurred).norm()) < 0.6 * float((first - stranger).norm())


def test_phase_of_nothing_is_one_code_whatever_its_brightness() -> None:
    trunk = LocalPhase(LocalPhaseOptions(windows=(5, 9), cells=(2, 2)), 1, 20)
    for level in (0.0, 0.3, 0.7, 1.0):
        found = trunk(torch.full((3, 3, 20, 20), level)).reshape(3, 8, 256)
        assert torch.equal(found[..., 0], torch.ones(3, 8))


def test_phase_knows_what_it_cannot_do() -> None:
    with pytest.raises(RecipeError, match="as many cells"):
        LocalPhaseOptions(windows=(5,), cells=(2, 2))
    with pytest.raises(RecipeError, match="odd"):
        LocalPhaseOptions(windows=(4,), cells=(2,))
    with pytest.raises(RecipeError, match="under 2 pixels"):
        LocalPhase(LocalPhaseOptions(), 1, 24)


@pytest.mark.parametrize("cells", range(1, 14))
def test_patches_cover_a_side(cells: int) -> None:
    found = spans(cells)
    assert len(found) == (1 if cells < 4 else 2 if cells < 6 else 3)
    assert {at for start, end in found for at in range(start, end)} == set(range(cells))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("binary-patterns", {"sizes": [60]}),
        ("gradients", {"sizes": [60]}),
        ("local-phase", {"windows": [5], "cells": [6]}),
    ],
)
def test_a_part_is_a_place_of_the_face(name: str, options: dict[str, object]) -> None:
    """What changes in the corner to the lower right changes the last part, and not the other corners'."""
    trunk = build_trunk(Part(name, options), channels=1, size=60, generator=torch.Generator())
    seen, other = picture(60), picture(60)
    other[:, :, 50:, 50:] = picture(60, seed=1)[:, :, 50:, 50:]
    changed = (trunk(seen) - trunk(other))[0].abs()
    parts = trunk.parts()
    assert sorted(set(torch.cat(parts).tolist())) == list(range(trunk.breadth))
    moved = [float(changed[place].sum()) > 1e-3 for place in parts]
    side = round(len(parts) ** 0.5)
    assert moved[-1]
    assert not any(moved[at] for at in (0, side - 1, len(parts) - side))
