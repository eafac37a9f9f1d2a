"""Embedding -> [Match] from one SQLite file: the embedded gallery.

The database is the only truth. The scan index proposes templates; every name and every score in an answer comes from
the database, at the moment of the answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from twinlens.errors import GalleryError
from twinlens.gallery import portable, reading, writing
from twinlens.gallery.contract import Contract, GalleryOptions, label
from twinlens.gallery.database import Database
from twinlens.gallery.erasing import erase, finish
from twinlens.gallery.integrity import problems_of
from twinlens.gallery.live_index import LiveIndex
from twinlens.gallery.ranking import rank
from twinlens.gallery.reading import unproven
from twinlens.gallery.side_index import SideIndex
from twinlens.protocols import Enrolment, Erasure, Subject
from twinlens.types import Embedding, Match, Template

_ATTEMPTS = 5  # a search starts again where something it found was removed meanwhile


class SqliteGallery:
    """A gallery in one file; several threads and several processes may use it at once.

    Args:
        path: the file; ``<file>.index`` beside it appears when the gallery is large.
        contract: whose vectors; None takes what an existing file says.
        options: limits and patience.

    Raises:
        GalleryError: a folder, another program's file, damaged, of a later version, or not writable.
        ModelMismatchError: the file holds another model's vectors.
    """

    def __init__(
        self, path: Path | str, contract: Contract | None = None, options: GalleryOptions | None = None
    ) -> None:
        self.path = Path(path).expanduser().absolute()
        self.options = options or GalleryOptions()
        self._database = Database(self.path, contract, self.options)
        self._side = SideIndex(self._database, self.options)
        self._index = LiveIndex(self._database, self._side, self.options)
        self._side.finish_removals()

    @property
    def contract(self) -> Contract:
        """Whose vectors it holds."""
        return self._database.contract

    @property
    def identity(self) -> str:
        """What tells it from every other gallery, in its place or elsewhere."""
        return self._database.uuid

    @property
    def model(self) -> str:
        """The name of the model whose embeddings it holds."""
        return self.contract.model

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return self.contract.dim

    def __len__(self) -> int:
        """How many subjects are enrolled."""
        with self._database.reading() as connection:
            return reading.counts(connection)[0]

    def __enter__(self) -> SqliteGallery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- reading

    def search(
        self,
        probes: Sequence[Embedding],
        top: int,
        *,
        tags: Mapping[str, str] | None = None,
        exclude: Collection[str] = (),
    ) -> list[list[Match]]:
        """Return the ``top`` most alike subjects for each probe, best first, ties by name.

        A subject's score is the highest over its templates.

        Raises:
            OptionError: ``top`` is less than 1.
            ModelMismatchError: a probe comes from another model.
        """
        matrix = self.contract.matrix(probes, top)
        if not probes:
            return []
        names = [label(name, "subject") for name in exclude]
        for _ in range(_ATTEMPTS):
            proposed = self._index.propose(matrix, top, tags=tags or {}, exclude=names)
            wanted = {template for ids in proposed for template in ids.tolist()}
            with self._database.reading() as connection:
                truth = reading.resolve(connection, wanted)
            if len(truth) == len(wanted):
                break
        return [rank(probe, ids, truth, top) for probe, ids in zip(matrix, proposed, strict=True)]

    def subjects(self, *, tags: Mapping[str, str] | None = None) -> list[Subject]:
        """Return who is enrolled, by name in alphabetical order."""
        with self._database.reading() as connection:
            return reading.list_subjects(connection, tags)

    def templates(self, subject: str) -> Template:
        """Return a subject's vectors, the first enrolled first.

        Raises:
            UnknownSubjectError: nobody of that name.
        """
        name = label(subject, "subject")
        with self._database.reading() as connection:
            row = writing.known_subject(connection, name)
            vectors = reading.subject_vectors(connection, row, self.dim)
        return Template(name, tuple(Embedding(vector, self.model) for vector in vectors))

    def count(self) -> int:
        """How many templates are stored."""
        with self._database.reading() as connection:
            return reading.counts(connection)[1]

    def entries(self) -> Iterator[Enrolment]:
        """Return everything stored, in the order of enrolment; what is removed meanwhile may be missing."""
        after = 0
        while True:
            with self._database.reading() as connection:
                chunk = reading.stored(connection, after, self.contract)
            if not chunk:
                return
            yield from (enrolment for _, enrolment in chunk)
            after = chunk[-1][0]

    def photo_subjects(self, photo: str) -> list[str]:
        """Return who has a template of the photo with this digest, by name."""
        with self._database.reading() as connection:
            return reading.photo_subjects(connection, label(photo, "photo digest"))

    # ---- writing

    def add(self, enrolments: Iterable[Enrolment]) -> int:
        """Store all or none; return how many were new, the others being there already.

        Raises:
            OptionError: a name that cannot be stored.
            ConflictError: the same photo holds this face already under another name, or another face of it under this
                name.
            ModelMismatchError: an embedding of another model than the gallery's.
            GalleryUnavailableError: locked for too long, or the disk is full; nothing was stored.
        """
        batch = [writing.checked(enrolment) for enrolment in enrolments]  # a slow producer must not hold the lock
        for enrolment in batch:
            self.contract.check(enrolment.embedding)
        if not batch:
            return 0
        with self._database.writing() as connection:
            added = writing.add(connection, batch, writing.timestamp())
        self._index.after_writing()
        return added

    def tag(self, subject: str, tags: Mapping[str, str]) -> None:
        """Set tags; an empty value removes one.

        Raises:
            UnknownSubjectError: nobody of that name.
        """
        checked = {label(key, "tag"): label(text, "tag's value") if text else "" for key, text in tags.items()}
        with self._database.writing() as connection:
            writing.tag(connection, label(subject, "subject"), checked)

    def rename(self, subject: str, name: str) -> None:
        """Give a subject another name.

        Raises:
            UnknownSubjectError: nobody of that name.
            ConflictError: the new name is taken.
        """
        with self._database.writing() as connection:
            writing.rename(connection, label(subject, "subject"), label(name, "subject"))

    def merge(self, subject: str, into: str) -> int:
        """Give a subject's templates, and the tags that the other lacks, to another subject; return how many.

        Raises:
            UnknownSubjectError: nobody of one of the names.
            ConflictError: one name twice, or both have a face of the same photo.
        """
        with self._database.writing() as connection:
            moved = writing.merge(connection, label(subject, "subject"), label(into, "subject"))
        self._index.after_writing()
        return moved

    def remove(self, subject: str) -> Erasure:
        """Erase a subject's vectors from every file, then look whether anything is left.

        Raises:
            UnknownSubjectError: nobody of that name.
            GalleryUnavailableError: another process is writing; nothing was removed.
        """
        name = label(subject, "subject")
        return erase(
            self._database,
            self._side,
            name,
            lambda connection: writing.delete_subject(connection, name, self.dim),
            wait_s=self.options.busy_timeout_s,
        )

    def remove_photo(self, subject: str, photo: str) -> Erasure:
        """Erase what one photo gave to a subject; the last template takes the subject along.

        Raises:
            UnknownSubjectError: nobody of that name, or no such photo of theirs.
        """
        name, digest = label(subject, "subject"), label(photo, "photo digest")
        return erase(
            self._database,
            self._side,
            name,
            lambda connection: writing.delete_photo(connection, name, digest, self.dim),
            wait_s=self.options.busy_timeout_s,
        )

    # ---- the house

    def export_to(self, path: Path | str, *, replace: bool = False) -> int:
        """Write everything to one portable file; return how many templates.

        Raises:
            GalleryError: the file is there and ``replace`` is False, or it cannot be written.
        """
        return portable.write_export(self._database, Path(path), replace=replace)

    def import_from(self, path: Path | str) -> int:
        """Add everything from an export, all or nothing; return how many templates were new.

        Raises:
            GalleryError: not an export, or a damaged one.
            ModelMismatchError: it holds another model's vectors.
            ConflictError: as in `add`.
        """
        added = portable.read_export(self._database, Path(path))
        self._index.after_writing()
        return added

    def verify_integrity(self) -> tuple[str, ...]:
        """Read everything; return what is wrong and what to do, nothing for a sound gallery.

        Pages, keys and references of the database, the length of every vector, and whether the index agrees with the
        database. Run it while nobody writes.
        """
        return problems_of(self._database, self._index.segments)

    def rebuild_index(self) -> None:
        """Write the scan index anew from the database; where removals were not proven, the database as well.

        Raises:
            GalleryUnavailableError: another process is using it, or it cannot be written.
        """
        self._index.rebuild()
        finish(self._database, self._side, wait_s=self.options.busy_timeout_s)

    def finish_removals(self) -> None:
        """Make up for removals that a killed process left unproven, as `rebuild_index` does; nothing without any.

        Raises:
            GalleryUnavailableError: another process is using it, or it cannot be written.
        """
        with self._database.reading() as connection:
            pending = unproven(connection)
        if pending:
            self.rebuild_index()

    def close(self) -> None:
        """Bring the scan index up to date and release files; what was acknowledged is already safe."""
        with suppress(GalleryError):  # closed before, or the disk is full: the index can be made again
            self._index.before_closing()
        self._database.close()
