"""What is done to people in galleries, and what must be written down with it before it is acknowledged.

A deed is on the disk, then in the audit log, then answered. Whoever is erased is forgotten by the log (their entries
stay and point at nobody) and by the answers that are kept for repeated requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twinlens.errors import UnknownSubjectError
from twinlens.gallery.contract import label
from twinlens.protocols import Erasure, Merging
from twinlens.recognizer import EnrolmentReport
from twinlens.service.audit_entry import Event, Fact
from twinlens.service.galleries import Galleries, OpenGallery
from twinlens.service.guards import Guards
from twinlens.service.records import Removal
from twinlens.service.refusals import Refusal

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
        event = Event(self.who, did, gallery, subject, other, facts or {}, self.request)
        self.guards.audit.append(event)

    def enrolled(self, gallery: str, report: EnrolmentReport) -> None:
        """Note what became of a photo."""
        outcome: dict[str, Fact] = {"outcome": report.outcome}
        self.note("enrolled" if report.outcome == "done" else "offered photo", gallery, report.subject, facts=outcome)

    def rename(self, gallery: str, found: OpenGallery, name: str, new: str) -> None:
        """Give a subject another name; answers and log follow.

        Raises:
            GalleryError: it cannot be renamed.
        """
        name, new = label(name, "subject"), label(new, "subject")
        if name == new:
            found.recognizer.gallery.templates(name)
            return
        found.recognizer.gallery.rename(name, new)
        self.guards.audit.renamed(gallery, name, new)
        self.guards.answers.renamed(gallery, name, new)
        self.note("renamed", gallery, new)

    def tag(self, gallery: str, found: OpenGallery, name: str, tags: Mapping[str, str]) -> None:
        """Set tags.

        Raises:
            UnknownSubjectError: nobody of that name.
        """
        found.recognizer.gallery.tag(name, tags)
        self.note("tagged", gallery, label(name, "subject"), facts={"tags": len(tags)})

    def merge(self, gallery: str, found: OpenGallery, name: str, into: str) -> int:
        """Give a subject's photos to another; return how many.

        Raises:
            Refusal: 422, the engine cannot.
            GalleryError: they cannot be merged.
        """
        people = found.recognizer.gallery
        if not isinstance(people, Merging):
            raise Refusal(422, "OptionError", "the engine of this gallery cannot merge: enrol the photos again")
        moved = people.merge(name, into)
        name, into = label(name, "subject"), label(into, "subject")
        self.note("merged", gallery, name, into, {"templates": moved})
        self.guards.audit.renamed(gallery, name, into)
        self.guards.answers.renamed(gallery, name, into)
        return moved

    def erase(self, gallery: str, found: OpenGallery, name: str) -> Erasure:
        """Erase a subject, and forget whose entries and answers they were.

        Raises:
            UnknownSubjectError: nobody of that name.
            GalleryError: it cannot be done now; nothing was removed.
        """
        audit, people = self.guards.audit, found.recognizer.gallery
        name = label(name, "subject")
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
