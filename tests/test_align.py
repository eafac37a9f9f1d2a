"""The five points come to their canonical places."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from twinlens.align import CANONICAL_POINTS, align, similarity_matrix
from twinlens.errors import OptionError
from twinlens.types import Box, Face, Image


def face_at(points: np.ndarray) -> Face:
    low, high = points.min(0) - 1, points.max(0) + 1
    return Face(Box(np.concatenate([low, high]).astype(np.float32)), points.astype(np.float32), 1.0)


def umeyama(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The published general form, by singular values (Umeyama 1991, equations 40 to 43), as an oracle."""
    mean_s, mean_t = source.mean(0), target.mean(0)
    s, t = source - mean_s, target - mean_t
    u, d, vt = np.linalg.svd(t.T @ s / len(s))
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ np.diag(sign) @ vt
    scale = (d * sign).sum() / s.var(0).sum()
    return np.column_stack([scale * rotation, mean_t - scale * rotation @ mean_s])


@given(st.integers(0, 10_000))
def test_equals_the_general_form(seed: int) -> None:
    generator = np.random.default_rng(seed)
    points = (CANONICAL_POINTS + generator.normal(scale=8, size=(5, 2))).astype(np.float32) * 3 + 50
    np.testing.assert_allclose(similarity_matrix(points), umeyama(points, CANONICAL_POINTS), atol=1e-3)


@settings(max_examples=50)
@given(st.floats(0.2, 5), st.floats(-3.1, 3.1), st.floats(-500, 500), st.floats(-500, 500))
def test_undoes_any_turn_scale_and_shift(scale: float, angle: float, right: float, down: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (CANONICAL_POINTS @ turn.T + (right, down)).astype(np.float32)
    matrix = similarity_matrix(points)
    np.testing.assert_allclose(points @ matrix[:, :2].T + matrix[:, 2], CANONICAL_POINTS, atol=0.01)


@pytest.mark.parametrize("copy", ["plain", "mirrored"])
def test_crop_equals_the_reference(astronaut: Image, golden: dict[str, Any], copy: str) -> None:
    """OpenCV 4 rounds sampling points to 1/32 pixel and OpenCV 5 does not: a few grey levels apart at edges."""
    pixels = astronaut.pixels if copy == "plain" else np.ascontiguousarray(astronaut.pixels[:, ::-1])
    points = np.array(golden[copy]["face"][4:14], np.float32).reshape(5, 2)
    crop = align(Image(pixels), face_at(points)).pixels[..., ::-1].astype(int)
    assert np.abs(crop[56] - np.array(golden[copy]["crop_row_56_bgr"])).max() <= 3
    np.testing.assert_allclose(crop.reshape(-1, 3).mean(0), golden[copy]["crop_mean_bgr"], atol=0.1)


def test_a_large_face_is_averaged_not_skipped() -> None:
    """Fine stripes become grey; sampling every n-th pixel would keep them black and white (deviation 127)."""
    stripes = np.zeros((1200, 1200, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = align(Image(stripes), face_at(CANONICAL_POINTS * 8 + 100)).pixels
    assert crop[20:90, 20:90].std() < 15
    assert abs(float(crop[20:90, 20:90].mean()) - 127.5) < 5


@pytest.mark.parametrize("scale", [2.5, 4.0, 7.9])
def test_averaging_does_not_shift(scale: float) -> None:
    y, x = np.mgrid[:1200, :1200].astype(np.float32)
    ramp = np.repeat(((x + 2 * y) / 3600 * 255)[..., None], 3, axis=2).astype(np.uint8)
    points = CANONICAL_POINTS * scale + 90
    crop = align(Image(ramp), face_at(points)).pixels.astype(np.float32)
    v, u = np.mgrid[:112, :112].astype(np.float32)
    expected = ((u * scale + 90) + 2 * (v * scale + 90)) / 3600 * 255
    assert np.abs(crop[..., 0] - expected)[4:-4, 4:-4].max() < 1.5


def test_a_face_at_the_border_is_filled_with_black(astronaut: Image) -> None:
    crop = align(astronaut, face_at(CANONICAL_POINTS - 40))
    assert crop.pixels[:20, :20].max() == 0


def test_one_point_is_no_face() -> None:
    with pytest.raises(OptionError, match="one point"):
        similarity_matrix(np.full((5, 2), 7.0, np.float32))
