"""The table of a reproduction: what stands in it, and what is marked."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from twinlens.lab.reproduction import Missing, Reproduction
from twinlens.lab.study import Study, study_of
from twinlens.lab.tables import markdown, record
from twinlens.lab.tally import Reading, RunFigures

TABLE = {
    "name": "x",
    "title": "A document",
    "source": "Somebody 2019",
    "protocol": "100 pairs",
    "floor": 62.7,
    "floor_name": "pixels",
    "notes": ["A note."],
    "configurations": [
        {"name": "big", "recipe": "003", "title": "big one"},
        {"name": "small", "recipe": "003", "title": "small one"},
        {"name": "never", "recipe": "003", "title": "the other"},
    ],
    "rows": [
        {"table": "1", "label": "first", "configuration": "big", "test_accuracy": 66.0, "validation_accuracy": 60.0},
        {"table": "1", "label": "second", "configuration": "big", "test_accuracy": 69.0},
        {"table": "2", "label": "slip|s", "configuration": "small", "test_accuracy": 50.0,
         "printed": {"test_accuracy": "500"}, "reading": "Ten times too large."},
        {"table": "2", "label": "nobody", "test_accuracy": 99.0},
    ],
    "series": [{"name": "readings", "values": [1, 2.5], "reading": "Noise."}],
}  # fmt: skip


def run(configuration: str, seed: int, accuracy: float, *, quick: bool = False, collapse: str = "") -> RunFigures:
    reading = Reading(accuracy, accuracy - 0.03, accuracy + 0.03, 1000)
    return RunFigures(configuration, seed, quick, collapse, {"test_accuracy": reading}, 70, 12.3)


@pytest.fixture
def study() -> Study:
    return study_of(TABLE)


@pytest.fixture
def done(study: Study) -> Reproduction:
    figures = (run("big", 1, 0.66), run("big", 0, 0.68), run("small", 0, 0.5, collapse="constant output"))
    return Reproduction(study, figures, (Missing("never", "no weights here"),), ("training.epochs=5",))


def lines_of(text: str, start: str) -> list[str]:
    return [line for line in text.split("\n") if line.startswith(start)]


def test_published_stands_beside_ours_with_interval_and_seeds(done: Reproduction) -> None:
    text = markdown(done, command="twinlens reproduce x", machine="a machine")
    (big,) = lines_of(text, "| big one")
    assert "67.5 (66.0 to 69.0; 2)" in big
    assert "67.0 (" in big
    assert "2 seeds" in big
    assert "| agrees |" in big
    (first,) = lines_of(text, "| 1 | first")
    assert "| 66 | 67.0 (" in first
    assert "| 60 | - |" in first


def test_collapsed_networks_are_named(done: Reproduction) -> None:
    text = markdown(done, command="c", machine="m")
    assert "small one (`small`) (**collapsed** in 1 of 1)" in text
    assert "Ten times too large. (**collapsed** in 1 of 1)" in text
    assert "constant output" in json.dumps(record(done, command="c", machine="m"))


def test_what_did_not_run_is_said_with_its_reason(done: Reproduction) -> None:
    text = markdown(done, command="c", machine="m")
    assert "- the other (`never`): no weights here" in text
    assert "**Every run was changed: `training.epochs=5`.**" in text


def test_what_a_document_prints_otherwise_is_shown_and_escaped(done: Reproduction) -> None:
    text = markdown(done, command="c", machine="m")
    (slip,) = lines_of(text, "| 2 | slip")
    assert "slip\\|s" in slip
    assert "50 [500]" in slip
    assert len(set(map(len_cells, lines_of(text, "| 1 |") + lines_of(text, "| 2 |")))) == 1


def len_cells(line: str) -> int:
    return line.replace("\\|", "").count("|")


def test_quick_runs_are_marked_and_whole_ones_come_before_them(study: Study) -> None:
    quick = Reproduction(study, (run("big", 0, 0.67, quick=True),))
    text = markdown(quick, command="c", machine="m")
    assert "big one (`big`) (*quick*)" in text
    assert "no figure is said to agree" in text
    assert "big, quick: 2 epochs of 200 pairs; a collapse" in text
    assert "| agrees |" not in text
    assert "but training.epochs" not in text
    assert record(quick, command="c", machine="m")["rows"][0]["published_against_ours"] == {}  # type: ignore[index]
    big = study.configuration("big")
    named = tuple(replace(one, quick=("training.epochs=7",)) if one is big else one for one in study.configurations)
    short = replace(quick, study=replace(study, configurations=named))
    said = markdown(short, command="c", machine="m")
    assert "big, quick: all pairs, but training.epochs=7." in said
    assert "200 pairs" not in said
    both = Reproduction(study, (run("big", 0, 0.6, quick=True), run("big", 0, 0.7)))
    assert [one.quick for one in both.runs_of("big")] == [False]


def test_spread_pools_what_did_not_collapse(done: Reproduction) -> None:
    assert done.spread("test_accuracy").freedom == 1
    assert done.spread("test_accuracy").deviation == pytest.approx(0.01 * 2**0.5)
    assert "published 2.1 (1 degrees of freedom); ours 1.4" in markdown(done, command="c", machine="m")


def test_a_documents_own_repeats_count_as_spread_where_they_are_repeats(study: Study) -> None:
    one = Reproduction(study, (run("big", 0, 0.66),))
    assert one.seed_spread("test_accuracy").freedom == 0
    assert "pairs alone: too little was run twice" in markdown(one, command="c", machine="m")
    repeats = replace(study, about=replace(study.about, repeats=True))
    ours = (*one.figures, run("big", 1, 0.70))
    assert Reproduction(study, ours).seed_spread("test_accuracy").freedom == 0  # one degree of freedom says too little
    assert Reproduction(repeats, ours).seed_spread("test_accuracy").freedom == 0  # and so do two
    more = Reproduction(repeats, (*ours, run("small", 0, 0.60), run("small", 1, 0.62)))
    found = more.seed_spread("test_accuracy")
    assert found.freedom == 3  # 66 and 69 of theirs, two pairs of ours
    assert found.deviation == pytest.approx(((0.03**2 + 0.04**2 + 0.02**2) / 2 / 3) ** 0.5)
    assert "the document's own repeats among them" in markdown(more, command="c", machine="m")


def test_no_figure_is_said_to_agree_with_a_stand_in(done: Reproduction) -> None:
    named = tuple(replace(one, stand_in=one.name == "big") for one in done.study.configurations)
    other = replace(done, study=replace(done.study, configurations=named))
    text = markdown(other, command="c", machine="m")
    assert "big one (`big`) (*stand-in*)" in text
    assert "| agrees |" not in text.split("small one")[0]
    assert record(other, command="c", machine="m")["rows"][0]["published_against_ours"] == {}  # type: ignore[index]


def test_the_mean_is_of_runs_that_did_not_collapse_where_there_are_any(study: Study) -> None:
    fallen, sound = run("small", 0, 0.5, collapse="constant output"), run("small", 1, 0.7)
    beside = Reproduction(study, (fallen, sound)).beside("small")
    assert beside.tallies["test_accuracy"].values == (0.7,)
    assert (beside.collapsed, len(beside.runs)) == (1, 2)
    assert "(**collapsed** in 1 of 2)" in markdown(Reproduction(study, (fallen, sound)), command="c", machine="m")
    assert Reproduction(study, (fallen,)).beside("small").tallies["test_accuracy"].values == (0.5,)


def test_collapsed_networks_do_not_count_as_spread(study: Study) -> None:
    sound = (run("big", 0, 0.66), run("big", 1, 0.68))
    fallen = (run("small", 0, 0.5, collapse="constant output"), run("small", 1, 0.7))
    assert Reproduction(study, (*sound, *fallen)).spread("test_accuracy") == Reproduction(study, sound).spread(
        "test_accuracy"
    )


def test_the_record_is_plain_json(done: Reproduction) -> None:
    plain = json.loads(json.dumps(record(done, command="c", machine="m"), allow_nan=False))
    assert plain["rows"][0]["published_against_ours"] == {"test_accuracy": "agrees"}
    assert plain["configurations"][0]["ours"]["test_accuracy"]["mean"] == 67.0
    assert plain["missing"] == {"never": "no weights here"}
