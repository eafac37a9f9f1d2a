"""Image, Face -> Crop: the similarity that brings five points to their canonical places.

Umeyama 1991 (IEEE TPAMI 13, equations 40-43); in the plane the least-squares similarity without reflection is
one complex division. Template points of ArcFace (Deng et al. 2019) as used by OpenCV's FaceRecognizerSF.
"""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
from jaxtyping import Float32, Float64

from twinlens.errors import OptionError
from twinlens.types import CROP_SIZE, Crop, Face, Image

CANONICAL_POINTS: Float32[np.ndarray, "5 2"] = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    np.float32,
)  # x, y in a 112x112 crop: eyes, nose tip, mouth corners, left to right
LARGEST_REDUCTION = 2.0  # beyond it bilinear sampling skips pixels, so the face is averaged down first


def similarity_matrix(
    points: Float32[np.ndarray, "5 2"], targets: Float32[np.ndarray, "5 2"] = CANONICAL_POINTS
) -> Float64[np.ndarray, "2 3"]:
    """Return the rotation, scale and shift that bring ``points`` nearest to ``targets`` (least squares).

    Raises:
        OptionError: all points are the same point.
    """
    source = points.astype(np.float64) @ (1, 1j)
    target = targets.astype(np.float64) @ (1, 1j)
    centred = source - source.mean()
    spread = float(np.vdot(centred, centred).real)
    if spread < 1e-9:
        msg = "cannot align a face whose five landmarks are one point"
        raise OptionError(msg)
    turn = np.vdot(centred, target - target.mean()) / spread
    shift = target.mean() - turn * source.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def align(image: Image, face: Face) -> Crop:
    """Cut out a face, upright and in the canonical place; outside the image is black.

    Raises:
        OptionError: the landmarks are one point.
    """
    matrix = similarity_matrix(face.landmarks)
    pixels = image.pixels
    reduction = 1.0 / float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if reduction > LARGEST_REDUCTION:
        pixels, matrix = _reduced(pixels, matrix, int(reduction))
    warp = partial(cv2.warpAffine, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return Crop(np.asarray(warp(pixels, matrix, (CROP_SIZE, CROP_SIZE)), np.uint8))


def _reduced(
    pixels: np.ndarray, matrix: Float64[np.ndarray, "2 3"], factor: int
) -> tuple[np.ndarray, Float64[np.ndarray, "2 3"]]:
    """Average ``factor`` x ``factor`` pixels around the face into one, and adapt the matrix."""
    back = cv2.invertAffineTransform(matrix)
    corners = np.array([[0, 0, 1], [CROP_SIZE, 0, 1], [0, CROP_SIZE, 1], [CROP_SIZE, CROP_SIZE, 1]]) @ back.T
    height, width = pixels.shape[:2]
    left, top = np.clip(np.floor(corners.min(0)) - factor, 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(0)) + factor, (left + 1, top + 1), (width, height)).astype(int)
    columns, rows = max((right - left) // factor, 1), max((bottom - top) // factor, 1)
    part = pixels[top : top + min(rows * factor, height - top), left : left + min(columns * factor, width - left)]
    small = cv2.resize(part, (int(columns), int(rows)), interpolation=cv2.INTER_AREA)
    # a pixel centre (x + 0.5) of the picture lies at ((x - left) + 0.5) / factor - 0.5 of the small one
    to_picture = np.array([[factor, 0, left + (factor - 1) / 2], [0, factor, top + (factor - 1) / 2], [0, 0, 1]])
    return small, matrix @ to_picture
