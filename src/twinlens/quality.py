"""Image, Face -> Quality: is this face fit for enrolment, and if not, what can a person do about it?

Nothing is learned here: each measure is a plain figure with a limit, calibrated on press photos that are fine (LFW)
and on copies made worse on purpose; docs/images.md holds the table, benchmarks/quality.py makes it.

Sources: sharpness, Crete, Dolmiere, Ladret and Nicolas 2007, "The blur effect"; the choice of measures, ISO/IEC
29794-5. Turning is read off five landmarks: good enough to tell a portrait from a profile, not to give an angle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from twinlens.errors import OptionError
from twinlens.types import Face, Image, Quality

SIDE = 112  # pixels of the upright cut-out; smaller for a face that has fewer, so that sharpness means its own pixels
LEAST_SIDE = 24
_EYES, _MOUTH = 56.0 + 51.6j, 56.0 + 92.3j  # places in the cut-out: x + yj, of a frontal face cropped for a network
_EYES_TO_MOUTH = 40.7  # pixels in the cut-out; this distance does not shrink when a head turns to the side
_EYE_HALF = (10, 5)  # pixels in the cut-out: half an eye's width and height, with the lashes, without the brow
_CHEEK_HALF, _CHEEK_BELOW = (6, 5), 24  # the cheek under an eye
_NOSE_REACH = 0.4  # how far the nose tip stands out, in eye-to-mouth distances; fitted to profiles of CFP
_NOSE_LEVEL = 0.535  # how far down the nose tip is on the way from eyes to mouth; median of LFW
_EYE_SPAN = 1.01  # distance of the eyes of a frontal face, in eye-to-mouth distances; median of LFW and CFP


@dataclass(frozen=True, slots=True)
class QualityOptions:
    """The limits of an acceptable face; a value at its limit scores 0.5.

    Attributes:
        min_width: of the detector's box, pixels.
        max_blur: 0 (every pixel differs from the next) to 1 (flat).
        min_brightness: grey level that the brightest twentieth of the face reaches, 0 to 255.
        max_glare: share of the face that is white, 0 to 1.
        min_contrast: grey levels between the darkest and the brightest twentieth.
        max_yaw_deg: how far the head may be turned to a side, roughly.
        max_pitch_deg: how far up or down, roughly.
        min_margin: from the landmark nearest to the picture's edge, in eye-to-mouth distances.
        min_eye_light: brightness of the eye region's brightest tenth over that of the cheeks.
        min_eye_contrast: standard deviation of grey levels around the eyes over the brightness of the cheeks.
        min_confidence: of the detector, 0 to 1; the default belongs to YuNet.
    """

    min_width: float = 30.0
    max_blur: float = 0.63
    min_brightness: float = 45.0
    max_glare: float = 0.2
    min_contrast: float = 30.0
    max_yaw_deg: float = 52.0
    max_pitch_deg: float = 25.0
    min_margin: float = 0.15
    min_eye_light: float = 0.47
    min_eye_contrast: float = 0.08
    min_confidence: float = 0.75

    def __post_init__(self) -> None:
        for criterion in CRITERIA:
            if not math.isfinite(getattr(self, criterion.option)):
                msg = f"{criterion.option} must be a finite number, got {getattr(self, criterion.option)}"
                raise OptionError(msg)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One measure: its name, its limit among the options, and what is said where it is passed.

    Attributes:
        measure: the key in `Quality.measures`.
        option: the field of `QualityOptions`.
        worst: a value that scores 0.
        best: a value from which on the score is 1.
        reason: filled with ``value`` and ``limit``.
    """

    measure: str
    option: str
    worst: float
    best: float
    reason: str

    def score(self, value: float, limit: float) -> float:
        """Return 0 at ``worst``, 0.5 at the limit, 1 at ``best``, straight lines between them."""
        better = 1.0 if self.best > self.worst else -1.0
        ahead = better * (value - limit)
        if ahead >= 0:
            room = better * (self.best - limit)
            return 0.5 + 0.5 * (ahead / room if ahead < room else 1.0)
        room = better * (limit - self.worst)
        return 0.5 - 0.5 * (-ahead / room if -ahead < room else 1.0)


