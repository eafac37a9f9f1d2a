"""Strays, and photos that stand apart -> findings: photos that show somebody else, subjects that fall apart.

Two signs, the stronger first: a photo is far more alike to another subject than to its own subject's others; or it is
so unlike its subject's others that hardly any photo of one person would be.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool

from twinlens.recognizer.audit.bars import Bars
from twinlens.recognizer.audit.cohesion import linked
from twinlens.recognizer.audit.findings import AuditOptions, Finding, Remedy, StoredPhoto
from twinlens.recognizer.audit.holdings import Holdings
from twinlens.recognizer.audit.neighbours import Nearest
from twinlens.recognizer.audit.remedies import enrol_photos, remove_photo
from twinlens.recognizer.audit.strays import Strays, find_strays


@dataclass(slots=True)
class Labels:
    """What was found, and which rows count as their subject's."""

    counted: Bool[np.ndarray, " rows"]
    findings: list[Finding] = field(default_factory=list)


def check_labels(holdings: Holdings, nearest: Nearest, bars: Bars, options: AuditOptions) -> Labels:
    """Look for photos that show somebody else than their subject, and for subjects that fall apart."""
    strays = find_strays(holdings, nearest, bars, options)
    labels = Labels(~(strays.stray | strays.doubtful))
    for row in np.flatnonzero(strays.stray).tolist():
        labels.findings.append(_rivals_photo(holdings, row, float(strays.own[row]), nearest, bars, options))
    for subject in np.flatnonzero((np.diff(holdings.starts) > 1) & ~holdings.nameless).tolist():
        span = holdings.span(subject)
        if strays.doubtful[span].any():
            labels.findings.append(_doubtful(holdings, subject, strays, nearest, bars))
        else:
            _check_cohesion(holdings, np.flatnonzero(labels.counted[span]) + span.start, nearest, bars, labels)
    return labels


def _doubtful(holdings: Holdings, subject: int, strays: Strays, nearest: Nearest, bars: Bars) -> Finding:
    span = holdings.span(subject)
    rows = [row for row in range(span.start, span.stop) if not strays.stray[row]]
    rivals = {row: holdings.photos[int(nearest.rows[row])] for row in rows if strays.doubtful[row]}
    remedies = []
    seen = []
    for row in rows:
        photo, rival = holdings.photos[row], rivals.get(row)
        remedies.append(_out(photo))
        if rival is not None:
            seen.append(
                bars.likeness(f"{photo.title} to {rival.title} of {rival.subject!r}", float(nearest.scores[row]))
            )
            remedies.append(enrol_photos(rival.subject, [photo], f"and if it shows {rival.subject!r}, enrol it there"))
    own = bars.likeness(
        f"between two photos of {holdings.names[subject]!r}, at the most", float(strays.own[rows].max())
    )
    return Finding(
        "incoherent",
        grave=True,
        subjects=tuple(dict.fromkeys([holdings.names[subject], *(rival.subject for rival in rivals.values())])),
        photos=(*(holdings.photos[row] for row in rows), *rivals.values()),
        text=f"the photos of {holdings.names[subject]!r} are not alike, and look like another subject's of whom the "
        "same is true: were photos exchanged?",
        likeness=(*seen, own),
        remedies=tuple(remedies),
    )


def _rivals_photo(
    holdings: Holdings, row: int, own: float, nearest: Nearest, bars: Bars, options: AuditOptions
) -> Finding:
    photo, other = holdings.photos[row], holdings.photos[int(nearest.rows[row])]
    score = float(nearest.scores[row])
    copied = score >= options.duplicate
    said = f"is a copy of {other.title} of {other.subject!r}" if copied else f"looks like {other.subject!r}"
    again = (
        () if copied else (enrol_photos(other.subject, [photo], f"and if it shows {other.subject!r}, enrol it there"),)
    )
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
        remedies=(remove_photo(photo, "if it shows somebody else, take it out"), *again),
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
    remedies = [remove_photo(photo, "if it shows somebody else, or the face cannot be seen well, take it out")]
    subjects, photos = [photo.subject], [photo, closest]
    rival = holdings.photos[int(nearest.rows[row])]
    if nearest.scores[row] >= bars.rival:
        likeness.insert(0, bars.likeness(f"to {rival.title} of {rival.subject!r}", float(nearest.scores[row])))
        remedies.append(enrol_photos(rival.subject, [photo], f"and if it shows {rival.subject!r}, enrol it there"))
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
        remedies=tuple(_out(photo) for photo in first),
    )


def _out(photo: StoredPhoto) -> Remedy:
    return remove_photo(photo, f"if {photo.title} does not show {photo.subject!r}, take it out")
