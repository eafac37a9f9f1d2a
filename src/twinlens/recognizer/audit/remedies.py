"""Stored photos -> what to do about them, as commands that can be run as they stand."""

from __future__ import annotations

from collections.abc import Sequence

from twinlens.recognizer.audit.findings import Remedy, StoredPhoto

ACCEPTABLE = 0.5  # quality below which enrolment refuses a photo unless it is told to accept it


def remove_photo(photo: StoredPhoto, when: str) -> Remedy:
    """Return how to take one photo out of the gallery."""
    return Remedy(when, ("gallery", "remove"), (photo.subject,), (("--photo", photo.handle),))


def enrol_photos(subject: str, photos: Sequence[StoredPhoto], when: str) -> Remedy:
    """Return how to enrol photos that were in the gallery before; in words where nobody knows where they are.

    They are let in as they were before: another face beside the main one, or a poor one, does not keep them out.
    """
    sources = tuple(photo.source for photo in photos)
    if not all(sources):
        return Remedy(when)
    options = [("--main-face", "")]
    if any(photo.quality < ACCEPTABLE for photo in photos):
        options.append(("--accept-poor", ""))
    return Remedy(when, ("enrol",), (subject, *sources), tuple(options), sources)


def look_at(photos: Sequence[StoredPhoto]) -> Remedy:
    """Return how to see what two photos have in common."""
    sources = tuple(photo.source for photo in photos)
    if not all(sources):
        return Remedy("look at the photos")
    return Remedy("look at the photos", ("verify",), sources, (("--why", "why.png"),), sources)
