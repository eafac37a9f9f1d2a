"""CSV of scores -> genuine and impostor similarities, for whoever has scores and no photos.

The first line names the columns: ``score`` and ``same`` must be among them, ``first_subject`` and ``second_subject``
may be; others are not looked at.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64

from twinlens.datasets.lines import Line
from twinlens.datasets.pair_list import DIFFERENT, SAME, SUBJECTS
from twinlens.errors import DatasetError

SCORE, LABEL = "score", "same"


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Similarities of pairs and whether each shows one person.

    Attributes:
        scores: -1 to 1.
        same: the label.
        subjects: the two people of each pair; None where the file names nobody.
    """

    scores: Float64[np.ndarray, " pairs"]
    same: Bool[np.ndarray, " pairs"]
    subjects: tuple[tuple[str, str], ...] | None

    @property
    def genuine(self) -> Float64[np.ndarray, " genuine"]:
        """Scores of pairs of one person."""
        chosen: Float64[np.ndarray, " genuine"] = self.scores[self.same]
        return chosen

    @property
    def impostor(self) -> Float64[np.ndarray, " impostor"]:
        """Scores of pairs of two people."""
        chosen: Float64[np.ndarray, " impostor"] = self.scores[~self.same]
        return chosen


def is_score_list(file: Path) -> bool:
    """Return whether a CSV names a column ``score`` in its first line."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            return SCORE in [name.strip() for name in next(csv.reader(stream), [])]
    except (OSError, UnicodeDecodeError, csv.Error):
        return False


def read_scores(file: Path) -> Scores:
    """Read scores.

    Raises:
        DatasetError: naming file and line: no header, another number of fields, a score that is no similarity, a label
            that is neither, a person without a name, or subjects that contradict the label; or all pairs of one kind.
    """
    rows = list(_read(file))
    same = np.array([row[1] for row in rows], dtype=bool)
    if not rows or same.all() or not same.any():
        kind = "the same person" if rows and same.all() else "different people"
        found = f"{len(rows)} pairs, all of {kind}" if rows else "none"
        msg = f"{file}: wanted scores of pairs of one person and of two, found {found}"
        raise DatasetError(msg)
    people = [row[2] for row in rows]
    named = tuple(two for two in people if two is not None)
    return Scores(np.array([row[0] for row in rows]), same, named if len(named) == len(rows) else None)


def _read(file: Path) -> Iterator[tuple[float, bool, tuple[str, str] | None]]:
    line = 1
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = [name.strip() for name in next(reader, [])]
            _check_header(Line(file, 1, ",".join(header)), header)
            for fields in reader:
                line = reader.line_num + 1
                if any(field.strip() for field in fields):
                    yield _row(Line(file, reader.line_num, ",".join(fields)), header, fields)
    except OSError as error:
        msg = f"cannot read the scores {file}: {error.strerror or error}"
        raise DatasetError(msg) from error
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{file}:{line}: here or below it is no CSV file in UTF-8: {error}"
        raise DatasetError(msg) from error


def _check_header(line: Line, header: Sequence[str]) -> None:
    if SCORE not in header or LABEL not in header:
        line.wrong(f"wanted the names of the columns in the first line, {SCORE} and {LABEL} among them")
    if len(set(header)) != len(header):
        line.wrong("two columns have one name")
    if (SUBJECTS[0] in header) != (SUBJECTS[1] in header):
        line.wrong(f"wanted both of {SUBJECTS[0]} and {SUBJECTS[1]} or neither")


def _row(line: Line, header: Sequence[str], fields: Sequence[str]) -> tuple[float, bool, tuple[str, str] | None]:
    if len(fields) != len(header):
        line.wrong(f"wanted {len(header)} fields as in the first line, got {len(fields)}")
    values = {name: field.strip() for name, field in zip(header, fields, strict=True)}
    label = values[LABEL].lower()
    if label not in SAME | DIFFERENT:
        line.wrong(f"wanted 1 or 0 (also true/false, yes/no, same/different) in {LABEL!r}, got {values[LABEL]!r}")
    return _score(line, values[SCORE]), label in SAME, _subjects(line, values, same=label in SAME)


def _score(line: Line, text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        line.wrong(f"wanted a number in {SCORE!r}, got {text!r}")
    if not math.isfinite(score):
        line.wrong(f"wanted a finite score, got {text!r}: leave failed comparisons out, and count them as failures")
    if not -1 <= score <= 1:
        line.wrong(f"wanted a similarity from -1 to 1, higher for more alike, got {text}; is it a distance?")
    return score


def _subjects(line: Line, values: dict[str, str], *, same: bool) -> tuple[str, str] | None:
    if SUBJECTS[0] not in values:
        return None
    first, second = values[SUBJECTS[0]], values[SUBJECTS[1]]
    if not first or not second:
        line.wrong("a subject is empty")
    if same != (first == second):
        line.wrong(f"the label contradicts the subjects {first!r} and {second!r}")
    return first, second
