"""Lock file -> one writer among processes and threads (flock: one lock an open file, also within a process)."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl

SUPPORTED = sys.platform != "win32"  # elsewhere the scan index lives in memory only
_POLL_S = 0.02


def _take(descriptor: int, *, shared: bool) -> bool:
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def hold_shared(path: Path) -> int | None:
    """Return an open descriptor that keeps others from an exclusive lock, or None; close it to let go."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if _take(descriptor, shared=True):
        return descriptor
    os.close(descriptor)
    return None


@contextmanager
def exclusive(path: Path, timeout_s: float) -> Iterator[bool]:
    """Hold the lock inside the block; the value says whether it was free in time."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + timeout_s
        held = _take(descriptor, shared=False)
        while not held and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            held = _take(descriptor, shared=False)
        yield held
    finally:
        os.close(descriptor)
