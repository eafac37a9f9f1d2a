"""Folder -> the picture files in it."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from twinlens.errors import ImageError

# Suffixes of the kinds that `load_image` reads; HEIC is named even where its reader is missing: better a message for
# each photo than photos left out in silence.
PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic", ".heif"}
)


def list_pictures(path: Path) -> list[Path]:
    """Return the picture files of a folder and of the folders in it, sorted by path; see `list_files`.

    Raises:
        ImageError: no such folder, or no permission to read it or one inside.
    """
    return list_files(path, PICTURE_SUFFIXES)


def list_files(path: Path, suffixes: Collection[str]) -> list[Path]:
    """Return the files with these suffixes in a folder and in the folders in it, sorted by path.

    Suffixes are in lower case and fit in any case. Hidden files and folders (a leading dot) are left out. Links are
    followed; a folder that can be reached twice is listed once.

    Raises:
        ImageError: no such folder, or no permission to read it or one inside.
    """
    path = Path(path)
    seen: set[tuple[int, int]] = set()
    found: list[Path] = []
    waiting = [path]
    while waiting:
        folder = waiting.pop()
        try:
            info = folder.stat()
            if (info.st_dev, info.st_ino) in seen:
                continue
            seen.add((info.st_dev, info.st_ino))
            with os.scandir(folder) as entries:
                visible = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
        except OSError as error:
            raise ImageError(_problem(folder, error)) from error
        found += [folder / e.name for e in visible if Path(e.name).suffix.lower() in suffixes and e.is_file()]
        # the last one is taken first: of two ways to one folder the alphabetically first is kept
        waiting += [folder / e.name for e in reversed(visible) if e.is_dir()]
    return sorted(found)


def _problem(folder: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{folder}: no such folder; check the spelling"
    if isinstance(error, NotADirectoryError):
        return f"{folder}: a file, wanted a folder of pictures"
    if isinstance(error, PermissionError):
        return f"{folder}: no permission to read this folder; change its access rights or leave it out"
    return f"{folder}: cannot be read: {error.strerror or type(error).__name__}"
