"""A target FMR -> the threshold that keeps it, what it costs, and whether the data can support it.

Source: ISO/IEC 19795-1 annex on the *rule of three*: with no error in n independent trials, the error rate
is below 3/n with 95 % confidence. A target below 3/n is therefore refused: n impostor pairs cannot tell it
from zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from twinlens.errors import CalibrationError, OptionError
from twinlens.metrics.scores import accepted, ascending, next_above

RULE_OF_THREE = 3.0


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold and what was measured at it.

    Attributes:
        threshold: similarity from which on a pair is accepted.
        target_fmr: what was asked for.
        fmr: the share of these impostors accepted; at most the target.
        fnmr: the share of these genuine pairs rejected.
        false_matches: how many impostors were accepted.
        false_non_matches: how many genuine pairs were rejected.
        impostors: how many impostor pairs stand behind it.
        genuines: how many genuine pairs.
    """

    threshold: float
    target_fmr: float
    fmr: float
    fnmr: float
    false_matches: int
    false_non_matches: int
    impostors: int
    genuines: int

    @property
    def tmr(self) -> float:
        """The true match rate: "TAR@FMR"."""
        return 1.0 - self.fnmr


def impostors_needed(target_fmr: float) -> int:
    """Return how many impostor pairs a target needs by the rule of three.

    Raises:
        OptionError: the target is not between 0 and 1.
    """
    if not 0 < target_fmr < 1:
        msg = f"a target FMR lies between 0 and 1 (both excluded), got {target_fmr}"
        raise OptionError(msg)
    return math.ceil(RULE_OF_THREE / target_fmr * (1 - 1e-12))  # 3 / 0.001 must not become 3001


def threshold_at_fmr(impostor: Float[np.ndarray, "impostor"], target_fmr: float, *, unsupported: bool = False) -> float:
    """Return the lowest threshold at which at most the target's share of these impostors is accepted.

    Args:
        impostor: similarities of pairs of different people.
        target_fmr: between 0 and 1, both excluded.
        unsupported: answer even where the pairs are too few to tell the target from zero.

    Raises:
        CalibrationError: too few pairs for the target (rule of three), no scores, or some that are not
        finite.
        OptionError: the target is not between 0 and 1.
    """
    needed = impostors_needed(target_fmr)
    ordered = ascending(impostor, "impostor")
    if ordered.size < needed and not unsupported:
        msg = (
            f"{ordered.size} impostor pairs cannot support a target FMR of {target_fmr:g}: without any error they "
            f"would only show that it is below {min(1.0, RULE_OF_THREE / ordered.size):.2g} (rule of three, 95 % "
            f"confidence); this target needs at least {needed} pairs of different people"
        )
        raise CalibrationError(msg)
    # 0.001 * 3000 is 3 for a person and may be 2.9999999999999996 for the machine
    allowed = min(math.floor(target_fmr * ordered.size * (1 + 1e-12)), ordered.size - 1)
    return next_above(ordered[ordered.size - 1 - allowed])


def operating_point(
    genuine: Float[np.ndarray, "genuine"],
    impostor: Float[np.ndarray, "impostor"],
    target_fmr: float,
    *,
    unsupported: bool = False,
) -> OperatingPoint:
    """Return the threshold for a target FMR and both error rates at it (``tmr`` is TAR@FMR).

    Raises:
        CalibrationError: as `threshold_at_fmr`.
        OptionError: the target is not between 0 and 1.
    """
    i = ascending(impostor, "impostor")
    threshold = threshold_at_fmr(i, target_fmr, unsupported=unsupported)
    return measured_at(genuine, i, threshold, target_fmr=target_fmr)


def measured_at(
    genuine: Float[np.ndarray, "genuine"],
    impostor: Float[np.ndarray, "impostor"],
    threshold: float,
    *,
    target_fmr: float,
) -> OperatingPoint:
    """Return what a threshold chosen on other people gives on these pairs.

    Raises:
        CalibrationError: no scores of one kind, or some that are not finite.
    """
    g, i = ascending(genuine, "genuine"), ascending(impostor, "impostor")
    matched, rejected = accepted(i, threshold), g.size - accepted(g, threshold)
    return OperatingPoint(
        threshold=threshold,
        target_fmr=target_fmr,
        fmr=matched / i.size,
        fnmr=rejected / g.size,
        false_matches=matched,
        false_non_matches=rejected,
        impostors=i.size,
        genuines=g.size,
    )
