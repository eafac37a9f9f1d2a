"""Views <-> a SQLite file: an evaluation that was stopped goes on where it was.

The file holds face templates of the data set's people: keep it as you keep the photos, and delete it afterwards.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from twinlens.errors import DatasetError, OptionError
from twinlens.evaluate.records import System
from twinlens.evaluate.sight import View

SCHEMA = """
create table if not exists about (system text not null);
create table if not exists views (
    photo text primary key, size integer not null, mtime_ns integer not null,
    vector blob, fault text not null, measures text not null
) without rowid;
"""


class ResumeFile:
    """A memory of views in one file.

    Args:
        path: the file; made if absent.
        system: whose views it keeps.

    Raises:
        DatasetError: not such a file, or it cannot be written.
        OptionError: it holds another system's views.
    """

    def __init__(self, path: Path, system: System) -> None:
        self._path = path
        about = json.dumps([system.identity, system.detector, system.engine])
        try:
            self._connection = sqlite3.connect(path)
            with self._connection:
                self._connection.executescript(SCHEMA)
                known = self._connection.execute("select system from about").fetchone()
                if known is None:
                    self._connection.execute("insert into about values (?)", (about,))
        except sqlite3.Error as error:
            msg = f"cannot use {path} to resume: {error}; name another file, or delete this one"
            raise DatasetError(msg) from error
        if known is not None and known[0] != about:
            self._connection.close()
            msg = f"{path} holds what {known[0]} saw, not {about}: name another file, or delete this one"
            raise OptionError(msg)

    def __enter__(self) -> ResumeFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def recall(self, photo: Path) -> View | None:
        """Return what was seen of this photo, if it is still the same file."""
        try:
            size, mtime_ns = _stamp(photo)
        except OSError:
            return None
        row = self._connection.execute(
            "select vector, fault, measures from views where photo = ? and size = ? and mtime_ns = ?",
            (_key(photo), size, mtime_ns),
        ).fetchone()
        if row is None:
            return None
        vector = None if row[0] is None else np.frombuffer(row[0], dtype=np.float32).copy()
        return View(vector, row[1], json.loads(row[2]))

    def keep(self, views: Sequence[tuple[Path, View]]) -> None:
        """Store views.

        Raises:
            DatasetError: the file cannot be written.
        """
        rows = []
        for photo, view in views:
            try:
                stamp = _stamp(photo)
            except OSError:
                continue
            vector = None if view.vector is None else view.vector.astype(np.float32).tobytes()
            measures = {name: float(value) for name, value in view.measures.items()}
            rows.append((_key(photo), *stamp, vector, _text(view.fault), json.dumps(measures)))
        try:
            with self._connection:
                self._connection.executemany("insert or replace into views values (?, ?, ?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            msg = f"cannot write {self._path}: {error}; what was stored before is safe"
            raise DatasetError(msg) from error


def _stamp(photo: Path) -> tuple[int, int]:
    status = photo.stat()
    return status.st_size, status.st_mtime_ns


def _key(photo: Path) -> str:
    return _text(str(photo.absolute()))


def _text(name: str) -> str:
    """Return what SQLite takes: bytes of a file's name that are no UTF-8 are written out."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
