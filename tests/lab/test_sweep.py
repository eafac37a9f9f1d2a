"""A sweep: on validation alone, in a store that survives, taken up where a process died."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
import tomli_w
from optuna.trial import TrialState

from twinlens.errors import DatasetError, OptionError, RecipeError
from twinlens.lab.reading import read_recipe, table_of
from twinlens.lab.recipe import Recipe
from twinlens.lab.run import Limits
from twinlens.lab.space import axes_of
from twinlens.lab.sweep import Sweep, best_changes, finished_trials, open_study, run_sweep, take_up
from twinlens.lab.sweep_plots import APART, Scale, importances, parallel_plot, spread, sweep_plots

Make = Callable[..., Recipe]
AXES = axes_of(["optimizer.lr=1e-4..1e-1:log", "trunk.width=4|8"])


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TWINLENS_HOME", str(tmp_path / "home"))


@pytest.fixture
def sweep(make_named: Make, tmp_path: Path) -> Sweep:
    file = tmp_path / "base.toml"
    file.write_text(tomli_w.dumps(table_of(make_named("training.epochs=1"))), encoding="utf-8")
    return Sweep(str(file), AXES, trials=2, name="waves", limits=Limits(threads=1))


def quiet(_: str) -> None:
    """Say nothing."""


@pytest.mark.slow
def test_trials_are_made_on_validation_and_the_store_survives(sweep: Sweep, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    study = run_sweep(sweep, tmp_path, out, told=quiet)
    assert len(finished_trials(study)) == 2
    for folder in ("trial-0000", "trial-0001"):
        outcome = json.loads((out / folder / "outcome.json").read_text(encoding="utf-8"))
        assert outcome["test"] is None  # never opened
        trial = study.trials[int(folder[-4:])]
        assert trial.value == outcome["validation"]["accuracy"]
    again = run_sweep(replace(sweep, trials=3), tmp_path, out, told=quiet)
    assert [one.state for one in again.trials] == [TrialState.COMPLETE] * 3
    changes = best_changes(again)
    assert {change.partition("=")[0] for change in changes} == {"optimizer.lr", "trunk.width"}


def test_what_a_dead_process_was_at_is_taken_up_in_its_folder(sweep: Sweep, tmp_path: Path) -> None:
    study = open_study(sweep, tmp_path)
    trial = study.ask()
    trial.suggest_float("optimizer.lr", 1e-4, 1e-1, log=True)
    trial.suggest_categorical("trunk.width", (4, 8))
    trial.set_user_attr("folder", "trial-0000")
    import socket

    trial.set_user_attr("process", f"{socket.gethostname()}:999999999")
    take_up(study)
    assert study.trials[0].state == TrialState.FAIL
    taken = study.ask()
    assert taken.user_attrs["folder"] == "trial-0000"
    assert taken.suggest_float("optimizer.lr", 1e-4, 1e-1, log=True) == study.trials[0].params["optimizer.lr"]


def test_a_live_process_is_left_alone(sweep: Sweep, tmp_path: Path) -> None:
    import os
    import socket

    study = open_study(sweep, tmp_path)
    study.ask().set_user_attr("process", f"{socket.gethostname()}:{os.getpid()}")
    study.ask().set_user_attr("process", "another-machine:1")
    take_up(study)
    assert [one.state for one in study.trials] == [TrialState.RUNNING] * 2


@pytest.mark.slow
def test_a_store_with_another_sweep_is_refused(sweep: Sweep, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'sweeps.sqlite'}"
    open_study(replace(sweep, store=store), tmp_path)
    open_study(replace(sweep, store=store, trials=9), tmp_path)
    with pytest.raises(OptionError, match="has other axes"):
        open_study(replace(sweep, store=store, axes=axes_of(["optimizer.lr=1|2"])), tmp_path)
    with pytest.raises(OptionError, match="cannot open the sweep"):
        open_study(replace(sweep, store="nosuch://place"), tmp_path)


def test_values_that_do_not_go_together_fail_alone(sweep: Sweep, tmp_path: Path) -> None:
    said: list[str] = []
    hopeless = replace(sweep, axes=axes_of(["trunk.width=0|-1"]))
    with pytest.raises(RecipeError, match="10 trials in a row cannot be"):
        run_sweep(hopeless, tmp_path, tmp_path / "sweep", told=said.append)
    assert all("cannot be: " in line for line in said)


@pytest.mark.slow
def test_a_sweep_whose_networks_all_go_astray_ends(sweep: Sweep, tmp_path: Path) -> None:
    said: list[str] = []
    astray = replace(sweep, axes=axes_of(["optimizer.lr=1e30|1e35"]), objective="loss", changes=("optimizer.name=sgd",))
    with pytest.raises(RecipeError, match="10 trials in a row cannot be: their validation loss is not a number"):
        run_sweep(astray, tmp_path, tmp_path / "sweep", told=said.append)
    assert len(said) == 10


def test_trials_of_other_sizes_or_of_an_edited_recipe_are_another_sweep(sweep: Sweep, tmp_path: Path) -> None:
    open_study(sweep, tmp_path)
    with pytest.raises(OptionError, match="other sizes"):
        open_study(replace(sweep, limits=Limits(epochs=1, threads=1)), tmp_path)
    file = Path(sweep.recipe)
    file.write_text(file.read_text(encoding="utf-8").replace("lr = ", "lr = 1"), encoding="utf-8")
    with pytest.raises(OptionError, match="other contents of the recipe"):
        open_study(sweep, tmp_path)


def test_a_sweep_needs_axes_and_a_validation_part(sweep: Sweep, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="nothing is varied"):
        replace(sweep, axes=())
    none = ("data.validation=none", "training.keep=last", "threshold=half")
    with pytest.raises(DatasetError, match="chooses on validation"):
        run_sweep(replace(sweep, changes=none), tmp_path, tmp_path / "sweep", told=quiet)


def test_the_best_trial_is_trained_again_with_its_options(sweep: Sweep, tmp_path: Path) -> None:
    """A change of the optimizer's name drops its options, so names come first, whatever the order of the keys."""
    study = open_study(replace(sweep, changes=("training.epochs=3",)), tmp_path)
    trial = study.ask()
    trial.suggest_float("optimizer.lr", 0.25, 0.5)
    trial.suggest_categorical("optimizer.name", ("sgd", "rmsprop"))
    study.tell(trial, 0.7)
    recipe = read_recipe(sweep.recipe, best_changes(study))
    assert recipe.optimizer.name == trial.params["optimizer.name"]
    assert recipe.optimizer.options["lr"] == trial.params["optimizer.lr"]
    assert recipe.training.epochs == 3


