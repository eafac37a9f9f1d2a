"""Two small pictures that may be copies -> laid over each other, how far their fine details agree, -1 to 1.

Registration: Evangelidis and Psarakis 2008, "Parametric image alignment using enhanced correlation coefficient
maximization" (affine). What is compared afterwards is high-pass filtered: two photos of one person in one pose share
the coarse picture, only copies share the details. Details are clipped, so that one hard edge decides nothing.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from twinlens.evaluate.leakage.candidates import View
from twinlens.evaluate.leakage.prints import SIDE

COPY = 0.85
BLUR = 3.0  # pixels; coarser than that is taken away
CLIP = 1.5  # standard deviations
LEAST_OVERLAP = 0.75
STEPS = 30
TOLERANCE = 1e-4

Small = UInt8[np.ndarray, "64 64"]


def agreement(part: Small, whole: Small, view: View) -> float:
    """Return how far details of one picture agree with a view of another; 0 where one cannot be laid over the other.

    Args:
        part: a picture, mirrored if it should be.
        whole: the other one.
        view: where the part lies in it, roughly.
    """
    x, y = view.corner
    warp = np.array([[view.kept, 0, x], [0, view.kept, y]], np.float32)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, STEPS, TOLERANCE)
    try:
        _, found = cv2.findTransformECC(part, whole, warp, cv2.MOTION_AFFINE, stop, None, 3)  # type: ignore[call-overload]
    except cv2.error:  # it does not converge: not alike
        return 0.0
    back = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(whole, found, (SIDE, SIDE), flags=back)
    inside = cv2.warpAffine(np.full((SIDE, SIDE), 255, np.uint8), found, (SIDE, SIDE), flags=back) == 255
    if inside.mean() < LEAST_OVERLAP:
        return 0.0
    one, other = (_details(picture)[inside] for picture in (part, laid))
    one, other = (_clipped(values) for values in (one, other))
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size > 0 else 0.0


def _details(picture: Small) -> Float32[np.ndarray, "64 64"]:
    values = picture.astype(np.float32)
    return np.asarray(values - cv2.GaussianBlur(values, (0, 0), BLUR), np.float32)


def _clipped(values: Float32[np.ndarray, " pixels"]) -> Float32[np.ndarray, " pixels"]:
    values = values - values.mean()
    bound = CLIP * values.std()
    values = np.clip(values, -bound, bound)
    return np.asarray(values - values.mean(), np.float32)
