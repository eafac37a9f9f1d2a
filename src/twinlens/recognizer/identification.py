"""Faces seen together and a gallery -> who they are; *unknown* is an answer, and nobody appears twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from twinlens.protocols import Search
from twinlens.recognizer.results import Identification, Portrait
from twinlens.score import Bar, Reading
from twinlens.types import Match

Together = Callable[[int, int], bool]  # whether two faces, by number, were seen at the same time


def identify_faces(
    portraits: Sequence[Portrait],
    gallery: Search,
    *,
    bar: Bar,
    top: int,
    tags: Mapping[str, str] | None = None,
    together: Together | None = None,
    reading: Reading | None = None,
) -> list[Identification]:
    """Name each face of one photo, or of one video.

    Of faces seen together a subject is given to the most alike only; the others get their next candidate above the
    threshold, if any.

    Args:
        portraits: the faces.
        gallery: who may be named.
        bar: the threshold for a gallery of this size.
        top: candidates to report for each face.
        tags: only subjects that carry all of these.
        together: which faces exclude each other; None for all, as in a photo.
        reading: how scores become probabilities; None leaves them out.
    """
    if not portraits:
        return []
    depth = max(top, _largest_company(len(portraits), together))  # a face needs its next ones when others go first
    found = gallery.search([p.embedding for p in portraits], depth, tags=tags)
    if reading is not None:
        found = [reading.read(matches) for matches in found]
    given = assign(found, bar.threshold, together)
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


def _largest_company(count: int, together: Together | None) -> int:
    """Return how many faces, itself among them, a face may have to share out the subjects with."""
    if together is None:
        return count
    return 1 + max(sum(i != j and together(i, j) for j in range(count)) for i in range(count))


def assign(found: Sequence[Sequence[Match]], threshold: float, together: Together | None = None) -> list[Match | None]:
    """Give each subject to at most one of the faces seen together, the most certain pairs first."""
    offers = [
        (match.score, face, match)
        for face, candidates in enumerate(found)
        for match in candidates
        if match.score >= threshold
    ]
    given: list[Match | None] = [None] * len(found)
    holders: dict[str, list[int]] = {}
    for _, face, match in sorted(offers, key=lambda offer: (-offer[0], offer[1], offer[2].subject)):
        others = holders.setdefault(match.subject, [])
        if given[face] is None and not any(together is None or together(face, other) for other in others):
            given[face] = match
            others.append(face)
    return given


def _reasons(portrait: Portrait, match: Match | None, candidates: Sequence[Match], bar: Bar) -> tuple[str, ...]:
    reasons = list(portrait.quality.reasons)
    if match is None and not candidates:
        reasons.append("the gallery is empty")
    elif match is None and candidates[0].score >= bar.threshold:
        reasons.append(f"{candidates[0].subject!r} is another, more alike face seen at the same time")
    if not bar.reached:
        reasons.append(
            f"strangers may be named in up to {bar.fpir:.1%} of searches: the model's measurement does not reach "
            "far enough for a gallery of this size"
        )
    return tuple(reasons)
