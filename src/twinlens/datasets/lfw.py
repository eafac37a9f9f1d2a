"""LFW's folders and lists -> its development view and its ten folds.

Source: Huang, Ramesh, Berg, Learned-Miller 2007, "Labeled Faces in the Wild", and its README: View 1
(development) is for choosing a model, View 2 (ten folds) for reporting one. *Restricted* uses the listed
pairs alone, *unrestricted* also the names. The two views overlap: a model trained on View 1 is not scored on
View 2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from twinlens.datasets.lfw_files import PhotoFolder, find_photos, read_pairs, read_people
from twinlens.datasets.records import Counts, Dataset, Photo, Split
from twinlens.errors import DatasetError

TERMS = "Research use; credit the makers (Huang et al. 2007; for LFW-a also Wolf, Hassner, Taigman 2011)."
OUTSIDE_DATA = "LFW-a is aligned with a commercial aligner: label-free outside data by LFW's own rules"
VIEW2_FOLDS = 10

DEVELOPMENT = MappingProxyType({"train": Counts(2132, 3443, 1100, 1100), "test": Counts(963, 1549, 500, 500)})
DEVELOPMENT_PEOPLE = MappingProxyType({"train": Counts(4038, 9525), "test": Counts(1711, 3708)})
VIEW2_SHA256 = "ea42330c62c92989f9d7c03237ed5d591365e89b3e649747777b70e692dc1592"  # of pairs.txt as published


def load_development(root: Path) -> Dataset:
    """Load View 1, restricted: 2,200 training and 1,000 test pairs.

    Raises:
        DatasetError: a file is absent or malformed; a photo is absent.
    """
    photos = find_photos(root)
    splits = {
        "train": Split.of_pairs("train", read_pairs(root / "pairsDevTrain.txt", photos)[0]),
        "test": Split.of_pairs("test", read_pairs(root / "pairsDevTest.txt", photos)[0]),
    }
    return _dataset("lfw-dev", photos, root, splits=splits, expected=DEVELOPMENT)


def load_development_unrestricted(root: Path) -> Dataset:
    """Load View 1, unrestricted: the same pairs, and in ``train`` every photo of its people.

    People of the list whose photos are absent are counted in the notes.

    Raises:
        DatasetError: as `load_development`; or a person's folder holds another number of photos than listed.
    """
    restricted = load_development(root)
    photos = find_photos(root)
    splits, notes = dict(restricted.splits), []
    for name, file in (("train", "peopleDevTrain.txt"), ("test", "peopleDevTest.txt")):
        listed = read_people(root / file)[0]
        present, note = _photos_of(listed, photos, root / file)
        splits[name] = Split(name, present, restricted.split(name).pairs)
        notes += note
    return _dataset("lfw-dev-unrestricted", photos, root, splits=splits, notes=tuple(notes))


def load_view2(root: Path) -> Dataset:
    """Load View 2, restricted: ten folds of 300 same and 300 different pairs.

    Raises:
        DatasetError: as `load_development`; or the number of folds is not ten.
    """
    photos = find_photos(root)
    file = root / "pairs.txt"
    # The owners ask for their lists as they are; any other list must be clean.
    folds = read_pairs(file, photos, repeats=file.is_file() and _sha256(file) == VIEW2_SHA256)
    if len(folds) != VIEW2_FOLDS:
        msg = f"{file}:1: wanted {VIEW2_FOLDS} folds, got {len(folds)}"
        raise DatasetError(msg)
    parts = tuple(Split.of_pairs(f"{number:02d}", pairs) for number, pairs in enumerate(folds, start=1))
    return _dataset("lfw-view2", photos, root, folds=parts)


def load_view2_unrestricted(root: Path) -> Dataset:
    """Load View 2, unrestricted: the same pairs, and in each fold every photo of its people.

    Raises:
        DatasetError: as `load_view2` and `load_development_unrestricted`.
    """
    restricted = load_view2(root)
    photos = find_photos(root)
    file = root / "people.txt"
    lists = read_people(file)
    if len(lists) != VIEW2_FOLDS:
        msg = f"{file}:1: wanted {VIEW2_FOLDS} folds, got {len(lists)}"
        raise DatasetError(msg)
    folds, notes = [], []
    for fold, listed in zip(restricted.folds, lists, strict=True):
        present, note = _photos_of(listed, photos, file)
        folds.append(Split(fold.name, present, fold.pairs))
        notes += note
    return _dataset("lfw-view2-unrestricted", photos, root, folds=tuple(folds), notes=tuple(notes))


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _photos_of(listed: Mapping[str, int], folder: PhotoFolder, file: Path) -> tuple[tuple[Photo, ...], list[str]]:
    photos: list[Photo] = []
    absent = 0
    for name, number in listed.items():
        present = folder.of(name)
        absent += not present
        if present and len(present) != number:
            msg = f"{file} lists {number} photos of {name}, {folder.folder} holds {len(present)}"
            raise DatasetError(msg)
        photos += present
    return tuple(photos), [f"{file.name}: {absent} of {len(listed)} people have no photo here"] if absent else []


def _dataset(
    name: str,
    photos: PhotoFolder,
    root: Path,
    *,
    splits: Mapping[str, Split] = MappingProxyType({}),
    folds: tuple[Split, ...] = (),
    expected: Mapping[str, Counts] = MappingProxyType({}),
    notes: tuple[str, ...] = (),
) -> Dataset:
    aligned = photos.folder.name == "lfw2"
    return Dataset(name, root, splits, folds, TERMS, expected, OUTSIDE_DATA if aligned else "", notes)
