"""Folder -> the picture files in it, one after the other; what cannot be listed is said, not stumbled over."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from twinlens.errors import ImageError
from twinlens.image import PICTURE_SUFFIXES


@dataclass(frozen=True, slots=True)
class Found:
    """A picture file.

    Attributes:
        name: its path from the folder walked, with ``/``; bytes that are no UTF-8 as `os.fsdecode` has them.
        size: bytes.
        mtime_ns: time of its last change, nanoseconds since 1970.
    """

    name: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Closed:
    """A folder or file that cannot be listed: nothing is known of what is in it.

    Attributes:
        name: as in `Found`.
        reason: what the system says.
    """

    name: str
    reason: str


def walk(root: Path) -> Iterator[Found | Closed]:
    """Yield the pictures of a folder and of the folders in it, folder by folder, by name within each.

    Hidden files and folders are left out. Links are followed; a folder that can be reached twice is walked once, and a
    link that leads nowhere or to itself is left out. Memory: the entries of the folder that is being listed.

    Raises:
        ImageError: the folder itself is not there or cannot be listed.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [""]
    while waiting:
        name = waiting.pop()
        try:
            entries = _entries(root / name, seen)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            if not name:
                msg = f"{root}: wanted a folder of pictures, but it cannot be listed: {reason}; check the path"
                raise ImageError(msg) from error
            yield Closed(name, reason)
            continue
        prefix = f"{name}/" if name else ""
        folders: list[str] = []
        for entry in entries:
            yield from _looked_at(entry, prefix, folders)
        waiting += reversed(folders)


def _entries(folder: Path, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """List a folder by name; nothing where it was listed before."""
    info = folder.stat()
    if (info.st_dev, info.st_ino) in seen:
        return []
    with os.scandir(folder) as entries:
        visible = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
    seen.add((info.st_dev, info.st_ino))
    return visible


def _looked_at(entry: os.DirEntry[str], prefix: str, folders: list[str]) -> Iterator[Found | Closed]:
    """Yield a picture, note a folder, pass over anything else."""
    name = prefix + entry.name
    try:
        if entry.is_dir():
            folders.append(name)
            return
        if PurePath(entry.name).suffix.lower() not in PICTURE_SUFFIXES:
            return
        info = entry.stat()
    except OSError as error:
        if not _leads_nowhere(entry):
            yield Closed(name, error.strerror or type(error).__name__)
        return
    if stat.S_ISREG(info.st_mode):
        yield Found(name, info.st_size, info.st_mtime_ns)


def _leads_nowhere(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is gone, or a link to nothing or to itself."""
    try:
        Path(entry.path).stat()
    except PermissionError:
        return False
    except OSError:
        return entry.is_symlink() or not os.path.lexists(entry.path)
    return False
