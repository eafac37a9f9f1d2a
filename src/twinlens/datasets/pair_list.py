"""A CSV of pairs (path, path, same, further columns) -> pairs; whose photos they are follows from the labels.

The first line names the columns. The first three are the two paths (relative to the file's folder unless
absolute) and the label (1, true, yes or same; 0, false, no or different). ``first_subject`` and
``second_subject`` name the people; without them, photos that "same" pairs connect are one person, and photos
that nothing connects are different people. Other columns are kept for slices of a report.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from twinlens.datasets.groups import Groups
from twinlens.datasets.lines import Line, refuse_repeats
from twinlens.datasets.records import Dataset, Pair, Photo, Split
from twinlens.errors import DatasetError

SAME = frozenset({"1", "true", "yes", "same"})
DIFFERENT = frozenset({"0", "false", "no", "different"})
SUBJECTS = ("first_subject", "second_subject")
UNNAMED = (
    f"The list names nobody (columns {SUBJECTS[0]}, {SUBJECTS[1]}): photos count as one person's only where its labels "
    "say so, folds may share people, and nothing is said of searches"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list, before people are known."""

    line: Line
    first: Path
    second: Path
    same: bool
    columns: Mapping[str, str]


def load_pair_list(file: Path) -> Dataset:
    """Load a CSV of pairs as one split ``all``.

    Raises:
        DatasetError: naming file and line: no header, a row with another number of fields, a label that is
            neither, an absent photo, a photo with itself, a pair listed twice, labels that contradict one
            another; or all pairs of one kind.
    """
    rows = list(_read(file))
    if not any(row.same for row in rows) or all(row.same for row in rows):
        kind = "same" if rows and rows[0].same else "different"
        msg = (
            f"{file}: wanted pairs of both kinds, got {len(rows)} pairs, all of them {kind!r}"
            if rows
            else (f"{file}:1: wanted a line with the names of the columns and then pairs, found no pair")
        )
        raise DatasetError(msg)
    named = any(name in rows[0].columns for name in SUBJECTS)
    pairs = _with_named_people(rows) if named else _with_connected_people(rows)
    refuse_repeats([(row.line, pair) for row, pair in zip(rows, pairs, strict=True)])
    notes = () if named else (UNNAMED,)
    splits = {"all": Split.of_pairs("all", pairs)}
    return Dataset(file.stem, file.parent, splits, notes=notes, inferred_people=not named)


def _read(file: Path) -> Iterator[Row]:
    line = 1
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = [name.strip() for name in next(reader, [])]
            _check_header(file, header)
            for fields in reader:
                line = reader.line_num + 1
                if any(field.strip() for field in fields):
                    yield _row(Line(file, reader.line_num, ",".join(fields)), header, fields)
    except OSError as error:
        msg = f"cannot read the list of pairs {file}: {error.strerror or error}"
        raise DatasetError(msg) from error
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{file}:{line}: here or below it is no CSV file in UTF-8: {error}"
        raise DatasetError(msg) from error


def _check_header(file: Path, header: Sequence[str]) -> None:
    line = Line(file, 1, ",".join(header))
    if len(header) < 3 or header[2].lower() in SAME - {"same"} | DIFFERENT - {"different"}:
        line.wrong("wanted the names of at least three columns in the first line: first, second, same")
    if len(set(header)) != len(header):
        line.wrong("two columns have one name")
    if (SUBJECTS[0] in header) != (SUBJECTS[1] in header):
        line.wrong(f"wanted both of {SUBJECTS[0]} and {SUBJECTS[1]} or neither")


def _row(line: Line, header: Sequence[str], fields: Sequence[str]) -> Row:
    if len(fields) != len(header):
        line.wrong(f"wanted {len(header)} fields as in the first line, got {len(fields)}")
    label = fields[2].strip().lower()
    if label not in SAME | DIFFERENT:
        line.wrong(f"wanted 1 or 0 (also true/false, yes/no, same/different) in {header[2]!r}, got {fields[2]!r}")
    paths = [_place(line.file.parent / field.strip()) for field in fields[:2]]
    for path in paths:
        if not path.is_file():
            line.wrong(f"wanted the photo {path}, which is not there")
    if paths[0] == paths[1]:
        line.wrong("this pairs a photo with itself")
    columns = MappingProxyType(dict(zip(header[3:], (field.strip() for field in fields[3:]), strict=True)))
    return Row(line, paths[0], paths[1], label in SAME, columns)


def _place(path: Path) -> Path:
    """Return one spelling for one place, ``a/../b`` being ``b``, unless a link on the way means another."""
    plain = Path(os.path.normpath(path))
    return plain if plain.exists() and path.exists() and plain.samefile(path) else path


def _with_named_people(rows: Sequence[Row]) -> list[Pair]:
    """Make pairs of people that the list names; a photo has one person, and labels follow the names."""
    owner: dict[Path, str] = {}
    pairs = []
    for row in rows:
        for path, column in ((row.first, SUBJECTS[0]), (row.second, SUBJECTS[1])):
            subject = row.columns[column]
            if not subject:
                row.line.wrong(f"{column} is empty")
            if owner.setdefault(path, subject) != subject:
                row.line.wrong(f"{path.name} shows {subject!r} here and {owner[path]!r} on an earlier line")
        if row.same != (owner[row.first] == owner[row.second]):
            row.line.wrong("the label contradicts the subjects")
        pairs.append(_pair(row, owner))
    return pairs


def _with_connected_people(rows: Sequence[Row]) -> list[Pair]:
    """Make pairs of people found by following the "same" labels; a "different" inside a person contradicts them."""
    groups: Groups[Path] = Groups()
    for row in rows:
        groups.add(row.first)
        groups.add(row.second)
        if row.same:
            groups.join(row.first, row.second)
    for row in rows:
        if not row.same and groups.of(row.first) == groups.of(row.second):
            row.line.wrong("other lines say, one by one, that these two photos show the same person")
    return [_pair(row, {path: str(groups.of(path)) for path in (row.first, row.second)}) for row in rows]


def _pair(row: Row, owner: Mapping[Path, str]) -> Pair:
    columns = {name: value for name, value in row.columns.items() if name not in SUBJECTS}
    first, second = Photo(owner[row.first], row.first), Photo(owner[row.second], row.second)
    return Pair(first, second, same=row.same, columns=MappingProxyType(columns))
