"""Scenes and what one detector saw in them -> its figures on any group of photos, and their intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

from twinlens.datasets.fddb import PHOTOS as FDDB_PHOTOS
from twinlens.evaluate.detector_records import MEAN_PRECISION, MEAN_RECALL, PRECISION, RECALL
from twinlens.evaluate.figures import wider
from twinlens.evaluate.looks import Look
from twinlens.evaluate.scenes import Scene, SceneSet
from twinlens.evaluate.score_records import Figure
from twinlens.metrics.detection import Found, Truth, counts_at_bar, tally
from twinlens.metrics.fddb import FddbImage, fddb_steps
from twinlens.metrics.intervals import Interval, wilson
from twinlens.metrics.mean_precision import photo_counts

RESAMPLES = 1000
CONFIDENCE = 0.95
METHOD = f"{RESAMPLES:,} draws of photos"
FALSE_POSITIVES = (100, 500, 1000)  # on the whole of FDDB
NOTHING = Look(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty((0, 4), np.float32), 0.0, 0.0)

Weights = Int64[np.ndarray, " photos"]
Draws = Int64[np.ndarray, "draws photos"]
Sizes = Sequence[tuple[int, int] | None]
Metric = Callable[[Weights], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Panel:
    """Figures that come out of one computation.

    Attributes:
        names: of the figures.
        metric: how any group of photos gives them.
        note: what a reader must know of each.
        counts: of shares of things counted one by one: how many of how many, for each figure.
    """

    names: tuple[str, ...]
    metric: Metric
    note: str = ""
    counts: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """The figures of a panel.

    Attributes:
        panel: what they are.
        values: on all photos, each once.
        draws: on drawn photos.
    """

    panel: Panel
    values: Float64[np.ndarray, " figures"]
    draws: Float64[np.ndarray, "draws figures"]

    def figures(self) -> list[Figure]:
        """Return each with its interval; for a share the wider of Wilson's and this."""
        found = []
        for place, name in enumerate(self.panel.names):
            value = float(self.values[place])
            low, high = _ends(self.draws[:, place])
            interval = Interval(value, min(low, value), max(high, value), CONFIDENCE, METHOD)
            if self.panel.counts and self.panel.counts[place][1]:
                interval = wider(interval, wilson(*self.panel.counts[place], confidence=CONFIDENCE))
            found.append(
                Figure(name, value, interval.low, interval.high, interval.method, "number", note=self.panel.note)
            )
        return found

    def gains(self, base: Drawn) -> list[Figure]:
        """Return by how much each is above another setting's on the same photos."""
        found = []
        for place, name in enumerate(self.panel.names):
            low, high = _ends(self.draws[:, place] - base.draws[:, place])
            value = float(self.values[place] - base.values[place])
            found.append(Figure(name, value, low, high, METHOD, "number"))
        return found


def draws_of(photos: int, rng: np.random.Generator) -> Draws:
    """Return how often each photo is drawn in each of the resamples."""
    return rng.multinomial(photos, np.full(photos, 1 / photos), size=RESAMPLES)


def drawn(panel: Panel, draws: Draws) -> Drawn:
    """Compute a panel on all photos and on every draw."""
    once = np.ones(draws.shape[1], np.int64)
    return Drawn(panel, np.array(panel.metric(once)), np.array([panel.metric(draw) for draw in draws]))


def _ends(values: Float64[np.ndarray, " draws"]) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def main_panel(scenes: SceneSet, looks: Sequence[Look], sizes: Sizes) -> Panel:
    """Return average precision at each level, or the scores of FDDB."""
    if scenes.elliptic:
        return _fddb_scores(scenes.scenes, looks, sizes)
    found = [Found(look.boxes, look.scores) for look in looks]
    tallies = [tally(found, _truths(scenes, level, sizes)) for level in scenes.levels]
    names = tuple(f"AP {level}" for level in scenes.levels) if len(scenes.levels) > 1 else ("AP",)
    return Panel(names, lambda weights: tuple(counts.average_precision(weights) for counts in tallies))


def _fddb_scores(scenes: Sequence[Scene], looks: Sequence[Look], sizes: Sizes) -> Panel:
    """Return both scores at so many false positives on the whole set, or as many a photo on a part of it."""
    share = min(1.0, len(scenes) / FDDB_PHOTOS)
    allowed = tuple(max(1, round(most * share)) for most in FALSE_POSITIVES)
    kinds = ("continuous", "discrete")
    names = tuple(f"{kind} score at {most} false positives" for most in dict.fromkeys(allowed) for kind in kinds)
    note = "" if share == 1 else f"false positives in proportion to {FALSE_POSITIVES} on all {FDDB_PHOTOS:,} photos"
    if not any(len(look.scores) for look in looks):
        return Panel(names, lambda _: (0.0,) * len(names), note)
    steps = fddb_steps(
        [
            FddbImage(scene.ellipses, look.boxes, look.scores, size or (1, 1))
            for scene, look, size in zip(scenes, looks, sizes, strict=True)
            if scene.ellipses is not None
        ]
    )

    def scores(weights: Weights) -> tuple[float, ...]:
        curve = steps.curve(weights)
        return tuple(score for most in dict.fromkeys(allowed) for score in curve.at_false_positives(most)[::-1])

    return Panel(names, scores, note)


def _truths(scenes: SceneSet, level: str, sizes: Sizes) -> list[Truth]:
    boxes = _all_boxes(scenes, sizes)
    return [Truth(drawn, scene.counted[level]) for drawn, scene in zip(boxes, scenes.scenes, strict=True)]


def _all_boxes(scenes: SceneSet, sizes: Sizes) -> list[Float32[np.ndarray, "_ 4"]]:
    """Return the boxes of every photo; those around ellipses are cut at the picture."""
    return [
        scene.boxes if size is None or scene.ellipses is None else _cut(scene.boxes, size)
        for scene, size in zip(scenes.scenes, sizes, strict=True)
    ]


def _cut(boxes: Float32[np.ndarray, "faces 4"], size: tuple[int, int]) -> Float32[np.ndarray, "faces 4"]:
    return np.asarray(np.clip(boxes, 0, [*size, *size]), np.float32)


def bar_panel(scenes: SceneSet, looks: Sequence[Look], sizes: Sizes) -> Panel:
    """Return precision and recall of what a user is shown."""
    level = scenes.levels[-1]
    counts = counts_at_bar([look.reported for look in looks], _truths(scenes, level, sizes))
    shares = (
        (int(counts.right.sum()), int(counts.reported.sum())),
        (int(counts.found.sum()), int(counts.faces.sum())),
    )
    return Panel(
        (PRECISION, RECALL), lambda weights: (counts.precision(weights), counts.recall(weights)), level, shares
    )


def flattering_panel(scenes: SceneSet, looks: Sequence[Look], sizes: Sizes) -> tuple[Panel, int]:
    """Return Baez's mean precision with what it hides, and the number of silent photos."""
    counts = photo_counts(
        [look.reported for look in looks], _all_boxes(scenes, sizes), least_side_px=scenes.least_side_px
    )
    there = int((counts.faces > 0).sum())
    note = f"{counts.silent} of {there} photos with faces are silent and count 100 %"
    panel = Panel(
        (MEAN_PRECISION, MEAN_RECALL), lambda weights: (counts.mean_precision(weights), counts.recall(weights)), note
    )
    return panel, counts.silent
