"""Celebrities in Frontal-Profile -> ten folds frontal to frontal (FF) and frontal to profile (FP).

Source: Sengupta, Chen, Castillo, Patel, Chellappa, Jacobs 2016, "Frontal to Profile Face Verification in the
Wild". Ten frontal and four profile photos of each of 500 people; each fold holds 350 same and 350 different
pairs of its own 50 people. Baez's split for FF and FP together is folds 1 to 6, 7 and 8, 9 and 10.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from twinlens.datasets.lines import Line, read_lines
from twinlens.datasets.records import Counts, Dataset, Pair, Photo, Split, joined
from twinlens.errors import DatasetError

TERMS = "Research use; credit the makers (Sengupta et al. 2016)."
PROTOCOLS = ("FF", "FP")
FOLDS = 10
PAIRS_PER_FOLD = 350  # of each kind
PEOPLE_PER_FOLD = 50
PHOTOS_PER_FOLD = MappingProxyType(
    {
        "FF": (474, 482, 472, 481, 468, 474, 478, 480, 479, 476),
        "FP": (580, 590, 583, 594, 595, 596, 590, 594, 594, 585),
    }
)
ALL = Counts(people=500, photos=7000)
BAEZ = MappingProxyType(
    {
        "train": Counts(300, 4143, 4200, 4200),
        "validation": Counts(100, 1386, 1400, 1400),
        "test": Counts(100, 1376, 1400, 1400),
    }
)
INNER_FOLDER = "cfp-dataset"  # the archive's own top folder


def load_ff(root: Path) -> Dataset:
    """Load the ten folds of frontal pairs.

    Raises:
        DatasetError: naming file and line: a file absent or malformed, a photo absent, a pair of the wrong
        kind.
    """
    return _load(root, "FF")


def load_fp(root: Path) -> Dataset:
    """Load the ten folds of pairs of a frontal and a profile photo.

    Raises:
        DatasetError: as `load_ff`.
    """
    return _load(root, "FP")


def load_baez(root: Path) -> Dataset:
    """Load FF and FP together: 8,400 training, 2,800 validation and 2,800 test pairs of 300, 100 and 100 people.

    Raises:
        DatasetError: as `load_ff`.
    """
    both = [_load(root, protocol) for protocol in PROTOCOLS]
    plan = {"train": range(6), "validation": range(6, 8), "test": range(8, 10)}
    splits = {
        name: joined(name, [dataset.folds[fold] for fold in folds for dataset in both]) for name, folds in plan.items()
    }
    notes = tuple(note for dataset in both for note in dataset.notes)
    return Dataset("cfp-baez", root, splits, terms=TERMS, expected=BAEZ, notes=notes)


def load_photos(root: Path) -> Dataset:
    """Load all 7,000 photos as one split ``all``, without pairs.

    Raises:
        DatasetError: as `load_ff`.
    """
    top = _top(root)
    names = _names(top / "Data" / "list_name.txt")
    lists = [_photos(top / "Protocol" / f"Pair_list_{letter}.txt", names) for letter in ("F", "P")]
    photos = tuple(photo for listed in lists for photo in listed.values())
    return Dataset("cfp", root, {"all": Split("all", photos)}, terms=TERMS, expected=MappingProxyType({"all": ALL}))


def _top(root: Path) -> Path:
    return root / INNER_FOLDER if (root / INNER_FOLDER).is_dir() else root


def _load(root: Path, protocol: str) -> Dataset:
    top = _top(root)
    names = _names(top / "Data" / "list_name.txt")
    frontal = _photos(top / "Protocol" / "Pair_list_F.txt", names)
    others = frontal if protocol == "FF" else _photos(top / "Protocol" / "Pair_list_P.txt", names)
    folds = []
    for number in range(1, FOLDS + 1):
        folder = top / "Protocol" / "Split" / protocol / f"{number:02d}"
        same = _pairs(folder / "same.txt", frontal, others, same=True)
        different = _pairs(folder / "diff.txt", frontal, others, same=False)
        folds.append(Split.of_pairs(f"{number:02d}", (*same, *different)))
    expected = {
        f"{number:02d}": Counts(PEOPLE_PER_FOLD, photos, PAIRS_PER_FOLD, PAIRS_PER_FOLD)
        for number, photos in enumerate(PHOTOS_PER_FOLD[protocol], start=1)
    }
    listed = [frozenset((pair.first, pair.second)) for fold in folds for pair in fold.pairs]
    repeats = len(listed) - len(set(listed))
    notes = (f"{protocol} lists {repeats} pairs twice, as published; both count",) if repeats else ()
    name = f"cfp-{protocol.lower()}"
    return Dataset(name, root, {}, tuple(folds), TERMS, MappingProxyType(expected), notes=notes)


def _names(file: Path) -> dict[str, str]:
    """Read ``list_name.txt``: line i is the name of the person in folder i (001, 002, ...)."""
    lines = list(read_lines(file))
    people = {f"{number:03d}": line.text.strip() for number, line in enumerate(lines, start=1)}
    if len(set(people.values())) != len(people):
        msg = f"{file}: two people have one name; every line names another person"
        raise DatasetError(msg)
    return people


def _photos(file: Path, names: dict[str, str]) -> dict[int, Photo]:
    """Read ``number path`` lines; paths are relative to the list's folder, the person's folder is the third last."""
    photos: dict[int, Photo] = {}
    for line in read_lines(file):
        number, _, relative = line.text.partition(" ")
        index = line.integer(number, "a photo's number")
        path = file.parent.parent / Path(relative.strip().removeprefix("../"))
        folder = path.parent.parent.name
        if index in photos:
            line.wrong(f"the number {index} is listed twice")
        if folder not in names:
            line.wrong(f"the folder {folder!r} has no line in list_name.txt")
        if not path.is_file():
            line.wrong(f"wanted the photo {path}, which is not there")
        photos[index] = Photo(names[folder], path)
    return photos


def _pairs(file: Path, first: dict[int, Photo], second: dict[int, Photo], *, same: bool) -> list[Pair]:
    pairs = []
    for line in read_lines(file):
        numbers = line.text.split(",")
        if len(numbers) != 2:
            line.wrong(f"wanted two numbers separated by a comma, got {len(numbers)} fields")
        photos = [_listed(line, number, photos) for number, photos in zip(numbers, (first, second), strict=True)]
        if same != (photos[0].subject == photos[1].subject):
            line.wrong(f"wanted {'one person' if same else 'two people'} in {file.name}")
        if photos[0] == photos[1]:
            line.wrong("this pairs a photo with itself")
        pairs.append(Pair(photos[0], photos[1], same=same))
    if len(pairs) != PAIRS_PER_FOLD:
        msg = f"{file}: wanted {PAIRS_PER_FOLD} pairs, found {len(pairs)}"
        raise DatasetError(msg)
    return pairs


def _listed(line: Line, number: str, photos: dict[int, Photo]) -> Photo:
    index = line.integer(number.strip(), "a photo's number")
    if index not in photos:
        line.wrong(f"no photo has the number {index}")
    return photos[index]
