"""Erased vectors, files -> the files in which something of them is left.

Every file is read byte by byte. A vector is cut into slices of 32 bytes (eight numbers): whatever 63 consecutive
bytes of it remain anywhere, at any offset, contain one of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from twinlens.gallery.descriptors import opened_blocks, plain_blocks

_SLICE = 32
_TELLING = 3  # different numbers a slice must have: zeros alone do not point at anybody


def slices_of(vectors: Float32[np.ndarray, "templates dim"]) -> set[bytes]:
    """Return what to look for: the slices of each vector, or the whole vector where no slice tells anything."""
    wanted: set[bytes] = set()
    for vector in np.ascontiguousarray(vectors, "<f4"):
        whole = vector.tobytes()
        pieces = [whole[at : at + _SLICE] for at in range(0, len(whole) - _SLICE + 1, _SLICE)]
        telling = [piece for piece in pieces if np.unique(np.frombuffer(piece, "<u4")).size >= _TELLING]
        wanted.update(telling or [whole])
    return wanted


class Seeker:
    """Finds any of many byte strings in files, about a second a gigabyte.

    Args:
        pieces: at least 16 bytes each.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._by_head: dict[bytes, list[bytes]] = {}
        for piece in pieces:
            self._by_head.setdefault(piece[:4], []).append(piece)
        heads = np.frombuffer(b"".join(self._by_head), "<u2").reshape(-1, 2)
        self._first = np.zeros(1 << 16, bool)
        self._first[heads[:, 0]] = True
        self._second = np.zeros(1 << 16, bool)
        self._second[heads[:, 1]] = True
        self._longest = max((len(p) for many in self._by_head.values() for p in many), default=0)

    def _in_block(self, block: bytes) -> set[bytes]:
        found: set[bytes] = set()
        for phase in (0, 1):
            words = np.frombuffer(block, "<u2", (len(block) - phase) // 2, phase)
            near = np.flatnonzero(self._first[words[:-1]])
            for word in near[self._second[words[near + 1]]].tolist():
                at = phase + 2 * word
                pieces = self._by_head.get(block[at : at + 4], ())
                found.update(piece for piece in pieces if block.startswith(piece, at))
        return found

    def found_in(self, blocks: Iterable[bytes]) -> set[bytes]:
        """Return which of the byte strings a file holds, given as consecutive blocks."""
        found: set[bytes] = set()
        kept = b""
        for read in blocks:
            block = kept + read
            found |= self._in_block(block)
            kept = block[-(self._longest - 1) :]
        return found


def find_remains(
    paths: Collection[Path], pieces: Iterable[bytes], *, opened: Collection[Path] = ()
) -> dict[Path, set[bytes]]:
    """Return, for each file in which any of the byte strings occurs, which ones.

    A file that is gone holds nothing; one that cannot be read may hold anything, and is listed without any.

    Args:
        paths: files to read.
        pieces: what to look for.
        opened: those of the files that SQLite has open.
    """
    seeker = Seeker(pieces)
    remains: dict[Path, set[bytes]] = {}
    for path in paths:
        try:
            found = seeker.found_in(opened_blocks(path) if path in opened else plain_blocks(path))
        except FileNotFoundError:
            continue
        except OSError:
            remains[path] = set()
            continue
        if found:
            remains[path] = found
    return remains
