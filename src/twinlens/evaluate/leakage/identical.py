"""Files -> groups of identical bytes: sizes first, so that only files that can be equal are read (SHA-256)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

THREADS = 4


def identical_files(paths: Sequence[Path]) -> list[list[Path]]:
    """Return groups of two and more files of the same bytes; files that cannot be read are equal to none."""
    by_size: dict[int, list[Path]] = {}
    for path in paths:
        try:
            by_size.setdefault(path.stat().st_size, []).append(path)
        except (OSError, ValueError):
            continue
    doubtful = [path for size, group in by_size.items() if len(group) > 1 and size for path in group]
    with ThreadPoolExecutor(THREADS) as pool:
        digests = list(pool.map(_digest, doubtful))
    groups: dict[bytes, list[Path]] = {}
    for path, digest in zip(doubtful, digests, strict=True):
        if digest is not None:
            groups.setdefault(digest, []).append(path)
    return [group for group in groups.values() if len(group) > 1]


def _digest(path: Path) -> bytes | None:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError:
        return None
