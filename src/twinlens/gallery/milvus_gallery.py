"""Embedding -> [Match] from a collection of a Milvus server: the distributed gallery.

The server proposes, every score is computed here from the stored float32 vectors, as in the embedded gallery.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from twinlens.errors import ConflictError, GalleryError, UnknownSubjectError
from twinlens.gallery import milvus_spool as spool
from twinlens.gallery.contract import Contract, GalleryOptions, label
from twinlens.gallery.milvus_address import MilvusAddress
from twinlens.gallery.milvus_enrolling import Newcomers
from twinlens.gallery.milvus_index import EXACT, check_vectors, choose_index, put_index
from twinlens.gallery.milvus_integrity import problems_of
from twinlens.gallery.milvus_ledger import Ledger, Transaction
from twinlens.gallery.milvus_link import MilvusLink, Record
from twinlens.gallery.milvus_marks import View
from twinlens.gallery.milvus_receipt import receipt
from twinlens.gallery.milvus_rows import (
    FULL,
    SLIM,
    Row,
    both,
    check_description,
    digest_of,
    enrolment_of,
    row_of,
    schema_of,
    tagged,
    tags_of,
    vector_of,
)
from twinlens.gallery.milvus_scan import SLIM_PAGE, fetch, page_rows, scan
from twinlens.gallery.milvus_searching import Searcher
from twinlens.gallery.writing import checked, timestamp, unknown
from twinlens.protocols import Enrolment, Erasure, Subject
from twinlens.types import Embedding, Match, Template


class MilvusGallery:
    """A gallery in one collection; several threads, processes and machines may use it at once.

    Args:
        address: the server and the collection.
        contract: whose vectors.
        options: limits and patience.

    Raises:
        GalleryError: another program's collection, or the server refuses.
        GalleryUnavailableError: the server does not answer.
        ModelMismatchError: the collection holds another model's vectors.
    """

    def __init__(self, address: MilvusAddress, contract: Contract, options: GalleryOptions | None = None) -> None:
        self.address = address
        self.contract = contract
        self.options = options or GalleryOptions()
        self._link = MilvusLink(address)
        try:
            self._open()
        except BaseException:
            self._link.close()
            raise
        self._ledger = Ledger(self._link)
        self._page = page_rows(contract.dim)
        self._searcher = Searcher(self._link, self._ledger, contract)

    def _open(self) -> None:
        facts = self._link.describe()
        if facts is None:
            if not self.options.create:
                msg = f"no gallery at {self.address}: check the name, or enrol somebody first"
                raise GalleryError(msg)
            self._link.create(schema_of(self.contract))
            facts = self._link.describe() or {}
        check_description(str(facts.get("description", "")), self.contract, str(self.address))
        check_vectors(self._link, facts, self.contract.dim)
        self._link.collection = str(facts["collection_name"])  # the address may name an alias
        if self._link.index() is None:
            put_index(self._link, EXACT)
        elif not self._link.loaded():
            self._link.load()

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
        return self._ledger.read(lambda view: self._link.count(both("lead == true", view.condition())))[0]

    def __enter__(self) -> MilvusGallery:
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
            GalleryUnavailableError: the server does not answer.
        """
        matrix = self.contract.matrix(probes, top)
        names = [digest_of(label(name, "subject")) for name in exclude]
        return self._searcher.search(matrix, top, tagged(tags or {}), names)

    def _counting(self, condition: str, fields: Sequence[str]) -> list[Record]:
        """Return the rows that count, in no order."""
        page = self._page if "vector" in fields else SLIM_PAGE
        rows = 0 if condition else self._link.count("")

        def read(view: View) -> list[Record]:
            pages = scan(self._link, both(condition, view.condition()), fields, rows=rows, page=page)
            return [row for page in pages for row in page]

        found, late = self._ledger.read(read)
        return [row for row in found if late.shows(row)]

    def _of(self, name: str, fields: Sequence[str] = FULL) -> list[Record]:
        """Return a subject's rows, the first enrolled first.

        Raises:
            UnknownSubjectError: nobody of that name.
        """
        condition = f'subject_key == "{digest_of(name)}"'
        rows = sorted(self._counting(condition, fields), key=lambda row: int(row["seq"]))
        if not rows:
            raise unknown(name)
        return rows

    def subjects(self, *, tags: Mapping[str, str] | None = None) -> list[Subject]:
        """Return who is enrolled, by name in alphabetical order."""
        held: dict[str, list[Record]] = {}
        for row in self._counting(tagged(tags or {}), SLIM):
            held.setdefault(row["subject"], []).append(row)
        found = []
        for name, rows in sorted(held.items()):
            rows.sort(key=lambda row: int(row["seq"]))
            sources = tuple(row["source"] for row in rows if row["source"])
            found.append(Subject(name, len(rows), tags_of(rows[0]), rows[0]["subject_created_at"], sources))
        return found

    def templates(self, subject: str) -> Template:
        """Return a subject's vectors, the first enrolled first.

        Raises:
            UnknownSubjectError: nobody of that name.
        """
        name = label(subject, "subject")
        return Template(name, tuple(Embedding(vector_of(row), self.model) for row in self._of(name)))

    def count(self) -> int:
        """How many templates are stored."""
        return self._ledger.read(lambda view: self._link.count(view.condition()))[0]

    def _rows(self) -> Iterator[Record]:
        """Yield every row that counts in the order of enrolment; keys are held in memory, 60 bytes each."""
        keys = [(int(row["seq"]), row["pk"]) for row in self._counting("", ("pk", "seq", "batch", "subject_key"))]
        keys.sort()
        for at in range(0, len(keys), self._page):
            page = [key for _, key in keys[at : at + self._page]]
            rows = list(fetch(self._link, page, FULL, page=self._page))
            view = self._ledger.view()
            yield from (row for row in rows if view.shows(row))

    def entries(self) -> Iterator[Enrolment]:
        """Return everything stored, in the order of enrolment; what is removed or changed meanwhile may be missing."""
        return (enrolment_of(row, self.model) for row in self._rows())

    def photo_subjects(self, photo: str) -> list[str]:
        """Return who has a template of the photo with this digest, by name."""
        condition = f'photo_key == "{digest_of(label(photo, "photo digest"))}"'
        return sorted(row["subject"] for row in self._counting(condition, SLIM))

    # ---- writing

    def add(self, enrolments: Iterable[Enrolment]) -> int:
        """Store all or none; return how many were new, the others being there already.

        Raises:
            OptionError: a name that cannot be stored.
            ConflictError: the same photo holds this face already under another name, or another face of it under this
                name.
            ModelMismatchError: an embedding of another model than the gallery's.
            GalleryUnavailableError: another writer for too long, or the server does not answer. Nothing was stored,
                or it is not known: the same call again stores what is missing.
        """
        batch = [checked(enrolment) for enrolment in enrolments]
        for enrolment in batch:
            self.contract.check(enrolment.embedding)
        if not batch:
            return 0
        now = timestamp()
        with self._ledger.writing(self.options.busy_timeout_s) as change:
            return Newcomers(self._link, change).add([(enrolment, now) for enrolment in batch])

    def _change(self, subject: str, work: Callable[[Transaction, list[Record]], None]) -> None:
        """Run ``work`` on a subject's rows as the only writer."""
        with self._ledger.writing(self.options.busy_timeout_s, changing=True) as change:
            rows = self._of(subject)
            change.outlast(max(int(row["batch"]) for row in rows))
            work(change, rows)

    def _rewritten(self, rows: Sequence[Record], change: Transaction, tags: Mapping[str, str], name: str) -> list[Row]:
        """Return a subject's rows under a name and with these tags, to stand for the present ones."""
        made = []
        for number, record in enumerate(rows):
            old = row_of(record, self.model)
            held = old.enrolment
            entry = Enrolment(name, held.embedding, held.photo, held.quality, held.source)
            made.append(
                Row(
                    entry,
                    old.created_at,
                    old.subject_created_at,
                    tags,
                    number == 0,
                    old.seq,
                    change.batch,
                    digest_of(held.subject),
                )
            )
        return made

    def tag(self, subject: str, tags: Mapping[str, str]) -> None:
        """Set tags; an empty value removes one.

        Raises:
            UnknownSubjectError: nobody of that name.
        """
        wanted = {label(key, "tag"): label(text, "tag's value") if text else "" for key, text in tags.items()}
        name = label(subject, "subject")

        def work(change: Transaction, rows: list[Record]) -> None:
            held = tags_of(rows[0])
            new = {key: text for key, text in {**held, **wanted}.items() if text}
            if new != held:
                change.replace(digest_of(name), self._rewritten(rows, change, new, name))

        self._change(name, work)

    def rename(self, subject: str, name: str) -> None:
        """Give a subject another name.

        Raises:
            UnknownSubjectError: nobody of that name.
            ConflictError: the new name is taken.
        """
        old, new = label(subject, "subject"), label(name, "subject")

        def work(change: Transaction, rows: list[Record]) -> None:
            if old == new:
                return
            if self._link.count(f'subject_key == "{digest_of(new)}"'):
                msg = f"cannot rename {old!r}: {new!r} is enrolled already; choose another name or remove it first"
                raise ConflictError(msg)
            change.replace(digest_of(old), self._rewritten(rows, change, tags_of(rows[0]), new))

        self._change(old, work)

    def remove(self, subject: str) -> Erasure:
        """Delete a subject: from now on no search finds it. What stays on the server's storage is in the receipt.

        Raises:
            UnknownSubjectError: nobody of that name.
            GalleryUnavailableError: another writer for too long, or the server does not answer.
        """
        name = label(subject, "subject")
        counts: list[tuple[int, bool]] = []

        def work(change: Transaction, rows: list[Record]) -> None:
            counts.append((len(rows), change.replace(digest_of(name), [])))

        self._change(name, work)
        return receipt(str(self.address), name, *counts[0])

    def remove_photo(self, subject: str, photo: str) -> Erasure:
        """Delete what one photo gave to a subject; the last template takes the subject along.

        Raises:
            UnknownSubjectError: nobody of that name, or no such photo of theirs.
        """
        name, digest = label(subject, "subject"), label(photo, "photo digest")
        done: list[bool] = []

        def work(change: Transaction, rows: list[Record]) -> None:
            gone = [row for row in rows if row["photo"] == digest]
            kept = [row for row in rows if row["photo"] != digest]
            if not gone:
                msg = f"{name!r} has no template of the photo {digest!r}"
                raise UnknownSubjectError(msg)
            if kept and not gone[0]["lead"]:
                change.delete([gone[0]["pk"]])
                done.append(True)
                return
            done.append(change.replace(digest_of(name), self._rewritten(kept, change, tags_of(rows[0]), name)))

        self._change(name, work)
        return receipt(str(self.address), name, 1, done[0])

    # ---- the house

    def export_to(self, path: Path | str, *, replace: bool = False) -> int:
        """Write everything to one portable file; return how many templates.

        Raises:
            GalleryError: the file is there and ``replace`` is False, or it cannot be written.
        """
        rows = (row_of(record, self.model) for record in self._rows())
        return spool.export_rows(rows, self.contract, Path(path), replace=replace)

    def import_from(self, path: Path | str) -> int:
        """Add everything from an export, all or nothing; return how many templates were new.

        Raises:
            GalleryError: not an export, or a damaged one.
            ModelMismatchError: it holds another model's vectors.
            ConflictError: as in `add`.
        """

        def store(chunks: Iterator[list[spool.Dated]], subjects: dict[str, Subject]) -> int:
            with self._ledger.writing(self.options.busy_timeout_s) as change:
                newcomers = Newcomers(self._link, change, subjects)
                added = sum(newcomers.add(chunk) for chunk in chunks)
            for subject in subjects.values():  # those who were there already get the tags as well
                if subject.tags and subject.name in newcomers.known:
                    self.tag(subject.name, subject.tags)
            return added

        return spool.import_rows(Path(path), self.contract, store)

    def verify_integrity(self) -> tuple[str, ...]:
        """Read everything; return what is wrong and what to do, nothing for a sound gallery."""
        return problems_of(self._link, self._ledger, self._page)

    def rebuild_index(self) -> None:
        """Settle calls that broke off, make the server write its segments, and choose the index anew.

        Up to ``exact_rows`` templates every vector is compared. Above, a graph proposes; its recall is measured after
        loading, and where it does not suffice every vector is compared all the same. While one index replaces
        another, searches fail or wait.

        Raises:
            GalleryUnavailableError: another writer, or the server is too slow.
        """
        with self._ledger.writing(self.options.busy_timeout_s):
            self._link.flush()
        self._link.compact()
        rows = self._link.count("")
        choose_index(self._link, self._vectors, self.dim, exact=rows <= self.options.exact_rows)

    def _vectors(self) -> Iterator[tuple[str, np.ndarray]]:
        pages = scan(self._link, "", ("pk", "vector"), rows=self._link.count(""), page=self._page)
        return ((row["pk"], vector_of(row)) for page in pages for row in page)

    def close(self) -> None:
        """Release the connection; what was acknowledged is already stored."""
        self._link.close()
