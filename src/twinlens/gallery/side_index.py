"""Gallery file -> the scan index beside it: derived, rebuildable, never trusted further than it can be checked.

faces.db.index/
  lock            who changes anything here holds it
  header.json     which generation counts, how many rows, up to which operation; replaced atomically
  g000001/        vectors, ids, codes; see `twinlens.gallery.generation`
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from twinlens.errors import GalleryError
from twinlens.gallery.coded_segment import calibrated_depth
from twinlens.gallery.codes import Coder, parts_of
from twinlens.gallery.contract import GalleryOptions
from twinlens.gallery.database import Database
from twinlens.gallery.generation import CODES, Generation
from twinlens.gallery.header import NAME, Header, read_header, write_header
from twinlens.gallery.locks import SUPPORTED, exclusive
from twinlens.gallery.reading import counts, last_issued, removed_after, subject_and_vector, template_rows
from twinlens.gallery.segment import Segment

_LOG = logging.getLogger("twinlens.gallery")
_SAMPLE = 16  # rows compared with the truth when the index is loaded
_DEAD_SHARE = 0.25  # of removed rows: past it the rows are written anew
_GROWTH = 4  # the codebook is learnt anew when the gallery is this many times larger
_ROWS_AT_ONCE = 32_768


@dataclass(frozen=True, slots=True)
class Loaded:
    """A snapshot that agrees with the truth."""

    segment: Segment
    header: Header
    through_removal: int


class SideIndex:
    """The folder beside a gallery file.

    Args:
        database: the truth.
        options: when to write what.
    """

    def __init__(self, database: Database, options: GalleryOptions) -> None:
        self._database = database
        self._options = options
        self.folder = database.path.with_name(database.path.name + ".index")

    def header(self) -> Header | None:
        """Return the header if it belongs to this gallery and is not ahead of it."""
        header = read_header(self.folder)
        if header is None:
            return None
        contract = self._database.contract
        if (header.gallery, header.model, header.dim) != (self._database.uuid, contract.model, contract.dim):
            return None
        with self._database.reading() as connection:
            templates, removals = last_issued(connection)
        ahead = header.through_template > templates or header.through_removal > removals
        return None if ahead or header.rows < 1 else header

    def signature(self) -> tuple[int, int] | None:
        """Return what changes when any process has replaced the header."""
        try:
            state = (self.folder / NAME).stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_ino

    def files(self) -> list[Path]:
        """Return every file of the folder."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    def _generation(self, number: int) -> Generation:
        return Generation(self.folder / f"g{number:06d}", self._database.contract.dim)

    def _numbers(self) -> list[int]:
        names = [re.fullmatch(r"g(\d{6,})", path.name) for path in self.folder.glob("g*")]
        return sorted(int(name.group(1)) for name in names if name)

    # ---- reading

    def load(self) -> Loaded | None:
        """Map the snapshot; None where there is none or it contradicts the truth."""
        if not SUPPORTED:
            return None
        for _ in range(3):  # a new generation may replace the one that the header named
            header = self.header()
            if header is None:
                return None
            segment = self._generation(header.generation).load(header)
            if segment is not None and read_header(self.folder) == header:
                return self._agreeing(segment, header)
        return None

    def _agreeing(self, segment: Segment, header: Header) -> Loaded | None:
        """Compare number and a sample of the rows with the truth."""
        with self._database.reading() as connection:
            removed, seq = removed_after(connection, header.through_removal)
            segment.bury(np.array(removed, np.int64))
            (later,) = connection.execute(
                "SELECT count(*) FROM templates WHERE id > ?", (header.through_template,)
            ).fetchone()
            alive = np.flatnonzero(segment.subjects)
            if alive.size + later != counts(connection)[1]:
                return None
            for row in alive[np.linspace(0, alive.size - 1, _SAMPLE).astype(int)] if alive.size else ():
                truth = subject_and_vector(connection, int(segment.templates[row]))
                if truth is None or truth[0] != segment.subjects[row]:
                    return None
                if not np.array_equal(truth[1], segment.vectors[row]):
                    return None
        return Loaded(segment, header, seq)

    # ---- writing

    def coverage(self) -> tuple[int, int, int]:
        """Return the last template id, the last one that the snapshot covers, and how many rows it has."""
        header = self.header()
        with self._database.reading() as connection:
            issued, _ = last_issued(connection)
        return (issued, header.through_template, header.rows) if header else (issued, 0, 0)

    def extend(self, *, wait_s: float, anew: bool = False) -> bool:
        """Bring the folder up to the truth; return whether it is.

        Args:
            wait_s: how long to wait for another process that is changing the folder, seconds.
            anew: distrust what is there.
        """
        if not SUPPORTED:
            return False
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            with exclusive(self.folder / "lock", wait_s) as free:
                if free:
                    self._extend(None if anew else self.header())
                return free
        except OSError as error:
            _LOG.info("no scan index beside %s (%s): searching without it", self._database.path, error)
            return False

    def _extend(self, header: Header | None) -> None:
        with self._database.reading() as connection:
            templates = counts(connection)[1]
        if templates < self._options.snapshot_rows:
            (self.folder / NAME).unlink(missing_ok=True)
        elif header is None or self._outgrown(header, templates) or not self._append(header):
            self._write_anew(templates)
        self._discard_others()

    def _outgrown(self, header: Header, templates: int) -> bool:
        with self._database.reading() as connection:
            (later,) = connection.execute(
                "SELECT count(*) FROM templates WHERE id > ?", (header.through_template,)
            ).fetchone()
        dead = header.rows - (templates - later)
        wants_codes = templates > self._options.exact_rows and parts_of(header.dim) > 0
        trained_for = header.trained_rows or (0 if wants_codes else templates)
        return dead > _DEAD_SHARE * header.rows or templates > _GROWTH * trained_for

    def _append(self, header: Header) -> bool:
        generation = self._generation(header.generation)
        coder = None
        try:
            generation.trim(header.rows, coded=header.depth > 0)
            coder = generation.coder(header)
        except OSError:
            return False
        if header.depth and coder is None:
            return False
        self._finish(self._copy_rows(generation, header, coder))
        return True

    def _copy_rows(self, generation: Generation, header: Header, coder: Coder | None) -> Header:
        while True:
            with self._database.reading() as connection:
                new = template_rows(connection, header.through_template, generation.dim, _ROWS_AT_ONCE)
            if not new.ids.size:
                return header
            generation.append(header.rows, new, coder)
            header = replace(header, rows=header.rows + new.ids.size, through_template=int(new.ids[-1]))

    def _write_anew(self, templates: int) -> None:
        with self._database.reading() as connection:
            _, removals = last_issued(connection)
        contract = self._database.contract
        number = max([0, *self._numbers()]) + 1
        generation = self._generation(number)
        generation.create()
        empty = Header(self._database.uuid, contract.model, contract.dim, number, 0, 0, removals)
        header = self._copy_rows(generation, empty, None)
        if header.rows > self._options.exact_rows and parts_of(contract.dim):
            vectors = generation.vectors(header.rows)
            coder = Coder.train(vectors)
            codes = np.concatenate(
                [coder.encode(vectors[at : at + _ROWS_AT_ONCE]) for at in range(0, header.rows, _ROWS_AT_ONCE)]
            )
            depth = calibrated_depth(vectors, coder, codes)
            crc = generation.write_codes(coder, codes) if depth else 0
            header = replace(header, trained_rows=templates, depth=depth, codebook_crc=crc)
        self._finish(header)

    def _finish(self, header: Header) -> None:
        """Erase what was removed in the meantime, then let the rows count."""
        with self._database.reading() as connection:
            removed, seq = removed_after(connection, header.through_removal)
        if removed:
            self._generation(header.generation).erase(np.array(removed, np.int64))
        write_header(self.folder, replace(header, through_removal=seq))

    def _discard_others(self) -> None:
        header = read_header(self.folder)
        for number in self._numbers():
            if header is None or number != header.generation:
                with suppress(OSError):
                    self._generation(number).discard()

    # ---- erasing

    def superseded(self) -> bool:
        """Return whether a generation is still here that another process has mapped."""
        return len(self._numbers()) > 1

    def finish_removals(self) -> None:
        """Erase what a process that died before it could do so left behind."""
        header = self.header()
        with self._database.reading() as connection:
            _, issued = last_issued(connection)
        if len(self._numbers()) > 1 or (header is not None and header.through_removal < issued):
            self.erase_removed(wait_s=0.0)
        with suppress(GalleryError):
            self._database.checkpoint(0.0)

    def templates_with_code(self, code: bytes) -> list[int]:
        """Return the ids of the templates that have this compressed code somewhere in the folder, removed or not."""
        return [i for number in self._numbers() for i in self._generation(number).templates_with_code(code)]

    def codes_of(self, templates: Sequence[int]) -> dict[Path, list[bytes]]:
        """Return the compressed codes of templates that were not overwritten yet, by file."""
        found: dict[Path, list[bytes]] = {}
        for number in self._numbers():
            generation = self._generation(number)
            with suppress(OSError):
                if codes := generation.codes_of(np.array(templates, np.int64)):
                    found[generation.folder / CODES] = codes
        return found

    def erase_removed(self, *, wait_s: float) -> bool:
        """Overwrite everything that was removed and is still in the folder; return whether that was possible."""
        if not SUPPORTED or not self.folder.is_dir():
            return True
        try:
            with exclusive(self.folder / "lock", wait_s) as free:
                if free:
                    self._erase(self.header())
                return free
        except OSError as error:
            _LOG.info("could not erase from the scan index of %s: %s", self._database.path, error)
            return False

    def _erase(self, header: Header | None) -> None:
        if header is None:  # nothing here can be trusted: the next search writes it anew
            (self.folder / NAME).unlink(missing_ok=True)
        self._discard_others()
        with self._database.reading() as connection:
            removed, seq = removed_after(connection, header.through_removal if header else 0)
        if not removed:
            return
        for number in self._numbers():
            with suppress(FileNotFoundError):
                self._erase_from(self._generation(number), np.array(removed, np.int64), header)
        if header is not None:
            write_header(self.folder, replace(header, through_removal=seq))

    def _erase_from(self, generation: Generation, removed: Int64[np.ndarray, " ids"], header: Header | None) -> None:
        if header is not None and generation == self._generation(header.generation):
            generation.trim(header.rows, coded=header.depth > 0)
        generation.erase(removed)
