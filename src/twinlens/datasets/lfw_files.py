"""LFW's photo folders and lists -> photos, pairs and people, read strictly.

Source: the README of LFW (Huang, Ramesh, Berg, Learned-Miller 2007): a photo is ``NAME_%04d.jpg``; pair
lists hold ``NAME i j`` or ``NAME i NAME j``, people lists ``NAME number``, fields separated by tabs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from twinlens.datasets.lines import Line, read_lines, refuse_repeats
from twinlens.datasets.records import Pair, Photo
from twinlens.errors import DatasetError

IMAGE_FOLDERS = ("lfw2", "lfw", "lfw_funneled", "lfw-deepfunneled", "")  # "" is the root itself


@dataclass(frozen=True, slots=True)
class PhotoFolder:
    """Where the photos are: ``NAME/NAME_0001.jpg`` below a folder, or ``NAME_0001.jpg`` in it.

    Attributes:
        folder: the folder.
        files: path of every photo by (name, number).
    """

    folder: Path
    files: Mapping[tuple[str, int], Path]

    def photo(self, line: Line, name: str, number: str) -> Photo:
        """Return the photo that a line speaks of.

        Raises:
            DatasetError: the number is not one, or the photo is absent.
        """
        index = line.integer(number, "a photo's number")
        path = self.files.get((name, index))
        if path is None:
            line.wrong(f"wanted the photo {name}_{index:04d}.jpg, which is not in {self.folder}")
        return Photo(name, path)

    def of(self, name: str) -> tuple[Photo, ...]:
        """Return a person's photos by number (1, 2, ... without a gap); empty for a stranger."""
        photos: list[Photo] = []
        while (path := self.files.get((name, len(photos) + 1))) is not None:
            photos.append(Photo(name, path))
        return tuple(photos)


def find_photos(root: Path) -> PhotoFolder:
    """Find the photos below a root, in either layout.

    Raises:
        DatasetError: no photo in any of the known places.
    """
    for name in IMAGE_FOLDERS:
        folder = root / name
        files = dict(_numbered(folder)) if folder.is_dir() else {}
        if files:
            return PhotoFolder(folder, MappingProxyType(files))
    places = ", ".join(name or "." for name in IMAGE_FOLDERS)
    msg = f"wanted photos (NAME/NAME_0001.jpg or NAME_0001.jpg) below {root} in one of: {places}; found none"
    raise DatasetError(msg)


def _numbered(folder: Path) -> Iterator[tuple[tuple[str, int], Path]]:
    for path in sorted((*folder.glob("*.jpg"), *folder.glob("*/*.jpg"))):
        name, _, number = path.stem.rpartition("_")
        if name and number.isdecimal() and path.parent.name in {name, folder.name}:
            yield (name, int(number)), path


def read_pair(line: Line, photos: PhotoFolder) -> Pair:
    """Read ``NAME i j`` (same person) or ``NAME i NAME j`` (different people), separated by tabs.

    Raises:
        DatasetError: another number of fields, an absent photo, a photo with itself, two people of one name.
    """
    fields = line.text.split("\t")
    match fields:
        case [name, first, second]:
            pair = Pair(photos.photo(line, name, first), photos.photo(line, name, second), same=True)
            if pair.first == pair.second:
                line.wrong("this pairs a photo with itself")
        case [name, first, other, second]:
            if name == other:
                line.wrong("four fields mean two different people, but both have one name")
            pair = Pair(photos.photo(line, name, first), photos.photo(line, other, second), same=False)
        case _:
            line.wrong(f"wanted 3 fields (name, i, j) or 4 (name, i, name, j) separated by tabs, got {len(fields)}")
    return pair


def read_pairs(file: Path, photos: PhotoFolder, *, repeats: bool = False) -> list[list[Pair]]:
    """Read a list of pairs -> one list a fold (a single one for the files of the development view).

    The first line is ``n`` or ``folds n``: in every fold, n pairs of the same person come first, then n of
    different people.

    Args:
        file: the list.
        photos: where the photos are.
        repeats: accept a pair that is listed twice.

    Raises:
        DatasetError: naming file and line: a header that does not fit, too few or too many lines, a pair of
            the wrong kind at its place, a pair listed twice, an absent photo.
    """
    lines = list(read_lines(file))
    if not lines:
        msg = f"{file}:1: wanted the number of pairs, but the file is empty"
        raise DatasetError(msg)
    header, body = lines[0], lines[1:]
    numbers = [header.integer(text, "the count in the first line") for text in header.text.split("\t")]
    if len(numbers) not in {1, 2} or min(numbers) < 1:
        header.wrong("wanted one number (pairs of each kind) or two (folds, pairs of each kind), at least 1")
    folds, each = (1, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])
    if len(body) != 2 * folds * each:
        header.wrong(f"this announces {2 * folds * each} pairs ({folds} x 2 x {each}), but {len(body)} lines follow")
    read = [(line, read_pair(line, photos)) for line in body]
    for place, (line, pair) in enumerate(read):
        if pair.same != (place // each % 2 == 0):
            kinds = ("different people", "the same person")
            line.wrong(f"wanted a pair of {kinds[not pair.same]} here, got one of {kinds[pair.same]}")
    if not repeats:
        refuse_repeats(read)
    pairs = [pair for _, pair in read]
    return [pairs[start : start + 2 * each] for start in range(0, len(pairs), 2 * each)]


def read_people(file: Path) -> list[dict[str, int]]:
    """Read a list of people -> for each fold, how many photos each person has.

    The development files hold a count and then ``NAME number`` lines; ``people.txt`` holds the number of
    folds and then that for each.

    Raises:
        DatasetError: naming file and line.
    """
    lines = list(read_lines(file))
    folds: list[dict[str, int]] = []
    if lines and len(lines) > 1 and "\t" not in lines[1].text:
        announced, rest = lines[0].integer(lines[0].text, "the number of folds"), lines[1:]
    else:
        announced, rest = 1, lines
    seen: dict[str, Line] = {}
    while rest:
        size = rest[0].integer(rest[0].text, "the number of people")
        if len(rest) - 1 < size:
            rest[0].wrong(f"this announces {size} people, but {len(rest) - 1} lines follow")
        people: dict[str, int] = {}
        for line in rest[1 : size + 1]:
            name, _, number = line.text.partition("\t")
            if name in seen:
                line.wrong(f"{name!r} is already on line {seen[name].number}")
            seen[name] = line
            people[name] = line.integer(number, "a number of photos")
        folds.append(people)
        rest = rest[size + 1 :]
    if len(folds) != announced:
        msg = f"{file}:1: wanted {announced} lists of people, found {len(folds)}"
        raise DatasetError(msg)
    return folds
