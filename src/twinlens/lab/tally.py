"""Runs of a document's configurations -> mean, interval and seeds beside what was published.

An accuracy of one run is uncertain twice: the test pairs are a sample, and another seed gives another network. Seeds
are few (one to three a configuration), so that their spread is pooled over all configurations that did not collapse, as
an analysis of variance does, and over the document's own repeats where it has any. Both parts are added as variances.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from twinlens.errors import CalibrationError
from twinlens.metrics.distributions import student_quantile
from twinlens.metrics.intervals import CONFIDENCE


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure of one finished run.

    Attributes:
        value: 0 to 1.
        low: lower end of its 95 % interval, from the pairs (or one-shot trials) alone.
        high: upper end.
        trials: pairs or trials behind it.
    """

    value: float
    low: float
    high: float
    trials: int


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What one run came to.

    Attributes:
        configuration: of the study.
        seed: of weights, batches and augmentation.
        quick: with sizes for small machines.
        collapse: in words, how it collapsed; empty where it did not.
        readings: measure -> figure; see `twinlens.lab.study.MEASURES`.
        epochs: that it ran.
        seconds: that it took, on a machine that may be busy.
        sizes: what was cut down, in words; empty for nothing.
    """

    configuration: str
    seed: int
    quick: bool
    collapse: str
    readings: Mapping[str, Reading]
    epochs: int = 0
    seconds: float = 0.0
    sizes: str = ""

    @property
    def collapsed(self) -> bool:
        """Whether it says nothing any more."""
        return bool(self.collapse)


@dataclass(frozen=True, slots=True)
class Spread:
    """How much the seed alone moves a figure.

    Attributes:
        deviation: pooled standard deviation, in the figure's unit; NaN where no configuration has two runs.
        freedom: degrees of freedom behind it.
    """

    deviation: float
    freedom: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Several runs of one configuration, one measure.

    Attributes:
        mean: over seeds, 0 to 1.
        low: lower end of the 95 % interval of the mean.
        high: upper end.
        above: how far above the mean one further run on such pairs would lie in 39 of 40 cases at most.
        below: how far below.
        values: each run's, in the order of seeds.
        trials: pairs behind each.
        pooled: whether the spread of seeds is in the interval; False where too little was run twice.
    """

    mean: float
    low: float
    high: float
    above: float
    below: float
    values: tuple[float, ...]
    trials: int
    pooled: bool


def pooled_spread(groups: Sequence[Sequence[float]]) -> Spread:
    """Return the standard deviation inside groups, pooled over those of two values and more."""
    counted = [group for group in groups if len(group) > 1]
    freedom = sum(len(group) - 1 for group in counted)
    if not freedom:
        return Spread(math.nan, 0)
    total = sum(variance(group) * (len(group) - 1) for group in counted)
    return Spread(math.sqrt(total / freedom), freedom)


def tally(readings: Sequence[Reading], spread: Spread) -> Tally:
    """Return mean and interval of one configuration's runs.

    Args:
        readings: of its seeds, on the same test pairs.
        spread: of seeds, pooled over the study; without degrees of freedom the pairs alone make the interval.

    Raises:
        CalibrationError: no runs.
    """
    if not readings:
        msg = "a mean needs at least one run"
        raise CalibrationError(msg)
    values = tuple(one.value for one in readings)
    mean, trials = fmean(values), min(one.trials for one in readings)
    down, up = fmean(one.value - one.low for one in readings), fmean(one.high - one.value for one in readings)
    seeds = spread.deviation * student_quantile((1 + CONFIDENCE) / 2, spread.freedom) if spread.freedom else 0.0
    half, further = seeds / math.sqrt(len(values)), seeds * math.sqrt(1 + 1 / len(values))
    low, high = max(0.0, mean - math.hypot(down, half)), min(1.0, mean + math.hypot(up, half))
    above, below = math.hypot(up, further), math.hypot(down, further)
    return Tally(mean, low, high, above, below, values, trials, spread.freedom > 0)


def agrees(published: float, ours: Tally) -> str:
    """Say how a published figure (0 to 1) stands to ours: ``agrees``, ``higher`` or ``lower`` than a further run."""
    if ours.mean - ours.below <= published <= ours.mean + ours.above:
        return "agrees"
    return "higher" if published > ours.mean else "lower"
