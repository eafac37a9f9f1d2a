"""What a video is answered with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from twinlens.errors import TwinlensError
from twinlens.recognizer import Identification, Portrait
from twinlens.score import Bar
from twinlens.types import Face, Match
from twinlens.video.trail import Trail


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which a face was in view.

    Attributes:
        start_s: of the first frame it was seen in.
        end_s: of the last one.
    """

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One person followed through a video, and who it is.

    Attributes:
        number: from 1, in order of appearance.
        trails: where the face was, each time it was in view, in order of time.
        identification: the decision on all of it; its portrait is the best sample, with the embedding of all samples.
        best_s: when the best sample was seen.
    """

    number: int
    trails: tuple[Trail, ...]
    identification: Identification
    best_s: float

    @property
    def start_s(self) -> float:
        """When it was first seen."""
        return self.trails[0].start_s

    @property
    def end_s(self) -> float:
        """When it was last seen."""
        return self.trails[-1].end_s

    @property
    def spans(self) -> tuple[Span, ...]:
        """The times in which it was in view."""
        return tuple(Span(trail.start_s, trail.end_s) for trail in self.trails)

    @property
    def looks(self) -> int:
        """In how many of the frames that were looked at it was found."""
        return sum(map(len, self.trails))

    @property
    def subject(self) -> str | None:
        """The name, or None for *unknown*."""
        return self.identification.subject

    @property
    def match(self) -> Match | None:
        """The enrolled subject; None for *unknown*."""
        return self.identification.match

    @property
    def candidates(self) -> tuple[Match, ...]:
        """The most alike subjects, best first."""
        return self.identification.candidates

    @property
    def bar(self) -> Bar:
        """The threshold used, and what it stands for."""
        return self.identification.bar

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the answer is unknown, or should be taken with care."""
        return self.identification.reasons

    @property
    def portrait(self) -> Portrait:
        """The best sample, with the embedding of all samples."""
        return self.identification.portrait

    def face_at(self, frame: int) -> Face | None:
        """Return where the face is in a frame, between two looks on a straight line; None where it is not in view.

        Args:
            frame: index.
        """
        return next((face for trail in self.trails if (face := trail.face_at(frame)) is not None), None)


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """A video and the people in it.

    Attributes:
        source: where it came from.
        tracks: the people, in order of appearance.
        looks: frames that were looked at.
        end_s: time of the last of them.
        left_out: faces seen too briefly to be a track.
        error: what is wrong with a video of which a part could be read; None for a sound one.
    """

    source: str
    tracks: tuple[Track, ...]
    looks: int
    end_s: float
    left_out: int = 0
    error: TwinlensError | None = None

    @property
    def subjects(self) -> tuple[str, ...]:
        """Who is in it, each once, in order of appearance."""
        return tuple(dict.fromkeys(track.subject for track in self.tracks if track.subject is not None))


def together(tracks: Sequence[Sequence[Trail]]) -> list[set[int]]:
    """Return for each track the numbers of the others that are in view at the same time."""
    events = sorted(
        (trail.first_frame, trail.last_frame, number) for number, trails in enumerate(tracks) for trail in trails
    )
    found: list[set[int]] = [set() for _ in tracks]
    running: list[tuple[int, int]] = []  # last frame, number
    for first, last, number in events:
        running = [(end, other) for end, other in running if end >= first]
        for _, other in running:
            if other != number:
                found[number].add(other)
                found[other].add(number)
        running.append((last, number))
    return found
