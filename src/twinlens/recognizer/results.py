"""What the recognizer answers with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from twinlens.errors import TwinlensError
from twinlens.score import Bar
from twinlens.types import Crop, Embedding, Face, Image, Match, Quality

Outcome = Literal[
    "done",
    "no face",
    "several faces",
    "poor quality",
    "already enrolled",
    "conflict",
    "unlike",
    "unreadable",
    "still unreadable",
    "removed",
    "moved",
    "unchanged",
]


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """One face of a photo with all that was made of it."""

    face: Face
    crop: Crop
    quality: Quality
    embedding: Embedding


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One face of a picture before it is embedded: what is cheap to know of it."""

    face: Face
    crop: Crop
    quality: Quality


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """A photo and its faces, the most confident first; or the reason why there are none.

    Attributes:
        source: where the photo came from.
        image: the picture; None where it could not be read.
        portraits: its faces, or the chosen ones.
        others: faces that were seen and not chosen.
        error: why the photo could not be read.
    """

    source: str
    image: Image | None
    portraits: tuple[Portrait, ...] = ()
    others: int = 0
    error: TwinlensError | None = None


@dataclass(frozen=True, slots=True)
class EnrolmentReport:
    """What became of one photo.

    Attributes:
        source: the photo.
        subject: the name asked for; of a photo in an album its own name, under which nothing is stored.
        outcome: ``done`` or why not.
        reasons: what a person can do about it.
        quality: 0 to 1, where a face was found.
        conflict: the subject whose face this is already, where the outcome is ``conflict``.
        score: similarity to that subject.
        faces: of a photo in an album: the subjects under which its faces were stored, ``PHOTO#1`` and so on.
    """

    source: str
    subject: str
    outcome: Outcome
    reasons: tuple[str, ...] = ()
    quality: float | None = None
    conflict: str | None = None
    score: float | None = None
    faces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Identification:
    """Who one face of a photo is.

    Attributes:
        portrait: the face.
        match: the enrolled subject; None for *unknown*.
        candidates: the most alike subjects, best first, whether or not they reach the threshold.
        bar: the threshold used, its FMR, and the FPIR expected in a gallery of this size.
        reasons: why the answer is unknown, or should be taken with care.
    """

    portrait: Portrait
    match: Match | None
    candidates: tuple[Match, ...]
    bar: Bar
    reasons: tuple[str, ...] = ()

    @property
    def subject(self) -> str | None:
        """The name, or None for *unknown*."""
        return self.match.subject if self.match else None


@dataclass(frozen=True, slots=True)
class Cluster:
    """Faces taken to be one person's.

    Attributes:
        members: names of the faces (in a gallery: its subjects), in alphabetical order.
        cohesion: mean similarity between members, -1 to 1; 1 for a single face.
    """

    members: tuple[str, ...]
    cohesion: float
