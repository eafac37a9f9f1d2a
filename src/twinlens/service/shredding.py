"""Files -> nothing: overwritten with zeros, then removed."""

from __future__ import annotations

import os
from pathlib import Path

_CHUNK = 1 << 20


def files_of(folder: Path, start: str) -> list[Path]:
    """Return the files in a folder whose names begin so, and those in such folders, by name."""
    found = [path for path in folder.glob(f"{start}*") if not path.is_dir()]
    for below in (path for path in folder.glob(f"{start}*") if path.is_dir()):
        found += [path for path in below.rglob("*") if path.is_file()]
    return sorted(found)


def shred(path: Path) -> None:
    """Overwrite a file with zeros, then remove it; a disk that remaps blocks may keep old ones all the same.

    Raises:
        OSError: it cannot be written or removed.
    """
    with path.open("r+b") as file:
        left = path.stat().st_size
        while left > 0:
            left -= file.write(bytes(min(left, _CHUNK)))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
