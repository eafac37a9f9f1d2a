"""Gallery, model card -> Audit: which photos, subjects and thresholds a person should look at.

Labels are judged by the gallery's own structure: a photo belongs where its nearest neighbours are, two subjects whose
photos are alike throughout are one. Which similarity counts as what follows from the card's measured error rates.
"""

from __future__ import annotations

from twinlens.errors import ModelMismatchError
from twinlens.protocols import Gallery
from twinlens.recognizer.audit.bars import bars_of
from twinlens.recognizer.audit.findings import (
    KINDS,
    Audit,
    AuditOptions,
    Finding,
    Kind,
    Likeness,
    Remedy,
    Searches,
    StoredPhoto,
    ranked,
)
from twinlens.recognizer.audit.holdings import read_holdings
from twinlens.recognizer.audit.labels import check_labels
from twinlens.recognizer.audit.neighbours import Progress, compare_subjects
from twinlens.recognizer.audit.people import check_people
from twinlens.recognizer.audit.references import check_album, check_copies, check_quality, check_single
from twinlens.recognizer.audit.searches import expect_searches
from twinlens.score import Policy
from twinlens.zoo import ModelCard

__all__ = [
    "KINDS",
    "Audit",
    "AuditOptions",
    "Finding",
    "Kind",
    "Likeness",
    "Progress",
    "Remedy",
    "Searches",
    "StoredPhoto",
    "audit_gallery",
]


def audit_gallery(
    gallery: Gallery,
    card: ModelCard,
    *,
    policy: Policy | None = None,
    options: AuditOptions | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Look through a gallery for what a person should put right.

    Every template is compared with every other: time grows with the square of their number. Nothing is changed.

    Args:
        gallery: not written to meanwhile.
        card: of the gallery's model; without measured error rates only copies, poor photos and counts are reported.
        policy: for the threshold of searches.
        options: from where on something is reported.
        progress: called with (comparisons done, comparisons in all).

    Raises:
        GalleryError: it cannot be read.
        ModelMismatchError: the card is of another model.
    """
    if gallery.model != card.identity:
        msg = (
            f"the gallery holds vectors of {gallery.model!r}, but the card is of {card.identity!r}: "
            "give the card of the model that made them"
        )
        raise ModelMismatchError(msg)
    options = options or AuditOptions()
    holdings = read_holdings(gallery)
    bars = bars_of(card, policy or Policy(), options, holdings.rows)
    faces = int(holdings.nameless[holdings.owners].sum())
    findings: list[Finding] = [
        *check_copies(holdings, bars, options),
        *check_quality(holdings, options),
        *check_single(holdings),
    ]
    floor = options.duplicate if bars is None else min(bars.near, bars.one_person, options.duplicate)
    nearest, pairs = compare_subjects(holdings, floor=floor, nameless_floor=options.duplicate, progress=progress)
    findings += check_album(holdings, pairs, bars, options)
    more: dict[Kind, int] = {}
    searches = None
    if bars is not None:
        labels = check_labels(holdings, nearest, bars, options)
        people = check_people(holdings, pairs, labels.counted, bars, options)
        findings += labels.findings + people.findings
        more = people.omitted
        searches = expect_searches(holdings, nearest, bars, findings)
    kept, omitted = ranked(findings, options.most)
    total = {kind: omitted.get(kind, 0) + more.get(kind, 0) for kind in {**omitted, **more}}
    alike_from = pairs.floor if pairs.floor > floor else None
    return Audit(len(holdings.names), holdings.rows, faces, kept, total, searches, alike_from)
