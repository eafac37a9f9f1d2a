"""Recipe and a space -> trials on validation, in a store that survives and that several machines may share (Optuna).

Each trial is a run in a folder of its own. Its value is a validation figure; the test part is never opened. A trial
whose process died is taken up again where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import socket
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, Trial, TrialState

from twinlens.errors import DatasetError, OptionError, RecipeError
from twinlens.lab.reading import read_recipe, table_of
from twinlens.lab.recipe import Recipe
from twinlens.lab.run import Limits, Outcome
from twinlens.lab.space import Axis, Value, change_of
from twinlens.lab.train import train

Objective = Literal["accuracy", "auc", "loss"]
JOURNAL = "sweep.journal"
HEARTBEAT_S = 60
HOPELESS = 10  # trials in a row that came to nothing, after which a sweep ends
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sweep:
    """What is searched.

    Attributes:
        recipe: name or path of the recipe that is varied.
        axes: its keys that vary.
        changes: ``a.b=c`` on every trial.
        objective: figure of validation that is searched for.
        trials: finished trials there shall be in the store.
        seed: of the sampler.
        limits: sizes of a trial.
        store: an address of a database (``postgresql://...``, ``sqlite:///...``); empty for a journal in the folder.
        name: of the sweep in the store.
    """

    recipe: str
    axes: tuple[Axis, ...]
    changes: tuple[str, ...] = ()
    objective: Objective = "accuracy"
    trials: int = 20
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    store: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        if not self.axes:
            msg = "nothing is varied: name at least one key, as optimizer.lr=1e-4..1e-2:log"
            raise RecipeError(msg)
        if self.trials < 1:
            msg = f"trials is at least 1, got {self.trials}"
            raise OptionError(msg)


def run_sweep(sweep: Sweep, data_root: Path, out: Path, *, told: Told, progress: bool = False) -> optuna.Study:
    """Make trials until the store holds as many finished ones as are wanted.

    Args:
        sweep: what is searched.
        data_root: holds the data sets.
        out: a folder for the trials' runs, and for the journal.
        told: called with a line for people after each trial.
        progress: show each trial's own bar.

    Raises:
        RecipeError: the recipe cannot be varied so.
        DatasetError: the data is absent, or the recipe has no validation part.
        OptionError: the store cannot be opened, or holds a sweep of other axes.
    """
    out.mkdir(parents=True, exist_ok=True)
    study = open_study(sweep, out)
    take_up(study)
    while len(finished_trials(study)) < sweep.trials:
        trial = study.ask()
        trial.set_user_attr("process", _process())
        _one(study, trial, sweep, Places(data_root, out), told, progress=progress)
    return study


@dataclass(frozen=True, slots=True)
class Places:
    """Where things lie.

    Attributes:
        data: the data sets.
        out: the trials' runs.
    """

    data: Path
    out: Path


def open_study(sweep: Sweep, out: Path) -> optuna.Study:
    """Open or make the sweep in its store.

    Raises:
        RecipeError: the recipe cannot be read.
        OptionError: the store cannot be opened, or holds a sweep of another objective, recipe, sizes or other axes.
    """
    plain = json.dumps(table_of(read_recipe(sweep.recipe, sweep.changes)), sort_keys=True)
    contents = hashlib.sha256(plain.encode()).hexdigest()[:16]
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    name = sweep.name or Path(sweep.recipe).stem
    try:
        study = optuna.create_study(
            storage=_storage(sweep.store, out),
            study_name=name,
            direction="minimize" if sweep.objective == "loss" else "maximize",
            sampler=optuna.samplers.TPESampler(seed=sweep.seed),
            load_if_exists=True,
        )
    except Exception as error:  # each database raises its own
        msg = f"cannot open the sweep {name!r} in {sweep.store or out / JOURNAL}: {error}"
        raise OptionError(msg) from error
    asked: dict[str, Any] = {"objective": sweep.objective, "recipe": sweep.recipe, "changes": list(sweep.changes)}
    asked["axes"] = [str(axis) for axis in sweep.axes]
    asked["sizes"] = sweep.limits.sizes
    asked["contents of the recipe"] = contents
    known = study.user_attrs
    for key, value in asked.items():
        if key in known and known[key] != value:
            msg = (
                f"the sweep {name!r} in the store has other {key} ({known[key]}): give this one a --name of its own, "
                "or another --out"
            )
            raise OptionError(msg)
        study.set_user_attr(key, value)
    return study


def finished_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that have a value."""
    return [one for one in study.get_trials(deepcopy=False) if one.state == TrialState.COMPLETE]


def collapsed_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the finished trials whose network answers all pairs alike."""
    return [one for one in finished_trials(study) if one.user_attrs.get("collapsed")]


def take_up(study: optuna.Study) -> None:
    """Queue again what a dead process of this machine was at; its run resumes in its folder."""
    for one in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if not _dead(one.user_attrs.get("process", "")):
            continue
        study.tell(one.number, state=TrialState.FAIL)
        study.enqueue_trial(one.params, user_attrs={"folder": one.user_attrs.get("folder", _folder(one.number))})


def best_changes(study: optuna.Study) -> list[str]:
    """Return the changes that make the best trial of its recipe."""
    return [*study.user_attrs.get("changes", []), *_changes(study.best_trial.params)]


def _one(study: optuna.Study, trial: Trial, sweep: Sweep, places: Places, told: Told, *, progress: bool) -> None:
    """Make one trial and tell the store."""
    values = {axis.key: _suggested(trial, axis) for axis in sweep.axes}
    folder = str(trial.user_attrs.get("folder", _folder(trial.number)))
    trial.set_user_attr("folder", folder)
    shown = ", ".join(
        f"{key}={value:.3g}" if isinstance(value, float) else f"{key}={value}" for key, value in values.items()
    )
    try:
        recipe = _recipe(sweep, values)
        outcome = train(
            recipe,
            places.data,
            places.out / folder,
            resume=(places.out / folder).exists(),
            progress=progress,
            limits=replace(sweep.limits, test=False, panels=False),
        )
    except RecipeError as error:  # values that do not go together: the sampler learns to keep away
        _failed(study, trial, str(error))
        told(f"trial {trial.number}: {shown}: cannot be: {error}")
        _stop_if_hopeless(study)
        return
    value = _value(outcome, sweep.objective)
    if not math.isfinite(value):
        _failed(study, trial, f"their validation {sweep.objective} is not a number")
        told(f"trial {trial.number}: {shown}: validation {sweep.objective} is not a number: it went astray")
        _stop_if_hopeless(study)
        return
    trial.set_user_attr("collapsed", outcome.collapsed)
    trial.set_user_attr("seconds", round(outcome.seconds, 1))
    trial.set_user_attr("epochs", outcome.epochs)
    study.tell(trial, value)
    told(f"trial {trial.number}: {shown}: validation {sweep.objective} {value:.4f}{' (collapsed)' * outcome.collapsed}")


def _failed(study: optuna.Study, trial: Trial, why: str) -> None:
    trial.set_user_attr("why", why)
    study.tell(trial, state=TrialState.FAIL)


def _recipe(sweep: Sweep, values: Mapping[str, Value]) -> Recipe:
    return read_recipe(sweep.recipe, [*sweep.changes, *_changes(values)])


def _changes(values: Mapping[str, Value]) -> list[str]:
    """Return values as changes, names of parts first: a part that is changed loses its options."""
    ordered = sorted(values.items(), key=lambda one: not one[0].endswith(".name"))
    return [change_of(key, value) for key, value in ordered]


def _stop_if_hopeless(study: optuna.Study) -> None:
    ended = study.get_trials(deepcopy=False, states=(TrialState.FAIL, TrialState.COMPLETE))[-HOPELESS:]
    if len(ended) == HOPELESS and all(one.state == TrialState.FAIL for one in ended):
        why = ended[-1].user_attrs.get("why", "their processes died")
        msg = f"{HOPELESS} trials in a row cannot be: {why}; vary within what the recipe can do"
        raise RecipeError(msg)


def _value(outcome: Outcome, objective: Objective) -> float:
    """Return the figure that is searched for, of validation alone.

    Raises:
        DatasetError: the recipe has no validation part.
    """
    if outcome.validation is None:
        msg = "a sweep chooses on validation, and this recipe has none: set data.validation"
        raise DatasetError(msg)
    return float(getattr(outcome.validation, objective))


def _suggested(trial: Trial, axis: Axis) -> Value:
    if axis.choices:
        chosen: Any = trial.suggest_categorical(axis.key, axis.choices)
        return cast(Value, chosen)
    if axis.whole:
        return trial.suggest_int(axis.key, int(axis.low), int(axis.high), log=axis.log)
    return trial.suggest_float(axis.key, axis.low, axis.high, log=axis.log)


def _storage(store: str, out: Path) -> BaseStorage:
    if not store:
        path = str(out / JOURNAL)
        return JournalStorage(JournalFileBackend(path, lock_obj=JournalFileOpenLock(path)))
    with warnings.catch_warnings():  # its interface may change, and the lab pins the version
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        retry: Any = RetryHeartbeatStaleTrialCallback()
        return RDBStorage(store, heartbeat_interval=HEARTBEAT_S, heartbeat_stale_trial_callback=retry)


def _folder(number: int) -> str:
    return f"trial-{number:04d}"


def _process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _dead(process: str) -> bool:
    """Return whether a process of this machine is gone; False for one of another machine."""
    host, _, number = process.rpartition(":")
    if not number or host != socket.gethostname():
        return not process
    with suppress(PermissionError):
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            return True
    return False
