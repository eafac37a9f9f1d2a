"""``twinlens data check [SET...]``: is this copy whole, and does every photo of it decode?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.exits import Exit
from twinlens.cli.output import counted, emit, meter
from twinlens.errors import DatasetError

if TYPE_CHECKING:
    from twinlens.datasets.check import CheckReport, Decoded
    from twinlens.datasets.inventory import Shelf

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Copy:
    """A data set that is to be checked.

    Attributes:
        name: of the set, or as it was given.
        root: its folder.
        reports: what counting its protocols found.
        paths: every photo of them, once.
        absent: protocols that lack files, and which.
    """

    name: str
    root: Path
    reports: tuple[CheckReport, ...]
    paths: list[Path]
    absent: tuple[str, ...] = ()


def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SET|DIR|CSV...]", help="Default: every known set that is here."),
    ] = None,
    json: o.Json = False,
) -> None:
    """Count people, photos and pairs, hold them against the published counts, decode every photo.

    Exit code 3: a photo is broken, or a count differs.
    """
    from twinlens.datasets.check import decode_all
    from twinlens.datasets.place import data_root

    sound = True
    for copy in _copies(names, data_root(os.environ)):
        with meter(f"{copy.name}: photos") as moved:
            decoded = decode_all(copy.paths, progress=moved)
        whole = not decoded.broken and not any(report.problems for report in copy.reports)
        sound &= whole
        emit(_record(copy, decoded, sound=whole), text(copy, decoded), as_json=json)
    if not sound:
        raise typer.Exit(Exit.INPUT)


def _copies(names: list[str] | None, root: Path) -> Iterator[Copy]:
    """Give what is to be checked: everything is found before anything is decoded."""
    from twinlens.datasets.inventory import take_stock

    shelves = {shelf.name: shelf for shelf in take_stock(root)}
    if not names:
        names = [name for name, shelf in shelves.items() if shelf.state != "absent"]
        if not names:
            msg = f"no data set is in {root}: see twinlens data list and twinlens data fetch"
            raise DatasetError(msg)
    yield from [_of_shelf(shelves[name]) if name in shelves else _of_path(name, root) for name in names]


def _of_shelf(shelf: Shelf) -> Copy:
    """Count every protocol of a known set whose files are here; one that does not load is a problem of the copy.

    Raises:
        DatasetError: the set is absent.
    """
    from twinlens.datasets.check import CheckReport, count, count_boxed, photos_of
    from twinlens.datasets.inventory import BOXED
    from twinlens.datasets.registry import open_dataset

    if shelf.state == "absent":
        how = f"twinlens data fetch {shelf.name}" if shelf.fetchable else shelf.by_hand
        msg = f"{shelf.name} is not here: wanted {shelf.folder}; get it: {how}"
        raise DatasetError(msg)
    if shelf.name in BOXED:
        try:
            report, paths = count_boxed(shelf.name, shelf.folder)
        except DatasetError as error:
            report, paths = CheckReport(shelf.name, {}, (str(error),), {}, ()), []
        return Copy(shelf.name, shelf.folder, (report,), paths)
    sets, reports = [], []
    for stock in shelf.protocols:
        if stock.missing:
            continue
        try:
            sets.append(open_dataset(stock.name, shelf.folder.parent))
            reports.append(count(sets[-1]))
        except DatasetError as error:
            reports.append(CheckReport(stock.name, {}, (str(error),), {}, ()))
    absent = tuple(f"{stock.name} lacks {', '.join(stock.missing)}" for stock in shelf.protocols if stock.missing)
    if not reports:
        msg = f"{shelf.folder} is not complete: {absent[0]}"
        raise DatasetError(msg)
    return Copy(shelf.name, shelf.folder, tuple(reports), photos_of(sets), absent)


def _of_path(name: str, root: Path) -> Copy:
    from twinlens.datasets.check import count, photos_of
    from twinlens.datasets.registry import open_dataset

    dataset = open_dataset(name, root)
    return Copy(dataset.name, dataset.root, (count(dataset),), photos_of([dataset]))


def _record(copy: Copy, decoded: Decoded, *, sound: bool) -> dict[str, object]:
    reports = []
    for report in copy.reports:
        shared = [{"parts": list(parts), "people": people} for parts, people in report.shared_people.items()]
        reports.append(
            {
                "protocol": report.name,
                "counts": report.counts,
                "problems": report.problems,
                "shared_people": shared,
                "notes": report.notes,
            }
        )
    found = {"name": copy.name, "root": str(copy.root), "sound": sound}
    return {**found, **asdict(decoded), "protocols": reports, "lacking": copy.absent}


def text(copy: Copy, decoded: Decoded) -> str:
    """Return what a person reads: the photos, then each protocol."""
    sound = decoded.photos - len(decoded.broken)
    lines = [f"{copy.name}: {sound:,} of {counted(decoded.photos, 'photo')} decode ({copy.root})"]
    lines += [f"  BROKEN {one.reason}" for one in decoded.broken[:SHOWN]]
    lines += [f"  ... and {len(decoded.broken) - SHOWN:,} more"] if len(decoded.broken) > SHOWN else []
    for one in decoded.short:
        place = one.path.relative_to(copy.root) if one.path.is_relative_to(copy.root) else one.path
        lines.append(
            f"  truncated by less than a row, used as it is: {place} (decoders make up its last "
            f"{counted(one.pixels, 'pixel')})"
        )
    for report in copy.reports:
        lines += [f"  {report.name:<23} {part}: {said}" for part, said in report.counts.items()]
        lines += [f"  {report.name:<23} WRONG {problem}" for problem in report.problems]
        lines += [
            f"  {report.name:<23} {counted(people, 'person is', 'people are')} in both {first} and {second}"
            for (first, second), people in report.shared_people.items()
        ]
        lines += [f"  {report.name:<23} note: {said}" for said in report.notes]
    lines += [f"  not here: {said}" for said in copy.absent]
    return "\n".join(lines)
