"""Each photo beside its subject's others and beside its nearest stranger -> photos that show somebody else.

Two signs, the stronger first: a photo is far more alike to another subject than to its own subject's others; or it is
so unlike its subject's others that hardly any photo of one person would be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool

from twinlens.recognizer.audit.bars import Bars
from twinlens.recognizer.audit.cohesion import linked, nearest_own
from twinlens.recognizer.audit.findings import AuditOptions, Finding, Remedy, StoredPhoto
from twinlens.recognizer.audit.holdings import Holdings
from twinlens.recognizer.audit.neighbours import Nearest


@dataclass(slots=True)
class Labels:
    """What was found, and which rows count as their subject's."""

    counted: Bool[np.ndarray, " rows"]
    findings: list[Finding] = field(default_factory=list)


def check_labels(holdings: Holdings, nearest: Nearest, bars: Bars, options: AuditOptions) -> Labels:
    """Look for photos that show somebody else than their subject, and for subjects that fall apart."""
    labels = Labels(np.ones(holdings.rows, bool))
    for subject in range(len(holdings.names)):
        if holdings.count(subject) < 2 or holdings.nameless[subject]:
            continue
        span = holdings.span(subject)
        own = nearest_own(holdings.vectors[span])
        rows = np.arange(span.start, span.stop)
        stray = [
            int(row)
            for row, alike in zip(rows, own, strict=True)
            if _is_rivals(holdings, int(row), float(alike), nearest, bars, options)
        ]
        for row in stray:
            labels.counted[row] = False
            labels.findings.append(_rivals_photo(holdings, row, float(own[row - span.start]), nearest, bars, options))
        left = np.setdiff1d(rows, np.array(stray, np.int64))
        _check_cohesion(holdings, left, nearest, bars, labels)
    return labels


def _is_rivals(holdings: Holdings, row: int, own: float, nearest: Nearest, bars: Bars, options: AuditOptions) -> bool:
    score, rival = float(nearest.scores[row]), int(nearest.rows[row])
    if score < bars.rival or score - own < options.rival_margin:
        return False
    # Two names of one person make every photo of one look like the other's: that is another finding.
    return mean_likeness(holdings, int(holdings.owners[row]), int(holdings.owners[rival])) < bars.one_person


def mean_likeness(holdings: Holdings, one: int, other: int, counted: Bool[np.ndarray, " rows"] | None = None) -> float:
    """Return the mean similarity between the photos of two subjects, those that count; -1 where one has none left."""
    sums = []
    size = 1
    for subject in (one, other):
        span = holdings.span(subject)
        vectors = holdings.vectors[span] if counted is None else holdings.vectors[span][counted[span]]
        sums.append(vectors.sum(axis=0, dtype=np.float64))
        size *= len(vectors)
    return float(sums[0] @ sums[1]) / size if size else -1.0


def _rivals_photo(
    holdings: Holdings, row: int, own: float, nearest: Nearest, bars: Bars, options: AuditOptions
) -> Finding:
    photo, other = holdings.photos[row], holdings.photos[int(nearest.rows[row])]
    score = float(nearest.scores[row])
    copied = score >= options.duplicate
    said = f"is a copy of {other.title} of {other.subject!r}" if copied else f"looks like {other.subject!r}"
    again = () if copied else (_enrol(other.subject, photo, f"if it shows {other.subject!r}"),)
    return Finding(
        "mislabelled",
        grave=True,
        subjects=(photo.subject, other.subject),
        photos=(photo, other),
        text=f"{photo.title} {said}, not like the other photos of {photo.subject!r}",
        likeness=(
            bars.likeness(f"to {other.title} of {other.subject!r}", score),
            bars.likeness(f"to the nearest other photo of {photo.subject!r}", own),
        ),
        remedies=(remove_photo(photo, "if it shows somebody else"), *again),
    )


def _check_cohesion(holdings: Holdings, rows: np.ndarray, nearest: Nearest, bars: Bars, labels: Labels) -> None:
    """Report photos that stand apart from their subject's others; where none is in the majority, the subject."""
    groups = [rows[group] for group in linked(holdings.vectors[rows], bars.unlike)] if rows.size > 1 else []
    if len(groups) < 2:
        return
    if groups[0].size == groups[1].size:
        labels.findings.append(_incoherent(holdings, groups, bars))
        return
    for group in groups[1:]:
        labels.counted[group] = False
        for row in group.tolist():
            labels.findings.append(_apart(holdings, row, groups[0], nearest, bars))


def _apart(holdings: Holdings, row: int, others: np.ndarray, nearest: Nearest, bars: Bars) -> Finding:
    photo = holdings.photos[row]
    scores = holdings.vectors[others] @ holdings.vectors[row]
    closest = holdings.photos[int(others[int(scores.argmax())])]
    likeness = [bars.likeness(f"to {closest.title}, the nearest of them", float(scores.max()))]
    remedies = [remove_photo(photo, "if it shows somebody else, or the face cannot be seen well")]
    subjects, photos = [photo.subject], [photo, closest]
    rival = holdings.photos[int(nearest.rows[row])]
    if nearest.scores[row] >= bars.rival:
        likeness.insert(0, bars.likeness(f"to {rival.title} of {rival.subject!r}", float(nearest.scores[row])))
        remedies.append(_enrol(rival.subject, photo, f"if it shows {rival.subject!r}"))
        subjects.append(rival.subject)
        photos.append(rival)
    return Finding(
        "mislabelled",
        grave=True,
        subjects=tuple(subjects),
        photos=tuple(photos),
        text=f"{photo.title} is unlike the other photos of {photo.subject!r}",
        likeness=tuple(likeness),
        remedies=tuple(remedies),
    )


def _incoherent(holdings: Holdings, groups: list[np.ndarray], bars: Bars) -> Finding:
    first = [holdings.photos[int(group[0])] for group in groups]
    subject = first[0].subject
    scores = holdings.vectors[groups[0]] @ holdings.vectors[groups[1]].T
    shown = tuple(holdings.photos[int(row)] for group in groups for row in group)
    return Finding(
        "incoherent",
        grave=True,
        subjects=(subject,),
        photos=shown,
        text=f"the {len(shown)} photos of {subject!r} fall into {len(groups)} groups that are not alike: "
        "somebody else's photo among them, or a face that cannot be seen well",
        likeness=(bars.likeness("between the two nearest photos of the first groups", float(scores.max())),),
        remedies=tuple(_either(first)),
    )


def _either(photos: list[StoredPhoto]) -> Iterator[Remedy]:
    for photo in photos:
        yield remove_photo(photo, f"if {photo.title} is the wrong one")


def remove_photo(photo: StoredPhoto, when: str) -> Remedy:
    """Return how to take one photo out of the gallery."""
    return Remedy(when, ("gallery", "remove", photo.subject, "--photo", photo.name))


def _enrol(subject: str, photo: StoredPhoto, when: str) -> Remedy:
    if not photo.source:
        return Remedy(f"{when}: enrol the photo there")
    return Remedy(when, ("enrol", subject, photo.source))
