"""A data set -> what is wrong with this copy: counts, files that are broken, people in two parts.

What makes a set unusable (a protocol file malformed, a photo absent) stops its loader; this is for what only shows
when everything is counted and decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from twinlens.datasets.records import Dataset
from twinlens.errors import ImageError
from twinlens.image import load_image

Decode = Callable[[Path], object]


@dataclass(frozen=True, slots=True)
class BrokenPhoto:
    """A file that could not be decoded whole, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was found.

    Attributes:
        name: of the data set.
        photos: how many files were looked at.
        broken: those that do not decode.
        problems: counts that differ from the published ones.
        shared_people: names of two splits -> how many people are in both (folds are compared as well).
        notes: what the loader noticed.
    """

    name: str
    photos: int
    broken: tuple[BrokenPhoto, ...]
    problems: tuple[str, ...]
    shared_people: dict[tuple[str, str], int]
    notes: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether every file decodes and every count fits."""
        return not self.broken and not self.problems


def decode_strictly(path: Path) -> object:
    """Decode a picture and refuse every truncated one.

    Raises:
        ImageError: it is none, or damaged.
    """
    return load_image(path, strict=True)


def check(
    dataset: Dataset, *, decode: Decode = decode_strictly, progress: Callable[[int, int], None] | None = None
) -> CheckReport:
    """Count and decode everything; a broken photo is reported, it does not stop the check.

    Args:
        dataset: what a loader returned.
        decode: opens a photo; raises `ImageError` for a broken one.
        progress: called with (photos done, photos in all).
    """
    broken = []
    photos = dataset.photos
    for done, photo in enumerate(photos, start=1):
        try:
            decode(photo.path)
        except ImageError as error:
            broken.append(BrokenPhoto(photo.path, str(error)))
        if progress is not None:
            progress(done, len(photos))
    problems = tuple(
        f"{part.name}: published are {wanted}, this copy has {part.counts}"
        for part in dataset.parts
        if (wanted := dataset.expected.get(part.name)) is not None and wanted != part.counts
    )
    return CheckReport(dataset.name, len(photos), tuple(broken), problems, _shared(dataset), notes=dataset.notes)


def _shared(dataset: Dataset) -> dict[tuple[str, str], int]:
    people = [(part.name, part.people) for part in dataset.parts]
    return {
        (name, other): len(mine & theirs)
        for place, (name, mine) in enumerate(people)
        for other, theirs in people[place + 1 :]
        if mine & theirs
    }
