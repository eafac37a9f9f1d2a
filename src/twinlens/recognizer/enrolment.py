"""Photos of one person -> templates in a gallery, with a report for each photo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from twinlens.errors import ConflictError, OptionError, UnknownSubjectError
from twinlens.image import Source
from twinlens.protocols import Enrolment, Gallery
from twinlens.recognizer.results import EnrolmentReport, Examined, Portrait
from twinlens.score import Bar


@dataclass(frozen=True, slots=True)
class EnrolOptions:
    """What enrolment lets pass.

    Attributes:
        accept_poor: store faces of poor quality too.
        accept_conflict: store a face although it looks like another subject, or unlike the subject's other photos.
        main_face: where a photo shows several people of similar size, take the main one instead of refusing.
    """

    accept_poor: bool = False
    accept_conflict: bool = False
    main_face: bool = False


def enrol_photo(
    subject: str, photo: Examined, gallery: Gallery, *, bar: Bar, least: float, options: EnrolOptions
) -> EnrolmentReport:
    """Decide on one examined photo and store its face; when this returns ``done`` the face is safe on disk.

    Args:
        subject: the name to store it under.
        photo: examined, its prominent faces chosen.
        gallery: where to.
        bar: from which similarity on the face is taken to be another subject's.
        least: similarity to the subject's nearest other photo, below which it is taken to be somebody else.
        options: what to let pass.
    """
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
            "two names, or a relative; if they are two people accept the conflict (--accept-conflict)"
        )
        return EnrolmentReport(photo.source, subject, "conflict", (reason,), quality, name, score)
    alike = _likeness(subject, portrait, gallery)
    if alike is not None and alike < least and not options.accept_conflict:
        reason = (
            f"does not look like the other photos of {subject!r} (similarity {alike:.3f}, {least:.3f} is expected): "
            "somebody else? If not, accept the conflict (--accept-conflict)"
        )
        return EnrolmentReport(photo.source, subject, "unlike", (reason,), quality, None, alike)
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
        reason = f"{len(photo.portraits)} people of similar size: cut the photo, or take the main face (--main-face)"
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


def _likeness(subject: str, portrait: Portrait, gallery: Gallery) -> float | None:
    """Return the similarity to the nearest photo of the same subject; None where there is none."""
    try:
        known = gallery.templates(subject).embeddings
    except UnknownSubjectError:
        return None
    return max(portrait.embedding.similarity(other) for other in known)


def summary(reports: Sequence[EnrolmentReport]) -> dict[str, int]:
    """Count the outcomes."""
    counts: dict[str, int] = {}
    for report in reports:
        counts[report.outcome] = counts.get(report.outcome, 0) + 1
    return counts


def several(photos: Source | Sequence[Source]) -> Sequence[Source]:
    """Return one photo as a list of one; a list as it is."""
    return photos if isinstance(photos, (list, tuple)) else [photos]  # type: ignore[list-item]


def noted(pairs: Iterable[tuple[str, Source]], names: list[str]) -> Iterator[Source]:
    """Yield the photos and append their subjects to ``names``, in step.

    Raises:
        OptionError: a subject without a name.
    """
    for subject, photo in pairs:
        if not subject.strip():
            msg = "a subject needs a name"
            raise OptionError(msg)
        names.append(subject)
        yield photo
