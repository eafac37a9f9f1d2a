"""Finished trials -> which key matters most, and every trial as one line through all keys (figure 7 of 003)."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from optuna.trial import FrozenTrial

from twinlens.evaluate.plots.ink import INK, MUTED, PLATE, SYSTEMS, Plot, canvas, drawing, write
from twinlens.lab.space import Value
from twinlens.lab.sweep import finished_trials

HALO = 3.0  # points of the ground's colour around a value, so that it stays legible over lines
APART = 0.06  # of the height, between two values of one axis: about one line of their letters
LEAST = 4  # finished trials below which neither plot says anything


@dataclass(frozen=True, slots=True)
class Scale:
    """One upright axis of the parallel coordinates.

    Attributes:
        name: of the key.
        low: value at the bottom.
        high: value at the top.
        log: logarithmic.
        names: of choices that are no numbers, bottom to top; empty otherwise.
        marks: values that are written beside it; empty for both ends and the middle.
    """

    name: str
    low: float
    high: float
    log: bool = False
    names: tuple[str, ...] = ()
    marks: tuple[float, ...] = ()

    def height(self, value: Value) -> float:
        """Return how high a value stands, 0 to 1."""
        if self.names:
            return self.names.index(str(value)) / max(1, len(self.names) - 1)
        if self.high == self.low:
            return 0.5
        low, high, at = (math.log(x) if self.log else x for x in (self.low, self.high, float(value)))
        return (at - low) / (high - low)

    def ticks(self) -> list[tuple[float, str]]:
        """Return where values are written, 0 to 1, and how."""
        if self.names:
            return [(self.height(name), name) for name in self.names]
        middle = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        return [(self.height(value), f"{value:.3g}") for value in self.marks or sorted({self.low, middle, self.high})]


def importances(study: optuna.Study) -> dict[str, float]:
    """Return how much of the figure's variation each key explains, 0 to 1, together 1 (PED-ANOVA, Watanabe 2023)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = optuna.importance.get_param_importances(
            study, evaluator=optuna.importance.PedAnovaImportanceEvaluator()
        )
    return {key: float(value) for key, value in found.items()}


def sweep_plots(study: optuna.Study) -> list[Plot]:
    """Draw both plots; none where fewer than four trials are finished."""
    trials = finished_trials(study)
    if len(trials) < LEAST:
        return []
    with drawing():
        return [importance_plot(importances(study), len(trials)), parallel_plot(trials, _objective(study))]


def write_sweep_plots(study: optuna.Study, folder: Path) -> list[Path]:
    """Write both plots as SVG and return the files."""
    paths = []
    for plot in sweep_plots(study):
        paths.append(folder / f"{plot.name}.svg")
        write(plot, paths[-1])
    return paths


def importance_plot(shares: Mapping[str, float], trials: int) -> Plot:
    """Draw the share of each key as a bar, the greatest on top."""
    ordered = sorted(shares.items(), key=lambda one: one[1])
    figure, axes = canvas(height=0.9 + 0.38 * len(ordered))
    axes.barh([key for key, _ in ordered], [share for _, share in ordered], color=SYSTEMS[0], height=0.62)
    for at, (_, share) in enumerate(ordered):
        axes.text(share, at, f" {share:.2f}", va="center", color=INK, fontsize=9)
    axes.set_xlim(0, max(1e-9, *shares.values()) * 1.15)
    axes.set_xlabel("share of the variation that it explains")
    axes.grid(visible=False, axis="y")
    axes.set_title(f"What mattered in {trials} trials")
    said = ", ".join(f"{key} {share:.2f}" for key, share in reversed(ordered))
    return Plot("importance", "What mattered", "Longer bars move the figure more. Few trials say little.", said, figure)


def parallel_plot(trials: Sequence[FrozenTrial], objective: str) -> Plot:
    """Draw each trial as a line through the values of its keys to its figure; the best ones dark and in front."""
    keys = list(dict.fromkeys(key for trial in trials for key in trial.params))
    scales = [_scale(key, [trial.params[key] for trial in trials if key in trial.params], trials) for key in keys]
    results = [float(trial.value or 0) for trial in trials]
    scales.append(Scale(objective, min(results), max(results)))
    figure = Figure(figsize=(max(5.6, 1.5 * len(scales)), 4.0))
    axes = figure.add_subplot()
    shade, better = Normalize(min(results), max(results)), -1 if "loss" in objective else 1
    for trial, result in sorted(zip(trials, results, strict=True), key=lambda one: better * one[1]):
        heights = [scale.height(trial.params[scale.name]) for scale in scales[:-1]] + [scales[-1].height(result)]
        share = float(shade(result)) if better > 0 else 1 - float(shade(result))
        colour = colormaps["viridis_r"](0.1 + 0.9 * share)
        axes.plot(range(len(scales)), heights, color=colour, linewidth=0.8 + 1.2 * share, alpha=0.85)
    _uprights(axes, scales)
    best = max(trials, key=lambda one: better * float(one.value or 0))
    said = f"{len(trials)} trials; best {objective} {best.value:.4f} at " + ", ".join(
        f"{key} {value}" for key, value in best.params.items()
    )
    reading = "One line is one trial; darker is better. Lines that end high share what made them so."
    return Plot("parallel", "Every trial", reading, said, figure, wide=True)


def _uprights(axes: Axes, scales: Sequence[Scale]) -> None:
    """Draw the axes' values and names."""
    axes.set_xlim(-0.25, len(scales) - 0.4)
    axes.set_ylim(-0.06, 1.06)
    axes.grid(visible=False)
    axes.set_yticks([])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_xticks(range(len(scales)), [scale.name.replace(".", ".\n").replace(" ", "\n") for scale in scales])
    axes.tick_params(axis="x", length=0)
    for at, scale in enumerate(scales):
        axes.axvline(at, color=MUTED, linewidth=0.8, zorder=0)
        for height, text in spread(scale.ticks()):
            text_there = axes.text(at + 0.05, height, text, fontsize=8, color=INK, va="center", zorder=5)
            text_there.set_path_effects([withStroke(linewidth=HALO, foreground=PLATE)])


def spread(ticks: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """Return values of one axis moved up as little as keeps them from lying over one another, the top one staying."""
    found: list[tuple[float, str]] = []
    for height, text in sorted(ticks):
        found.append((max(height, found[-1][0] + APART) if found else height, text))
    top = max([1.0, *(height for height, _ in ticks)])
    for at in range(len(found) - 1, -1, -1):
        found[at] = (min(found[at][0], top), found[at][1])
        top = found[at][0] - APART
    return found


def _scale(key: str, values: Sequence[Value], trials: Sequence[FrozenTrial]) -> Scale:
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return Scale(key, 0, 1, names=tuple(sorted({str(value) for value in values})))
    numbers = [float(value) for value in values]
    distribution = next(trial.distributions[key] for trial in trials if key in trial.distributions)
    log = bool(getattr(distribution, "log", False)) or (min(numbers) > 0 and max(numbers) / min(numbers) >= 8)
    chosen = isinstance(distribution, optuna.distributions.CategoricalDistribution)
    return Scale(key, min(numbers), max(numbers), log, marks=tuple(sorted(set(numbers))) if chosen else ())


def _objective(study: optuna.Study) -> str:
    return f"validation {study.user_attrs.get('objective', 'figure')}"
