"""``twinlens train``: a recipe -> a run folder."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli.options import Json
from twinlens.cli.output import counted, emit, note
from twinlens.errors import RecipeError

if TYPE_CHECKING:
    from twinlens.lab.run import Outcome
    from twinlens.lab.scoring import Result

EXTRA = "the lab needs PyTorch and its friends: pip install 'twinlens[lab]'"

Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe: training.epochs=5; may be repeated."),
]
Threads = Annotated[
    int | None, typer.Option("--threads", metavar="N", min=1, help="Of the processor; 1 is best on a busy machine.")
]


def check_lab() -> None:
    """Refuse to begin without the extra, and let PyTorch's idle threads sleep.

    Unless told so before PyTorch is loaded, they wait for one another in a loop; beside other programs that more than
    doubles the time of a step.

    Raises:
        RecipeError: PyTorch or another package of the extra is not installed.
    """
    from importlib.util import find_spec

    wanted = ("torch", "lightning", "pytorch_metric_learning", "kornia", "tensorboard", "matplotlib", "tomli_w")
    if lacking := [name for name in wanted if find_spec(name) is None]:
        msg = f"{EXTRA} (not installed: {', '.join(lacking)})"
        raise RecipeError(msg)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def quick_said() -> str:
    """Say what a quick run is worth, before somebody takes a collapse for a fault."""
    from twinlens.lab.run import QUICK

    return (
        f"quick: at most {QUICK.epochs} epochs of {QUICK.train_pairs} pairs show that everything runs; a collapse, or "
        "a figure near chance, is to be expected at this size"
    )


def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A name, or a TOML file.")],
    changes: Set = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="The run's folder (runs/NAME-sSEED).")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Two epochs of 200 pairs: does it run at all?")] = False,
    test: Annotated[bool, typer.Option("--test/--no-test", help="Touch the test part at the end.")] = True,
    panels: Annotated[
        bool, typer.Option("--panels/--no-panels", help="Draw right and wrong pairs as pictures.")
    ] = True,
    processes: Annotated[int, typer.Option("--processes", metavar="N", min=1, help="That train together (DDP).")] = 1,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Train a Siamese network as a recipe says; needs the extra lab.

    Killed, it goes on where it was with --resume and comes to the same weights.
    """
    check_lab()
    from twinlens.datasets.place import data_root
    from twinlens.lab.reading import read_recipe

    read = read_recipe(recipe, changes or ())
    folder = out or Path("runs") / f"{read.name}-s{read.training.seed}{'-quick' if quick else ''}"
    from twinlens.lab.run import QUICK, Limits
    from twinlens.lab.train import train as run

    limits = replace(QUICK if quick else Limits(), test=test, panels=panels, processes=processes, threads=threads)
    outcome = run(read, data_root(os.environ), folder, resume=resume, limits=limits)
    emit({"recipe": read.name, "folder": str(folder), **outcome.record()}, text(outcome), as_json=json)
    for remark in outcome.notes:
        note(f"note: {remark}")
    if quick:
        note(f"note: {quick_said()}")


def text(outcome: Outcome) -> str:
    """Return an outcome for people."""
    sized = f", quick: {', '.join(f'{k} {v:g}' for k, v in outcome.limits.items())}" if outcome.limits else ""
    lines = [
        f"{outcome.recipe.name}: {outcome.recipe.title}",
        f"{outcome.parameters:,} parameters, {counted(outcome.epochs, 'epoch')} in {outcome.seconds:,.0f} s "
        f"({outcome.images_per_second:,.0f} images a second), epoch {outcome.kept_epoch} kept{sized}",
        "",
        "part         pairs   accuracy (95 %)            AUC     loss",
    ]
    for name in ("train", "validation", "test"):
        result: Result | None = getattr(outcome, name)
        if result is not None:
            lines.append(_line(name, result))
    chosen = "chosen on validation" if outcome.threshold_from == "validation" else "as published"
    result = outcome.test or outcome.validation or outcome.train
    if result is not None:
        lines += ["", f"threshold {result.threshold:.4g}, {chosen}"]
    if outcome.collapsed:
        lines.append(f"collapsed: {outcome.collapse}")
    return "\n".join([*lines, f"run folder: {outcome.folder}"])


def _line(name: str, result: Result) -> str:
    low, high = result.interval
    loss = "-" if result.loss is None else f"{result.loss:.4g}"
    share = f"{result.accuracy:.2%} ({low:.2%} to {high:.2%})"
    return f"{name:<12} {result.n:>5}   {share:<26} {result.auc:.3f}   {loss}"
