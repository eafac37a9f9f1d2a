"""Similarities of known pairs -> whether the network still says anything, and if not, in which way.

003's rows of exactly 50.0 % test and 47.51 % validation are such networks: they answer "same" to everything.
"""

from __future__ import annotations

import math

import numpy as np

from twinlens.lab.scoring import Scores

CONSTANT = 1e-3  # spread of similarities, share of the largest
MOST = (0.05, 0.95)  # between these quantiles lie those that a collapsed network gives one answer; a few may stray
SURE = 2.0  # standard errors of an AUC that says nothing


def collapse_of(scores: Scores, threshold: float) -> str:
    """Return in words how a network has collapsed; empty where it has not.

    Args:
        scores: of pairs of both kinds.
        threshold: at which it answers.
    """
    if not scores.finite:
        return "its output is not a number"
    values = scores.similarity
    low, high = (float(end) for end in np.quantile(values, MOST))
    genuine = int(scores.same.sum())
    error = math.sqrt((1 / genuine + 1 / (len(values) - genuine)) / 12)
    blind = abs(scores.auc - 0.5) < SURE * error
    if blind and high - low <= CONSTANT * max(abs(low), abs(high)):
        return f"constant output: nine of ten similarities lie between {low:.6g} and {high:.6g}"
    answers = np.unique(values >= threshold)
    if len(answers) == 1:
        answer = "same" if answers[0] else "different"
        return f"one answer: {answer!r} to all {len(values):,} pairs at the threshold {threshold:.4g}"
    return ""
