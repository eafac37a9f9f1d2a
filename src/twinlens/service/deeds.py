"""What is done to people in galleries, and what must be written down with it before it is acknowledged.

That a deed is begun is on the disk first, then the deed, then its entry in the audit log; then it is answered. So no
deed is done without the log, and what is broken off is made up for by whoever comes next (`Deeds.settle`). Whoever is
erased is forgotten by the log (their entries stay and point at nobody) and by the answers that are kept for repeated
requests.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from twinlens.errors import ConflictError, ServiceError, UnknownSubjectError
from twinlens.gallery.contract import label
from twinlens.protocols import Erasure, Gallery, Merging
from twinlens.recognizer import EnrolmentReport
from twinlens.service.audit_entry import Event, Fact
from twinlens.service.galleries import Galleries, OpenGallery
from twinlens.service.guards import Guards
from twinlens.service.records import Kind, Record, Removal
from twinlens.service.refusals import Refusal

_LOG = logging.getLogger("twinlens.service.deeds")
SERVICE = "service"  # who does what nobody asked for at the moment


@dataclass(frozen=True, slots=True)
class Deeds:
    """What one request, or the service by itself, does; every method waits for a disk.

    Attributes:
        guards: where it is written down.
        who: id of the key, or `SERVICE`.
        request: its id.
    """

    guards: Guards
    who: str
    request: str = ""

    def note(
        self, did: str, gallery: str = "", subject: str = "", other: str = "", facts: Mapping[str, Fact] | None = None
    ) -> None:
        """Write a line of the audit log.

        Raises:
            ServiceError: it cannot be written: what was asked for must not be answered.
        """
        self.guards.audit.append(self._event(did, gallery, subject, other, facts))

    def _event(
        self, did: str, gallery: str, subject: str = "", other: str = "", facts: Mapping[str, Fact] | None = None
    ) -> Event:
        return Event(self.who, did, gallery, subject, other, facts or {}, self.request)

    @contextmanager
    def _doing(self, event: Event, move: tuple[str, str] | None = None) -> Iterator[dict[str, Fact]]:
        """Write down what the block does: before it that it is begun, after it that it is done.

        The block may add facts. Where it raises an error of ours nothing was done.
        """
        audit, facts = self.guards.audit, dict(event.facts)
        row = audit.begin(event, move)
        try:
            yield facts
        except Exception:
            audit.undo(row)
            raise
        except BaseException:  # nobody knows how far it came
            audit.leave(row)
            raise
        audit.end(row, replace(event, facts=facts))

    @contextmanager
    def offered(self, gallery: str, subject: str) -> Iterator[list[EnrolmentReport]]:
        """Write down what becomes of a photo; the block puts its report into the list.

        Raises:
            ServiceError: the log cannot be written: the block is not run, or its entry will be made up for.
        """
        audit, event = self.guards.audit, self._event("offered photo", gallery, subject)
        row, reports = audit.begin(event), list[EnrolmentReport]()
        try:
            yield reports
        finally:
            audit.leave(row) if not reports else audit.end(row, _told(event, reports[-1]))

    def settle(self, gallery: str, found: OpenGallery) -> None:
        """Make up for renames and merges that were broken off after the gallery had changed.

        To be called before anything else is done to the people of a gallery.

        Raises:
            ServiceError: the log cannot be used.
        """
        audit = self.guards.audit
        begun = audit.moves(gallery)
        if begun:
            living = {audit.name(gallery, subject.name) for subject in found.recognizer.gallery.subjects()}
            for move in begun:
                audit.finish(move, done=move.before not in living)

    def make_gallery(self, galleries: Galleries, gallery: str, kind: Kind, retention_days: int | None) -> Record:
        """Make a gallery.

        Raises:
            GalleryError: it cannot be made, see `Galleries.create`.
        """
        with self._doing(self._event("made gallery", gallery)):
            return galleries.create(gallery, kind, retention_days)

    def keep(self, galleries: Galleries, gallery: str, retention_days: int | None) -> None:
        """Change how long subjects of a gallery are kept.

        Raises:
            Refusal: 404, no gallery of that name.
        """
        with self._doing(self._event("set retention", gallery, facts={"days": retention_days or 0})):
            galleries.keep(gallery, retention_days)

    def rename(self, gallery: str, found: OpenGallery, name: str, new: str) -> None:
        """Give a subject another name; answers and log follow.

        Raises:
            GalleryError: it cannot be renamed.
        """
        name, new = label(name, "subject"), label(new, "subject")
        self.settle(gallery, found)
        people = found.recognizer.gallery
        people.templates(name)
        if name == new:
            return
        if _lives(people, new):
            msg = f"{new!r} is enrolled already: merge the two, or choose another name"
            raise ConflictError(msg)
        self.guards.answers.renaming(gallery, name, new)
        with self._doing(self._event("renamed", gallery, name), (name, new)):
            people.rename(name, new)
        self._answers_follow(gallery, name, new)

    def _answers_follow(self, gallery: str, name: str, new: str) -> None:
        """Tidy up: answers are found under both names already."""
        try:
            self.guards.answers.renamed(gallery, name, new)
        except ServiceError as error:
            _LOG.warning("answers are still kept under a name that was: %s", error)

    def tag(self, gallery: str, found: OpenGallery, name: str, tags: Mapping[str, str]) -> None:
        """Set tags.

        Raises:
            UnknownSubjectError: nobody of that name.
        """
        name, people = label(name, "subject"), found.recognizer.gallery
        self.settle(gallery, found)
        people.templates(name)  # nobody of that name gets a line
        with self._doing(self._event("tagged", gallery, name, facts={"tags": len(tags)})):
            people.tag(name, tags)

    def merge(self, gallery: str, found: OpenGallery, name: str, into: str) -> int:
        """Give a subject's photos to another; return how many.

        Raises:
            Refusal: 422, the engine cannot.
            GalleryError: they cannot be merged.
        """
        people = found.recognizer.gallery
        if not isinstance(people, Merging):
            raise Refusal(422, "OptionError", "the engine of this gallery cannot merge: enrol the photos again")
        name, into = label(name, "subject"), label(into, "subject")
        self.settle(gallery, found)
        for one in (name, into):
            people.templates(one)
        if name != into:
            self.guards.answers.renaming(gallery, name, into)
        with self._doing(self._event("merged", gallery, name, into), (name, into)) as facts:
            facts["templates"] = moved = people.merge(name, into)
        self._answers_follow(gallery, name, into)
        return moved

    def erase(self, gallery: str, found: OpenGallery, name: str) -> Erasure:
        """Erase a subject, and forget whose entries and answers they were.

        Raises:
            UnknownSubjectError: nobody of that name.
            GalleryError: it cannot be done now; nothing was removed.
        """
        audit, people = self.guards.audit, found.recognizer.gallery
        name = label(name, "subject")
        self.settle(gallery, found)
        people.templates(name)  # nobody of that name gets a line
        pseudonym = audit.erasing(gallery, name)
        self.note("erasing", gallery, pseudonym)
        self.guards.answers.forget(gallery, name)  # first: a killed process leaves nobody who knows the name
        try:
            receipt = people.remove(name)
        except UnknownSubjectError:  # somebody else was quicker
            audit.forget(pseudonym)
            raise
        self.guards.answers.forget(gallery, name)  # and what was answered meanwhile
        told: dict[str, Fact] = {"templates": receipt.templates, "proven": not receipt.remains}
        self.note("erased", gallery, pseudonym, facts=told)
        audit.forget(pseudonym)
        return receipt

    def erase_gallery(self, galleries: Galleries, gallery: str) -> Removal:
        """Erase a gallery with everybody in it, or finish what a killed process had begun.

        Raises:
            Refusal: 404, no gallery of that name.
            GalleryUnavailableError: it is in use.
        """

        def begin() -> None:
            self.note("erasing gallery", gallery)
            self.guards.answers.forget_gallery(gallery)  # first: a killed process leaves nobody who knows the names

        with galleries.erasure(gallery, begin) as receipt:
            self.guards.answers.forget_gallery(gallery)  # and what was answered meanwhile
            self.guards.audit.forget_gallery(gallery)
            told: dict[str, Fact] = {"templates": receipt.templates, "proven": not receipt.remains}
            if receipt.resumed:
                told["made up for"] = True
            self.note("erased gallery", gallery, facts=told)
        return receipt


def _told(event: Event, report: EnrolmentReport) -> Event:
    did = "enrolled" if report.outcome == "done" else "offered photo"
    return replace(event, did=did, facts={"outcome": report.outcome})


def _lives(people: Gallery, name: str) -> bool:
    try:
        people.templates(name)
    except UnknownSubjectError:
        return False
    return True