def a_study(trials: int) -> optuna.Study:
    """Return a finished search in which the learning rate alone matters."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    study.set_user_attr("objective", "accuracy")
    for _ in range(trials):
        trial = study.ask()
        lr = trial.suggest_float("optimizer.lr", 1e-4, 1e-1, log=True)
        trial.suggest_categorical("trunk.width", (4, 8))
        trial.suggest_categorical("trunk.init", ("glorot", "normal"))
        study.tell(trial, lr)
    return study


def test_plots_say_what_mattered_and_show_every_trial() -> None:
    study = a_study(30)
    shares = importances(study)
    assert max(shares, key=lambda key: shares[key]) == "optimizer.lr"
    assert sum(shares.values()) == pytest.approx(1)
    importance, parallel = sweep_plots(study)
    assert "optimizer.lr" in importance.summary
    (axes,) = parallel.figure.axes
    lines = [line for line in axes.lines if len(line.get_xdata()) == 4]  # type: ignore[arg-type]
    assert len(lines) == 30
    assert "30 trials; best validation accuracy" in parallel.summary


def test_few_trials_draw_nothing() -> None:
    assert sweep_plots(a_study(3)) == []


def test_axes_of_the_parallel_coordinates() -> None:
    scale = Scale("lr", 1e-4, 1e-2, log=True)
    assert [scale.height(value) for value in (1e-4, 1e-3, 1e-2)] == pytest.approx([0, 0.5, 1])
    names = Scale("init", 0, 1, names=("glorot", "lecun", "normal"))
    assert names.height("lecun") == 0.5
    assert Scale("x", 3, 3).height(3) == 0.5
    assert [text for _, text in Scale("filters", 4, 16, log=True, marks=(4, 8, 16)).ticks()] == ["4", "8", "16"]
    plot = parallel_plot(a_study(5).trials, "validation loss")
    assert "best validation loss" in plot.summary


def test_values_of_one_axis_do_not_lie_over_one_another() -> None:
    apart = [(0.0, "a"), (0.5, "b"), (1.0, "c")]
    assert spread(apart) == apart
    near = spread([(0.0, "a"), (0.01, "b"), (0.98, "c"), (0.99, "d"), (1.0, "e")])
    heights = [height for height, _ in near]
    assert [text for _, text in near] == list("abcde")
    assert min(high - low for low, high in itertools.pairwise(heights)) > APART - 1e-9
    assert (heights[0], heights[-1]) == (0.0, 1.0)
