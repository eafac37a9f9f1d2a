"""A file that SQLite has open -> its bytes, without opening it a second time.

Closing *any* descriptor of a file drops *all* POSIX locks that the process has on it, SQLite's included: another
process then takes itself for the last user and deletes the write-ahead log under this one
(https://www.sqlite.org/howtocorrupt.html, section 2.2). So these files are read through SQLite's own descriptors.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_BLOCK = 1 << 22
_LISTS = (Path("/proc/self/fd"), Path("/dev/fd"))  # Linux, macOS and the BSDs
_GUESSES = 4_096  # descriptors to try where neither list exists


def _descriptors() -> list[int]:
    for place in _LISTS:
        try:
            return [int(name) for name in os.listdir(place)]  # noqa: PTH208 - names only
        except OSError:
            continue
    return list(range(_GUESSES))


def _same(descriptor: int, wanted: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), wanted)
    except OSError:  # closed meanwhile
        return False


def opened_blocks(path: Path, size: int = _BLOCK) -> Iterator[bytes]:
    """Yield the bytes of a file that this process has open.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: this process does not have it open (any more).
    """
    if os.name != "posix":  # closing a file does no harm here
        yield from plain_blocks(path, size)
        return
    wanted = path.stat()
    found = next((descriptor for descriptor in _descriptors() if _same(descriptor, wanted)), None)
    at = 0
    while found is not None and (block := os.pread(found, size, at)):
        if not _same(found, wanted):  # the number was given to another file while it was read
            break
        yield block
        at += len(block)
    if found is None or not _same(found, wanted):
        msg = f"{path} is not open"
        raise OSError(msg)


def plain_blocks(path: Path, size: int = _BLOCK) -> Iterator[bytes]:
    """Yield the bytes of any other file.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        while block := file.read(size):
            yield block
