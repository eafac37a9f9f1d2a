"""Where drawn copies go: never over a photo or video that was named on the command line, nor over one another."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from pathlib import Path

from twinlens.errors import OptionError


class Copies:
    """Names for the copies of one run.

    Args:
        folder: where they go.
        inputs: what the command reads; these files are never written to.
    """

    def __init__(self, folder: Path, inputs: Iterable[str]) -> None:
        if folder.exists() and not folder.is_dir():
            msg = f"--draw wants a folder, {folder} is a file"
            raise OptionError(msg)
        self._folder = folder
        self._taken = {Path(name).resolve() for name in inputs}

    def place(self, source: str, suffix: str) -> Path:
        """Return where the copy of a source goes: its own name, with a number where that is taken."""
        stem = Path(source).stem
        names = (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}" for number in count(1))
        path = next(self._folder / name for name in names if (self._folder / name).resolve() not in self._taken)
        self._taken.add(path.resolve())
        return path


def single(target: Path, inputs: Iterable[str], name: str, *, option: str = "--draw") -> Path:
    """Return where one picture goes: the file that was named, or ``name`` in a folder that was named.

    Raises:
        OptionError: that is one of the inputs.
    """
    path = target / name if target.is_dir() or str(target).endswith("/") else target
    if any(path.resolve() == Path(source).resolve() for source in inputs):
        msg = f"{option} {path} would write over a photo that is compared: give another name"
        raise OptionError(msg)
    return path
