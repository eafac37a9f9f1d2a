"""Enrolments -> rows of one call: what is there already, what contradicts it, what is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float32

from twinlens.gallery.milvus_ledger import Transaction
from twinlens.gallery.milvus_link import MilvusLink
from twinlens.gallery.milvus_rows import Row, digest_of, quoted, tags_of, vector_of
from twinlens.gallery.milvus_scan import page_rows, scan
from twinlens.gallery.writing import already_there
from twinlens.protocols import Enrolment, Subject

Held = tuple[str, Float32[np.ndarray, " dim"]]

_CHUNK = 1_000  # faces looked up at once
_FIELDS = ("pk", "subject", "photo", "vector", "lead", "tags", "subject_created_at")


class Newcomers:
    """What one call of the only writer enrols.

    Args:
        link: the connection.
        change: the call.
        subjects: dates and tags for subjects that are new, by name, where they are known.
    """

    def __init__(self, link: MilvusLink, change: Transaction, subjects: Mapping[str, Subject] | None = None) -> None:
        self._link = link
        self._change = change
        self._subjects = subjects or {}
        self._added = 0
        self.known: dict[str, Subject] = {}
        """Subjects who had been enrolled before."""
        self._new: dict[str, Subject] = {}

    def add(self, faces: Sequence[tuple[Enrolment, str]]) -> int:
        """Store faces, each with its date, that are not there yet; return how many.

        Raises:
            ConflictError: see `already_there`; the call must be undone.
        """
        before = self._added
        for at in range(0, len(faces), _CHUNK):
            self._add_chunk(faces[at : at + _CHUNK])
        return self._added - before

    def _add_chunk(self, faces: Sequence[tuple[Enrolment, str]]) -> None:
        held = self._look_up([entry for entry, _ in faces])
        rows = []
        for entry, date in faces:
            others = held.setdefault(entry.photo, [])
            if already_there(entry, others):
                continue
            others.append((entry.subject, entry.embedding.vector))
            rows.append(self._row(entry, date))
        self._change.insert(rows)

    def _look_up(self, entries: Sequence[Enrolment]) -> dict[str, list[Held]]:
        """Return the faces of the same photos; note which subjects are known."""
        photos = {digest_of(entry.photo) for entry in entries}
        names = {entry.subject for entry in entries} - set(self.known) - set(self._new)
        keys = sorted(digest_of(name) for name in names)
        condition = f"photo_key in {quoted(sorted(photos))}"
        if keys:
            condition += f" or (lead == true and subject_key in {quoted(keys)})"
        held: dict[str, list[Held]] = {}
        dim = entries[0].embedding.vector.size
        for page in scan(self._link, condition, _FIELDS, page=page_rows(dim)):
            for row in page:
                name = row["subject"]
                held.setdefault(row["photo"], []).append((name, vector_of(row)))
                if row["lead"] and name in names:
                    self.known[name] = Subject(name, 0, tags_of(row), row["subject_created_at"])
        return held

    def _row(self, entry: Enrolment, date: str) -> Row:
        name = entry.subject
        subject = self.known.get(name) or self._new.get(name)
        lead = subject is None
        if subject is None:
            told = self._subjects.get(name)
            subject = self._new[name] = Subject(name, 0, told.tags if told else {}, told.created_at if told else date)
        number, self._added = self._added, self._added + 1
        return Row(
            entry,
            date,
            subject.created_at,
            subject.tags,
            lead,
            self._change.sequence(number),
            self._change.batch,
        )
