"""Boxes reported and faces found in each photo -> precision and recall of any group of photos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64


@dataclass(frozen=True, slots=True, eq=False)
class PhotoCounts:
    """What was reported in each photo, at one bar.

    Attributes:
        reported: boxes.
        right: boxes on a face.
        faces: faces there are.
        found: faces with a box on them.
    """

    reported: Int64[np.ndarray, " photos"]
    right: Int64[np.ndarray, " photos"]
    faces: Int64[np.ndarray, " photos"]
    found: Int64[np.ndarray, " photos"]

    @property
    def silent(self) -> int:
        """Photos with faces in which nothing was reported."""
        return int(np.count_nonzero((self.reported == 0) & (self.faces > 0)))

    def precision(self, weights: Int64[np.ndarray, " photos"] | None = None) -> float:
        """Return the share of boxes that are right, 0 to 1, all photos together; 1 where nothing was reported.

        Args:
            weights: how often each photo counts; None for once.
        """
        return self._share(self.right, self.reported, weights, nothing=1.0)

    def mean_precision(self, weights: Int64[np.ndarray, " photos"] | None = None) -> float:
        """Return the mean over photos with faces of the share of boxes that are right; a silent one counts 1."""
        weights = np.ones(len(self.faces), np.int64) if weights is None else weights
        shares = np.divide(self.right, self.reported, out=np.ones(len(self.reported)), where=self.reported > 0)
        counted = weights * (self.faces > 0)
        return float(counted @ shares / counted.sum()) if counted.any() else 1.0

    def recall(self, weights: Int64[np.ndarray, " photos"] | None = None) -> float:
        """Return the share of faces that have a box on them, 0 to 1, all photos together; 0 where there is none."""
        return self._share(self.found, self.faces, weights, nothing=0.0)

    def _share(
        self,
        part: Int64[np.ndarray, " photos"],
        whole: Int64[np.ndarray, " photos"],
        weights: Int64[np.ndarray, " photos"] | None,
        *,
        nothing: float,
    ) -> float:
        weights = np.ones(len(whole), np.int64) if weights is None else weights
        there = int(weights @ whole)
        return int(weights @ part) / there if there else nothing
