"""``twinlens fit PEOPLE --name NAME``: a small head on the default model, for people and photos like yours."""

from __future__ import annotations

import os
import shlex
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.output import counted, emit, meter, note

if TYPE_CHECKING:
    from twinlens.datasets.records import Dataset
    from twinlens.evaluate.sight import Seen
    from twinlens.lab.fit.fitting import Fit

FAILURES_SAID = 10


def fit(
    people: Annotated[
        str, typer.Argument(metavar="DIR|CSV|DATA", help="One folder a person, a CSV of pairs, or a data set's name.")
    ],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="The new model's, for --model.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where it goes. Default: the user's models folder.")
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option("--split", metavar="NAME", help="Only this part of a data set (default: train); may be repeated."),
    ] = None,
    apart_from: Annotated[
        str | None,
        typer.Option("--apart-from", metavar="DATA", help="Leave out whoever shares a name with its people."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="FILE", help="Keep what was seen there, and go on from it. Holds templates."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Who is held out, and of all that is drawn.", min=0)] = 0,
    certainty: Annotated[
        bool,
        typer.Option(
            "--certainty/--no-certainty", help="Ask less likeness of faces the network is unsure of, where that helps."
        ),
    ] = True,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite a model of that name.")] = False,
    model: o.Model = "sface",
    detector: o.DetectorOption = "yunet",
    scales: o.Scales = "multi",
    engine: o.Engine = None,
    json: o.Json = False,
) -> None:
    """Train a head on your people, have others of them judge it, and save it only if it is better beyond chance."""
    from twinlens.lab.extra import check_lab

    check_lab()
    import torch

    from twinlens.cli.export import usable_with
    from twinlens.lab.fit.fitting import fit as fit_head, refuse_no_better
    from twinlens.lab.fit.graph import check_base
    from twinlens.lab.fit.material import material_of
    from twinlens.lab.fit.saving import About, save_fit
    from twinlens.zoo import checked_paths, find_card, read_card
    from twinlens.zoo.writing import free_name

    free_name(name, out, replace_old=replace)
    base = find_card(model)
    check_base(checked_paths(base)[0], output=base.input.output)
    dataset = _dataset(people, split)
    without = _namesakes(dataset, apart_from)
    setup = o.Setup(model=model, detector=detector, scales=scales, engine=engine)
    seen = _seen(dataset, setup, resume)
    material = material_of(dataset, seen, without=without)
    torch.set_num_threads(1)  # matrices so small that threads only wait for each other
    begun = time.perf_counter()
    with meter("heads") as moved:
        found = fit_head(material, seed=seed, certainty=certainty, progress=moved)
    seconds = time.perf_counter() - begun
    emit(record(found, seconds), text(found, seconds), as_json=json)
    refuse_no_better(found)
    data = dataset.name if not split else f"{dataset.name}, {', '.join(split)}"
    about = About(name, data, dataset.terms, shlex.join(["twinlens", *sys.argv[1:]]))
    path = save_fit(found, base, about, out, replace_old=replace)
    note(f"saved {path}: use it with {usable_with(read_card(path), name if out is None else str(path))}")


def _dataset(people: str, split: list[str] | None) -> Dataset:
    """Return the people to fit on: the parts asked for, or a data set's training part."""
    from dataclasses import replace

    from twinlens.datasets.place import data_root
    from twinlens.datasets.records import joined
    from twinlens.datasets.registry import open_dataset
    from twinlens.errors import DatasetError

    dataset = open_dataset(people, data_root(os.environ))
    known = {part.name: part for part in dataset.parts}
    wanted = split or (["train"] if "train" in known else list(known))
    for one in wanted:
        if one not in known:
            msg = f"{dataset.name} has no part {one!r}; it has: {', '.join(known)}"
            raise DatasetError(msg)
    if not split and len(known) > 1:
        note(f"fitted on {', '.join(wanted)} of {dataset.name} (--split chooses)")
    return replace(dataset, splits={"all": joined("all", [known[one] for one in wanted])}, folds=(), expected={})


def _namesakes(dataset: Dataset, other: str | None) -> list[str]:
    """Return whoever shares a name with somebody of another data set."""
    from twinlens.datasets.place import data_root
    from twinlens.datasets.registry import open_dataset
    from twinlens.evaluate.leakage.names import same_names
    from twinlens.evaluate.leakage.rosters import listed_people

    if other is None:
        return []
    theirs = listed_people(open_dataset(other, data_root(os.environ)))
    found = [mine for mine, _ in same_names(dataset.people, theirs, across=True)]
    everybody = counted(len(dataset.people), "person", "people")
    note(f"left out, because somebody of {other} has the same name: {len(found):,} of {everybody}")
    return found


def _seen(dataset: Dataset, setup: o.Setup, resume: Path | None) -> Seen:
    from twinlens.evaluate.memory import ResumeFile
    from twinlens.evaluate.sight import see
    from twinlens.lab.fit.views import MirrorLens
    from twinlens.runtime import RuntimeOptions, chosen_engine

    engine = chosen_engine(RuntimeOptions(engine=setup.engine))
    with ExitStack() as stack:
        recognizer = stack.enter_context(o.build(setup))
        lens = MirrorLens(recognizer, detector=f"{setup.detector}, scales {setup.scales}", engine=f"{engine}, float32")
        memory = None if resume is None else stack.enter_context(ResumeFile(resume, lens.system))
        with meter("photos") as moved:
            seen = see(dataset.photos, lens, memory=memory, progress=moved)
    failed = [
        f"{os.path.relpath(photo.path, dataset.root)}: {fault}"
        for photo, fault in zip(seen.photos, seen.faults, strict=True)
        if fault
    ]
    if failed:
        note(f"left out: {len(failed):,} of {counted(len(seen.photos), 'photo')}; the first:")
        for line in failed[:FAILURES_SAID]:
            note(f"  {line}")
    return seen


def record(found: Fit, seconds: float) -> dict[str, object]:
    """Return everything as plain values."""
    verdict = found.verdict
    return {
        "better": verdict.better,
        "trained_people": found.trained,
        "held_out_people": verdict.people,
        "genuine": verdict.genuine,
        "impostors": verdict.impostors,
        "plan": found.chosen.plan,
        "plans": dict(found.chosen.rates),
        "figures": [asdict(figure) for figure in (verdict.equal, verdict.strict)],
        "parameters": found.chosen.head.parameters,
        "seconds": seconds,
    }


def text(found: Fit, seconds: float) -> str:
    """Return the verdict for people."""
    verdict = found.verdict
    lines = [
        f"a head of {found.chosen.head.parameters:,} numbers, trained on "
        f"{counted(found.trained, 'person', 'people')} in {seconds:.1f} s, "
        f"judged by {counted(verdict.people, 'other')}: {verdict.genuine:,} genuine and "
        f"{counted(verdict.impostors, 'impostor pair')}",
        "",
        f"{'':<20} before   after    difference (95 %, by person)",
    ]
    for figure in (verdict.equal, verdict.strict):
        gap = figure.difference
        lines.append(
            f"{figure.name:<20} {figure.before:.4f}   {figure.after:.4f}   {gap.estimate:+.4f} ({gap.low:+.4f} to "
            f"{gap.high:+.4f})"
        )
    plans = ", ".join(f"{plan} {rate:.4f}" for plan, rate in found.chosen.rates.items())
    return "\n".join([*lines, "", f"plan {found.chosen.plan}; EER on the people who chose it: {plans}"])
