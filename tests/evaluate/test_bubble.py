"""Bubble graphs: where the marks are, how large, whose they are, and that words keep apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.text import Annotation
from tests.evaluate.detector_samples import sample

from twinlens.evaluate.detector_records import MEAN_PRECISION, DetectorBenchmark
from twinlens.evaluate.plots.bubble import mean_precision_graph, quality_graph
from twinlens.evaluate.plots.ink import Plot, drawing, write
from twinlens.evaluate.published_detectors import BAEZ


def two_sizes(key: str = "wider") -> DetectorBenchmark:
    """Two detectors, the second with four times the parameters."""
    first, second = sample(key).settings
    return replace(sample(key), settings=(first, replace(second, detector="other", parameters=4 * first.parameters)))


def panels(plot: Plot) -> list[Axes]:
    return [axes for axes in plot.figure.axes if axes.get_xlabel()]


def marks(axes: Axes) -> list[tuple[float, float, float]]:
    """(x, y, area) of every bubble, without the dots in the middle."""
    found = [mark for mark in axes.collections if isinstance(mark, PathCollection)]
    places = [np.asarray(mark.get_offsets(), float)[0] for mark in found]
    sizes = [float(np.asarray(mark.get_sizes())[0]) for mark in found]
    return [(float(x), float(y), size) for (x, y), size in zip(places, sizes, strict=True)][::2]


def test_bubbles_stand_at_time_and_quality_with_the_parameters_as_area() -> None:
    found = two_sizes()
    with drawing():
        (axes,) = panels(quality_graph([found]))
    wanted = sorted((r.cost.cpu_ms, r.figure(r.main).value) for r in found.settings)
    drawn = sorted(marks(axes))
    for mark, place in zip(drawn, wanted, strict=True):
        assert mark[:2] == pytest.approx(place)
    assert drawn[1][2] / drawn[0][2] == pytest.approx(4)
    assert axes.get_xscale() == "log"
    assert axes.get_ylabel() == "AP"
    assert [text.get_text() for text in axes.texts] == ["yunet single", "other tiny"]


@pytest.mark.slow
def test_each_set_has_a_panel_that_names_it() -> None:
    with drawing():
        plot = quality_graph([two_sizes(), replace(two_sizes("fddb"), quick=True)])
    assert [axes.get_title("left") for axes in panels(plot)] == [
        "WIDER FACE (4 photos)",
        "FDDB (4 photos, a quick look)",
    ]


@pytest.mark.slow
def test_published_points_stand_only_where_the_measure_is_theirs() -> None:
    with drawing():
        ours, theirs = panels(mean_precision_graph([two_sizes()]))
        assert len(marks(panels(quality_graph([two_sizes()]))[0])) == 2
    assert theirs.get_title("left") == "FDDB (not measured here)"
    published = {(1000 * p.seconds, p.mean_precision) for p in BAEZ if p.on == "wider"}
    drawn = {(x, y) for x, y, _ in marks(ours)}
    assert published < drawn
    assert len(drawn - published) == 2
    assert {(x, y) for x, y, _ in marks(theirs)} == {
        (1000 * p.seconds, p.mean_precision) for p in BAEZ if p.on == "fddb"
    }
    hollow = [mark for mark in ours.collections if mark.get_facecolor().size == 0]  # type: ignore[union-attr]
    assert len(hollow) == len(published)
    assert ours.get_ylabel() == theirs.get_ylabel() == MEAN_PRECISION


def test_the_recall_that_is_hidden_is_drawn() -> None:
    with drawing():
        ours, _ = panels(mean_precision_graph([sample()]))
    dashes = [line.get_ydata()[0] for line in ours.lines if line.get_marker() == "_"]  # type: ignore[index]
    assert dashes == pytest.approx([0.375, 1.0])


@pytest.mark.slow
def test_words_keep_apart_when_quality_is_the_same() -> None:
    first, second = sample().settings
    near = replace(second, figures=first.figures, cost=replace(first.cost, cpu_ms=first.cost.cpu_ms * 1.3))
    with drawing():
        plot = quality_graph([replace(sample(), settings=(first, near, second))])
        plot.figure.draw_without_rendering()
        (axes,) = panels(plot)
        boxes = [text.get_window_extent() for text in axes.texts if isinstance(text, Annotation)]
    assert len(boxes) == 3
    for place, box in enumerate(boxes):
        assert axes.get_window_extent().contains(*box.p0)
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])


@pytest.mark.slow
def test_unknown_sizes_are_dots_and_files_are_the_same_twice(tmp_path: Path) -> None:
    bare = replace(sample(), settings=tuple(replace(result, parameters=0) for result in sample().settings))
    with drawing():
        plots = [quality_graph([bare]), quality_graph([bare])]
    assert [area for *_, area in marks(panels(plots[0])[0])] == [0.0, 0.0]
    for place, plot in enumerate(plots):
        write(plot, tmp_path / f"{place}.svg")
        write(plot, tmp_path / f"{place}.png")
    assert (tmp_path / "0.svg").read_bytes() == (tmp_path / "1.svg").read_bytes()
    assert "not stated: a dot" in (tmp_path / "0.svg").read_text(encoding="utf-8")
    ET.parse(tmp_path / "0.svg")
    assert (tmp_path / "0.png").read_bytes().startswith(b"\x89PNG")
