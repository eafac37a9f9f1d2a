"""What each level of a pyramid found -> Candidates, one a face: the levels vote.

After weighted box fusion (Solovyev, Wang and Gabruseva, 2021, Image and Vision Computing 107): boxes of one face
are averaged, and a level that should see it but does not lowers its score, for false alarms seldom show at
several scales. The figures are chosen on one half of the photos and measured on the other (docs/detection.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twinlens.detect.candidates import Candidates
from twinlens.detect.suppression import overlaps
from twinlens.detect.views import Level

BEST_SHARE = 0.3  # the best level's part in the score; the rest is the mean over all levels that should see it
BOX_POWER = 4  # a box and its points count in the average by this power of the score


def agreed(found: Sequence[Candidates], levels: Sequence[Level], overlap: float) -> Candidates:
    """Merge what the levels found.

    Args:
        found: one a level, in pixels of the picture; within a level each is a face of its own.
        levels: in the same order.
        overlap: two boxes with a larger intersection over union are one face, 0 to 1.
    """
    every = Candidates.joined(found)
    source = np.repeat(np.arange(len(found)), [len(part) for part in found])
    expected = np.stack([level.answers_for(every.boxes, safely=True) for level in levels], axis=1)
    expected[np.arange(len(every)), source] = True
    waiting = np.argsort(-every.scores, kind="stable")
    merged = []
    while len(waiting):
        lead = waiting[0]
        same = overlaps(every.boxes[lead], every.boxes[waiting]) > overlap
        same[0] = True
        group, waiting = waiting[same], waiting[~same]
        best = np.zeros(len(levels), np.float32)
        np.maximum.at(best, source[group], every.scores[group])
        voters = expected[lead] | (best > 0)
        score = BEST_SHARE * best.max() + (1 - BEST_SHARE) * best[voters].mean()
        merged.append(_averaged(every[group], np.float32(score)))
    return Candidates.joined(merged)


def _averaged(group: Candidates, score: np.float32) -> Candidates:
    weights = group.scores**BOX_POWER
    weights = weights / weights.sum()
    return Candidates(
        (weights @ group.boxes)[None],
        np.tensordot(weights, group.landmarks, axes=1)[None],
        np.array([score], np.float32),
    )
