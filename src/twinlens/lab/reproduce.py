"""Document -> its distinct configurations trained, one seed of all before the next seed, each in a folder of its own.

A folder that holds a finished run of the same recipe is not run again; one that was interrupted is resumed. A run that
cannot be made here (weights that are not on this machine, a data set that is absent) is noted and the others go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from twinlens.errors import DatasetError, ModelError, OptionError, RecipeError
from twinlens.lab.oneshot import oneshot_test, read_oneshot
from twinlens.lab.reading import read_recipe, table_of
from twinlens.lab.recipe import Recipe
from twinlens.lab.reproduction import Missing, Reproduction
from twinlens.lab.run import OUTCOME_FILE, QUICK, Limits, Outcome, read_outcome
from twinlens.lab.scoring import Result
from twinlens.lab.study import Configuration, Study
from twinlens.lab.tally import Reading, RunFigures
from twinlens.lab.train import train
from twinlens.metrics.intervals import wilson

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Task:
    """One run to make.

    Attributes:
        configuration: of the study.
        recipe: resolved, with its seed.
        folder: of the run.
        quick: with sizes for small machines.
    """

    configuration: Configuration
    recipe: Recipe
    folder: Path
    quick: bool

    @property
    def name(self) -> str:
        """What progress calls it."""
        return self.folder.name


@dataclass(frozen=True, slots=True)
class Plan:
    """What a reproduction does.

    Attributes:
        out: holds one folder a run.
        seeds: 0 to seeds - 1 of every configuration; 0 for as many as the study has.
        only: names of configurations; empty for all.
        quick: with sizes for small machines.
        changes: ``a.b=c`` on every recipe (a threshold rule, a batch that fits): said above the table.
        minutes: no run is begun later than that; 0 for no end.
        threads: of the processor; None for PyTorch's own choice.
    """

    out: Path
    seeds: int = 0
    only: tuple[str, ...] = ()
    quick: bool = False
    changes: tuple[str, ...] = ()
    minutes: float = 0.0
    threads: int | None = None


def tasks_of(study: Study, plan: Plan) -> list[Task]:
    """Return the runs in the order in which they are worth making.

    Raises:
        RecipeError: `only` names an unknown configuration, or a change cannot be made.
        OptionError: a negative number of seeds.
    """
    if plan.seeds < 0:
        msg = f"seeds is at least 1, or 0 for as many as is usual for the document, got {plan.seeds}"
        raise OptionError(msg)
    chosen = [study.configuration(name) for name in plan.only] or list(study.configurations)
    return [task_of(one, seed, plan) for seed in range(plan.seeds or study.about.seeds) for one in chosen]


def task_of(configuration: Configuration, seed: int, plan: Plan) -> Task:
    """Return one run.

    Raises:
        RecipeError: its recipe cannot be read, or a change cannot be made.
    """
    changes = (*configuration.changes, *(configuration.quick if plan.quick else ()), *plan.changes)
    recipe = read_recipe(configuration.recipe, changes)
    epochs = recipe.training.epochs
    if plan.quick and not configuration.shortened:
        epochs = min(epochs, QUICK.epochs or epochs)
    recipe = replace(recipe, training=replace(recipe.training, seed=seed, epochs=epochs))
    return Task(configuration, recipe, plan.out / folder_name(configuration.name, seed, quick=plan.quick), plan.quick)


def folder_name(configuration: str, seed: int, *, quick: bool) -> str:
    """Return the name of a run's folder."""
    return f"{configuration}-s{seed}{'-quick' if quick else ''}"


def finished(task: Task) -> Outcome | None:
    """Return what a run came to if its folder holds a finished one.

    Raises:
        RecipeError: the folder holds a run of another recipe.
    """
    if not (task.folder / OUTCOME_FILE).exists():
        return None
    outcome = read_outcome(task.folder)
    if _essence(outcome.recipe) != _essence(task.recipe):
        msg = f"{task.folder} holds a run of another recipe: name another --out, or move that folder away"
        raise RecipeError(msg)
    return outcome


