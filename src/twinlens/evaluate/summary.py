"""What was seen and planned -> the parts of a report that need no scores: protocol, counts, failures, speed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from twinlens.datasets.records import Dataset, Photo, Split
from twinlens.datasets.registry import DATASETS
from twinlens.evaluate.figures import figure_of
from twinlens.evaluate.listed import relative
from twinlens.evaluate.machine import machine
from twinlens.evaluate.outcome import Outcome
from twinlens.evaluate.plan import Plan
from twinlens.evaluate.records import Failures, Part, Protocol, Speed, System
from twinlens.evaluate.score_records import Figure
from twinlens.evaluate.sight import NO_FACE, Seen
from twinlens.metrics.acquisition import failure_rate

EXAMPLES = 50  # of failures, in a report


def protocol_of(dataset: Dataset, plan: Plan, system: System, seed: int) -> Protocol:
    """Return what was asked, and what the system brought along."""
    outside = [dataset.outside_data] if dataset.outside_data else []
    if system.pretrained:
        trained = system.training_data.partition(". ")[0].removesuffix(".")
        outside.append(f"the embedder {system.model}, trained on other people's photos: {trained}")
        outside.append(f"the detector {system.detector}, trained on other photos")
    return Protocol(
        dataset=dataset.name,
        title=DATASETS[dataset.name].about if dataset.name in DATASETS else f"{dataset.name}: your own data",
        rule=(
            *plan.rule,
            "A photo without a face fails: its pairs are answered no, which is an error where they show one person.",
            "The test people are scored once, with everything already chosen.",
        ),
        outside_data=tuple(outside),
        terms=dataset.terms,
        notes=dataset.notes,
        pairs=plan.pairs,
        seed=seed,
    )


def part_of(split: Split, role: Literal["threshold", "test", "fold"], seen: Seen, plan: Plan) -> Part:
    """Return a split, counted."""
    counts = split.counts
    genuine, impostors = counts.same, counts.different
    if plan.pairs == "all":
        sizes = np.unique([photo.subject for photo in split.photos], return_counts=True)[1]
        genuine = int((sizes * (sizes - 1) // 2).sum())
        impostors = counts.photos * (counts.photos - 1) // 2 - genuine
    failures = int((~seen.found[seen.of(split.photos)]).sum())
    return Part(split.name, role, counts.people, counts.photos, genuine, impostors, failures)


def failures_of(seen: Seen, tested: Sequence[Photo], outcome: Outcome, dataset: Dataset) -> Failures:
    """Return whom the system could not see."""
    faults = [(photo, seen.faults[row]) for photo, row in zip(tested, seen.of(tested), strict=True) if seen.faults[row]]
    no_face = sum(fault == NO_FACE for _, fault in faults)
    return Failures(
        photos=len(tested),
        no_face=no_face,
        unreadable=len(faults) - no_face,
        genuine=outcome.failed[0],
        impostors=outcome.failed[1],
        examples=tuple(f"{relative(photo.path, dataset.root)}: {fault}" for photo, fault in faults[:EXAMPLES]),
    )


def acquisition_of(seen: Seen, tested: Sequence[Photo]) -> Figure:
    """Return the failure-to-acquire rate over the tested photos."""
    found = seen.found[seen.of(tested)]
    failures = int((~found).sum())
    note = f"{failures:,} of {found.size:,} photos gave no embedding"
    return figure_of("FTA", failure_rate(failures, found.size), note=note)


def speed_of(seen: Seen, outcome: Outcome) -> Speed:
    """Return what it cost."""
    rate = seen.looked / seen.seconds if seen.looked and seen.seconds else 0.0
    return Speed(seen.looked, seen.seconds, rate, outcome.comparisons, machine(), seen.cpu_seconds)
