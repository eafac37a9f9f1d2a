"""Sightings, look by look -> stretches: one face followed from look to look without a doubt.

Two passes as in ByteTrack (Zhang et al. 2022, section 3): sure sightings are matched first, and only they begin a
stretch; unsure ones, a face half covered or turned away, may continue one. The place is foretold from the last moves.
Where the picture inside the box changes at once, a stretch ends although its box goes on: a cut of the film, or two
people who pass each other. Whether the next stretch shows the same person is for their embeddings to say (`joining`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from twinlens.recognizer import Sighting
from twinlens.types import Crop
from twinlens.video.association import paired
from twinlens.video.options import VideoOptions
from twinlens.video.samples import Sample, Samples
from twinlens.video.trail import Trail

NEAR, FAR = 0.3, 0.5  # how far boxes are widened in the first and the second pass (Yang et al. 2023, section 4.2)
SAME_PICTURE = 0.6  # correlation of small aligned faces; 95 % of LFW's pairs of strangers lie below 0.62
SMOOTHING = 0.5  # weight of the last move against those before
THUMB_SIDE = 16
_MIDDLE = np.s_[16:108, 16:96]  # the face within the crop, without hair and background


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What was seen in one frame.

    Attributes:
        frame: index.
        time_s: from the start.
        sightings: the faces.
        thumbs: a small picture of each.
    """

    frame: int
    time_s: float
    sightings: Sequence[Sighting]
    thumbs: Sequence[Float32[np.ndarray, " pixels"]]


def thumb(crop: Crop) -> Float32[np.ndarray, " pixels"]:
    """Return a small grey picture of a face, freed of brightness and contrast: the dot product is a correlation."""
    import cv2  # noqa: PLC0415 - 0.1 s, only where it runs

    grey = cv2.cvtColor(np.ascontiguousarray(crop.pixels[_MIDDLE]), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (THUMB_SIDE, THUMB_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    small -= small.mean()
    return np.asarray(small / max(float(np.linalg.norm(small)), 1e-6), np.float32)


class Stretch:
    """One face followed without a doubt.

    Attributes:
        number: its own.
        trail: where it was.
        samples: its best sightings.
        follows: number of the stretch in whose place this one goes on after a sudden change; None otherwise.
    """

    def __init__(self, number: int, samples: int, before: Stretch | None = None) -> None:
        self.number = number
        self.trail = Trail()
        self.samples = Samples(samples)
        self.follows = None if before is None else before.number
        self._box = np.zeros(4, np.float32)
        self._speed = np.zeros(4, np.float32)  # pixels in a second, of each edge
        self._thumb = np.zeros(THUMB_SIDE**2, np.float32)
        if before is not None:
            self._speed = before.speed

    def add(self, look: Look, number: int) -> None:
        """Append the look's sighting of this number."""
        sighting = look.sightings[number]
        box = sighting.face.box.xyxy
        likeness = 1.0
        if len(self.trail):
            likeness = self.likeness(look.thumbs[number])
            speed = (box - self._box) / np.float32(max(look.time_s - self.trail.end_s, 1e-3))
            self._speed = np.float32(1 - SMOOTHING) * self._speed + np.float32(SMOOTHING) * speed
        self.trail.add(look.frame, look.time_s, sighting.face, likeness)
        self.samples.offer(Sample(look.frame, look.time_s, sighting))
        self._box, self._thumb = box, look.thumbs[number]

    @property
    def speed(self) -> Float32[np.ndarray, "4"]:
        """How each edge of its box moves, pixels in a second."""
        return self._speed

    def expected(self, time_s: float) -> Float32[np.ndarray, "4"]:
        """Return where its box should be: moved on as a whole, its size kept."""
        move = (self._speed[:2] + self._speed[2:]) / 2 * np.float32(time_s - self.trail.end_s)
        return np.asarray(self._box + np.concatenate([move, move]), np.float32)

    def likeness(self, picture: Float32[np.ndarray, " pixels"]) -> float:
        """Return how much a small picture is like the last one, -1 to 1."""
        return float(self._thumb @ picture)


class Tracker:
    """Follows faces from look to look."""

    def __init__(self, options: VideoOptions) -> None:
        self._options = options
        self._active: list[Stretch] = []
        self._begun = 0

    def update(self, look: Look) -> list[Stretch]:
        """Take in one look; return the stretches that ended."""
        ended = [s for s in self._active if look.time_s - s.trail.end_s > self._options.lost_s]
        self._active = [s for s in self._active if look.time_s - s.trail.end_s <= self._options.lost_s]
        sure = [i for i, sighting in enumerate(look.sightings) if sighting.face.score >= self._options.sure]
        pairs = self._match(look, range(len(self._active)), sure, NEAR)
        taken, matched = {i for i, _ in pairs}, {j for _, j in pairs}
        rest = [i for i in range(len(self._active)) if i not in taken]
        left = [j for j in range(len(look.sightings)) if j not in matched]
        pairs += self._match(look, rest, left, FAR)
        matched = {j for _, j in pairs}
        for i, j in pairs:
            stretch = self._active[i]
            if stretch.likeness(look.thumbs[j]) < SAME_PICTURE:
                ended.append(stretch)
                self._active[i] = stretch = self._begin(before=stretch)
            stretch.add(look, j)
        for j in sure:
            if j not in matched:
                self._active.append(self._begin())
                self._active[-1].add(look, j)
        return ended

    def finish(self) -> list[Stretch]:
        """Return the stretches that were going on."""
        ended, self._active = self._active, []
        return ended

    def _begin(self, before: Stretch | None = None) -> Stretch:
        self._begun += 1
        return Stretch(self._begun, self._options.samples, before)

    def _match(
        self, look: Look, active: Sequence[int], sightings: Sequence[int], buffer: float
    ) -> list[tuple[int, int]]:
        """Return pairs (number among the active stretches, number among the sightings)."""
        if not active or not sightings:
            return []
        expected = np.stack([self._active[i].expected(look.time_s) for i in active])
        found = np.stack([look.sightings[j].face.box.xyxy for j in sightings])
        return [(active[i], sightings[j]) for i, j in paired(expected, found, buffer)]