def run_tasks(
    tasks: Sequence[Task], plan: Plan, data_root: Path, *, told: Told, progress: bool = False
) -> list[Missing]:
    """Train what is not finished, and return what could not be trained.

    Args:
        tasks: in order.
        plan: the time there is.
        data_root: holds the data sets.
        told: called with a line for people as each run begins and ends.
        progress: show each run's own bar.

    Raises:
        RecipeError: a folder holds a run of another recipe.
    """
    missing: dict[str, Missing] = {}
    began = time.monotonic()
    for at, task in enumerate(tasks, start=1):
        where = f"{at} of {len(tasks)}: {task.name}"
        if task.configuration.name in missing:
            continue
        if plan.minutes and time.monotonic() - began > 60 * plan.minutes:
            told(f"{where}: not begun, the {plan.minutes:g} minutes are over; the same command goes on from here")
            break
        try:
            _run(task, plan, data_root, where, told=told, progress=progress)
        except (ModelError, DatasetError) as error:
            missing[task.configuration.name] = Missing(task.configuration.name, str(error))
            told(f"{where}: cannot be made here: {error}")
    return list(missing.values())


def _run(task: Task, plan: Plan, data_root: Path, where: str, *, told: Told, progress: bool) -> None:
    """Make one run, and its one-shot test, unless they are there."""
    if finished(task) is None:
        told(f"{where}: {task.configuration.title}, seed {task.recipe.training.seed}")
        cut = task.quick and not task.configuration.shortened
        limits = replace(QUICK if cut else Limits(), panels=False, threads=plan.threads)
        resume = task.folder.exists()
        outcome = train(task.recipe, data_root, task.folder, resume=resume, progress=progress, limits=limits)
        told(f"{where}: {_said(outcome)}")
    if task.configuration.oneshot and read_oneshot(task.folder) is None:
        reading = oneshot_test(task.folder, data_root, ways=task.configuration.oneshot)
        told(f"{where}: {task.configuration.oneshot}-way one-shot {100 * reading.value:.1f} %")


def gathered(study: Study, plan: Plan, missing: Sequence[Missing] = ()) -> tuple[Reproduction, list[Path]]:
    """Return what has run in a folder beside what was published, and the folders of those runs.

    Every configuration and seed is looked for, whole and quick, whatever the plan runs now.

    Raises:
        RecipeError: a folder holds a run of another recipe.
    """
    figures, folders, unread = [], [], list(missing)
    for one in study.configurations:
        for quick in (False, True):
            for seed in _seeds_there(plan.out, one, quick=quick):
                task = task_of(one, seed, replace(plan, quick=quick))
                try:
                    outcome = finished(task)
                except ModelError as error:  # one damaged file does not take the table along
                    unread.append(Missing(one.name, str(error)))
                    continue
                if outcome is not None:
                    figures.append(_figures(task, outcome, independent=study.about.independent))
                    folders.append(task.folder)
    return Reproduction(study, tuple(figures), tuple(unread), plan.changes), folders


def _essence(recipe: Recipe) -> dict[str, object]:
    """Return what decides a run's figures: a recipe without its words."""
    return {key: value for key, value in table_of(recipe).items() if key not in {"name", "title", "source", "notes"}}


def _seeds_there(out: Path, configuration: Configuration, *, quick: bool) -> list[int]:
    """Return the seeds whose folders are there."""
    found = []
    for path in out.glob(f"{configuration.name}-s*{'-quick' if quick else ''}"):
        seed = path.name.removeprefix(f"{configuration.name}-s").removesuffix("-quick" if quick else "")
        if seed.isdecimal():
            found.append(int(seed))
    return sorted(found)


def _figures(task: Task, outcome: Outcome, *, independent: bool) -> RunFigures:
    """Return what a run came to, for the table."""
    readings = {}
    for part in ("test", "validation"):
        result = getattr(outcome, part)
        if result is not None:
            readings[f"{part}_accuracy"] = _reading(result, independent=independent)
    oneshot = read_oneshot(task.folder)
    if oneshot is not None:
        readings["oneshot_accuracy"] = oneshot
    return RunFigures(
        task.configuration.name,
        task.recipe.training.seed,
        task.quick,
        outcome.collapse,
        readings,
        outcome.epochs,
        outcome.seconds,
        ", ".join(f"{name} {value:g}" for name, value in outcome.limits.items()),
    )


def _reading(result: Result, *, independent: bool) -> Reading:
    """Return an accuracy with its interval: Wilson's where pairs are independent, by person where they are not."""
    low, high = result.interval
    if independent:
        found = wilson(round(result.accuracy * result.n), result.n)
        low, high = found.low, found.high
    return Reading(result.accuracy, low, high, result.n)


def _said(outcome: Outcome) -> str:
    test = "not tested" if outcome.test is None else f"test {100 * outcome.test.accuracy:.1f} %"
    collapsed = f"; collapsed: {outcome.collapse}" if outcome.collapsed else ""
    return f"{test}, {outcome.epochs} epochs in {outcome.seconds:.0f} s{collapsed}"
