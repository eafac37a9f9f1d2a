"""``twinlens sweep RECIPE``: search on validation, with a store that survives."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from twinlens.cli import options as o
from twinlens.cli.lab import Threads, check_lab
from twinlens.cli.output import counted, emit, note
from twinlens.errors import RecipeError

if TYPE_CHECKING:
    import optuna

    from twinlens.lab.run import Limits

ALL_COLLAPSED = (
    "every trial collapsed: each network answers all pairs alike, so that none is best and nothing above is worth "
    "training. Vary towards smaller learning rates, or give trials more epochs and pairs (--epochs, --train-pairs); a "
    "sweep of other keys needs another --out"
)
Objective = Literal["accuracy", "auc", "loss"]


def sweep(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's name, or a TOML file.")],
    vary: Annotated[
        list[str] | None,
        typer.Option("--vary", metavar="KEY=SPEC", help="optimizer.lr=1e-4..1e-2:log or trunk.filters=4|8|16."),
    ] = None,
    trials: Annotated[int, typer.Option("--trials", metavar="N", min=1, help="Finished trials in all.")] = 20,
    objective: Annotated[Objective, typer.Option(help="Figure of validation; the test part is never opened.")] = (
        "accuracy"
    ),
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Holds one folder a trial (runs/sweep-RECIPE).")
    ] = None,
    store: Annotated[
        str,
        typer.Option("--store", metavar="URL", help="A database (postgresql://...), to share between machines."),
    ] = "",
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Of the sweep in the store.")] = "",
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe of every trial.")
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", metavar="N", min=0, help="Quick trials: at most so many.")] = 0,
    train_pairs: Annotated[
        int, typer.Option("--train-pairs", metavar="N", min=0, help="Quick trials: at most so many pairs.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Of the sampler.", min=0)] = 0,
    threads: Threads = None,
    json: o.Json = False,
) -> None:
    """Search the keys of a recipe with Optuna, and plot what mattered. The same command goes on where it stopped."""
    check_lab()
    from twinlens.datasets.place import data_root
    from twinlens.lab.space import axes_of, known_space
    from twinlens.lab.sweep import Sweep, run_sweep
    from twinlens.lab.sweep_plots import write_sweep_plots

    asked = tuple(vary or known_space(recipe))
    if not asked:
        msg = f"nothing is laid down to vary in {recipe!r}: name keys with --vary optimizer.lr=1e-4..1e-2:log"
        raise RecipeError(msg)
    place = out or Path("runs") / f"sweep-{Path(recipe).stem}"
    whole = Sweep(
        recipe,
        axes_of(asked),
        tuple(changes or ()),
        objective,
        trials,
        seed,
        _limits(epochs, train_pairs, threads),
        store,
        name,
    )
    study = run_sweep(whole, data_root(os.environ), place, told=note, progress=sys.stderr.isatty())
    emit(record(study), text(study, recipe), as_json=json)
    for path in write_sweep_plots(study, place):
        note(f"wrote {path}")


def _limits(epochs: int, train_pairs: int, threads: int | None) -> Limits:
    from twinlens.lab.run import Limits

    return Limits(epochs=epochs or None, train_pairs=train_pairs or None, threads=threads)


def record(study: optuna.Study) -> dict[str, object]:
    """Return the best trial and what mattered as plain values."""
    from twinlens.lab.sweep import best_changes, collapsed_trials, finished_trials
    from twinlens.lab.sweep_plots import LEAST, importances

    trials = finished_trials(study)
    best = study.best_trial
    return {
        "name": study.study_name,
        "objective": f"validation {study.user_attrs['objective']}",
        "trials": len(trials),
        "collapsed": len(collapsed_trials(study)),
        "best": {"value": best.value, "trial": best.number, "params": best.params, "changes": best_changes(study)},
        "importances": importances(study) if len(trials) >= LEAST else {},
    }


def text(study: optuna.Study, recipe: str) -> str:
    """Return the best trials for people, and the command that trains the best one if one of them learned anything."""
    from twinlens.lab.sweep import best_changes, collapsed_trials, finished_trials

    trials, collapsed = finished_trials(study), collapsed_trials(study)
    down = study.user_attrs["objective"] != "loss"
    ordered = sorted(trials, key=lambda one: one.value or 0.0, reverse=down)
    lines = [f"{counted(len(trials), 'trial')}, validation {study.user_attrs['objective']}; the best:"]
    for one in ordered[:5]:
        values = ", ".join(
            f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}" for key, value in one.params.items()
        )
        fallen = " (collapsed)" if one.user_attrs.get("collapsed") else ""
        lines.append(f"  {one.value:.4f}  trial {one.number}: {values}{fallen}")
    if len(collapsed) == len(trials):
        return "\n".join([*lines, ALL_COLLAPSED])
    if collapsed:
        lines.append(f"collapsed, so that they answer all pairs alike: {len(collapsed)} of {len(trials)}")
    lines.append("train the best: " + shlex.join(_train_command(recipe, best_changes(study))))
    return "\n".join(lines)


def _train_command(recipe: str, changes: list[str]) -> list[str]:
    return ["twinlens", "train", recipe, *(word for change in changes for word in ("--set", change))]
