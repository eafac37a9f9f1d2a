"""Boxes, points and scores of one picture as arrays -> [Face]: what a detector's steps pass on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int

from twinlens.types import Box, Face


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Possible faces of one picture, in any order.

    Attributes:
        boxes: left, top, right, bottom in pixels of the picture.
        landmarks: five points in pixels of the picture, in the order of `twinlens.types.Face`.
        scores: 0 to 1.
    """

    boxes: Float32[np.ndarray, "n 4"]
    landmarks: Float32[np.ndarray, "n 5 2"]
    scores: Float32[np.ndarray, " n"]

    @classmethod
    def none(cls) -> Candidates:
        """Return an empty set."""
        return cls(np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32), np.empty((0,), np.float32))

    @classmethod
    def joined(cls, parts: Sequence[Candidates]) -> Candidates:
        """Return all candidates of several sets."""
        if not parts:
            return cls.none()
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.landmarks for part in parts]),
            np.concatenate([part.scores for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, index: Int[np.ndarray, " k"] | Bool[np.ndarray, " n"]) -> Candidates:
        """Return the chosen ones, in the order of ``index``."""
        return Candidates(self.boxes[index], self.landmarks[index], self.scores[index])

    def transformed(self, factor: Float32[np.ndarray, "2"], shift: Float32[np.ndarray, "2"]) -> Candidates:
        """Return them with every x and y multiplied by a factor, then shifted."""
        return Candidates(
            self.boxes * np.tile(factor, 2) + np.tile(shift, 2),
            self.landmarks * factor + shift,
            self.scores,
        )

    def faces(self) -> list[Face]:
        """Return them as faces, the most confident first; what is not finite or has no area is left out."""
        result = []
        for i in np.argsort(-self.scores, kind="stable"):
            box, landmarks = self.boxes[i], self.landmarks[i]
            sound = box[2] > box[0] and box[3] > box[1] and np.isfinite(box).all() and np.isfinite(landmarks).all()
            if sound:
                result.append(Face(Box(box), landmarks, min(max(float(self.scores[i]), 0.0), 1.0)))
        return result