CRITERIA: tuple[Criterion, ...] = (
    Criterion("width", "min_width", 10, 100, "too small: {value:.0f} pixels wide, {limit:.0f} are needed"),
    Criterion("blur", "max_blur", 0.9, 0.35, "blurred: {value:.2f}, at most {limit:.2f} is accepted"),
    Criterion("brightness", "min_brightness", 20, 130, "too dark: its light parts reach {value:.0f} of 255"),
    Criterion("glare", "max_glare", 0.6, 0.02, "too bright: {value:.0%} of it is white"),
    Criterion("contrast", "min_contrast", 10, 100, "low contrast: {value:.0f} grey levels, {limit:.0f} are needed"),
    Criterion("yaw_deg", "max_yaw_deg", 90, 15, "turned away: about {value:.0f} degrees to the side"),
    Criterion("pitch_deg", "max_pitch_deg", 60, 8, "turned up or down: by about {value:.0f} degrees"),
    Criterion("margin", "min_margin", -0.3, 0.45, "cut off: it touches the edge of the picture"),
    Criterion("eye_light", "min_eye_light", 0.1, 0.8, "eyes covered or in shadow: dark glasses, or the shade of a hat"),
    Criterion("eye_contrast", "min_eye_contrast", 0.03, 0.2, "eyes covered: nothing like eyes where they should be"),
    Criterion("confidence", "min_confidence", 0.5, 0.92, "uncertain: the detector is only {value:.0%} sure of a face"),
)


def assess(image: Image, face: Face, options: QualityOptions | None = None) -> Quality:
    """Judge one face.

    The score is the worst of the criteria, so ``acceptable`` holds where it is at least 0.5.

    Args:
        image: the picture.
        face: a face found in it.
        options: the limits.
    """
    options = options or QualityOptions()
    measures = _measures(image, face)
    scores, reasons = [], []
    for criterion in CRITERIA:
        value, limit = measures[criterion.measure], float(getattr(options, criterion.option))
        scores.append(criterion.score(value, limit))
        if scores[-1] < 0.5:
            reasons.append(criterion.reason.format(value=value, limit=limit))
    return Quality(min(scores), tuple(reasons), measures)


def _measures(image: Image, face: Face) -> dict[str, float]:
    points = face.landmarks.astype(np.float64) @ (1, 1j)
    down = complex(points[3] + points[4] - points[0] - points[1]) / 2
    if abs(down) < 1.0:  # landmarks on one point: nothing to go by
        down = 1j
    grey, turn, shift = _cut_out(image.pixels, points, down)
    return {
        "width": min(face.box.width, face.box.height),
        "blur": _blur(grey),
        **_light(grey),
        **_turning(points, down),
        "margin": _margin(face.landmarks, image) / abs(down),
        **_eyes(grey, points * turn + shift),
        "confidence": float(face.score),
    }


def _cut_out(
    pixels: UInt8[np.ndarray, "height width 3"], points: np.ndarray, down: complex
) -> tuple[UInt8[np.ndarray, "side side"], complex, complex]:
    """Return the upright face in grey, and the turn and shift that bring a point of the picture into it.

    Sampled without averaging: what counts is whether there are fine details, not how they look.
    """
    import cv2  # noqa: PLC0415 - 0.1 s, only where it runs

    side = max(LEAST_SIDE, min(SIDE, round(SIDE * abs(down) / _EYES_TO_MOUTH)))
    scale = side / SIDE
    turn = complex(scale * (_MOUTH - _EYES) / down)
    shift = complex(scale * _EYES - turn * (points[0] + points[1]) / 2)
    matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
    face = cv2.warpAffine(pixels, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), np.uint8), turn, shift


