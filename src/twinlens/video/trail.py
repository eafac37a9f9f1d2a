"""Where a face was, look by look -> where it is in any frame between.

A look takes 80 bytes: an hour of five faces at ten looks a second fits in 15 MB.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

import numpy as np
from jaxtyping import Float32

from twinlens.types import Box, Face

_ROW = 16  # box, landmarks, score, likeness


class Trail:
    """The sightings of one face, in order of time.

    Args:
        frames: index of each look's frame, rising.
        times: seconds.
        rows: 16 numbers for each look.
    """

    def __init__(
        self, frames: array[int] | None = None, times: array[float] | None = None, rows: array[float] | None = None
    ) -> None:
        self._frames: array[int] = array("q") if frames is None else frames
        self._times: array[float] = array("d") if times is None else times
        self._rows: array[float] = array("f") if rows is None else rows

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: int, time_s: float, face: Face, likeness: float = 1.0) -> None:
        """Append a sighting.

        Args:
            frame: index, higher than the last.
            time_s: from the start.
            face: where it is.
            likeness: how much it looks like the one before, -1 to 1.
        """
        self._frames.append(frame)
        self._times.append(time_s)
        self._rows.extend(face.box.xyxy.tolist())
        self._rows.extend(face.landmarks.ravel().tolist())
        self._rows.append(face.score)
        self._rows.append(likeness)

    @property
    def first_frame(self) -> int:
        """Index of the first frame."""
        return self._frames[0]

    @property
    def last_frame(self) -> int:
        """Index of the last frame."""
        return self._frames[-1]

    @property
    def start_s(self) -> float:
        """Time of the first frame."""
        return self._times[0]

    @property
    def end_s(self) -> float:
        """Time of the last frame."""
        return self._times[-1]

    def overlaps(self, other: Trail) -> bool:
        """Say whether both are in view in one frame; a frame without a look counts."""
        return self.first_frame <= other.last_frame and other.first_frame <= self.last_frame

    def face_at(self, frame: int) -> Face | None:
        """Return the face in a frame, on a straight line between two looks; None before the first and after the last.

        Args:
            frame: index.
        """
        if not len(self) or not self.first_frame <= frame <= self.last_frame:
            return None
        after = bisect_left(self._frames, frame)
        row = self._row(after)
        if self._frames[after] != frame:
            start, end = self._frames[after - 1], self._frames[after]
            share = np.float32((frame - start) / (end - start))
            row = self._row(after - 1) * (1 - share) + row * share
        return Face(Box(row[:4]), row[4:14].reshape(5, 2), min(max(float(row[14]), 0.0), 1.0))

    def least_alike(self, after: int, last: int) -> int:
        """Return the frame, among the looks after one frame and up to another, that is least like the look before it.

        Args:
            after: index of a frame with a look.
            last: index of a later one.
        """
        places = range(bisect_left(self._frames, after + 1), bisect_left(self._frames, last + 1))
        return self._frames[min(places, key=lambda place: self._rows[place * _ROW + _ROW - 1])]

    def cut(self, frame: int) -> tuple[Trail, Trail]:
        """Return what lies before a frame, and the rest."""
        place = bisect_left(self._frames, frame)
        row = place * _ROW
        before = Trail(self._frames[:place], self._times[:place], self._rows[:row])
        return before, Trail(self._frames[place:], self._times[place:], self._rows[row:])

    def followed_by(self, later: Trail) -> Trail:
        """Return both as one trail."""
        return Trail(self._frames + later._frames, self._times + later._times, self._rows + later._rows)

    def _row(self, place: int) -> Float32[np.ndarray, "16"]:
        return np.array(self._rows[place * _ROW : (place + 1) * _ROW], np.float32)
