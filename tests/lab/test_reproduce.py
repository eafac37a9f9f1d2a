"""A document's grid: it goes on where it stopped, runs nothing twice, and notes what cannot be run here."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import tomli_w

from twinlens.errors import OptionError, RecipeError
from twinlens.lab.reading import table_of
from twinlens.lab.recipe import Recipe
from twinlens.lab.reproduce import Plan, gathered, run_tasks, task_of, tasks_of
from twinlens.lab.reproduction_plots import write_plots
from twinlens.lab.study import Study, study_of

Make = Callable[..., Recipe]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TWINLENS_HOME", str(tmp_path / "home"))


@pytest.fixture
def study(make_named: Make, tmp_path: Path) -> Study:
    """Two configurations of the tiny network on waves, and one whose weights are nowhere."""
    recipe = make_named("training.epochs=1", "data.validation_share=0.25")
    file = tmp_path / "base.toml"
    file.write_text(tomli_w.dumps(table_of(recipe)), encoding="utf-8")
    absent = ["trunk.name=mobilenet-v2", "trunk.weights=nowhere.pth", "data.size=32"]
    return study_of(
        {
            "name": "x",
            "title": "t",
            "source": "s",
            "protocol": "p",
            "seeds": 2,
            "configurations": [
                {"name": "one", "recipe": str(file), "title": "one", "oneshot": 2},
                {"name": "absent", "recipe": str(file), "title": "absent", "changes": absent},
            ],
            "rows": [{"table": "1", "label": "a", "configuration": "one", "test_accuracy": 66.0}],
        }
    )


@pytest.mark.slow
def test_runs_are_made_once_and_what_cannot_be_is_noted(study: Study, tmp_path: Path) -> None:
    said: list[str] = []
    plan = Plan(tmp_path / "runs", threads=1)
    tasks = tasks_of(study, plan)
    assert [task.name for task in tasks] == ["one-s0", "absent-s0", "one-s1", "absent-s1"]
    missing = run_tasks(tasks, plan, tmp_path, told=said.append)
    assert [one.configuration for one in missing] == ["absent"]
    assert "nowhere.pth" in missing[0].why
    assert sum("test " in line for line in said) == 2
    done, folders = gathered(study, plan, missing)
    assert [folder.name for folder in folders] == ["one-s0", "one-s1"]
    beside = done.beside("one")
    assert [run.seed for run in beside.runs] == [0, 1]
    sound = [run for run in beside.runs if not run.collapsed] or beside.runs
    for measure in ("test_accuracy", "oneshot_accuracy"):
        assert all(measure in run.readings for run in beside.runs)
        assert beside.tallies[measure].values == tuple(run.readings[measure].value for run in sound)
    names = {path.name for path in write_plots(done, folders, tmp_path)}
    assert names >= {"reproduce-x-test-accuracy.svg", "reproduce-x-curves-accuracy.svg", "reproduce-x-curves-loss.svg"}

    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*") if path.is_file()}
    said.clear()
    run_tasks(tasks, plan, tmp_path, told=said.append)
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert not [line for line in said if "one-s" in line]


def test_an_unfinished_run_is_taken_up(study: Study, tmp_path: Path) -> None:
    plan = Plan(tmp_path / "runs", threads=1, seeds=1, only=("one",))
    (task,) = tasks_of(study, plan)
    run_tasks([task], plan, tmp_path, told=lambda _: None)
    before = json.loads((task.folder / "outcome.json").read_text(encoding="utf-8"))
    (task.folder / "outcome.json").unlink()
    assert gathered(study, plan)[1] == []
    run_tasks([task], plan, tmp_path, told=lambda _: None)
    after = json.loads((task.folder / "outcome.json").read_text(encoding="utf-8"))
    assert after["test"] == before["test"]


@pytest.mark.slow
def test_a_run_of_another_recipe_is_refused_but_not_for_its_words(study: Study, tmp_path: Path) -> None:
    plan = Plan(tmp_path / "runs", threads=1, seeds=1, only=("one",))
    run_tasks(tasks_of(study, plan), plan, tmp_path, told=lambda _: None)
    other = Plan(tmp_path / "runs", threads=1, seeds=1, only=("one",), changes=("optimizer.lr=0.5",))
    with pytest.raises(RecipeError, match="another recipe"):
        run_tasks(tasks_of(study, other), other, tmp_path, told=lambda _: None)
    other = Plan(tmp_path / "runs", threads=1, seeds=1, only=("one",), changes=("title=another",))
    assert len(gathered(study, other)[1]) == 1


def test_one_damaged_outcome_does_not_take_the_table_along(study: Study, tmp_path: Path) -> None:
    plan = Plan(tmp_path / "runs", threads=1, seeds=1, only=("one",))
    (task,) = tasks_of(study, plan)
    run_tasks([task], plan, tmp_path, told=lambda _: None)
    (task.folder / "outcome.json").write_text("{", encoding="utf-8")
    done, folders = gathered(study, plan)
    assert folders == []
    assert [one.configuration for one in done.missing] == ["one"]
    assert "cannot be read" in done.missing[0].why


def test_quick_runs_have_folders_of_their_own(study: Study, tmp_path: Path) -> None:
    plan = Plan(tmp_path / "runs", threads=1, seeds=1, only=("one",), quick=True)
    run_tasks(tasks_of(study, plan), plan, tmp_path, told=lambda _: None)
    done, folders = gathered(study, Plan(tmp_path / "runs", threads=1))
    assert [folder.name for folder in folders] == ["one-s0-quick"]
    assert done.beside("one").quick


@pytest.mark.parametrize(("quick", "epochs"), [((), 2), (("data.size=16",), 2), (("training.epochs=7",), 7)])
def test_quick_sizes_of_a_configuration_come_before_the_usual_ones(
    study: Study, tmp_path: Path, quick: tuple[str, ...], epochs: int
) -> None:
    one = replace(study.configurations[0], changes=("training.epochs=30",), quick=quick)
    task = task_of(one, 0, Plan(tmp_path / "runs", quick=True))
    assert (task.recipe.training.epochs, one.shortened) == (epochs, epochs == 7)


def test_no_run_is_begun_when_the_time_is_over(study: Study, tmp_path: Path) -> None:
    plan = Plan(tmp_path / "runs", threads=1, minutes=1e-9)
    said: list[str] = []
    run_tasks(tasks_of(study, plan), plan, tmp_path, told=said.append)
    assert len(said) == 1
    assert "not begun" in said[0]
    assert not (tmp_path / "runs").exists()


def test_an_unknown_configuration_names_the_nearest(study: Study, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="did you mean 'absent'"):
        tasks_of(study, Plan(tmp_path, only=("absnt",)))
    with pytest.raises(OptionError, match="at least 1"):
        tasks_of(study, Plan(tmp_path, seeds=-1))
