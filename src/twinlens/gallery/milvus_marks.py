"""Aliases of a collection -> who is writing, and which rows count.

Milvus has no transactions. Changes of aliases are serial, seen by everybody at once and synced to the disk (by etcd),
so the name of an alias is a mark that all clients agree on:

    COLLECTION__p_BATCH_UNTIL        pending: rows of the batch do not count
    COLLECTION__q_BATCH_UNTIL        the same, of a call that changes or removes a subject
    COLLECTION__c_BATCH_UNTIL        changed: they do, and older rows of the subjects they replace do not
    COLLECTION__r_BATCH_UNTIL_KEY    removed: older rows of this subject do not count
    COLLECTION__d_BATCH_UNTIL        done: the last call that changed or removed a subject; stays until the next one

A writer's first mark is its lock, dropping its last one but ``d`` ends the call. Numbers are hexadecimal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from twinlens.gallery.milvus_rows import KEY_DIGITS

State = Literal["p", "q", "c", "r", "d"]
_TAIL = re.compile(rf"__(p|q|c|r|d)_([0-9a-f]+)_([0-9a-f]+)(?:_([0-9a-f]{{{KEY_DIGITS}}}))?")


@dataclass(frozen=True, slots=True)
class Mark:
    """What one alias says.

    Attributes:
        state: pending (an enrolment or a change), changed, removed or done.
        batch: number of the call.
        until_s: end of the writer's lease, seconds since 1970.
        subject_key: who is removed; empty otherwise.
    """

    state: State
    batch: int
    until_s: int
    subject_key: str = ""

    @property
    def pending(self) -> bool:
        """Whether it says that a call has not committed."""
        return self.state in ("p", "q")

    def alias(self, collection: str) -> str:
        """Return the alias that says so."""
        tail = f"_{self.subject_key}" if self.subject_key else ""
        return f"{collection}__{self.state}_{self.batch:x}_{self.until_s:x}{tail}"


def marks_of(aliases: Iterable[str], collection: str) -> set[Mark]:
    """Return the marks among the aliases of a collection; aliases of other people are none."""
    marks = set()
    for alias in aliases:
        found = _TAIL.fullmatch(alias.removeprefix(collection)) if alias.startswith(collection) else None
        if found:
            state, batch, until, key = found.groups()
            marks.add(Mark(state, int(batch, 16), int(until, 16), key or ""))  # type: ignore[arg-type]
    return marks


@dataclass(frozen=True, slots=True)
class View:
    """Which rows count.

    Attributes:
        hidden: batches that are not committed.
        replaced: key of a subject -> batch that its rows must have at least to count.
        changes: marks of calls that change or remove a subject, and of the last that did; a read during which they
            change is made again, for it may have met neither the old rows nor the new ones.
    """

    hidden: frozenset[int] = frozenset()
    replaced: Mapping[str, int] | None = None
    changes: frozenset[tuple[str, int]] = frozenset()

    def condition(self) -> str:
        """Return the condition for the server; empty where every row counts."""
        parts = [f"batch not in [{', '.join(map(str, sorted(self.hidden)))}]"] if self.hidden else []
        parts += [
            f'not (subject_key == "{key}" and batch < {batch})' for key, batch in sorted((self.replaced or {}).items())
        ]
        return " and ".join(parts)

    def shows(self, record: Mapping[str, Any]) -> bool:
        """Return whether a row counts."""
        batch = int(record["batch"])
        return batch not in self.hidden and batch >= (self.replaced or {}).get(record["subject_key"], 0)
