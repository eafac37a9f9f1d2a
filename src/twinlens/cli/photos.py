"""What a person names on the command line -> photo files, videos."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from twinlens.errors import ImageError, OptionError


def expand(names: Iterable[str]) -> list[str]:
    """Return files as they are, and the pictures below each folder, in order.

    Raises:
        ImageError: a folder without pictures.
    """
    from twinlens.image import list_pictures

    found: list[str] = []
    for name in names:
        _check_named(name)
        if not Path(name).is_dir():
            found.append(name)
            continue
        pictures = list_pictures(Path(name))
        if not pictures:
            msg = f"{name}: no pictures in this folder"
            raise ImageError(msg)
        found += map(str, pictures)
    return found


def expand_media(names: Iterable[str]) -> list[str]:
    """Return files as they are, and the pictures and videos below each folder, in order.

    Raises:
        ImageError: a folder without either.
    """
    from twinlens.video import list_media

    found: list[str] = []
    for name in names:
        _check_named(name)
        listed = [str(path) for path in list_media(Path(name))] if Path(name).is_dir() else [name]
        if not listed:
            msg = f"{name}: no pictures and no videos in this folder"
            raise ImageError(msg)
        found += listed
    return found


def _check_named(name: str) -> None:
    if not name:
        msg = "an empty name: give a photo or a folder (an unset variable?)"
        raise OptionError(msg)


def people_of(folder: Path) -> list[tuple[str, str]]:
    """Return (subject, photo) pairs from a folder with one folder a person.

    Raises:
        ImageError: no such folder, or no folder with pictures in it.
    """
    from twinlens.image import list_pictures

    if not folder.is_dir():
        msg = f"{folder}: wanted NAME PHOTO..., or a folder with one folder a person"
        raise ImageError(msg)
    people = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    pairs = [(person.name, str(photo)) for person in people for photo in list_pictures(person)]
    if not pairs:
        msg = f"{folder}: wanted one folder a person with pictures in it, found none"
        raise ImageError(msg)
    return pairs
