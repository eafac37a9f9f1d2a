"""Gallery on Milvus <-> the portable file, by way of an SQLite gallery in a temporary folder.

So there is one writer and one reader of exports: what is imported is read and checked as a whole before anything is
sent to the server, and memory does not grow with the gallery.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from twinlens.gallery import portable, reading, writing
from twinlens.gallery.contract import Contract, GalleryOptions
from twinlens.gallery.database import Database
from twinlens.gallery.milvus_rows import Row
from twinlens.protocols import Enrolment, Subject

_CHUNK = 2_000

Dated = tuple[Enrolment, str]


@contextmanager
def _spool(contract: Contract) -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="twinlens-") as folder:
        path = Path(folder) / "spool.db"
        with closing(Database(path, contract, GalleryOptions())) as database:
            yield database


def export_rows(rows: Iterable[Row], contract: Contract, path: Path, *, replace: bool) -> int:
    """Write rows, in the order of enrolment, to a portable file; return how many."""
    with _spool(contract) as database:
        tags: dict[str, dict[str, str]] = {}
        with database.writing() as connection:
            for row in rows:
                name = row.enrolment.subject
                if name not in tags:
                    writing.subject_row(connection, name, row.subject_created_at)
                    tags[name] = dict(row.tags)
                writing.add(connection, [row.enrolment], row.created_at)
            for name, pairs in tags.items():
                writing.tag(connection, name, pairs)
        return portable.write_export(database, path, replace=replace)


def import_rows(
    path: Path, contract: Contract, store: Callable[[Iterator[list[Dated]], dict[str, Subject]], int]
) -> int:
    """Read a portable file as a whole, then hand it over; return what ``store`` returns.

    Args:
        path: the file.
        contract: whose vectors.
        store: takes lists of faces with their dates, in the order of enrolment, and the subjects by name.
    """
    with _spool(contract) as database:
        portable.read_export(database, path)
        with database.reading() as connection:
            subjects = {subject.name: subject for subject in reading.list_subjects(connection)}
        return store(_dated(database, contract), subjects)


def _dated(database: Database, contract: Contract) -> Iterator[list[Dated]]:
    after = 0
    while True:
        with database.reading() as connection:
            chunk = reading.stored(connection, after, contract)
            dates = reading.created(connection, after, len(chunk))
        if not chunk:
            return
        pairs = [(entry, date) for (_, entry), date in zip(chunk, dates, strict=True)]
        yield from (pairs[at : at + _CHUNK] for at in range(0, len(pairs), _CHUNK))
        after = chunk[-1][0]
