"""Enrolments, names, tags -> rows: every statement that changes a gallery, to be run inside one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from jaxtyping import Float32

from twinlens.errors import ConflictError, OptionError, UnknownSubjectError
from twinlens.gallery.contract import label
from twinlens.protocols import Enrolment

SAME_FACE = 0.9
"""From this similarity on, two vectors of one photo are one face.

A face embedded twice (another engine, flip averaging, a shifted detection) stays above it;
two people in one photo stay below (0.6 to 0.8 for twins).
"""
VECTOR = np.dtype("<f4")  # as stored, whatever the machine


@dataclass(frozen=True, slots=True)
class Erased:
    """Templates that left the truth, to be looked for in every file."""

    ids: tuple[int, ...]
    vectors: Float32[np.ndarray, "templates dim"]


def timestamp() -> str:
    """Return the present time, UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def known_subject(connection: sqlite3.Connection, name: str) -> int:
    """Return the row id of a subject.

    Raises:
        UnknownSubjectError: nobody of that name.
    """
    row = connection.execute("SELECT id FROM subjects WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise unknown(name)
    return int(row[0])


def unknown(name: str) -> UnknownSubjectError:
    """Return the error that nobody has this name."""
    return UnknownSubjectError(f"nobody called {name!r} is enrolled; run: twinlens gallery list")


def checked(enrolment: Enrolment) -> Enrolment:
    """Return an enrolment as it is stored.

    Raises:
        OptionError: a name or a photo that cannot be stored, or a quality outside 0 to 1.
    """
    if not 0.0 <= enrolment.quality <= 1.0:
        msg = f"quality of {enrolment.subject!r} must be 0 to 1, got {enrolment.quality}"
        raise OptionError(msg)
    return Enrolment(
        label(enrolment.subject, "subject"),
        enrolment.embedding,
        label(enrolment.photo, "photo digest"),
        float(enrolment.quality),
        enrolment.source.encode("utf-8", "replace").decode(),
    )


def already_there(new: Enrolment, held: Iterable[tuple[str, Float32[np.ndarray, " dim"]]]) -> bool:
    """Compare with the faces that the same photo gave before.

    Args:
        new: a face.
        held: subject and vector of every other face of its photo.

    Raises:
        ConflictError: this face belongs to another subject, or the subject already has another face of the photo.
    """
    present = False
    for name, vector in held:
        similarity = float(vector @ new.embedding.vector)
        origin = f" ({new.source})" if new.source else ""
        if name != new.subject and similarity >= SAME_FACE:
            msg = (
                f"this face of the photo{origin} is already enrolled as {name!r}, wanted as {new.subject!r}: "
                f"use {name!r}, rename or remove it first"
            )
            raise ConflictError(msg)
        if name == new.subject and similarity < SAME_FACE:
            msg = (
                f"{new.subject!r} already has another face of the same photo{origin}: two faces in one photo are "
                "two people; choose one of them"
            )
            raise ConflictError(msg)
        present = present or name == new.subject
    return present


def _already_stored(connection: sqlite3.Connection, new: Enrolment) -> bool:
    """Compare with what is stored of the same photo.

    Raises:
        ConflictError: see `already_there`.
    """
    rows = connection.execute(
        "SELECT s.name, t.vector FROM templates t JOIN subjects s ON s.id = t.subject_id WHERE t.photo = ?",
        (new.photo,),
    ).fetchall()
    return already_there(new, ((name, np.frombuffer(blob, VECTOR)) for name, blob in rows))


def subject_row(connection: sqlite3.Connection, name: str, created_at: str) -> int:
    """Return the row id of a subject, made where there is none."""
    row = connection.execute("SELECT id FROM subjects WHERE name = ?", (name,)).fetchone()
    if row is None:
        row = connection.execute(
            "INSERT INTO subjects (name, created_at) VALUES (?, ?) RETURNING id", (name, created_at)
        ).fetchone()
    return int(row[0])


def add(connection: sqlite3.Connection, batch: Sequence[Enrolment], created_at: str) -> int:
    """Store enrolments that passed `checked`; return how many were new.

    Raises:
        ConflictError: see `already_there`; roll the transaction back.
    """
    added = 0
    for new in batch:
        if _already_stored(connection, new):
            continue
        connection.execute(
            "INSERT INTO templates (subject_id, vector, photo, quality, source, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            (
                subject_row(connection, new.subject, created_at),
                new.embedding.vector.astype(VECTOR).tobytes(),
                new.photo,
                new.quality,
                new.source,
                created_at,
            ),
        )
        added += 1
    return added


def _delete(connection: sqlite3.Connection, rows: list[tuple[int, bytes]], dim: int) -> Erased:
    ids = tuple(int(row[0]) for row in rows)
    connection.executemany("DELETE FROM templates WHERE id = ?", ((i,) for i in ids))
    connection.executemany("INSERT INTO removals (template_id) VALUES (?)", ((i,) for i in ids))
    return Erased(ids, np.frombuffer(b"".join(row[1] for row in rows), VECTOR).reshape(-1, dim))


