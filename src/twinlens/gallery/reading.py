"""Rows -> subjects, templates, the tail: every statement that only reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

from twinlens.gallery.contract import Contract
from twinlens.gallery.writing import VECTOR
from twinlens.protocols import Enrolment, Subject
from twinlens.types import Embedding

_CHUNK = 8_192  # rows a statement: a short read never holds up an erasure


@dataclass(frozen=True, slots=True)
class TemplateRows:
    """Some templates, by ascending id."""

    ids: Int64[np.ndarray, " rows"]
    subjects: Int64[np.ndarray, " rows"]
    vectors: Float32[np.ndarray, "rows dim"]


class Truth(NamedTuple):
    """What the database says of one template."""

    subject: str
    vector: bytes


def _vector(blob: bytes) -> Float32[np.ndarray, " dim"]:
    return np.frombuffer(blob, VECTOR).astype(np.float32, copy=False)


def template_rows(connection: sqlite3.Connection, after: int, dim: int, limit: int = _CHUNK) -> TemplateRows:
    """Return up to ``limit`` templates whose id is greater than ``after``."""
    rows = connection.execute(
        "SELECT id, subject_id, vector FROM templates WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
    ).fetchall()
    keys = np.array([row[:2] for row in rows], np.int64).reshape(-1, 2)
    vectors = np.frombuffer(b"".join(row[2] for row in rows), VECTOR).reshape(-1, dim)
    return TemplateRows(keys[:, 0], keys[:, 1], vectors.astype(np.float32, copy=False))


def subject_and_vector(connection: sqlite3.Connection, template: int) -> tuple[int, Float32[np.ndarray, " dim"]] | None:
    """Return a template's subject id and vector; None where there is no such template."""
    row = connection.execute("SELECT subject_id, vector FROM templates WHERE id = ?", (template,)).fetchone()
    return None if row is None else (int(row[0]), _vector(row[1]))


def removed_after(connection: sqlite3.Connection, seq: int) -> tuple[list[int], int]:
    """Return the ids of the templates removed after ``seq``, and the log's last sequence number."""
    rows = connection.execute("SELECT seq, template_id FROM removals WHERE seq > ? ORDER BY seq", (seq,)).fetchall()
    return [row[1] for row in rows], rows[-1][0] if rows else seq


def unproven(connection: sqlite3.Connection) -> list[int]:
    """Return the ids of removed templates that may have left something in a file."""
    return [row[0] for row in connection.execute("SELECT template_id FROM removals WHERE proven = 0").fetchall()]


def last_issued(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return the highest template id and the highest removal number ever given out."""
    issued = dict(connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    return int(issued.get("templates", 0)), int(issued.get("removals", 0))


def resolve(connection: sqlite3.Connection, ids: Collection[int]) -> dict[int, Truth]:
    """Return name and vector of each template that exists."""
    found: dict[int, Truth] = {}
    for template in ids:
        row = connection.execute(
            "SELECT s.name, t.vector FROM templates t JOIN subjects s ON s.id = t.subject_id WHERE t.id = ?",
            (template,),
        ).fetchone()
        if row is not None:
            found[template] = Truth(*row)
    return found


def _tagged(tags: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return a condition on ``s.id`` and its parameters: the subject carries all of these tags."""
    one = "s.id IN (SELECT subject_id FROM tags WHERE key = ? AND value = ?)"
    return " AND ".join([one] * len(tags)) or "1", [text for pair in tags.items() for text in pair]


def tagged_subjects(connection: sqlite3.Connection, tags: Mapping[str, str]) -> Int64[np.ndarray, " subjects"]:
    """Return the row ids of the subjects that carry all of these tags."""
    condition, values = _tagged(tags)
    rows = connection.execute(f"SELECT s.id FROM subjects s WHERE {condition}", values)
    return np.fromiter((row[0] for row in rows.fetchall()), np.int64)


def named_subjects(connection: sqlite3.Connection, names: Collection[str]) -> Int64[np.ndarray, " subjects"]:
    """Return the row ids of those names that are enrolled."""
    ids = [
        row[0]
        for name in names
        if (row := connection.execute("SELECT id FROM subjects WHERE name = ?", (name,)).fetchone())
    ]
    return np.array(ids, np.int64)


def list_subjects(connection: sqlite3.Connection, tags: Mapping[str, str] | None = None) -> list[Subject]:
    """Return who is enrolled, by name."""
    condition, values = _tagged(tags or {})
    chosen = f"SELECT s.id, s.name, s.created_at FROM subjects s WHERE {condition} ORDER BY s.name"
    labels: dict[int, dict[str, str]] = {}
    for row, key, value in connection.execute("SELECT subject_id, key, value FROM tags"):
        labels.setdefault(row, {})[key] = value
    sources: dict[int, list[str]] = {}
    for row, source in connection.execute("SELECT subject_id, source FROM templates ORDER BY id"):
        sources.setdefault(row, []).append(source)
    return [
        Subject(
            name,
            len(sources.get(row, [])),
            labels.get(row, {}),
            created_at,
            tuple(s for s in sources.get(row, []) if s),
        )
        for row, name, created_at in connection.execute(chosen, values)
    ]


def stored(connection: sqlite3.Connection, after: int, contract: Contract) -> list[tuple[int, Enrolment]]:
    """Return some templates whose id is greater than ``after``, each with its id."""
    rows = connection.execute(
        "SELECT t.id, s.name, t.vector, t.photo, t.quality, t.source FROM templates t "
        "JOIN subjects s ON s.id = t.subject_id WHERE t.id > ? ORDER BY t.id LIMIT ?",
        (after, _CHUNK),
    )
    return [
        (template, Enrolment(name, Embedding(_vector(blob), contract.model), photo, quality, source))
        for template, name, blob, photo, quality, source in rows.fetchall()
    ]


def created(connection: sqlite3.Connection, after: int, count: int) -> list[str]:
    """Return when templates were enrolled: ``count`` of them from those whose id is greater than ``after``."""
    rows = connection.execute("SELECT created_at FROM templates WHERE id > ? ORDER BY id LIMIT ?", (after, count))
    return [row[0] for row in rows.fetchall()]


def subject_vectors(connection: sqlite3.Connection, subject: int, dim: int) -> Float32[np.ndarray, "templates dim"]:
    """Return a subject's vectors, the first enrolled first."""
    rows = connection.execute("SELECT vector FROM templates WHERE subject_id = ? ORDER BY id", (subject,))
    blob = b"".join(row[0] for row in rows.fetchall())
    return np.frombuffer(blob, VECTOR).reshape(-1, dim).astype(np.float32, copy=False)


def photo_subjects(connection: sqlite3.Connection, photo: str) -> list[str]:
    """Return who has a template of this photo, by name."""
    rows = connection.execute(
        "SELECT s.name FROM templates t JOIN subjects s ON s.id = t.subject_id WHERE t.photo = ? ORDER BY s.name",
        (photo,),
    )
    return [row[0] for row in rows.fetchall()]


def counts(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return how many subjects and how many templates there are."""
    subjects = connection.execute("SELECT count(*) FROM subjects").fetchone()[0]
    return int(subjects), int(connection.execute("SELECT count(*) FROM templates").fetchone()[0])


def holds_bytes(connection: sqlite3.Connection, piece: bytes) -> bool:
    """Return whether a living template's vector contains these bytes."""
    row = connection.execute("SELECT 1 FROM templates WHERE instr(vector, ?) LIMIT 1", (piece,)).fetchone()
    return row is not None
