"""Protocol file -> numbered lines, with errors that name file and line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from twinlens.datasets.records import Pair
from twinlens.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file.

    Attributes:
        file: where it stands.
        number: from 1.
        text: without the line's end.
    """

    file: Path
    number: int
    text: str

    def wrong(self, wanted: str) -> NoReturn:
        """Raise the error that names this line.

        Raises:
            DatasetError: always.
        """
        msg = f"{self.file}:{self.number}: {wanted}; the line is {self.text!r}"
        raise DatasetError(msg)

    def integer(self, text: str, what: str) -> int:
        """Return a field as a whole number, 0 or more.

        Raises:
            DatasetError: it is something else.
        """
        if not (text.isascii() and text.isdecimal()):
            self.wrong(f"wanted {what} as a whole number, got {text!r}")
        return int(text)


def read_lines(file: Path) -> Iterator[Line]:
    """Yield the lines that are not blank, in order.

    Raises:
        DatasetError: the file is absent, unreadable or not UTF-8 text.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        msg = f"wanted the protocol file {file}, which is not there; fetch the data set or give its folder"
        raise DatasetError(msg) from error
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot read the protocol file {file} as text: {error}"
        raise DatasetError(msg) from error
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield Line(file, number, line.rstrip())


def refuse_repeats(pairs: Iterable[tuple[Line, Pair]]) -> None:
    """Refuse a pair that is listed twice, in either order.

    Raises:
        DatasetError: naming both lines.
    """
    seen: dict[frozenset[Path], Line] = {}
    for line, pair in pairs:
        key = frozenset((pair.first.path, pair.second.path))
        if key in seen:
            line.wrong(f"this pair is already on line {seen[key].number} of {seen[key].file.name}; list it once")
        seen[key] = line
