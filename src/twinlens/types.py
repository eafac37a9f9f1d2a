"""The nouns of Twinlens: what flows from a photo to a decision.

    Image -> [Face] -> Crop -> Embedding -> Decision   (1:1)
                                   `-> [Match]         (1:N)

All are frozen and checked when they are made. Arrays inside are made read-only, so that a value can be shared
between threads. Scores are similarities everywhere: higher is more alike, and ``>=`` decides.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from jaxtyping import Float32, UInt8
from numpy.typing import NDArray

from twinlens.errors import ModelMismatchError, OptionError

T = TypeVar("T", bound=np.generic)

CROP_SIZE = 112  # pixels; the canonical crop of ArcFace and SFace (Deng et al. 2019, section 3.1)
UNIT_TOLERANCE = 1e-3  # how far from length one a stored float32 vector may be


def _frozen(array: NDArray[T], name: str, shape: tuple[int | None, ...], dtype: type[T]) -> NDArray[T]:
    """Return a read-only view after checking shape (None = any length) and dtype.

    Raises:
        OptionError: wrong shape or dtype.
    """
    fits = array.ndim == len(shape) and all(
        want is None or have == want for have, want in zip(array.shape, shape, strict=True)
    )
    if not fits or array.dtype != dtype:
        wanted = "x".join("any" if n is None else str(n) for n in shape)
        came = "x".join(map(str, array.shape))
        msg = f"{name} must be {wanted} {np.dtype(dtype).name}, got {came} {array.dtype.name}"
        raise OptionError(msg)
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A picture: RGB, upright (EXIF orientation applied).

    Attributes:
        pixels: 0 to 255, red first.
        source: where it came from, for messages: a path, ``bytes``, ``array``.
    """

    pixels: UInt8[np.ndarray, "height width 3"] = field(repr=False)
    source: str = "array"

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", _frozen(self.pixels, "pixels", (None, None, 3), np.uint8))
        if 0 in self.pixels.shape:
            msg = f"{self.source}: a picture needs at least one pixel, got {self.width} x {self.height}"
            raise OptionError(msg)

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    def digest(self) -> str:
        """Hexadecimal sha256 of size and pixels: equal for the same picture in another file format."""
        head = f"{self.height}x{self.width}:".encode()
        return hashlib.sha256(head + np.ascontiguousarray(self.pixels).tobytes()).hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """A rectangle in pixels of its image: left, top, right, bottom; may reach outside the image."""

    xyxy: Float32[np.ndarray, "4"]

    def __post_init__(self) -> None:
        object.__setattr__(self, "xyxy", _frozen(self.xyxy, "xyxy", (4,), np.float32))
        left, top, right, bottom = self.xyxy.tolist()
        if not (math.isfinite(left + top + right + bottom) and right > left and bottom > top):
            msg = f"a box needs left < right and top < bottom, got {self.xyxy.tolist()}"
            raise OptionError(msg)

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return float(self.xyxy[2] - self.xyxy[0])

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return float(self.xyxy[3] - self.xyxy[1])

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face found in an image.

    Attributes:
        box: around forehead, chin and cheeks.
        landmarks: x, y of the eye on the left, the eye on the right, the nose tip, the mouth corner on the left and
            the one on the right, *as seen in the image*; pixels.
        score: the detector's confidence, 0 to 1; not comparable between detectors.
    """

    box: Box
    landmarks: Float32[np.ndarray, "5 2"] = field(repr=False)
    score: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "landmarks", _frozen(self.landmarks, "landmarks", (5, 2), np.float32))
        if not (np.isfinite(self.landmarks).all() and 0.0 <= self.score <= 1.0):
            msg = f"a face needs finite landmarks and a score from 0 to 1, got score {self.score}"
            raise OptionError(msg)


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A face aligned to the canonical five points: 112x112 RGB."""

    pixels: UInt8[np.ndarray, "112 112 3"] = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", _frozen(self.pixels, "pixels", (CROP_SIZE, CROP_SIZE, 3), np.uint8))


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """A face as a direction: a vector of length one, and the name of the model that made it."""

    vector: Float32[np.ndarray, " dim"] = field(repr=False)
    model: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "vector", _frozen(self.vector, "vector", (None,), np.float32))
        length = float(np.linalg.norm(self.vector))
        if not abs(length - 1.0) <= UNIT_TOLERANCE:  # also refuses NaN
            msg = f"an embedding must be finite and of length 1, got length {length:g} from model {self.model!r}"
            raise OptionError(msg)

    def similarity(self, other: Embedding) -> float:
        """Cosine of the angle to another embedding, -1 to 1.

        Raises:
            ModelMismatchError: the two come from different models.
        """
        if self.model != other.model or self.vector.shape != other.vector.shape:
            msg = (
                f"cannot compare an embedding of {self.model!r} ({self.vector.size}-d) with one of "
                f"{other.model!r} ({other.vector.size}-d): embed both photos with one model"
            )
            raise ModelMismatchError(msg)
        return float(np.clip(self.vector @ other.vector, -1.0, 1.0))


@dataclass(frozen=True, slots=True)
class Quality:
    """How fit a face is for enrolment.

    Attributes:
        score: 0 (useless) to 1 (a good portrait): the worst of the measures, each scaled to 0..1.
        reasons: what a person can do something about; empty for a good face.
        measures: the figures behind the reasons, by name, with units in the names where they have one.
    """

    score: float
    reasons: tuple[str, ...] = ()
    measures: dict[str, float] = field(default_factory=dict)

    @property
    def acceptable(self) -> bool:
        """True when nothing speaks against enrolling this face."""
        return not self.reasons


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """What enrolment stores of one subject."""

    subject: str
    embeddings: tuple[Embedding, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate from a gallery.

    Attributes:
        subject: the enrolled name.
        score: similarity, -1 to 1; the highest over the subject's templates.
        probability: that it is the same person, 0 to 1; None where the model's card holds no calibration.
        rank: 1 for the most alike.
    """

    subject: str
    score: float
    probability: float | None
    rank: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to "the same person?".

    Attributes:
        score: similarity, -1 to 1.
        probability: that it is the same person, 0 to 1; None where the model's card holds no calibration.
        threshold: similarity from which on the answer is yes.
        fmr: the false match rate that the threshold stands for, from the model's card; None if never measured.
        accepted: ``score >= threshold``.
    """

    score: float
    probability: float | None
    threshold: float
    fmr: float | None
    accepted: bool

    def __post_init__(self) -> None:
        if self.accepted != (self.score >= self.threshold):
            msg = f"accepted={self.accepted} contradicts score {self.score} and threshold {self.threshold}"
            raise OptionError(msg)
