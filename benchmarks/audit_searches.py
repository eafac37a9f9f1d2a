"""Part of the photos enrolled, the others searched for -> is the FPIR that an audit expects the one that comes?

And: do subjects that an audit calls look-alikes get confused by photos it has not seen?
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from gallery_photos import CARD

from twinlens.gallery import open_gallery
from twinlens.metrics.intervals import over_folds
from twinlens.protocols import Enrolment
from twinlens.recognizer import Audit, AuditOptions
from twinlens.recognizer.audit import audit_gallery
from twinlens.score import Policy

TARGETS = (0.01, 0.1)
SAID = ("grave: look-alike or two names", "worth knowing: look-alike", "nothing")
ENROLLED = 3  # photos of a person that are enrolled where look-alikes are looked for


def audited(photos: Sequence[Enrolment], options: AuditOptions | None = None, policy: Policy | None = None) -> Audit:
    """Audit a gallery of these photos."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_gallery(Path(folder) / "people.db", model=CARD.identity, dim=CARD.dim) as gallery,
    ):
        gallery.add(photos)
        return audit_gallery(gallery, CARD, policy=policy, options=options)


def searches_table(everyone: dict[str, list[Enrolment]], runs: int) -> Iterator[str]:
    """Yield what is expected of searches by strangers, and what comes of them."""
    yield "\n## The FPIR to expect\n"
    yield (
        f"Half of the people are enrolled with all their photos, by seeds 0 to {runs - 1}; every photo of the other half "
        "searches, each person counting alike. *Card*: from the model's card and the size of the gallery. *Left out*: "
        "what the audit measures inside the gallery, without subjects that may be one person. Means and Student's 95 % "
        "intervals over the seeds; halves of one set overlap, so these are narrow.\n"
    )
    yield "| people | target | card | left out | strangers' searches | audits whose interval holds the strangers' rate |"
    yield "|---|---|---|---|---|---|"
    for name, photos in everyone.items():
        for target in TARGETS:
            found = [_searched(photos, target, np.random.default_rng(seed)) for seed in range(runs)]
            card, inside, real = (_mean([row[i] for row in found]) for i in range(3))
            held = sum(row[3] for row in found)
            yield f"| {name} | {target:.0%} | {card} | {inside} | {real} | {held:.0f} of {runs} |"


def _searched(photos: Sequence[Enrolment], target: float, rng: np.random.Generator) -> tuple[float, ...]:
    names = sorted({photo.subject for photo in photos})
    inside = set(rng.permutation(names)[: len(names) // 2].tolist())
    enrolled = [photo for photo in photos if photo.subject in inside]
    searches = audited(enrolled, policy=Policy(target_fpir=target)).searches
    assert searches is not None
    assert searches.measured is not None
    measured = searches.cleared or searches.measured
    gallery = np.stack([photo.embedding.vector for photo in enrolled])
    strangers: dict[str, list[bool]] = {}
    for photo in photos:
        if photo.subject not in inside:
            named = bool((gallery @ photo.embedding.vector).max() >= searches.bar.threshold)
            strangers.setdefault(photo.subject, []).append(named)
    real = float(np.mean([np.mean(said) for said in strangers.values()]))
    return searches.bar.fpir or 0.0, measured.estimate, real, float(measured.holds(real))


def look_alikes_table(everyone: dict[str, list[Enrolment]], runs: int) -> Iterator[str]:
    """Yield how often pairs of subjects are confused by photos that the audit has not seen, by what it says of them."""
    yield "\n## Look-alikes\n"
    yield (
        f"CFP: {ENROLLED} frontal photos of a person are enrolled, by seeds 0 to {runs - 1}; the others search. A pair of "
        "people counts as confused where a search of one reaches the identification threshold on the other; the target "
        "FPIR sets the threshold. Shares over all seeds, with the smallest and the largest of a seed.\n"
    )
    yield "| target | the audit says | pairs a run | of these confused | share of all confused pairs |"
    yield "|---|---|---|---|---|"
    for target in (*TARGETS, 0.5):
        totals = [_confused(everyone["CFP"], target, np.random.default_rng(seed)) for seed in range(runs)]
        every = [sum(hit for hit, _ in total.values()) for total in totals]
        for kind in SAID:
            rows = [total[kind] for total in totals]
            pairs = float(np.mean([count for _, count in rows]))
            found = _share([(hit, whole) for (hit, _), whole in zip(rows, every, strict=True)])
            yield f"| {target:.0%} | {kind} | {pairs:,.1f} | {_share(rows)} | {found} |"


def _confused(photos: Sequence[Enrolment], target: float, rng: np.random.Generator) -> dict[str, tuple[int, int]]:
    """Return confused pairs and all pairs, by what the audit says."""
    owned: dict[str, list[Enrolment]] = {}
    for photo in photos:
        owned.setdefault(photo.subject, []).append(photo)
    enrolled, probes = [], []
    for mine in owned.values():
        order = rng.permutation(len(mine))
        enrolled += [mine[int(i)] for i in order[:ENROLLED]]
        probes += [mine[int(i)] for i in order[ENROLLED:]]
    audit = audited(enrolled, policy=Policy(target_fpir=target))
    assert audit.searches is not None
    scores = np.stack([p.embedding.vector for p in probes]) @ np.stack([e.embedding.vector for e in enrolled]).T
    met = {
        frozenset((probes[i].subject, enrolled[j].subject))
        for i, j in np.argwhere(scores >= audit.searches.bar.threshold).tolist()
        if probes[i].subject != enrolled[j].subject
    }
    said = {
        frozenset(f.subjects): SAID[0] if f.grave else SAID[1]
        for f in audit.findings
        if f.kind in ("look-alike", "two names")
    }
    counts = {kind: [0, 0] for kind in SAID}
    for pair, kind in said.items():
        counts[kind][0] += pair in met
        counts[kind][1] += 1
    everybody = len(owned) * (len(owned) - 1) // 2
    counts[SAID[2]] = [len(met - said.keys()), everybody - len(said)]
    return {kind: (hit, count) for kind, (hit, count) in counts.items()}


def _share(parts: Sequence[tuple[int, int]]) -> str:
    told = [(part, whole) for part, whole in parts if whole]
    if not told:
        return "none"
    shares = [part / whole for part, whole in told]
    mean = sum(part for part, _ in told) / sum(whole for _, whole in told)
    return f"{mean:.3g} ({min(shares):.3g} to {max(shares):.3g})"


def _mean(values: Sequence[float]) -> str:
    if all(one == other for one, other in pairwise(values)):
        return f"{values[0]:.2%}"
    interval = over_folds(values).interval
    return f"{interval.estimate:.2%} ({max(interval.low, 0):.2%} to {interval.high:.2%})"
