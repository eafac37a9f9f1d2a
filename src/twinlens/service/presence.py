"""Process -> a mark that other processes see for exactly as long as it lives, however it ends.

A file that the process keeps locked: the system lets go of the lock when the process ends, also by signal 9. So nobody
has to guess from the time that has passed whether a claim is still being worked on.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from twinlens.errors import ServiceUnavailableError
from twinlens.gallery.locks import SUPPORTED, exclusive, hold_shared

_ATTEMPTS = 100


class Presence:
    """The mark of this process.

    Args:
        folder: where the marks of all processes lie; made where there is none.

    Raises:
        ServiceUnavailableError: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for left in sorted(folder.iterdir()):
                _sweep(left)
            self._descriptor, self.token = self._enter()
        except OSError as error:
            msg = f"{folder}: {error.strerror or error}: check the folder and its permissions"
            raise ServiceUnavailableError(msg) from error

    def _enter(self) -> tuple[int | None, str]:
        """Return the locked file and its name; whoever sweeps in between makes us try again."""
        for _ in range(_ATTEMPTS):
            token = secrets.token_hex(8)
            path = self._folder / token
            descriptor = hold_shared(path)
            if not SUPPORTED:
                return None, token
            if descriptor is not None and path.exists():
                return descriptor, token
            if descriptor is not None:
                os.close(descriptor)
        msg = f"{self._folder}: no mark could be set; another process keeps removing them"
        raise ServiceUnavailableError(msg)

    def lives(self, token: str) -> bool:
        """Whether the process with this mark is still there; where files cannot be locked, whether it said goodbye."""
        path = self._folder / token
        if not path.exists():
            return False
        if token == self.token or not SUPPORTED:
            return True
        return not _sweep(path)

    def leave(self) -> None:
        """Take the mark away."""
        (self._folder / self.token).unlink(missing_ok=True)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _sweep(path: Path) -> bool:
    """Remove a mark that nobody holds; return whether it was one."""
    if not SUPPORTED:
        return False
    with suppress(FileNotFoundError), exclusive(path, 0.0) as free:
        if free:
            path.unlink(missing_ok=True)
        return free
    return True