def delete_subject(connection: sqlite3.Connection, name: str, dim: int) -> Erased:
    """Delete a subject with its templates and, by their foreign key, its tags; the log keeps ids of templates only.

    Raises:
        UnknownSubjectError: nobody of that name.
    """
    subject = known_subject(connection, name)
    rows = connection.execute(
        "SELECT id, vector FROM templates WHERE subject_id = ? ORDER BY id", (subject,)
    ).fetchall()
    erased = _delete(connection, rows, dim)
    connection.execute("DELETE FROM subjects WHERE id = ?", (subject,))
    return erased


def delete_photo(connection: sqlite3.Connection, name: str, photo: str, dim: int) -> Erased:
    """Delete what one photo gave to a subject, and the subject with its last template.

    Raises:
        UnknownSubjectError: nobody of that name, or no such photo of theirs.
    """
    subject = known_subject(connection, name)
    rows = connection.execute(
        "SELECT id, vector FROM templates WHERE subject_id = ? AND photo = ?", (subject, photo)
    ).fetchall()
    if not rows:
        msg = f"{name!r} has no template of the photo {photo!r}"
        raise UnknownSubjectError(msg)
    (templates,) = connection.execute("SELECT count(*) FROM templates WHERE subject_id = ?", (subject,)).fetchone()
    return delete_subject(connection, name, dim) if templates == 1 else _delete(connection, rows, dim)


def mark_proven(connection: sqlite3.Connection, templates: Sequence[int]) -> None:
    """Note that nothing is left of removed templates."""
    connection.executemany(
        "UPDATE removals SET proven = 1 WHERE template_id = ? AND proven = 0", ((i,) for i in templates)
    )


def rename(connection: sqlite3.Connection, subject: str, name: str) -> None:
    """Give a subject another name.

    Raises:
        UnknownSubjectError: nobody of that name.
        ConflictError: the other name is taken.
    """
    row = known_subject(connection, subject)
    taken = connection.execute("SELECT id FROM subjects WHERE name = ?", (name,)).fetchone()
    if taken is not None and taken[0] != row:
        msg = f"cannot rename {subject!r}: {name!r} is enrolled already; choose another name or remove it first"
        raise ConflictError(msg)
    connection.execute("UPDATE subjects SET name = ? WHERE id = ?", (name, row))


def merge(connection: sqlite3.Connection, subject: str, into: str) -> int:
    """Give a subject's templates to another, as new rows, so that a scan that knows the old ones lets go of them.

    Their vectors stay on purpose: the removal of the old rows counts as proven.

    Raises:
        UnknownSubjectError: nobody of one of the names.
        ConflictError: one name twice, or both have a face of the same photo.
    """
    giver, taker = known_subject(connection, subject), known_subject(connection, into)
    if giver == taker:
        msg = f"cannot merge {subject!r} with itself: name two subjects"
        raise ConflictError(msg)
    shared = connection.execute(
        "SELECT a.source FROM templates a JOIN templates b ON b.photo = a.photo WHERE a.subject_id = ? "
        "AND b.subject_id = ?",
        (giver, taker),
    ).fetchone()
    if shared is not None:
        msg = (
            f"{subject!r} and {into!r} both have a face of the same photo ({shared[0] or 'without a source'}): "
            "two faces in one photo are two people; remove one of them first"
        )
        raise ConflictError(msg)
    rows = connection.execute(
        "SELECT id, vector, photo, quality, source, created_at FROM templates WHERE subject_id = ? ORDER BY id",
        (giver,),
    ).fetchall()
    connection.execute("DELETE FROM templates WHERE subject_id = ?", (giver,))
    connection.executemany("INSERT INTO removals (template_id, proven) VALUES (?, 1)", ((row[0],) for row in rows))
    connection.executemany(
        "INSERT INTO templates (subject_id, vector, photo, quality, source, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        ((taker, *row[1:]) for row in rows),
    )
    connection.execute(
        "INSERT OR IGNORE INTO tags (subject_id, key, value) SELECT ?, key, value FROM tags WHERE subject_id = ?",
        (taker, giver),
    )
    connection.execute("DELETE FROM subjects WHERE id = ?", (giver,))
    return len(rows)


def tag(connection: sqlite3.Connection, subject: str, tags: Mapping[str, str]) -> None:
    """Set tags; an empty value removes one.

    Raises:
        UnknownSubjectError: nobody of that name.
    """
    row = known_subject(connection, subject)
    for key, value in tags.items():
        connection.execute("DELETE FROM tags WHERE subject_id = ? AND key = ?", (row, key))
        if value:
            connection.execute("INSERT INTO tags (subject_id, key, value) VALUES (?, ?, ?)", (row, key, value))
