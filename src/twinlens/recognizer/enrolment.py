"""Photos of one person -> templates in a gallery, with a report for each photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from twinlens.errors import ConflictError
from twinlens.protocols import Enrolment, Gallery
from twinlens.recognizer.results import EnrolmentReport, Examined, Portrait
from twinlens.score import Bar


@dataclass(frozen=True, slots=True)
class EnrolOptions:
    """What enrolment lets pass.

    Attributes:
        accept_poor: store faces of poor quality too.
        accept_conflict: store a face although it looks like another subject.
        main_face: where a photo shows several people of similar size, take the main one instead of refusing.
    """

    accept_poor: bool = False
    accept_conflict: bool = False
    main_face: bool = False


def enrol_photo(subject: str, photo: Examined, gallery: Gallery, *, bar: Bar, options: EnrolOptions) -> EnrolmentReport:
    """Decide on one examined photo and store its face; when this returns ``done`` the face is safe on disk."""
    refusal = _refusal(subject, photo, options)
    if refusal is not None:
        return refusal
    portrait = photo.portraits[0]
    quality = portrait.quality.score
    rival = _rival(subject, portrait, gallery, bar)
    if rival is not None and not options.accept_conflict:
        name, score = rival
        reason = (
            f"looks like {name!r} (similarity {score:.3f}, threshold {bar.threshold:.3f}): the same person under "
            "two names, or a relative; accept the conflict if they are two people"
        )
        return EnrolmentReport(photo.source, subject, "conflict", (reason,), quality, name, score)
    if photo.image is None:  # unreachable after _refusal; keeps the type checker and the reader honest
        return EnrolmentReport(photo.source, subject, "unreadable")
    enrolment = Enrolment(subject, portrait.embedding, photo.image.digest(), quality, photo.source)
    try:
        added = gallery.add([enrolment])
    except ConflictError as error:
        return EnrolmentReport(photo.source, subject, "conflict", (str(error),), quality)
    return EnrolmentReport(
        photo.source, subject, "done" if added else "already enrolled", portrait.quality.reasons, quality
    )


def _refusal(subject: str, photo: Examined, options: EnrolOptions) -> EnrolmentReport | None:
    """Return why a photo cannot be enrolled, whatever the gallery holds."""
    if photo.error is not None:
        return EnrolmentReport(photo.source, subject, "unreadable", (str(photo.error),))
    if not photo.portraits:
        return EnrolmentReport(photo.source, subject, "no face", ("take a photo in which the face is visible",))
    quality = photo.portraits[0].quality
    if len(photo.portraits) > 1 and not options.main_face:
        reason = f"{len(photo.portraits)} people of similar size: cut the photo, or take the main face"
        return EnrolmentReport(photo.source, subject, "several faces", (reason,), quality.score)
    if not quality.acceptable and not options.accept_poor:
        return EnrolmentReport(photo.source, subject, "poor quality", quality.reasons, quality.score)
    return None


def _rival(subject: str, portrait: Portrait, gallery: Gallery, bar: Bar) -> tuple[str, float] | None:
    """Return another subject whose face this seems to be, and the similarity."""
    (matches,) = gallery.search([portrait.embedding], 1, exclude=(subject,))
    if matches and matches[0].score >= bar.threshold:
        return matches[0].subject, matches[0].score
    return None


def summary(reports: Sequence[EnrolmentReport]) -> dict[str, int]:
    """Count the outcomes."""
    counts: dict[str, int] = {}
    for report in reports:
        counts[report.outcome] = counts.get(report.outcome, 0) + 1
    return counts