def _middle(grey: UInt8[np.ndarray, "side side"]) -> UInt8[np.ndarray, "rows columns"]:
    """Return brows to chin, cheek to cheek: skin, whatever the hair and the background."""
    side = len(grey)
    return grey[side // 5 : side * 19 // 20, side * 3 // 20 : side * 17 // 20]


def _blur(grey: UInt8[np.ndarray, "side side"]) -> float:
    """Return how little of the change between neighbours is lost by blurring once more (Crete et al., section 3)."""
    import cv2  # noqa: PLC0415 - as above

    sharp = np.ascontiguousarray(_middle(grey), np.float32)
    blurs = []
    for window, first, second in (
        ((9, 1), np.s_[:, 1:], np.s_[:, :-1]),
        ((1, 9), np.s_[1:], np.s_[:-1]),
    ):
        blurred = cv2.blur(sharp, window)
        change = cv2.absdiff(sharp[first], sharp[second])
        left = cv2.absdiff(blurred[first], blurred[second])
        total = cv2.sumElems(change)[0]
        lost = cv2.sumElems(np.maximum(change - left, 0.0))[0]
        blurs.append(1.0 - lost / total if total > 0 else 1.0)
    return float(max(blurs))


def _light(grey: UInt8[np.ndarray, "side side"]) -> dict[str, float]:
    counts = np.bincount(_middle(grey).ravel(), minlength=256)
    shares = np.cumsum(counts) / counts.sum()
    low, high = np.searchsorted(shares, (0.05, 0.95))
    return {"brightness": float(high), "glare": float(1.0 - shares[249]), "contrast": float(high - low)}


def _turning(points: np.ndarray, down: complex) -> dict[str, float]:
    """Read yaw and pitch off the nose tip, which stands out of the plane of eyes and mouth."""
    eyes = (points[0] + points[1]) / 2
    nose = complex((points[2] - eyes) / down)  # real: down the face, imaginary: to its side
    span = complex((points[1] - points[0]) / down).imag
    yaw = math.atan2(abs(nose.imag) / _NOSE_REACH, abs(span) / _EYE_SPAN)
    pitch = math.atan((nose.real - _NOSE_LEVEL) / _NOSE_REACH)
    return {"yaw_deg": math.degrees(yaw), "pitch_deg": abs(math.degrees(pitch))}


def _margin(landmarks: Float32[np.ndarray, "5 2"], image: Image) -> float:
    """Return the distance of the landmark nearest to the picture's edge, pixels; negative outside."""
    left, top = landmarks.min(0)
    right, bottom = landmarks.max(0)
    return float(min(left, top, image.width - right, image.height - bottom))


def _eyes(grey: UInt8[np.ndarray, "side side"], points: np.ndarray) -> dict[str, float]:
    """Compare the eyes with the cheeks below: dark glasses are darker throughout, a cloth has no structure."""
    import cv2  # noqa: PLC0415 - as above

    scale = len(grey) / SIDE
    below = 1j * _CHEEK_BELOW * scale
    eyes = [_patch(grey, point, _EYE_HALF, scale) for point in points[:2]]
    cheeks = [cv2.mean(_patch(grey, point + below, _CHEEK_HALF, scale))[0] + 1.0 for point in points[:2]]
    spread = sum(float(cv2.meanStdDev(eye)[1][0, 0]) for eye in eyes)
    both = np.concatenate([eye.ravel() for eye in eyes])
    light = int(0.9 * (len(both) - 1))
    return {
        "eye_light": float(np.partition(both, light)[light]) / max(cheeks),
        "eye_contrast": spread / sum(cheeks),
    }


def _patch(
    grey: UInt8[np.ndarray, "side side"], centre: complex, half: tuple[int, int], scale: float
) -> UInt8[np.ndarray, "rows columns"]:
    import cv2  # noqa: PLC0415 - as above

    size = (2 * max(1, round(half[0] * scale)) + 1, 2 * max(1, round(half[1] * scale)) + 1)
    return np.asarray(cv2.getRectSubPix(grey, size, (centre.real, centre.imag)), np.uint8)
