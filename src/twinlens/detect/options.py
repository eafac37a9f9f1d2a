"""What a detector is asked for: how sure, how small, at which scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from twinlens.errors import OptionError

Scales = Literal["single", "multi", "tiny"]
SCALES: tuple[Scales, ...] = ("single", "multi", "tiny")
LEAST_FACE = 14.0  # pixels; smaller ones are found by enlarging the picture


@dataclass(frozen=True, slots=True)
class DetectOptions:
    """How faces are looked for.

    Attributes:
        min_score: confidence from which on a face is reported, 0 to 1; each detector has its own scale.
        min_face_px: the smallest face that must be found, in pixels of the picture, at least 14. It sets the
            finest scale of ``multi``; smaller faces may be found too. A picture beyond ``max_megapixels``
            raises it.
        scales: ``single``: the picture once, its longer side at most 1600 pixels. ``multi``: a fine and,
            where the picture is large, a coarse scale. ``tiny``: a pyramid of overlapping tiles that enlarges
            the picture twice, for crowds.
        overlap: two boxes that share more than this part of their union are one face, 0 to 1.
        max_megapixels: the most that the network is shown at one scale: bounds the time for one picture.
    """

    min_score: float = 0.6
    min_face_px: float = 20.0
    scales: Scales = "multi"
    overlap: float = 0.45
    max_megapixels: float = 16.0

    def __post_init__(self) -> None:
        for name in ("min_score", "overlap"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                msg = f"{name} must lie between 0 and 1, got {getattr(self, name)}"
                raise OptionError(msg)
        if not self.min_face_px >= LEAST_FACE:
            msg = f"min_face_px must be {LEAST_FACE:g} or more, got {self.min_face_px}; for smaller use scales='tiny'"
            raise OptionError(msg)
        if self.scales not in SCALES:
            msg = f"unknown scales {self.scales!r}; known: {', '.join(SCALES)}"
            raise OptionError(msg)
        if not self.max_megapixels >= 0.25:
            msg = f"max_megapixels must be 0.25 or more, got {self.max_megapixels}"
            raise OptionError(msg)
