"""Faces of one photo and a gallery -> who they are; *unknown* is an answer, and nobody appears twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twinlens.protocols import Search
from twinlens.recognizer.results import Identification, Portrait
from twinlens.score import Bar
from twinlens.types import Match


def identify_faces(
    portraits: Sequence[Portrait],
    gallery: Search,
    *,
    bar: Bar,
    top: int,
    tags: Mapping[str, str] | None = None,
) -> list[Identification]:
    """Name each face of one photo.

    A subject is given to the most alike face only; the others get their next candidate above the threshold, if any.

    Args:
        portraits: the faces of one photo.
        gallery: who may be named.
        bar: the threshold for a gallery of this size.
        top: candidates to report for each face.
        tags: only subjects that carry all of these.
    """
    if not portraits:
        return []
    depth = max(top, len(portraits))  # enough candidates for a face to find its next one when others go first
    found = gallery.search([p.embedding for p in portraits], depth, tags=tags)
    given = assign(found, bar.threshold)
    return [
        Identification(
            portrait=portrait,
            match=match,
            candidates=tuple(candidates[:top]),
            bar=bar,
            reasons=_reasons(portrait, match, candidates, bar),
        )
        for portrait, match, candidates in zip(portraits, given, found, strict=True)
    ]


def assign(found: Sequence[Sequence[Match]], threshold: float) -> list[Match | None]:
    """Give each subject to at most one face, the most certain pairs first."""
    offers = [
        (match.score, face, match)
        for face, candidates in enumerate(found)
        for match in candidates
        if match.score >= threshold
    ]
    given: list[Match | None] = [None] * len(found)
    taken: set[str] = set()
    for _, face, match in sorted(offers, key=lambda offer: (-offer[0], offer[1], offer[2].subject)):
        if given[face] is None and match.subject not in taken:
            given[face] = match
            taken.add(match.subject)
    return given


def _reasons(portrait: Portrait, match: Match | None, candidates: Sequence[Match], bar: Bar) -> tuple[str, ...]:
    reasons = list(portrait.quality.reasons)
    if match is None and not candidates:
        reasons.append("the gallery is empty")
    elif match is None and candidates[0].score >= bar.threshold:
        reasons.append(f"{candidates[0].subject!r} is another, more alike face of this photo")
    if not bar.reached:
        reasons.append(
            f"strangers may be named in up to {bar.fpir:.1%} of searches: the model's measurement does not reach "
            "far enough for a gallery of this size"
        )
    return tuple(reasons)
