"""A document and the runs that were made for it -> what stands beside each configuration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from twinlens.lab.study import MEASURES, Study
from twinlens.lab.tally import RunFigures, Spread, Tally, pooled_spread, tally

LEAST_FREEDOM = 3  # degrees of freedom from which on a spread of seeds is put into intervals


@dataclass(frozen=True, slots=True)
class Missing:
    """A run that could not be made.

    Attributes:
        configuration: its name.
        why: in words.
    """

    configuration: str
    why: str


@dataclass(frozen=True, slots=True)
class Beside:
    """What ran for one configuration.

    Attributes:
        runs: in the order of seeds; all quick, or none.
        tallies: measure -> ours, for those that the runs have.
        quick: with sizes for small machines.
        collapsed: how many of the runs answer all pairs alike.
    """

    runs: tuple[RunFigures, ...]
    tallies: Mapping[str, Tally]
    quick: bool
    collapsed: int


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A document's figures and ours.

    Attributes:
        study: the document.
        figures: of every finished run.
        missing: what could not be run.
        changes: ``a.b=c`` made on every recipe.
    """

    study: Study
    figures: tuple[RunFigures, ...]
    missing: tuple[Missing, ...] = ()
    changes: tuple[str, ...] = ()

    def runs_of(self, configuration: str) -> tuple[RunFigures, ...]:
        """Return a configuration's runs by seed: whole ones if there are any, quick ones otherwise."""
        mine = sorted((one for one in self.figures if one.configuration == configuration), key=lambda one: one.seed)
        whole = tuple(one for one in mine if not one.quick)
        return whole or tuple(mine)

    def spread(self, measure: str) -> Spread:
        """Return how far our runs of one setting lie apart; collapsed networks are left out."""
        groups = []
        for one in self.study.configurations:
            sound = [run for run in self.runs_of(one.name) if not run.collapsed and measure in run.readings]
            groups.append([run.readings[measure].value for run in sound])
        return pooled_spread(groups)

    def published_spread(self, measure: str) -> Spread:
        """Return how far published rows of one setting lie apart, in percent; rows of one figure are left out."""
        groups = []
        for one in self.study.configurations:
            figures = [row.figures[measure] for row in self.study.rows_of(one.name) if measure in row.figures]
            if len(set(figures)) > 1:
                groups.append(figures)
        return pooled_spread(groups)

    def seed_spread(self, measure: str) -> Spread:
        """Return how far runs of one setting lie apart, in ours and, where the document repeated its runs, in its.

        Of too few repeats (`LEAST_FREEDOM`) nothing is said: Student's quantile would make every interval meaningless.
        """
        both = [self.spread(measure)]
        if self.study.about.repeats:
            theirs = self.published_spread(measure)
            both.append(Spread(theirs.deviation / 100, theirs.freedom))
        known = [one for one in both if one.freedom]
        freedom = sum(one.freedom for one in known)
        total = sum(one.deviation**2 * one.freedom for one in known)
        return Spread(math.sqrt(total / freedom), freedom) if freedom >= LEAST_FREEDOM else Spread(math.nan, 0)

    def beside(self, configuration: str) -> Beside:
        """Return what stands beside a configuration: its runs that did not collapse, or all where all did."""
        runs = self.runs_of(configuration)
        sound = [run for run in runs if not run.collapsed] or runs
        tallies = {}
        for measure in MEASURES:
            readings = [run.readings[measure] for run in sound if measure in run.readings]
            if readings:
                tallies[measure] = tally(readings, self.seed_spread(measure))
        return Beside(runs, tallies, quick=bool(runs) and runs[0].quick, collapsed=sum(run.collapsed for run in runs))
