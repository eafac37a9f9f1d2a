"""A folder with one folder per person -> photos with names; AT&T and the Avengers are two of these."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from twinlens.datasets.records import Counts, Dataset, Photo, Split
from twinlens.errors import DatasetError, ImageError
from twinlens.image import list_pictures

ALL = "all"
ORL = Counts(people=40, photos=400)
AVENGERS = Counts(people=5, photos=273)


def load_folder(root: Path) -> Dataset:
    """Load ``root/PERSON/...`` as one split ``all``: every picture below a person's folder shows that person.

    Pictures are known by their suffix; hidden files and other files are left out; pictures that lie directly
    in the root belong to nobody and are counted in the notes, as are folders without a picture.

    Raises:
        DatasetError: no such folder, a folder that cannot be read, or no person with a picture.
    """
    try:
        found = list_pictures(root)
    except ImageError as error:
        raise DatasetError(str(error)) from error
    photos = tuple(Photo(path.relative_to(root).parts[0], path) for path in found if path.parent != root)
    people = {photo.subject for photo in photos}
    if not people:
        msg = f"wanted {root} to hold one folder per person with pictures in it (ANN/1.jpg), found none"
        raise DatasetError(msg)
    notes = []
    if nobody := len(found) - len(photos):
        notes.append(f"{nobody} pictures lie in no person's folder and are left out")
    folders = {path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")}
    if empty := sorted(folders - people):
        notes.append(f"{len(empty)} folders hold no picture: {', '.join(empty[:5])}")
    return Dataset(root.name or str(root), root, {ALL: Split(ALL, photos)}, notes=tuple(notes))


def load_orl(root: Path) -> Dataset:
    """Load the AT&T Database of Faces: 40 people, 10 photos each, in ``s1`` to ``s40``.

    Source: Samaria and Harter 1994, "Parameterisation of a stochastic model for human face identification".

    Raises:
        DatasetError: as `load_folder`.
    """
    return _known("orl", root, ORL, "Free to use; give credit to AT&T Laboratories Cambridge.")


def load_avengers(root: Path) -> Dataset:
    """Load the crops of five actors; a published split repeats photos in its parts and is not used.

    Raises:
        DatasetError: as `load_folder`.
    """
    return _known("avengers", root, AVENGERS, "Research use.")


def _known(name: str, root: Path, counts: Counts, terms: str) -> Dataset:
    found = load_folder(root)
    return Dataset(name, root, found.splits, terms=terms, expected=MappingProxyType({ALL: counts}), notes=found.notes)
