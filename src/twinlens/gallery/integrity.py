"""Gallery -> what is wrong with it: everything is read, nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float32, Int64

from twinlens.errors import GalleryError, GalleryUnavailableError
from twinlens.gallery import reading
from twinlens.gallery.database import Database
from twinlens.gallery.segment import Segment
from twinlens.types import UNIT_TOLERANCE

_SHOWN = 5  # ids named in a message


def _shown(ids: np.ndarray) -> str:
    more = f" and {ids.size - _SHOWN} more" if ids.size > _SHOWN else ""
    return ", ".join(str(i) for i in ids[:_SHOWN].tolist()) + more


def _database_problems(database: Database) -> list[str]:
    with database.reading() as connection:
        reports = [row[0] for row in connection.execute("PRAGMA integrity_check(10)")]
        orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
        (empty,) = connection.execute(
            "SELECT count(*) FROM subjects WHERE id NOT IN (SELECT subject_id FROM templates)"
        ).fetchone()
        (odd,) = connection.execute(
            "SELECT count(*) FROM templates WHERE length(vector) != ?", (4 * database.contract.dim,)
        ).fetchone()
        pending = len(reading.unproven(connection))
    problems = [f"database: {text}; restore a copy, or export and import" for text in reports if text != "ok"]
    if orphans:
        problems.append(f"database: {len(orphans)} rows belong to nobody; restore a copy")
    if empty:
        problems.append(f"database: {empty} subjects without a template; remove them")
    if odd:
        problems.append(f"database: {odd} vectors of another length than {database.contract.dim}; restore a copy")
    if pending:
        problems.append(
            f"erasure: {pending} removed templates may have left traces (a process died, or another program was "
            "reading); rebuild the index"
        )
    return problems


def _index_rows(
    segments: Sequence[Segment], ids: Int64[np.ndarray, " rows"], dim: int
) -> tuple[Bool[np.ndarray, " rows"], Float32[np.ndarray, "rows dim"]]:
    """Return which templates a search can find, and the vectors it compares."""
    present, vectors = np.zeros(ids.size, bool), np.zeros((ids.size, dim), np.float32)
    for segment in segments:
        at = np.minimum(np.searchsorted(segment.templates, ids), segment.templates.size - 1)
        here = (segment.templates[at] == ids) & (segment.subjects[at] > 0)
        vectors[here] = segment.vectors[at[here]]
        present |= here
    return present, vectors


def _vector_problems(database: Database, segments: Sequence[Segment]) -> list[str]:
    """Compare each stored vector with length one and with what a search would find."""
    bent, lost = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    found = after = 0
    dim = database.contract.dim
    while True:
        with database.reading() as connection:
            rows = reading.template_rows(connection, after, dim)
        if not rows.ids.size:
            break
        after = int(rows.ids[-1])
        lengths = np.linalg.norm(rows.vectors.astype(np.float64), axis=1)
        bent.append(rows.ids[~(np.abs(lengths - 1.0) <= UNIT_TOLERANCE)])
        present, vectors = _index_rows(segments, rows.ids, dim)
        found += int(np.count_nonzero(present))
        lost.append(rows.ids[~(present & (vectors == rows.vectors).all(axis=1))])
    surplus = sum(int(np.count_nonzero(segment.subjects)) for segment in segments) - found
    wrong, differing = np.concatenate(bent), np.concatenate(lost)
    problems = []
    if wrong.size:
        problems.append(f"vectors not of length 1 (templates {_shown(wrong)}); remove and enrol these again")
    if differing.size:
        problems.append(f"index: templates {_shown(differing)} missing or different; rebuild the index")
    if surplus:
        problems.append(f"index: {surplus} rows that the database does not hold; rebuild the index")
    return problems


def problems_of(database: Database, segments: Callable[[], Sequence[Segment]]) -> tuple[str, ...]:
    """Check a gallery that nobody writes to meanwhile.

    Args:
        database: the truth.
        segments: gives what a search looks through; asked for once the database is known to be readable.

    Raises:
        GalleryUnavailableError: it cannot be read at the moment.
    """
    try:
        problems = _database_problems(database)
        if not any(problem.startswith("database") for problem in problems):
            problems += _vector_problems(database, segments())
        return tuple(problems)
    except GalleryUnavailableError:
        raise
    except GalleryError as error:  # so damaged that the check itself could not be carried out
        return (str(error),)
