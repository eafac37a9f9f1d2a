"""A good photo -> the same photo made worse in one way, by a stated amount.

Sizes are in *crop pixels*, the unit a recogniser sees: a face brought to 112 x 112 has 40.7 of them between eyes and
mouth. Glasses, cloth and hand are drawn by the landmarks; a drawn hand is not a hand, and its row is to be read so.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from twinlens.types import Face

Rgb = NDArray[np.uint8]
EYES_TO_MOUTH = 40.7  # crop pixels
EYES_APART = 1 / 1.155  # of a frontal face, in eye-to-mouth distances


def _frame(face: Face) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the two eyes and how far apart the eyes of this head would be, seen from the front; pixels."""
    points = face.landmarks.astype(float)
    length = float(np.hypot(*((points[3] + points[4]) - (points[0] + points[1])) / 2))
    return points[0], points[1], max(length * EYES_APART, 4.0)


def crop_pixel(face: Face) -> float:
    """Return the length of a crop pixel in pixels of the picture."""
    return _frame(face)[2] / EYES_APART / EYES_TO_MOUTH


def blurred(pixels: Rgb, face: Face, sigma: float) -> Rgb:
    """Out of focus: a Gaussian of ``sigma`` crop pixels."""
    return cv2.GaussianBlur(pixels, (0, 0), sigma * crop_pixel(face)).astype(np.uint8)


def shrunk(pixels: Rgb, face: Face, width: float) -> Rgb:
    """Far away: the face's box is ``width`` pixels wide."""
    scale = width / min(face.box.width, face.box.height)
    return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)


def lit(pixels: Rgb, _: Face, gain: float) -> Rgb:
    """Under- or overexposed: all levels times ``gain``, cut at 255."""
    return np.clip(np.rint(pixels * gain), 0, 255).astype(np.uint8)


def flattened(pixels: Rgb, _: Face, gain: float) -> Rgb:
    """Fog: differences from mid-grey times ``gain``."""
    return np.rint((pixels.astype(float) - 128) * gain + 128).astype(np.uint8)


def cut_off(pixels: Rgb, face: Face, share: float, side: int) -> Rgb:
    """Out of the frame: ``share`` of the face's box is beyond the left, right, upper or lower edge (0 to 3)."""
    left, top, right, bottom = face.box.xyxy.tolist()
    wide, high = (right - left) * share, (bottom - top) * share
    parts = (
        pixels[:, max(0, int(left + wide)) :],
        pixels[:, : int(right - wide)],
        pixels[max(0, int(top + high)) :],
        pixels[: int(bottom - high)],
    )
    return np.ascontiguousarray(parts[side])


def dark_glasses(pixels: Rgb, face: Face, rng: np.random.Generator) -> Rgb:
    """Two dark lenses, oval or square, a bridge and temples; sometimes a highlight."""
    left, right, apart = _frame(face)
    along = (right - left) / max(float(np.hypot(*(right - left))), 1e-6)
    angle_deg = float(np.degrees(np.arctan2(along[1], along[0])))
    lens = (2 * apart * rng.uniform(0.36, 0.48), 2 * apart * rng.uniform(0.25, 0.35))
    oval = rng.random() < 0.5
    mask = np.zeros(pixels.shape[:2], np.float32)
    for eye in (left, right):
        if oval:
            cv2.ellipse(mask, (eye.tolist(), lens, angle_deg), 1, -1)
        else:
            cv2.fillPoly(mask, [cv2.boxPoints((eye.tolist(), lens, angle_deg)).astype(np.int32)], 1)
    reach = along * apart
    for start, end in ((left, right), (left, left - reach * 0.8), (right, right + reach * 0.8)):
        cv2.line(
            mask, np.rint(start).astype(int).tolist(), np.rint(end).astype(int).tolist(), 1, max(1, int(apart * 0.07))
        )
    colour = np.full(pixels.shape, rng.uniform(5, 55), np.float32)
    if rng.random() < 0.4:
        rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
        distance = np.hypot(columns - left[0] - rng.normal() * apart * 0.1, rows - left[1] + apart * 0.1)
        colour += (rng.uniform(10, 60) * np.exp(-((distance / (0.15 * apart)) ** 2)))[..., None]
    return _laid_over(pixels, colour, mask * rng.uniform(0.85, 1.0), apart)


def cloth(pixels: Rgb, face: Face, rng: np.random.Generator) -> Rgb:
    """A band over the eyes, of any brightness and some texture."""
    _, _, apart = _frame(face)
    mask = _band(pixels, face, (rng.uniform(2.0, 2.6), rng.uniform(0.55, 0.8)), 0.0)
    folds = rng.normal(0, rng.uniform(0, 25), (24, 24)).astype(np.float32)
    colour = cv2.resize(folds, pixels.shape[1::-1])[..., None] + np.full(pixels.shape, rng.uniform(0, 255), np.float32)
    return _laid_over(pixels, colour, mask, apart)


def hand(pixels: Rgb, face: Face, rng: np.random.Generator) -> Rgb:
    """A band of the cheek's skin with the dark lines of fingers."""
    left, right, apart = _frame(face)
    mask = _band(pixels, face, (rng.uniform(2.2, 2.8), rng.uniform(0.7, 1.0)), rng.uniform(-20, 20))
    cheek = (left + face.landmarks[3]) / 2
    skin = cv2.getRectSubPix(pixels, (max(4, int(apart / 4)),) * 2, cheek.tolist())
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    slope = np.radians(rng.uniform(-25, 25))
    across = (rows - (left + right)[1] / 2) * np.cos(slope) + (columns - (left + right)[0] / 2) * np.sin(slope)
    finger = apart / 3
    gap = np.exp(-((((across + rng.uniform(0, finger)) % finger - finger / 2) / (0.035 * apart + 0.7)) ** 2))
    colour = cv2.resize(skin, pixels.shape[1::-1]) * (1 - 0.45 * gap[..., None]) * rng.uniform(0.8, 1.1)
    return _laid_over(pixels, colour, mask, apart)


def _band(pixels: Rgb, face: Face, size: tuple[float, float], turn_deg: float) -> NDArray[np.float32]:
    left, right, apart = _frame(face)
    angle_deg = float(np.degrees(np.arctan2(*(right - left)[::-1]))) + turn_deg
    corners = cv2.boxPoints((((left + right) / 2).tolist(), (size[0] * apart, size[1] * apart), angle_deg))
    mask = np.zeros(pixels.shape[:2], np.float32)
    cv2.fillPoly(mask, [corners.astype(np.int32)], 1)
    return mask


def _laid_over(pixels: Rgb, colour: np.ndarray, mask: np.ndarray, apart: float) -> Rgb:
    soft = cv2.GaussianBlur(mask, (0, 0), max(0.5, 0.02 * apart))[..., None]
    return np.clip(pixels * (1 - soft) + colour * soft, 0, 255).astype(np.uint8)
