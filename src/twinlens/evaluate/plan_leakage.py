"""A plan and what was seen of its photos -> the leakage check that runs before every evaluation."""

from __future__ import annotations

from typing import Literal

from twinlens.datasets.records import Dataset, Split
from twinlens.evaluate.leakage import Likeness, check_leakage
from twinlens.evaluate.leakage.cautions import card_cautions, cautions_of
from twinlens.evaluate.plan import Plan
from twinlens.evaluate.records import Caution
from twinlens.evaluate.sight import Progress, Seen
from twinlens.score import threshold_at
from twinlens.zoo import Measurement, ModelCard


def leakage_of(
    plan: Plan,
    dataset: Dataset,
    *,
    seen: Seen,
    card: ModelCard | None = None,
    depth: Literal["full", "names"] = "full",
    progress: Progress | None = None,
) -> tuple[Caution, ...]:
    """Check the parts of a plan, and by name those parts of the data set that it leaves aside.

    Args:
        plan: who chooses and who is tested; folds are held against each other.
        dataset: where the plan comes from.
        seen: vectors, for people under two names.
        card: of the model; None where it has none.
        depth: ``names`` opens no photo.
        progress: called with (done, of how many), for each kind of work anew.
    """
    parts = {split.name: split for split, _ in plan.parts}
    likeness = None if card is None or card.measured is None else likeness_of(seen, card.measured, card.name)
    found = check_leakage(parts, depth=depth, likeness=likeness, progress=progress)
    people = frozenset().union(*(split.people for split in parts.values()))
    aside = {name: split for name, split in dataset.splits.items() if name not in parts}
    return (
        *cautions_of(found),
        *(_left_aside(parts, aside) if dataset.splits.keys() & parts.keys() else ()),
        *(() if card is None else card_cautions(card.measured, card.calibration, people)),
    )


def likeness_of(seen: Seen, measured: Measurement, model: str) -> Likeness:
    """Return what was seen, with the strictest threshold that the model's card can support."""
    fmr = measured.points[-1].fmr
    vectors = {photo.path: seen.vectors[row] for photo, row in seen.rows.items() if seen.found[row]}
    return Likeness(vectors, threshold_at(measured, fmr), fmr, model)


def _left_aside(parts: dict[str, Split], aside: dict[str, Split]) -> tuple[Caution, ...]:
    """Say whether a part that is not used here shares people with those that are: a model may have learned from it."""
    return tuple(
        Caution("note", f"For a model trained on {name}: {finding.text}.", tuple(map(str, finding.examples)))
        for name, split in aside.items()
        for part, used in parts.items()
        for finding in check_leakage({name: split, part: used}, depth="names").leaks
    )
