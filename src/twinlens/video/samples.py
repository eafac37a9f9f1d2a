"""Sightings of one face -> a few of the best, spread over its time.

Time is divided into stretches, of which each keeps its best sighting; when there are too many stretches, neighbours
join and are twice as long from there on. So memory stays bounded however long a face is seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from twinlens.recognizer import Sighting

FIRST_STRETCH_S = 0.2
SPARE = 2  # stretches held for each sample wanted: then there are never fewer samples than wanted in a long time


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A sighting that may be embedded."""

    frame: int
    time_s: float
    sighting: Sighting

    @property
    def worth(self) -> tuple[float, float]:
        """How fit it is for recognition: quality first, then the detector's confidence."""
        return self.sighting.quality.score, self.sighting.face.score


class Samples:
    """The best sightings so far.

    Args:
        wanted: how many are returned at the end, 1 or more.
    """

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._stretch_s = FIRST_STRETCH_S
        self._best: dict[int, Sample] = {}  # by number of the stretch, in order of time

    @property
    def held(self) -> int:
        """How many are kept, at most `SPARE` times as many as wanted."""
        return len(self._best)

    def offer(self, sample: Sample) -> None:
        """Keep a sighting if it is the best of its stretch; samples come in order of time."""
        self._keep(sample)
        while self.held > SPARE * self._wanted:
            self._stretch_s *= 2
            held, self._best = self._best, {}
            for kept in held.values():
                self._keep(kept)

    def _keep(self, sample: Sample) -> None:
        number = int(sample.time_s / self._stretch_s)
        rival = self._best.get(number)
        if rival is None or sample.worth > rival.worth:
            self._best[number] = sample

    def chosen(self) -> list[Sample]:
        """Return the wanted number of samples, or all if there are fewer, in order of time.

        Neighbouring stretches share a sample where there are too many: taking the best of all instead would leave out
        somebody of poorer quality who took the place of the first.
        """
        held = list(self._best.values())
        parts = min(self._wanted, len(held))
        cuts = [part * len(held) // parts for part in range(parts)] + [len(held)]
        return [max(held[start:end], key=lambda s: (s.worth, -s.frame)) for start, end in pairwise(cuts)]
