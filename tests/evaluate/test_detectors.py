"""Looks made up, of which every figure is known -> the benchmark's figures; and what becomes of them in JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.detector_samples import SINGLE, TINY, benchmark, look, own, rows, sample, scene, seen

from twinlens.errors import CalibrationError, DatasetError
from twinlens.evaluate.detector_records import (
    MEAN_PRECISION,
    MEAN_RECALL,
    PRECISION,
    RECALL,
    benchmark_text,
    read_benchmark,
)
from twinlens.evaluate.looks import PhotoLooks
from twinlens.evaluate.scenes import ALL, Scene, SceneSet
from twinlens.evaluate.score_records import Figure
from twinlens.metrics.fddb import FddbImage, fddb_curve

FACE, OTHER, STRAY = (10.0, 10.0, 60.0, 60.0), (100.0, 10.0, 150.0, 60.0), (300.0, 200.0, 340.0, 240.0)


def both(photo: str, first: list[tuple[float, ...]], second: list[tuple[float, ...]]) -> PhotoLooks:
    return seen(photo, {SINGLE.label: look(first, ms=10), TINY.label: look(second, ms=30)})


def ends(figure: Figure) -> tuple[float, float, float]:
    assert figure.low is not None
    assert figure.value is not None
    assert figure.high is not None
    return figure.low, figure.value, figure.high


def test_the_figures_of_two_photos_by_hand() -> None:
    scenes = own(scene("a", FACE, OTHER), scene("b", FACE))
    found = benchmark(scenes, [both("a", [FACE, STRAY], [FACE, OTHER]), both("b", [], [FACE])])
    first, second = found.settings
    values = {figure.name: figure.value for figure in first.figures}
    assert values == {
        "AP": pytest.approx(1 / 3 * 1 / 2),  # one of three faces, at a precision of one half
        PRECISION: 0.5,
        RECALL: pytest.approx(1 / 3),
        MEAN_PRECISION: pytest.approx((0.5 + 1.0) / 2),  # the silent photo counts all
        MEAN_RECALL: pytest.approx(1 / 3),
    }
    assert first.silent == 1
    assert "1 of 2 photos with faces are silent" in first.figure(MEAN_PRECISION).note
    assert [figure.value for figure in second.figures] == [1.0] * 5
    assert first.gains == ()
    assert second.gains[0].value == pytest.approx(5 / 6)
    assert (first.main, first.model, first.parameters) == ("AP", SINGLE.card.identity, 53_104)
    assert (found.photos, found.faces, found.counted) == (2, 3, ((ALL, 3),))


def test_intervals_hold_their_figures_and_are_drawn_by_photo() -> None:
    found = sample()
    for result in found.settings:
        for figure in (*result.figures, *result.gains, result.cost.ratio):
            low, value, high = ends(figure)
            assert low <= value <= high
    low, value, high = ends(found.settings[0].figure(RECALL))
    assert value == pytest.approx((1 + 1 + 2 + 2) / 16)
    assert low < value < high
    assert found == sample()


def test_times_are_ratios_of_sums_and_means_over_decoded_photos() -> None:
    scenes = own(scene("a", FACE), scene("b", FACE), scene("c", FACE))
    photos = [
        seen("a", {SINGLE.label: look([FACE], ms=10), TINY.label: look([FACE], ms=20)}),
        PhotoLooks("b", None, "broken", {}),
        seen("c", {SINGLE.label: look([FACE], ms=30), TINY.label: look([FACE], ms=100)}),
    ]
    found = benchmark(scenes, photos)
    first, second = (result.cost for result in found.settings)
    assert (first.cpu_ms, second.cpu_ms) == pytest.approx((20, 60))
    assert (first.wall_ms, second.wall_ms) == pytest.approx((40, 120))
    assert (first.ratio.value, second.ratio.value) == pytest.approx((1.0, 3.0))
    assert second.ratio.low == pytest.approx(2.0)
    assert second.ratio.high == pytest.approx(100 / 30)
    assert found.unreadable == ("b",)
    assert found.settings[0].figure(RECALL).value == pytest.approx(2 / 3)


def test_levels_count_their_own_faces() -> None:
    counted = {"easy": np.array([True, False]), "hard": np.array([True, True])}
    scenes = SceneSet(
        "wider", "w", ("easy", "hard"), (Scene("a", Path("a"), rows(FACE, OTHER), counted),), 24.0, "terms"
    )
    found = benchmark(scenes, [seen("a", {SINGLE.label: look([FACE])})], SINGLE)
    values = {figure.name: figure.value for figure in found.settings[0].figures}
    assert (values["AP easy"], values["AP hard"], values[RECALL]) == (1.0, 0.5, 0.5)
    assert found.settings[0].figure(RECALL).note == "hard"
    assert found.counted == (("easy", 1), ("hard", 2))


def elliptic(*names: str) -> SceneSet:
    """Photos of 400 x 300, each with one face at its left edge, as FDDB has them."""
    ellipse = np.array([[50.0, 40.0, 0.0, 30.0, 150.0]])
    scenes = tuple(
        Scene(name, Path(name), rows((-20.0, 110.0, 80.0, 190.0)), {ALL: np.ones(1, bool)}, ellipse) for name in names
    )
    return SceneSet("fddb", "FDDB", (ALL,), scenes, 0.0, "research")


def test_fddb_scores_are_those_of_its_curves_and_boxes_are_cut_at_the_picture() -> None:
    scenes = elliptic("a", "b", "c")
    box = (0.0, 112.0, 76.0, 188.0)
    looks = [look([box], scores=[0.9]), look([box, STRAY], scores=[0.5, 0.8]), look([])]
    found = benchmark(
        scenes, [seen(s.name, {SINGLE.label: k}) for s, k in zip(scenes.scenes, looks, strict=True)], SINGLE
    )
    images = [FddbImage(s.ellipses, k.boxes, k.scores, (400, 300)) for s, k in zip(scenes.scenes, looks, strict=True)]  # type: ignore[arg-type]
    discrete, continuous = fddb_curve(images).at_false_positives(1)
    result = found.settings[0]
    assert result.main == "discrete score at 1 false positives"
    assert result.figure(result.main).value == pytest.approx(discrete) == pytest.approx(2 / 3)
    assert result.figure("continuous score at 1 false positives").value == pytest.approx(continuous)
    assert "in proportion to (100, 500, 1000) on all 2,845 photos" in result.figure(result.main).note
    assert result.figure(RECALL).value == pytest.approx(2 / 3)  # needs the annotated box cut at 0
    assert [figure.name for figure in result.figures].count(result.main) == 1


def test_a_detector_that_finds_nothing_has_figures_too() -> None:
    for scenes in (elliptic("a", "b"), own(scene("a", FACE), scene("b", FACE))):
        found = benchmark(scenes, [both("a", [FACE], []), both("b", [FACE], [])])
        second = found.settings[1]
        assert second.figure(second.main).value == 0
        assert (second.figure(MEAN_PRECISION).value, second.figure(MEAN_RECALL).value) == (1.0, 0.0)
        assert second.silent == 2
        assert second.figure(PRECISION).value == 1.0


def test_nothing_decoded_or_nothing_to_find_is_refused() -> None:
    with pytest.raises(CalibrationError, match="none of 1 photos of mine could be decoded: broken"):
        benchmark(own(scene("a", FACE)), [PhotoLooks("a", None, "broken", {})])
    with pytest.raises(CalibrationError, match="a face of 24 pixels"):
        benchmark(own(scene("a", (0, 0, 9, 9))), [both("a", [], [])])


@pytest.mark.slow
def test_a_benchmark_comes_back_from_json(tmp_path: Path) -> None:
    path = tmp_path / "wider.json"
    path.write_text(benchmark_text(sample()), encoding="utf-8")
    back = read_benchmark(path)
    assert benchmark_text(back) == benchmark_text(sample())
    assert replace(back, settings=()) == replace(sample(), settings=())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "twinlens report"}, "is not a benchmark of detectors"),
        ({"format": 99}, "is not a benchmark of detectors of format 1"),
        ({"photos": "many"}, "damaged benchmark: benchmark.photos must be int"),
        ({"extra": 1}, "unknown keys extra"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = tmp_path / "wider.json"
    path.write_text(json.dumps({**json.loads(benchmark_text(sample())), **change}))
    with pytest.raises(DatasetError, match=message):
        read_benchmark(path)
    path.write_text("{")
    with pytest.raises(DatasetError, match="cannot read the benchmark"):
        read_benchmark(path)
    with pytest.raises(KeyError, match="nonsense"):
        sample().settings[0].figure("nonsense")
