"""From photos to a report: figures against plain loops, choices that never see the test, failures that count."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.evaluate.people import MadeUpLens, folder_of, ten_folds, two_parts

from twinlens.datasets.records import Dataset, Pair
from twinlens.errors import CalibrationError, DatasetError, OptionError
from twinlens.evaluate.memory import ResumeFile
from twinlens.evaluate.records import Report
from twinlens.evaluate.runner import Options, evaluate as evaluate_fully
from twinlens.evaluate.score_records import Figure
from twinlens.evaluate.sight import Lens, View
from twinlens.evaluate.storage import read_report, report_text
from twinlens.metrics.intervals import wilson
from twinlens.metrics.verification import best_accuracy_threshold
from twinlens.zoo import Measurement, OperatingPoint, find_card

NOISE = 0.4


def evaluate(dataset: Dataset, lens: Lens, **more: Any) -> Report:
    """Evaluate with few draws behind the intervals, which these tests do not look at."""
    options = replace(more.pop("options", Options()), resamples=20)
    return evaluate_fully(dataset, lens, options=options, **more)


def score(lens: MadeUpLens, pair: Pair) -> float | None:
    one, other = lens.view(pair.first.path).vector, lens.view(pair.second.path).vector
    return None if one is None or other is None else float(one.astype(np.float64) @ other.astype(np.float64))


def best(lens: MadeUpLens, pairs: tuple[Pair, ...]) -> float:
    scored = [(score(lens, pair), pair.same) for pair in pairs]
    genuine, impostor = (
        np.array([s for s, same in scored if s is not None and same == kind]) for kind in (True, False)
    )
    return best_accuracy_threshold(genuine, impostor)


def figure(report: Report, name: str) -> Figure:
    (found,) = [f for f in report.headline if f.name == name]
    return found


def right(lens: MadeUpLens, pairs: tuple[Pair, ...], threshold: float) -> float:
    answers = [(value := score(lens, pair)) is not None and value >= threshold for pair in pairs]
    return float(np.mean([answer == pair.same for answer, pair in zip(answers, pairs, strict=True)]))


def test_accuracy_is_that_of_a_loop_with_the_threshold_of_the_training_pairs() -> None:
    dataset = two_parts()
    blind = [dataset.split("test").pairs[0].first.path]
    lens = MadeUpLens(noise=NOISE, blind=blind)
    report = evaluate(dataset, lens)
    threshold = best(lens, dataset.split("train").pairs)
    assert figure(report, "accuracy").value == pytest.approx(right(lens, dataset.split("test").pairs, threshold))
    assert report.failures.no_face == 1
    assert report.failures.genuine + report.failures.impostors >= 1
    assert any("compared pairs" in f.name for f in report.headline)


@pytest.mark.slow
def test_folds_are_tested_one_by_one_with_the_threshold_of_the_others() -> None:
    dataset, lens = ten_folds(), MadeUpLens(noise=NOISE)
    report = evaluate(dataset, lens)
    expected = [
        right(lens, fold.pairs, best(lens, tuple(p for other in dataset.folds if other != fold for p in other.pairs)))
        for fold in dataset.folds
    ]
    assert report.folds == pytest.approx(expected)
    mean = figure(report, "accuracy, mean over folds")
    assert mean.value == pytest.approx(np.mean(expected))
    assert f"{np.std(expected, ddof=1) / np.sqrt(10):.4f}" in mean.note


def test_thresholds_do_not_move_when_the_test_people_change() -> None:
    dataset, lens = two_parts(), MadeUpLens(noise=NOISE)
    test = dataset.split("test")
    fewer = [pair for same in (True, False) for pair in [p for p in test.pairs if p.same == same][:7]]
    other = Dataset("made-up", dataset.root, {**dataset.splits, "test": replace(test, pairs=tuple(fewer))})
    thresholds = [[row.threshold for row in evaluate(d, lens).operating] for d in (dataset, other)]
    assert thresholds[0] == thresholds[1]


def test_a_target_that_the_data_cannot_support_is_refused_with_the_number_needed() -> None:
    report = evaluate(two_parts(), MadeUpLens(noise=NOISE))
    (refused,) = [row for row in report.operating if row.threshold is None]
    assert refused.target_fmr == 0.01
    assert "300 pairs" in refused.refused
    tar = figure(report, "TAR at FMR 0.1 %")
    assert tar.value is None
    assert "3,000" in tar.note


def test_people_who_choose_and_are_tested_are_a_leak_that_is_said() -> None:
    dataset = two_parts()
    leaking = Dataset(
        "made-up", dataset.root, {"train": dataset.split("train"), "test": replace(dataset.split("train"), name="test")}
    )
    assert any(caution.level == "leak" for caution in evaluate(leaking, MadeUpLens()).leakage)
    assert not any(caution.level == "leak" for caution in evaluate(dataset, MadeUpLens()).leakage)


def test_all_pairs_and_thresholds_of_the_card() -> None:
    measured = Measurement(
        "elsewhere", "none", 10_000, 1000, 50, (OperatingPoint(0.01, 0.4, 0.1), OperatingPoint(0.001, 0.5, 0.2))
    )
    card = replace(find_card("sface"), measured=measured, calibration=None)
    report = evaluate(folder_of(14, 4), MadeUpLens(noise=0.3), card=card, options=Options(card_thresholds=True))
    rows = {row.target_fmr: row for row in report.operating}
    assert rows[0.01].threshold == 0.4
    assert rows[0.01].source == "of the model's card"
    assert report.answers is None
    assert report.search is not None
    assert report.search.gallery == 14
    assert 0 <= report.search.cmc[0] <= 1


def test_people_whom_nobody_names_are_not_searched_for() -> None:
    dataset = replace(two_parts(), inferred_people=True)
    assert evaluate(dataset, MadeUpLens(noise=NOISE)).search is None
    with pytest.raises(OptionError, match="names nobody"):
        evaluate(dataset, MadeUpLens(), options=Options(all_pairs=True))


def test_without_a_card_and_without_choosing_people_there_is_no_threshold() -> None:
    with pytest.raises(CalibrationError, match="--thresholds own"):
        evaluate(folder_of(14, 4), MadeUpLens(), options=Options(card_thresholds=True))


def test_a_system_that_finds_nobody_is_an_error_not_a_report() -> None:
    dataset = two_parts()
    with pytest.raises(DatasetError, match="not one of"):
        evaluate(dataset, MadeUpLens(blind=[photo.path for photo in dataset.photos]))


def test_a_perfect_and_a_guessing_system() -> None:
    assert figure(evaluate(two_parts(), MadeUpLens(noise=0.01)), "accuracy").value == 1.0
    guess = figure(evaluate(two_parts(), MadeUpLens(noise=1e6)), "accuracy")
    assert guess.value is not None
    assert 0.35 < guess.value < 0.65


def test_the_baseline_stands_beside_with_mcnemars_test() -> None:
    report = evaluate(two_parts(), MadeUpLens(noise=0.1), baseline=MadeUpLens(noise=1e6))
    assert report.baseline is not None
    assert report.baseline.mcnemar.value is not None
    assert report.baseline.mcnemar.value < 1e-6


@pytest.mark.slow
def test_a_report_survives_its_json(tmp_path: Path) -> None:
    report = evaluate(ten_folds(), MadeUpLens(noise=NOISE), baseline=MadeUpLens(noise=2))
    path = tmp_path / "report.json"
    path.write_text(report_text(report), encoding="utf-8")
    again = read_report(path)
    assert report_text(again) == report_text(report)


@pytest.mark.slow
def test_what_was_seen_is_not_looked_at_again(tmp_path: Path) -> None:
    dataset, first, second = two_parts(), MadeUpLens(noise=NOISE), MadeUpLens(noise=NOISE)
    real = {}
    for photo in dataset.photos:  # the memory knows files by size and time
        real[photo] = tmp_path / photo.subject / photo.path.name
        real[photo].parent.mkdir(exist_ok=True)
        real[photo].write_bytes(b"x")
    splits = {
        name: replace(
            split,
            photos=tuple(replace(p, path=real[p]) for p in split.photos),
            pairs=tuple(
                replace(p, first=replace(p.first, path=real[p.first]), second=replace(p.second, path=real[p.second]))
                for p in split.pairs
            ),
        )
        for name, split in dataset.splits.items()
    }
    dataset = Dataset("made-up", tmp_path, splits)
    reports = []
    for lens in (first, second):
        with ResumeFile(tmp_path / "seen.db", lens.system) as memory:
            reports.append(evaluate(dataset, lens, memory=memory))
    assert first.looked
    assert not second.looked
    assert reports[0].headline == reports[1].headline
    changed = dataset.photos[0].path
    changed.write_bytes(b"another photo")
    with ResumeFile(tmp_path / "seen.db", second.system) as memory:
        evaluate(dataset, second, memory=memory)
    assert second.looked == [changed]


@pytest.mark.slow
def test_an_evaluation_killed_in_the_middle_goes_on(data_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "twinlens.cli", "evaluate", "--on", "orl", "--no-baseline", "--json"]
    command += ["--resume", str(tmp_path / "seen.db")]
    environment = {**os.environ, "TWINLENS_DATA": str(data_folder)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        time.sleep(0.05)
        if (tmp_path / "seen.db").exists():
            try:
                with sqlite3.connect(tmp_path / "seen.db") as connection:
                    (kept,) = connection.execute("select count(*) from views").fetchone()
            except sqlite3.Error:
                continue
            if kept:
                break
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 0 < kept < 400
    done = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    report = json.loads(done.stdout)
    assert report["speed"]["photos"] <= 400 - kept
    assert report["search"]["cmc"][0] > 0.95


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_default_models_on_lfw(data_folder: Path) -> None:
    from twinlens.datasets.registry import open_dataset
    from twinlens.evaluate.lenses import PixelLens, RecognizerLens
    from twinlens.recognizer import Recognizer

    dataset = open_dataset("lfw-dev", data_folder)
    with Recognizer.default() as recognizer:
        lens = RecognizerLens(recognizer, detector="yunet", engine="default")
        report = evaluate(dataset, lens, card=recognizer.card, baseline=PixelLens())
    assert figure(report, "accuracy").value == pytest.approx(0.989, abs=0.0011)
    assert report.failures.no_face == 0
    assert report.baseline is not None
    assert report.baseline.figures[0].value == pytest.approx(0.627, abs=0.0011)


def test_where_all_goes_well_people_are_counted_not_their_photos() -> None:
    """Ten photos of six people say no more of a seventh than six people do."""
    report = evaluate(folder_of(12, 10), MadeUpLens(noise=0.0))
    assert report.search is not None
    for found in (*report.search.figures, figure(report, "AUC")):
        if found.value is not None:
            assert found.low is not None
            assert found.high is not None
            assert found.high - found.low > 0.3, found
    listed = evaluate(two_parts(), MadeUpLens(noise=0.0))
    fnmr = figure(listed, "FNMR")
    people = {pair.first.subject for pair in two_parts().split("test").pairs if pair.same}
    assert fnmr.high == pytest.approx(wilson(0, len(people)).high)


def test_slices_hold_every_pair_failures_too() -> None:
    dataset = two_parts()
    blind = [pair.first.path for pair in dataset.split("test").pairs if pair.same][:3]
    report = evaluate(dataset, MadeUpLens(blind=blind))
    faces = {part.value: part for part in report.slices if part.by == "a face found"}
    missing = faces["not in both photos"]
    assert missing.genuine == report.failures.genuine >= 3
    assert missing.fnmr is not None
    assert missing.fnmr.value == 1.0
    (tested,) = (part for part in report.parts if part.role == "test")
    assert sum(part.genuine for part in faces.values()) == tested.genuine
    assert sum(part.impostors for part in faces.values()) == tested.impostors


def test_photos_whose_names_are_no_utf8_are_remembered(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    odd.write_bytes(b"")
    with ResumeFile(tmp_path / "seen.db", MadeUpLens().system) as memory:
        memory.keep([(odd, View(None, f"unreadable: {odd}"))])
        assert memory.recall(odd) is not None


def test_no_interval_of_a_share_leaves_0_to_1() -> None:
    """Nine folds without an error and one with: Student's interval of their mean would end above 1."""
    for seed in range(40):
        report = evaluate(ten_folds(), MadeUpLens(noise=0.16, seed=seed))
        mean = figure(report, "accuracy, mean over folds")
        assert mean.high is not None
        assert mean.high <= 1
        if mean.high == 1 and np.std(report.folds) > 0:
            return
    pytest.fail("no seed came near the end")
