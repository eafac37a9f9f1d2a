"""A data set -> what is wrong with this copy: counts, files that are broken, people in two parts.

What makes a set unusable (a protocol file malformed, a photo absent) stops its loader; this is for what only shows
when everything is counted and decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from twinlens.datasets import fddb, wider
from twinlens.datasets.records import Counts, Dataset
from twinlens.errors import ImageError
from twinlens.image import load_image, made_up_pixels

Decode = Callable[[Path], int]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class BrokenPhoto:
    """A file that could not be decoded whole, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class ShortPhoto:
    """A file whose data end within its last block, and how many pixels its decoders make up; it is used as it is."""

    path: Path
    pixels: int


@dataclass(frozen=True, slots=True)
class Decoded:
    """What came of decoding files.

    Attributes:
        photos: how many files were looked at.
        broken: those that do not decode.
        short: those that decode although a few last pixels are missing.
    """

    photos: int
    broken: tuple[BrokenPhoto, ...]
    short: tuple[ShortPhoto, ...]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What counting found.

    Attributes:
        name: of the data set or protocol.
        counts: of each part, in words, in the protocol's order.
        problems: counts that differ from the published ones.
        shared_people: names of two splits -> how many people are in both (folds are compared as well).
        notes: what the loader noticed.
    """

    name: str
    counts: Mapping[str, str]
    problems: tuple[str, ...]
    shared_people: Mapping[tuple[str, str], int]
    notes: tuple[str, ...]


def decode_strictly(path: Path) -> int:
    """Decode a picture, refuse every truncated one, and return how many of its last pixels are not in the file.

    Raises:
        ImageError: it is none, or damaged.
    """
    load_image(path, strict=True)
    return made_up_pixels(path)


def decode_all(paths: Sequence[Path], *, decode: Decode = decode_strictly, progress: Progress | None = None) -> Decoded:
    """Decode every file; a broken one is reported, it does not stop the check.

    Args:
        paths: each once.
        decode: opens a photo; raises `ImageError` for a broken one.
        progress: called with (photos done, photos in all).
    """
    broken, short = [], []
    for done, path in enumerate(paths, start=1):
        try:
            if missing := decode(path):
                short.append(ShortPhoto(path, missing))
        except ImageError as error:
            broken.append(BrokenPhoto(path, str(error)))
        if progress is not None:
            progress(done, len(paths))
    return Decoded(len(paths), tuple(broken), tuple(short))


def count(dataset: Dataset) -> CheckReport:
    """Count the parts of a data set and hold them against what its owners publish."""
    problems = tuple(
        f"{part.name}: published are {in_words(wanted)}; this copy has {in_words(part.counts)}"
        for part in dataset.parts
        if (wanted := dataset.expected.get(part.name)) is not None and wanted != part.counts
    )
    counts = {part.name: in_words(part.counts) for part in dataset.parts}
    return CheckReport(dataset.name, counts, problems, _shared(dataset), dataset.notes)


def count_boxed(name: str, root: Path) -> tuple[CheckReport, list[Path]]:
    """Count WIDER FACE's validation photos or FDDB's, and return their files as well; FDDB may be here without photos.

    Args:
        name: ``wider`` or ``fddb``.
        root: its folder.

    Raises:
        DatasetError: a file is absent or malformed.
    """
    if name == "wider":
        shown = wider.read_wider(root)
        faces, wanted = sum(len(photo.boxes) for photo in shown), f"{wider.PHOTOS:,} photos"
        problem, paths = len(shown) != wider.PHOTOS, [photo.path for photo in shown]
        found = f"{len(shown):,} photos"
    else:
        drawn = fddb.load_fddb(root, photos=False)
        faces, wanted = sum(len(photo.faces) for photo in drawn), f"{fddb.PHOTOS:,} photos, {fddb.FACES:,} faces"
        paths = [photo.path for photo in drawn if photo.path.is_file()]
        found = f"{len(drawn):,} photos, {faces:,} faces"
        problem = found != wanted
    problems = [f"published are {wanted}; this copy has {found}"] if problem else []
    if name == "fddb" and len(paths) < len(drawn):
        problems.append(f"{len(drawn) - len(paths):,} of {len(drawn):,} listed photos are not here")
    return CheckReport(name, {"all": f"{len(paths):,} photos, {faces:,} faces"}, tuple(problems), {}, ()), paths


def in_words(counts: Counts) -> str:
    """Write counts for people."""
    words = f"{counts.people:,} people, {counts.photos:,} photos"
    if counts.same or counts.different:
        words += f", {counts.same:,} + {counts.different:,} pairs"
    return words


def photos_of(datasets: Iterable[Dataset]) -> list[Path]:
    """Return every file of several protocols once, in order."""
    return list(dict.fromkeys(photo.path for dataset in datasets for photo in dataset.photos))


def _shared(dataset: Dataset) -> dict[tuple[str, str], int]:
    people = [(part.name, part.people) for part in dataset.parts]
    return {
        (name, other): len(mine & theirs)
        for place, (name, mine) in enumerate(people)
        for other, theirs in people[place + 1 :]
        if mine & theirs
    }
