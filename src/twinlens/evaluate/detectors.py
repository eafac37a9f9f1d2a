"""Scenes and what detectors saw in them -> DetectorBenchmark: quality, recall, time and size, each with its interval.

WIDER FACE: average precision at three levels by the owners' rules. FDDB: discrete and continuous scores at given
numbers of false positives. On both, Baez's mean precision (2019), which is blind to what is missed, with the recall
that it hides. Intervals come from drawing photos, the same draws for every setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np

from twinlens.errors import CalibrationError
from twinlens.evaluate.detector_panels import (
    NOTHING,
    Drawn,
    Draws,
    Panel,
    Sizes,
    Weights,
    bar_panel,
    drawn,
    draws_of,
    flattering_panel,
    main_panel,
)
from twinlens.evaluate.detector_records import Cost, DetectorBenchmark, SettingResult
from twinlens.evaluate.looks import Look, PhotoLooks, Setting
from twinlens.evaluate.machine import machine
from twinlens.evaluate.scenes import SceneSet
from twinlens.version import __version__


@dataclass(frozen=True, slots=True)
class Occasion:
    """What is known of a run besides its photos.

    Attributes:
        command: the exact command.
        bar: the score from which on a face was reported.
        machine: where it ran.
        made: UTC date and time, ISO 8601.
    """

    command: str
    bar: float
    machine: str = field(default_factory=machine)
    made: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))


def summarise(
    scenes: SceneSet,
    settings: Sequence[Setting],
    photos: Sequence[PhotoLooks],
    *,
    occasion: Occasion,
    rng: np.random.Generator,
) -> DetectorBenchmark:
    """Return all figures.

    Args:
        scenes: what was looked at.
        settings: who looked; times and gains are given against the first.
        photos: what was seen, one a scene, in the same order.
        occasion: of the run.
        rng: draws photos for the intervals.

    Raises:
        CalibrationError: no photo could be decoded, or nothing in them can be counted.
    """
    if not any(photo.looks for photo in photos):
        msg = f"none of {len(photos)} photos of {scenes.title} could be decoded: {photos[0].error}"
        raise CalibrationError(msg)
    draws = draws_of(len(photos), rng)
    sizes = [photo.width_height for photo in photos]
    seen = {s.label: [photo.looks.get(s.label, NOTHING) for photo in photos] for s in settings}
    first = settings[0].label
    main = {label: drawn(main_panel(scenes, looks, sizes), draws) for label, looks in seen.items()}
    results = tuple(
        _result(setting, scenes, seen[setting.label], main[setting.label], draws=draws, sizes=sizes, times=seen[first])
        for setting in settings
    )
    gains = {label: tuple(found.gains(main[first])) if label != first else () for label, found in main.items()}
    return DetectorBenchmark(
        key=scenes.key,
        title=scenes.title,
        quick=scenes.quick,
        photos=len(photos),
        faces=sum(len(scene.boxes) for scene in scenes.scenes),
        counted=tuple((level, sum(int(s.counted[level].sum()) for s in scenes.scenes)) for level in scenes.levels),
        unreadable=tuple(photo.name for photo in photos if not photo.looks),
        bar=occasion.bar,
        reference=first,
        settings=tuple(replace(result, gains=gains[result.label]) for result in results),
        terms=scenes.terms,
        notes=scenes.notes,
        machine=occasion.machine,
        command=occasion.command,
        made=occasion.made,
        version=__version__,
    )


def _result(
    setting: Setting,
    scenes: SceneSet,
    looks: Sequence[Look],
    main: Drawn,
    *,
    draws: Draws,
    sizes: Sizes,
    times: Sequence[Look],
) -> SettingResult:
    flattering, silent = flattering_panel(scenes, looks, sizes)
    panels = (bar_panel(scenes, looks, sizes), flattering)
    return SettingResult(
        detector=setting.card.name,
        scales=setting.scales,
        model=setting.card.identity,
        parameters=setting.card.parameters,
        main=main.panel.names[-1],
        figures=(*main.figures(), *(figure for panel in panels for figure in drawn(panel, draws).figures())),
        gains=(),
        silent=silent,
        cost=_cost(looks, times, draws),
    )


def _cost(looks: Sequence[Look], times: Sequence[Look], draws: Draws) -> Cost:
    """Return the mean times of the photos that could be decoded, and the ratio to the first setting's."""
    mine, first = (np.array([look.cpu_s for look in seen]) for seen in (looks, times))
    shown = np.array([look is not NOTHING for look in looks], np.int64)

    def ratio(weights: Weights) -> tuple[float, ...]:
        weights = weights if weights @ shown else shown  # only photos were drawn that cannot be decoded
        return (float(weights @ mine / (weights @ first)),)

    (figure,) = drawn(Panel(("processor time over the reference's",), ratio), draws).figures()
    wall = float(np.mean([look.wall_s for look in looks if look is not NOTHING]))
    return Cost(wall_ms=1000 * wall, cpu_ms=1000 * float(mine @ shown / shown.sum()), ratio=figure)
