"""The published figures as data: what is known of them must hold of the files."""

from __future__ import annotations

import math
from statistics import fmean

import pytest

from twinlens.errors import RecipeError
from twinlens.lab.reading import read_recipe
from twinlens.lab.recipe import Recipe
from twinlens.lab.reproduction import Reproduction
from twinlens.lab.study import Study, read_study, study_names, study_of


def test_every_document_is_there() -> None:
    assert study_names() == ["000", "001", "002", "003", "004", "koch"]


@pytest.mark.parametrize("name", study_names())
def test_every_configuration_is_a_recipe_and_every_row_has_a_reading_or_a_figure(name: str) -> None:
    study = read_study(name)
    assert study.name == name
    for one in study.configurations:
        assert isinstance(read_recipe(one.recipe, (*one.changes, *one.quick)), Recipe)
    assert len({one.name for one in study.configurations}) == len(study.configurations)
    assert all(row.reading or row.figures for row in study.rows)
    assert all(set(row.printed) <= set(row.figures) for row in study.rows)


@pytest.mark.parametrize("name", study_names())
def test_no_two_configurations_are_the_same_run(name: str) -> None:
    """A document that repeats a run under another name has two rows, not two configurations."""
    study = read_study(name)
    seen: dict[str, str] = {}
    for one in study.configurations:
        recipe = read_recipe(one.recipe, one.changes)
        essence = repr(
            (
                recipe.data,
                recipe.trunk,
                recipe.head,
                recipe.loss,
                recipe.batch,
                recipe.optimizer,
                recipe.schedule,
                recipe.training,
                recipe.augment,
                recipe.miner,
            )
        )
        assert essence not in seen, f"{one.name} repeats {seen.get(essence)}"
        seen[essence] = one.name


def test_an_unknown_system_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no system '0003'; did you mean '003'\?"):
        read_study("0003")


def test_a_row_of_an_unknown_run_or_figure_is_refused() -> None:
    table = {"name": "x", "title": "x", "source": "x", "protocol": "x"}
    one = {"name": "final", "recipe": "003", "title": "t"}
    with pytest.raises(RecipeError, match="did you mean 'final'"):
        study_of({**table, "configurations": [one], "rows": [{"table": "1", "configuration": "finnal"}]})
    with pytest.raises(RecipeError, match="did you mean 'test_accuracy'"):
        study_of({**table, "configurations": [one], "rows": [{"table": "1", "test_acuracy": 64.0}]})
    with pytest.raises(RecipeError, match="wanted a number"):
        study_of({**table, "rows": [{"table": "1", "test_accuracy": "64"}]})


def _table(study: Study, name: str) -> list[float]:
    return [row.figures["test_accuracy"] for row in study.rows if row.table == name]


def test_003_has_every_row_of_its_tables() -> None:
    study = read_study("003")
    assert [len(_table(study, name)) for name in "34567"] == [15, 4, 1, 5, 8]
    assert len(study.configurations) == 19
    assert max(_table(study, "3")) == 68.4
    assert max(row.figures["test_accuracy"] for row in study.rows) == 68.6


def test_003_table_3_measures_the_spread_of_repeats() -> None:
    """Five configurations, three repeats of Adam each: pooled deviation 1.5 points, 64.1 to 68.4 at lr 1e-3."""
    study = read_study("003")
    groups: dict[str, list[float]] = {}
    for row in study.rows:
        if row.table == "3":
            groups.setdefault(row.configuration, []).append(row.figures["test_accuracy"])
    assert [len(group) for group in groups.values()] == [3] * 5
    pooled = math.sqrt(sum(sum((x - fmean(g)) ** 2 for x in g) for g in groups.values()) / 10)
    assert round(pooled, 1) == 1.5
    assert (min(groups["f8-lr1e-3-b128"]), max(groups["f8-lr1e-3-b128"])) == (64.1, 68.4)
    spread = Reproduction(study, ()).published_spread("test_accuracy")
    assert spread.freedom > 10  # table 7 repeats two more
    assert 1.2 < spread.deviation < 1.8


def test_003_collapsed_rows_are_the_constant_answer() -> None:
    """50.0 on 500 + 500 pairs and 343 of 722 on validation, and nothing else is 50.0."""
    study = read_study("003")
    collapsed = [row for row in study.rows if row.figures["test_accuracy"] == 50.0]
    assert len(collapsed) == 6
    for row in collapsed:
        assert row.figures["validation_accuracy"] == pytest.approx(100 * 343 / 722, abs=0.005)
        assert "ollapsed" in row.reading


def test_003_slips_of_print_are_ten_times_too_large() -> None:
    study = read_study("003")
    slips = [
        (row.figures["test_loss"], float(row.printed["test_loss"])) for row in study.rows if "test_loss" in row.printed
    ]
    assert len(slips) == 6
    assert all(printed == pytest.approx(10 * loss, rel=1e-3) for loss, printed in slips)


def test_003_training_time_is_epochs_times_seconds() -> None:
    study = read_study("003")
    timed = [row.figures for row in study.rows if "epochs" in row.figures]
    assert len(timed) == 30
    assert all(f["epochs"] * f["epoch_seconds"] == pytest.approx(f["seconds"], rel=0.12) for f in timed)


def test_000_recovered_counts() -> None:
    """30 epochs, 51 to 70 of 100, mean 63.4: undone from multiples of 1/155."""
    (series,) = read_study("000").series
    assert len(series.values) == 30
    assert (min(series.values), max(series.values)) == (51, 70)
    assert round(fmean(series.values), 1) == 63.4


def test_004_experiments_1_and_3_are_one_run() -> None:
    study = read_study("004")
    first, third = study.rows_of("step")
    assert {first.label, third.label} == {"1 StepLR", "3 ExponentialLR"}
    assert abs(first.figures["validation_accuracy"] - third.figures["validation_accuracy"]) == pytest.approx(16.9)
    step, exponential = read_recipe("004-step"), read_recipe("004-exponential")
    assert step.optimizer == exponential.optimizer
    assert step.schedule.options["gamma"] == exponential.schedule.options["gamma"] == 0.1


def test_002_validation_table_and_winner() -> None:
    study = read_study("002")
    networks = [row for row in study.rows if row.table == "networks"]
    assert len(networks) == 14
    winner = max(networks, key=lambda row: row.figures["validation_accuracy"])
    assert winner.configuration == "triplet-sgd-aug"
    assert (winner.figures["validation_accuracy"], winner.figures["test_accuracy"]) == (83.28, 86.32)


def test_koch_tables() -> None:
    study = read_study("koch")
    verification = [row.figures["test_accuracy"] for row in study.rows if row.table == "verification"]
    oneshot = {row.label: row.figures["oneshot_accuracy"] for row in study.rows if row.table == "20-way one-shot"}
    assert max(verification) == 93.42
    assert len(verification) == 6
    assert oneshot["convolutional Siamese network"] == 92.0
    assert oneshot["humans"] == 95.5
