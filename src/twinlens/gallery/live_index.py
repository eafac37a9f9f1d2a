"""Commits of any process -> a scan that has seen them, and side files that follow."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping

import numpy as np
from jaxtyping import Float32, Int64

from twinlens.errors import GalleryUnavailableError
from twinlens.gallery import reading
from twinlens.gallery.contract import GalleryOptions
from twinlens.gallery.database import Database
from twinlens.gallery.locks import SUPPORTED
from twinlens.gallery.scan import Scan, candidates
from twinlens.gallery.segment import Segment
from twinlens.gallery.side_index import SideIndex

_CLOSING_SHARE = 16  # on closing, a sixteenth of the permitted tail is worth adding to the snapshot
_LARGE_TAIL = 8  # the tail may reach an eighth of the snapshot: large galleries are appended to less often
_FILTERS = 32  # remembered tag filters


class LiveIndex:
    """What searches look through; loaded when the first one comes.

    Args:
        database: the truth.
        side: the files beside it.
        options: when to write what.
    """

    def __init__(self, database: Database, side: SideIndex, options: GalleryOptions) -> None:
        self._database = database
        self._side = side
        self._options = options
        self._lock = threading.RLock()
        self._scan: Scan | None = None
        self._generation = 0
        self._version = -1
        self._signature: tuple[int, int] | None = None
        self._filters: dict[tuple[tuple[str, str], ...], Int64[np.ndarray, " subjects"]] = {}
        self._covered, self._rows = 0, 0

    def propose(
        self,
        probes: Float32[np.ndarray, "probes dim"],
        top: int,
        *,
        tags: Mapping[str, str],
        exclude: Collection[str],
    ) -> list[Int64[np.ndarray, " templates"]]:
        """Return, for each probe, every template that may decide who the ``top`` best subjects are."""
        with self._lock:
            scan = self._current()
            chosen = self._tagged(tags) if tags else None
            with self._database.reading() as connection:
                excluded = reading.named_subjects(connection, exclude)
            segments, eligible = scan.segments(), scan.eligible(chosen, excluded)
        return candidates(segments, probes, top, eligible)

    def segments(self) -> tuple[Segment, ...]:
        """Return what a search looks through."""
        with self._lock:
            return self._current().segments()

    def _tagged(self, tags: Mapping[str, str]) -> Int64[np.ndarray, " subjects"]:
        key = tuple(sorted(tags.items()))
        if key not in self._filters:
            with self._database.reading() as connection:
                chosen = reading.tagged_subjects(connection, tags)
            if len(self._filters) >= _FILTERS:
                self._filters.clear()
            self._filters[key] = chosen
        return self._filters[key]

    # ---- following the truth

    def _current(self) -> Scan:
        """Return a scan that has seen every commit; the caller holds the lock."""
        version = self._database.version()
        if self._scan is not None and version == self._version:
            return self._scan
        self._filters.clear()
        if self._scan is None or self._superseded(self._scan):
            self._scan = self._load()
        self._catch_up(self._scan)
        self._version = version
        return self._scan

    def _superseded(self, scan: Scan) -> bool:
        """Return whether the side files hold enough that this scan does not."""
        signature = self._side.signature()
        if signature == self._signature:
            return False
        header = self._side.header()
        if header is None:
            return False
        self._signature = signature
        return header.generation != self._generation or scan.tail_rows > self._options.tail_rows

    def _load(self) -> Scan:
        signature = self._side.signature()
        loaded = self._side.load()
        if loaded is None:
            with self._database.reading() as connection:
                templates = reading.counts(connection)[1]
            if templates >= self._options.snapshot_rows:
                self._side.extend(wait_s=self._options.busy_timeout_s, anew=True)
                signature = self._side.signature()
                loaded = self._side.load()
        self._signature = signature
        if loaded is None:
            return Scan(self._database.contract.dim)
        self._generation = loaded.header.generation
        return Scan(self._database.contract.dim, loaded.segment, loaded.header.through_template, loaded.through_removal)

    def _catch_up(self, scan: Scan) -> None:
        while True:
            with self._database.reading() as connection:  # one view: a row read here was not removed before `seq`
                removed, seq = reading.removed_after(connection, scan.through_removal)
                new = reading.template_rows(connection, scan.through_template, self._database.contract.dim)
            scan.bury(removed, seq)
            if not new.ids.size:
                return
            scan.append(new)

    # ---- letting the side files follow

    def after_writing(self) -> None:
        """Add the tail to the side files where it has grown long."""
        with self._database.reading() as connection:
            issued, _ = reading.last_issued(connection)
        limit = max(self._options.tail_rows, self._rows // _LARGE_TAIL)
        if issued - self._covered > (limit if self._rows else self._options.snapshot_rows):
            self._extend(limit)

    def before_closing(self) -> None:
        """Leave short work to whoever opens the gallery next."""
        with self._lock:
            self._scan = None  # a generation that is still mapped could not be deleted
        self._extend(max(1, self._options.tail_rows // _CLOSING_SHARE))

    def _extend(self, limit: int) -> None:
        issued, self._covered, self._rows = self._side.coverage()
        if issued - self._covered > (limit if self._rows else self._options.snapshot_rows):
            self._side.extend(wait_s=0.0)
            _, self._covered, self._rows = self._side.coverage()

    def rebuild(self) -> None:
        """Write the side files anew from the database.

        Raises:
            GalleryUnavailableError: another process is changing them, or they cannot be written.
        """
        with self._lock:
            self._scan = None
            if SUPPORTED and not self._side.extend(wait_s=self._options.busy_timeout_s, anew=True):
                msg = f"gallery {self._database.path}: its index is busy or cannot be written; try again later"
                raise GalleryUnavailableError(msg)
