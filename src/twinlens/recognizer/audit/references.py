"""Templates by themselves -> photos enrolled more than once, poor ones, and subjects with only one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twinlens.recognizer.album import shot_of
from twinlens.recognizer.audit.bars import Bars
from twinlens.recognizer.audit.cohesion import linked
from twinlens.recognizer.audit.findings import AuditOptions, Finding, Likeness, Remedy
from twinlens.recognizer.audit.holdings import Holdings
from twinlens.recognizer.audit.neighbours import AlikePairs
from twinlens.recognizer.audit.remedies import remove_photo


def check_copies(holdings: Holdings, bars: Bars | None, options: AuditOptions) -> Iterator[Finding]:
    """Look for photos that are copies of another photo of the same subject."""
    for subject, name in enumerate(holdings.names):
        if holdings.count(subject) < 2:
            continue
        span = holdings.span(subject)
        for group in linked(holdings.vectors[span], options.duplicate):
            if group.size < 2:
                break  # the groups come in order of size
            photos = tuple(holdings.photos[span.start + int(row)] for row in group)
            score = float(holdings.vectors[span.start + group[0]] @ holdings.vectors[span.start + group[1]])
            yield Finding(
                "duplicate",
                grave=False,
                subjects=(name,),
                photos=photos,
                text=f"{len(photos)} photos of {name!r} are copies of one, or of one moment: they count as one",
                likeness=(_likeness(bars, f"{photos[0].title} to {photos[1].title}", score),),
                remedies=tuple(remove_photo(photo, "to keep only the first") for photo in photos[1:]),
            )


def check_album(holdings: Holdings, pairs: AlikePairs, bars: Bars | None, options: AuditOptions) -> Iterator[Finding]:
    """Look for photos of an index that are in it twice: the same face in two files."""
    for (one, other), score in zip(pairs.rows.tolist(), pairs.scores.tolist(), strict=True):
        photos = (holdings.photos[one], holdings.photos[other])
        nameless = holdings.nameless[holdings.owners[[one, other]]]
        if score < options.duplicate or not nameless.all() or len({shot_of(photo.photo) for photo in photos}) < 2:
            continue
        yield Finding(
            "duplicate",
            grave=False,
            subjects=(photos[0].subject, photos[1].subject),
            photos=photos,
            text=f"{photos[0].name} and {photos[1].name} show the same face in the same moment: copies of one photo?",
            likeness=(_likeness(bars, f"{photos[0].subject} to {photos[1].subject}", score),),
            remedies=(Remedy("delete one of the files, then index the folder again"),),
        )


def check_quality(holdings: Holdings, options: AuditOptions) -> Iterator[Finding]:
    """Look for poor references; grave where a subject has no other."""
    quality = np.array([photo.quality for photo in holdings.photos])
    for subject, name in enumerate(holdings.names):
        span = holdings.span(subject)
        poor = np.flatnonzero(quality[span] < options.poor)
        if holdings.nameless[subject] or not poor.size:
            continue
        photos = tuple(holdings.photos[span.start + int(row)] for row in poor)
        alone = poor.size == holdings.count(subject)
        what = f"{len(photos)} of {holdings.count(subject)} photos of {name!r} are poor"
        worst = min(photo.quality for photo in photos)
        yield Finding(
            "poor reference",
            grave=bool(alone),
            subjects=(name,),
            photos=photos,
            text=f"{what}, the worst of quality {worst:.2f}" + (": there is no good one" if alone else ""),
            remedies=(
                Remedy("enrol a better photo", ("enrol",), (name, "PHOTO")),
                *(remove_photo(photo, "then erase the poor one") for photo in photos),
            ),
        )


def check_single(holdings: Holdings) -> Iterator[Finding]:
    """Name the subjects with one photo, in one finding."""
    counts = np.diff(holdings.starts)
    single = np.flatnonzero((counts == 1) & ~holdings.nameless)
    if single.size:
        names = tuple(holdings.names[int(subject)] for subject in single)
        known = int((~holdings.nameless).sum())
        yield Finding(
            "one photo",
            grave=False,
            subjects=names,
            photos=tuple(holdings.photos[int(holdings.starts[subject])] for subject in single),
            text=f"{len(names)} of {known} subjects have one photo: a second one finds them more often",
            remedies=(
                Remedy("enrol another photo of them", ("enrol",), (names[0] if len(names) == 1 else "NAME", "PHOTO")),
            ),
        )


def _likeness(bars: Bars | None, of: str, score: float) -> Likeness:
    return Likeness(of, score) if bars is None else bars.likeness(of, score)
