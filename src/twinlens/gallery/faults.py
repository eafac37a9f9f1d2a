"""sqlite3.Error, OSError -> GalleryError: what went wrong, in words, and what to do."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twinlens.errors import GalleryError, GalleryUnavailableError

_FULL = "the disk is full or over its quota: nothing of this call was stored; free some space and try again"
_BUSY = "another process is writing to it and did not finish in time: try again later"
_DAMAGED = "it is damaged: restore a copy, or import an export into a new gallery"
_FORBIDDEN = "it cannot be written: check the permissions of the file and of its folder"
_IO = "reading or writing it failed (disk full, over a limit, or failing): nothing of this call was stored"

# primary result codes, https://www.sqlite.org/rescode.html
_ADVICE: dict[int, tuple[type[GalleryError], str]] = {
    sqlite3.SQLITE_BUSY: (GalleryUnavailableError, _BUSY),
    sqlite3.SQLITE_LOCKED: (GalleryUnavailableError, _BUSY),
    sqlite3.SQLITE_FULL: (GalleryUnavailableError, _FULL),
    sqlite3.SQLITE_IOERR: (GalleryUnavailableError, _IO),
    sqlite3.SQLITE_NOMEM: (GalleryUnavailableError, "memory ran out: nothing of this call was stored"),
    sqlite3.SQLITE_READONLY: (GalleryError, _FORBIDDEN),
    sqlite3.SQLITE_PERM: (GalleryError, _FORBIDDEN),
    sqlite3.SQLITE_CANTOPEN: (GalleryError, _FORBIDDEN),
    sqlite3.SQLITE_CORRUPT: (GalleryError, _DAMAGED),
    sqlite3.SQLITE_NOTADB: (GalleryError, "it is not a Twinlens gallery: choose another path"),
}


def _sqlite_fault(error: sqlite3.Error, path: Path) -> GalleryError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    kind, advice = _ADVICE.get(code, (GalleryError, f"{error}; run: twinlens gallery doctor"))
    return kind(f"gallery {path}: {advice}")


def _os_fault(error: OSError, path: Path) -> GalleryError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return GalleryUnavailableError(f"gallery {path}: {_FULL}")
    return GalleryError(f"gallery {path}: {error.strerror or error}: check the path and its permissions")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the errors of SQLite and of the file system into the tree of Twinlens.

    Raises:
        GalleryUnavailableError: busy, full, failing: try again.
        GalleryError: damaged, forbidden, not a gallery.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _sqlite_fault(error, path) from error
    except OSError as error:
        raise _os_fault(error, path) from error
