"""Scores of k-way episodes -> one-shot accuracy with its interval.

Source: Koch, Zemel, Salakhutdinov 2015, equation 5: a probe is given to the gallery photo of highest similarity.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from twinlens.errors import CalibrationError
from twinlens.metrics.intervals import CONFIDENCE, Interval, wilson


def oneshot_accuracy(scores: Float[np.ndarray, "episodes ways others"], *, confidence: float = CONFIDENCE) -> Interval:
    """Return the share of probes whose own person's photo is the most alike; chance is ``1 / ways``.

    A tie with another person's photo is a mistake: a network that gives everything one score has learned nothing.
    The interval (Wilson) takes trials as independent; those of one episode share its photos.

    Args:
        scores: for each episode, similarity of each probe to each gallery photo, people in the same order.
        confidence: of the interval.

    Raises:
        CalibrationError: no episode, fewer than two ways, a matrix that is not square, or NaN.
    """
    hits = oneshot_hits(scores)
    return wilson(int(hits.sum()), hits.size, confidence=confidence)


def oneshot_hits(scores: Float[np.ndarray, "episodes ways others"]) -> Bool[np.ndarray, "episodes ways"]:
    """Return whether each probe's own person's photo is strictly the most alike.

    Raises:
        CalibrationError: as `oneshot_accuracy`.
    """
    episodes, ways, others = scores.shape
    if episodes == 0 or ways != others or ways < 2 or np.isnan(scores).any():
        msg = f"wanted episodes of k probes by k photos (k >= 2) without NaN, got scores of shape {scores.shape}"
        raise CalibrationError(msg)
    own = np.diagonal(scores, axis1=1, axis2=2)
    at_least = np.count_nonzero(scores >= own[:, :, None], axis=2)  # the own photo is one of them
    hits: Bool[np.ndarray, "episodes ways"] = at_least == 1
    return hits
