"""``twinlens data leakage A [B...]``: what do parts of data share that they should not?"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.exits import Exit
from twinlens.cli.output import counted, emit, meter

if TYPE_CHECKING:
    from twinlens.datasets.records import Split
    from twinlens.evaluate.leakage import Finding, Leakage, Likeness

SHOWN = 5
LEVELS = ("leak", "note", "clean")


def leakage(
    data: Annotated[
        list[str],
        typer.Argument(metavar="DATA...", help="A data set's name, a folder with one folder a person, or a CSV."),
    ],
    names: Annotated[bool, typer.Option("--names", help="Only names and lists; open no photo.")] = False,
    embeddings: Annotated[
        bool, typer.Option("--embeddings", help="Also look for people who occur under two names, by their faces.")
    ] = False,
    examples: Annotated[int, typer.Option(metavar="N", min=0, max=20, help="Shown of each finding.")] = SHOWN,
    model: o.Model = "sface",
    detector: o.DetectorOption = "yunet",
    json: o.Json = False,
) -> None:
    """Find what training has seen of those who are tested: people, photos, copies, pairs. Exit code 1: it has.

    One data set: its parts or folds are held against each other. Several: the sets.
    """
    from twinlens.datasets.place import data_root
    from twinlens.datasets.registry import open_dataset
    from twinlens.evaluate.leakage import check_leakage
    from twinlens.evaluate.leakage.rosters import apart, listed_people, parts_of

    sets = apart([open_dataset(name, data_root(os.environ)) for name in data], data)
    parts = parts_of(sets)
    likeness = _faces(parts, o.Setup(model=model, detector=detector)) if embeddings else None
    with meter("photos") as moved:
        found = check_leakage(
            parts,
            across=len(sets) > 1,
            depth="names" if names else "full",
            listed={one.name: listed_people(one) for one in sets} if len(sets) > 1 else {},
            likeness=likeness,
            progress=moved,
        )
    emit(asdict(found), text(found, examples), as_json=json)
    if found.leaks:
        raise typer.Exit(Exit.NO)


def text(found: Leakage, examples: int = SHOWN) -> str:
    """Return what a person reads: leaks first."""
    from twinlens.evaluate.leakage.cautions import leaking_kinds

    lines = [
        f"{name}: {counted(people, 'person', 'people')}, {counted(found.photos[name], 'photo')}"
        for name, people in found.people.items()
    ]
    hidden = leaking_kinds(found.findings)
    for level in LEVELS:
        chosen = [f for f in found.findings if f.level == level and not (level == "clean" and f.kind in hidden)]
        told = [line for finding in chosen for line in _told(finding, examples)]
        lines += ["", *told] if told else []
    if found.unchecked:
        lines += ["", *(f"not looked at: {reason}" for reason in found.unchecked)]
    leaks = len(found.leaks)
    parts = len(found.people)
    nothing = "no leak was found" if parts > 1 else "one part only: it was looked at by itself"
    return "\n".join([*lines, "", f"{counted(leaks, 'kind')} of leak found" if leaks else nothing])


def _told(finding: Finding, examples: int) -> list[str]:
    shown = [f"    {example}" for example in finding.examples[:examples]]
    more = finding.found - len(shown)
    tail = [f"    ... and {more:,} more"] if shown and more > 0 else []
    return [f"{finding.level}: {finding.text}", *shown, *tail]


def _faces(parts: Mapping[str, Split], setup: o.Setup) -> Likeness:
    """Look at every photo with a model.

    Raises:
        CalibrationError: its card holds no measured error rates.
        DatasetError: no photo shows a face.
    """
    from twinlens.errors import CalibrationError
    from twinlens.evaluate.lenses import RecognizerLens
    from twinlens.evaluate.plan_leakage import likeness_of
    from twinlens.evaluate.sight import see

    with o.build(setup) as recognizer:
        card = recognizer.card
        if card.measured is None:
            msg = f"the card of {card.name} holds no measured error rates, so that nothing tells how alike is too alike"
            raise CalibrationError(msg)
        lens = RecognizerLens(recognizer, detector=setup.detector, engine="")
        photos = [photo for split in parts.values() for photo in split.photos]
        with meter("faces") as moved:
            return likeness_of(see(photos, lens, progress=moved), card.measured, card.name)
