"""Similarity -> log-likelihood ratio -> probability: a fitted calibration as plain numbers, as a card keeps it.

What is kept is a likelihood ratio, not a probability: how many times likelier a score is for one person than for two. A
probability also depends on how likely it was before looking (the prior), which only the user knows
(Bruemmer and du Preez 2006, "Application-independent evaluation of speaker detection").
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Float64

from twinlens.errors import ModelError, OptionError

Method = Literal["logistic", "beta", "isotonic"]
WEIGHTS = {"logistic": 2, "beta": 3, "isotonic": 0}
EVEN = 0.5  # the prior of somebody who knows nothing
EDGE = 1e-6  # beta: similarities nearer to -1 or 1 than this are taken as this near


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a similarity is read.

    Attributes:
        method: the family of maps.
        weights: logistic ``a, b``: llr = a * s + b. Beta ``a, b, c`` (Kull, Silva Filho and Flach 2017, equation 6)
            with p = (1 + s) / 2: llr = a * ln(p) - b * ln(1 - p) + c. Isotonic: none.
        knots: isotonic: (similarity, llr), rising in both; straight lines between them. Others: none.
        lowest: no llr below this: what the number of genuine pairs can support.
        highest: no llr above this: what the number of impostor pairs can support.
        protocol: whose pairs it was fitted on.
        command: what made it.
        genuine: pairs of one person behind it.
        impostors: pairs of two people behind it.
        people: how many people these show.
        cllr: on people left out of the fit, bits; 0 is perfect, 1 says nothing.
        ece: expected calibration error on people left out of the fit, at even prior; 0 to 1.
    """

    method: Method
    lowest: float
    highest: float
    protocol: str
    command: str
    genuine: int
    impostors: int
    people: int
    cllr: float
    ece: float
    weights: tuple[float, ...] = ()
    knots: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if self.method not in WEIGHTS:
            msg = f"a calibration's method is one of {', '.join(WEIGHTS)}, got {self.method!r}"
            raise ModelError(msg)
        if len(self.weights) != WEIGHTS[self.method] or (self.method == "isotonic") != bool(self.knots):
            msg = f"{self.method} takes {WEIGHTS[self.method]} weights, and knots only where it is isotonic"
            raise ModelError(msg)
        numbers = (*self.weights, *(n for knot in self.knots for n in knot), self.lowest, self.highest)
        if not all(map(math.isfinite, numbers)) or not self.lowest < 0 < self.highest:
            msg = f"a calibration's numbers are finite and lowest < 0 < highest, got {numbers}"
            raise ModelError(msg)
        if any(weight < 0 for weight in self.weights[: {"logistic": 1, "beta": 2}.get(self.method, 0)]):
            msg = f"a calibration never falls with the similarity: slopes are 0 or more, got {self.weights}"
            raise ModelError(msg)
        rising = all(a[0] < b[0] and a[1] <= b[1] for a, b in zip(self.knots, self.knots[1:], strict=False))
        if not rising:
            msg = "a calibration's knots rise in similarity and never fall in llr"
            raise ModelError(msg)

    def llr(self, scores: Float[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
        """Return the natural logarithm of the likelihood ratio of each similarity; never falls with it."""
        s = np.asarray(scores, dtype=np.float64)
        bounded: Float64[np.ndarray, " n"] = np.clip(self._unbounded(s), self.lowest, self.highest)
        return bounded

    def probability(self, score: float, *, prior: float = EVEN) -> float:
        """Return the probability that a pair of this similarity shows one person.

        Args:
            score: similarity, -1 to 1.
            prior: how likely that was before looking, between 0 and 1.

        Raises:
            OptionError: a prior that is not between 0 and 1.
        """
        odds = float(self.llr(np.array([score]))[0]) + log_odds(prior)
        return 1.0 / (1.0 + math.exp(-odds)) if odds > -700 else 0.0

    def _unbounded(self, s: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
        if self.method == "logistic":
            slope, shift = self.weights
            return slope * s + shift
        if self.method == "beta":
            a, b, c = self.weights
            p = np.clip((1 + s) / 2, EDGE, 1 - EDGE)
            return a * np.log(p) - b * np.log1p(-p) + c
        places, values = np.array(self.knots).T
        between: Float64[np.ndarray, " n"] = np.interp(s, places, values)
        return between


def log_odds(prior: float) -> float:
    """Return ln(prior / (1 - prior)).

    Raises:
        OptionError: not between 0 and 1, both excluded.
    """
    if not 0 < prior < 1:
        msg = f"a prior lies between 0 and 1 (both excluded; 0.5 for one who knows nothing), got {prior}"
        raise OptionError(msg)
    return math.log(prior) - math.log1p(-prior)
