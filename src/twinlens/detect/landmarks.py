"""Image, boxes without points -> five points each, for detectors that give boxes only.

A box alone does not say how a head is turned, and alignment needs to know: a second look with YuNet at each box finds
the points. Where there is no YuNet, or it sees no face there, the points stand where they stand in the average face.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from twinlens.detect.candidates import Candidates
from twinlens.detect.suppression import overlaps
from twinlens.detect.views import View
from twinlens.detect.yunet import decode, network_input
from twinlens.protocols import Network
from twinlens.types import Image

# parts of a box's width and height: mean of YuNet's points in its boxes on 472 press photos (LFW-a)
AVERAGE_FACE = np.array([[0.27, 0.37], [0.73, 0.37], [0.5, 0.56], [0.31, 0.72], [0.69, 0.72]], np.float32)
MARGIN = 0.4  # of a box's longer side, added on each side before looking
SIDE = 192  # network pixels of that look: one size for every face
LEAST_SCORE, LEAST_OVERLAP = 0.3, 0.3  # what must be found, and where, to be the face in the box


def average_points(boxes: Float32[np.ndarray, "n 4"]) -> Float32[np.ndarray, "n 5 2"]:
    """Return where the points of the average upright face stand in each box."""
    points: Float32[np.ndarray, "n 5 2"] = boxes[:, None, :2] + AVERAGE_FACE * (boxes[:, 2:] - boxes[:, :2])[:, None]
    return points


def pointed(image: Image, candidates: Candidates, yunet: Network | None) -> Candidates:
    """Return the candidates with points.

    Args:
        image: where they were found.
        candidates: their own points are not looked at.
        yunet: finds the points; None for those of the average face.
    """
    points = average_points(candidates.boxes)
    if yunet is not None:
        for i, box in enumerate(candidates.boxes):
            found = _look(image, box, yunet)
            if found is not None:
                points[i] = found
    return Candidates(candidates.boxes, points, candidates.scores)


def _look(image: Image, box: Float32[np.ndarray, "4"], yunet: Network) -> Float32[np.ndarray, "5 2"] | None:
    centre = (box[:2] + box[2:]) / 2
    reach = max(float((box[2:] - box[:2]).max()) * (0.5 + MARGIN), 1.0)
    left, top = (int(v) for v in np.floor(centre - reach))
    side = max(round(2 * reach), 2)
    right, bottom = left + side, top + side
    if right <= 0 or bottom <= 0 or left >= image.width or top >= image.height:
        return None
    view = View(left, top, right, bottom, SIDE / side)
    planes = network_input(view.pixels(image.pixels))
    found = view.moved(decode(yunet.run(planes), planes.shape[2:], LEAST_SCORE))
    if len(found) == 0:
        return None
    shared = overlaps(box, found.boxes)
    best = int(np.argmax(shared * found.scores))
    return found.landmarks[best] if shared[best] >= LEAST_OVERLAP else None
