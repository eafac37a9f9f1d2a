"""Snapshot and tail -> one thing to search: what the side files hold, and what came after them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Int64

from twinlens.gallery.reading import TemplateRows
from twinlens.gallery.segment import MARGIN, Eligible, Segment, nth_best_subject


class Scan:
    """Every living template, in memory or mapped.

    One thread at a time may change it; a search works on the segments it was given and needs no lock: removals are
    marked in place, and whatever is proposed is looked up in the database before it is believed.

    Args:
        dim: numbers in a vector.
        snapshot: rows from the side files, or None.
        through_template: the highest template id that the snapshot covers.
        through_removal: the last removal that was applied to it.
    """

    def __init__(
        self, dim: int, snapshot: Segment | None = None, through_template: int = 0, through_removal: int = 0
    ) -> None:
        self._snapshot = snapshot
        self._vectors = np.empty((0, dim), np.float32)
        self._keys = np.empty((0, 2), np.int64)
        self._used = 0
        self.through_template = through_template
        self.through_removal = through_removal
        self._widest = int(snapshot.subjects.max(initial=0)) if snapshot is not None else 0

    @property
    def tail_rows(self) -> int:
        """How many rows are not in the snapshot."""
        return self._used

    def append(self, rows: TemplateRows) -> None:
        """Take in templates that were enrolled after the last ones."""
        if not rows.ids.size:
            return
        end = self._used + rows.ids.size
        if end > len(self._keys):  # rows already handed out are never written again, only left behind
            room = max(2 * end, 1024)
            vectors = np.empty((room, self._vectors.shape[1]), np.float32)
            keys = np.empty((room, 2), np.int64)
            vectors[: self._used], keys[: self._used] = self._vectors[: self._used], self._keys[: self._used]
            self._vectors, self._keys = vectors, keys
        self._vectors[self._used : end] = rows.vectors
        self._keys[self._used : end, 0] = rows.ids
        self._keys[self._used : end, 1] = rows.subjects
        self._used = end
        self.through_template = int(rows.ids[-1])
        self._widest = max(self._widest, int(rows.subjects.max()))

    def bury(self, templates: Sequence[int], through_removal: int) -> None:
        """Leave removed templates out, and forget their vectors."""
        gone = np.array(templates, np.int64)
        tail = self._tail()
        if tail is not None and gone.size:
            tail.bury(gone)
            tail.vectors[tail.subjects == 0] = 0.0
        if self._snapshot is not None and gone.size:
            self._snapshot.bury(gone)
        self.through_removal = through_removal

    def _tail(self) -> Segment | None:
        if not self._used:
            return None
        keys = self._keys[: self._used]
        return Segment(self._vectors[: self._used], keys[:, 0], keys[:, 1])

    def segments(self) -> tuple[Segment, ...]:
        """Return what a search has to look through."""
        return tuple(segment for segment in (self._snapshot, self._tail()) if segment is not None)

    def eligible(
        self, chosen: Int64[np.ndarray, " subjects"] | None, excluded: Int64[np.ndarray, " excluded"]
    ) -> Eligible:
        """Return who may be found.

        Args:
            chosen: subject ids; None for everybody.
            excluded: subject ids to leave out.
        """
        allowed = np.full(self._widest + 1, chosen is None)
        if chosen is not None:
            allowed[chosen[chosen <= self._widest]] = True
        allowed[excluded[excluded <= self._widest]] = False
        allowed[0] = False
        return Eligible(allowed, chosen is not None)


def candidates(
    segments: Sequence[Segment], probes: Float32[np.ndarray, "probes dim"], top: int, eligible: Eligible
) -> list[Int64[np.ndarray, " templates"]]:
    """Return, for each probe, the ids of every template that may decide who the ``top`` best subjects are."""
    found = [segment.search(probes, top, eligible) for segment in segments]
    merged: list[np.ndarray] = []
    for parts in zip(*found, strict=True):
        if len(parts) == 1:
            merged.append(parts[0].templates)
            continue
        scores = np.concatenate([part.scores for part in parts])
        bound = nth_best_subject(scores, np.concatenate([part.subjects for part in parts]), top)
        merged.append(np.concatenate([part.templates for part in parts])[scores >= bound - MARGIN])
    return merged or [np.empty(0, np.int64) for _ in probes]
