"""Image -> [Face] with MTCNN: three small networks, each looking at what the one before lets pass.

Zhang, Zhang, Li and Qiao, "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks", 2016,
section II. P-Net slides over an image pyramid, R-Net refines 24x24 crops, O-Net gives boxes and points from 48x48 ones.
Thresholds and rounding follow facenet-pytorch 2.6.0, whose weights these are and whose answers are the golden values of
the tests; scores are close to 1 for almost every face.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int64

from twinlens.detect.area import AreaImage
from twinlens.detect.candidates import Candidates
from twinlens.detect.options import DetectOptions
from twinlens.detect.suppression import survivors
from twinlens.detect.views import SINGLE_SIDE, View, largest_scale
from twinlens.protocols import Network
from twinlens.types import Face, Image

WINDOW, STRIDE = 12, 2  # pixels of P-Net
STEP = 0.709  # from one level of the pyramid to the next: half the area
PROPOSAL_SCORE, REFINED_SCORE = 0.6, 0.7  # what passes P-Net and R-Net
LEVEL_OVERLAP, STAGE_OVERLAP = 0.5, 0.7
TINY_FACE = 10.0  # pixels; smallest face of the tiny mode
GRID = 64  # pixels; sizes shown to P-Net are rounded up, for an engine prepares itself anew for every size
CHUNK = 256  # crops shown at once


@dataclass(frozen=True, slots=True)
class Cascade:
    """The three networks of MTCNN."""

    proposals: Network
    refinement: Network
    output: Network


class Mtcnn:
    """MTCNN on pictures of any size."""

    name = "mtcnn"

    def __init__(self, networks: Cascade, options: DetectOptions | None = None) -> None:
        self._networks = networks
        self._options = options or DetectOptions()

    def detect(self, images: Sequence[Image]) -> list[list[Face]]:
        """Return the faces of each image, the most confident first."""
        return [self._detect(image) for image in images]

    def _detect(self, image: Image) -> list[Face]:
        bound = min(1.0, largest_scale(image.width, image.height, self._options.max_megapixels * 1e6, least=GRID))
        if self._options.scales == "single":
            bound = min(bound, SINGLE_SIDE / max(image.width, image.height))
        view = View(0, 0, image.width, image.height, bound)
        picture = AreaImage(view.pixels(image.pixels))
        boxes = self._propose(picture)
        boxes = self._refine(picture, boxes)
        return view.moved(self._finish(picture, boxes)).faces()

    def _propose(self, picture: AreaImage) -> Float32[np.ndarray, "n 4"]:
        """Slide P-Net over the pyramid; return square boxes."""
        levels = [self._level(picture, scale) for scale in self._scales(picture)]
        boxes = np.concatenate([level[0] for level in levels] or [np.empty((0, 4), np.float32)])
        scores = np.concatenate([level[1] for level in levels] or [np.empty(0, np.float32)])
        shifts = np.concatenate([level[2] for level in levels] or [np.empty((0, 4), np.float32)])
        keep = survivors(boxes, scores, STAGE_OVERLAP)
        return _square(_shifted(boxes[keep], shifts[keep], whole_pixels=False))

    def _scales(self, picture: AreaImage) -> Iterator[float]:
        smallest = TINY_FACE if self._options.scales == "tiny" else self._options.min_face_px
        scale = WINDOW / smallest
        side = min(picture.height, picture.width) * scale
        while side >= WINDOW:
            yield scale
            scale *= STEP
            side *= STEP

    def _level(
        self, picture: AreaImage, scale: float
    ) -> tuple[Float32[np.ndarray, "n 4"], Float32[np.ndarray, " n"], Float32[np.ndarray, "n 4"]]:
        """Return windows that may hold a face at one scale, their scores and corrections."""
        width, height = int(picture.width * scale + 1), int(picture.height * scale + 1)
        planes = np.zeros((1, 3, -(-height // GRID) * GRID, -(-width // GRID) * GRID), np.float32)
        planes[0, :, :height, :width] = _normalised(picture.resized(width, height)).transpose(2, 0, 1)
        answer = self._networks.proposals.run(planes)
        rows, columns = (max(-(-(side - 2) // 2) - 4, 0) for side in (height, width))  # without the rounding up
        scores = answer["scores"][0, 1, :rows, :columns]
        y, x = np.nonzero(scores >= PROPOSAL_SCORE)
        corners = np.stack([x, y], axis=1).astype(np.float32) * STRIDE
        scaled = np.float32(scale)
        boxes = np.concatenate([np.floor((corners + 1) / scaled), np.floor((corners + WINDOW) / scaled)], axis=1)
        keep = survivors(boxes, scores[y, x], LEVEL_OVERLAP)
        return boxes[keep], scores[y, x][keep], answer["boxes"][0, :, y, x][keep]

    def _refine(self, picture: AreaImage, boxes: Float32[np.ndarray, "n 4"]) -> Float32[np.ndarray, "k 4"]:
        """Look at 24x24 crops with R-Net; return square boxes."""
        boxes, answer = _asked(self._networks.refinement, picture, boxes, 24)
        good = answer["scores"][:, 1] > REFINED_SCORE
        boxes, scores, shifts = boxes[good], answer["scores"][good, 1], answer["boxes"][good]
        keep = survivors(boxes, scores, STAGE_OVERLAP)
        return _square(_shifted(boxes[keep], shifts[keep]))

    def _finish(self, picture: AreaImage, boxes: Float32[np.ndarray, "n 4"]) -> Candidates:
        """Look at 48x48 crops with O-Net."""
        boxes, answer = _asked(self._networks.output, picture, boxes, 48)
        good = answer["scores"][:, 1] > self._options.min_score
        boxes, scores = boxes[good], answer["scores"][good, 1]
        sides = (boxes[:, 2:] - boxes[:, :2] + 1)[:, None]
        parts = answer["points"][good].reshape(-1, 2, 5).transpose(0, 2, 1)
        points = boxes[:, None, :2] + parts * sides - 1
        boxes = _shifted(boxes, answer["boxes"][good])
        return _uncovered(Candidates(boxes, points.astype(np.float32), scores), STAGE_OVERLAP)


def _asked(
    network: Network, picture: AreaImage, boxes: Float32[np.ndarray, "n 4"], side: int
) -> tuple[Float32[np.ndarray, "k 4"], dict[str, np.ndarray]]:
    """Show a network the crops of all boxes that reach into the picture; return these boxes and its answers."""
    whole = np.trunc(boxes).astype(np.int64)
    first, last = np.maximum(whole[:, :2], 1) - 1, np.minimum(whole[:, 2:], [picture.width, picture.height])
    inside = (last > first).all(axis=1)
    crops: Int64[np.ndarray, "k 4"] = np.concatenate([first, last], axis=1)[inside]
    answers = []
    for start in range(0, max(len(crops), 1), CHUNK):
        part = crops[start : start + CHUNK]
        batch = np.zeros((1 << max(len(part) - 1, 0).bit_length(), 3, side, side), np.float32)  # few batch sizes
        if len(part):
            batch[: len(part)] = _normalised(picture.crops(part, side)).transpose(0, 3, 1, 2)
        answers.append({name: array[: len(part)] for name, array in network.run(batch).items()})
    return boxes[inside], {name: np.concatenate([a[name] for a in answers]) for name in answers[0]}


def _normalised(pixels: Float32[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    return (pixels - np.float32(127.5)) * np.float32(1 / 128)


def _square(boxes: Float32[np.ndarray, "n 4"]) -> Float32[np.ndarray, "n 4"]:
    """Widen the shorter side around the centre."""
    sides = boxes[:, 2:] - boxes[:, :2]
    longer = sides.max(axis=1, keepdims=True, initial=0)
    corners = boxes[:, :2] + sides * 0.5 - longer * 0.5
    return np.concatenate([corners, corners + longer], axis=1)


def _shifted(
    boxes: Float32[np.ndarray, "n 4"], shifts: Float[np.ndarray, "n 4"], *, whole_pixels: bool = True
) -> Float32[np.ndarray, "n 4"]:
    """Move each edge by a part of the box's side.

    Args:
        boxes: left, top, right, bottom.
        shifts: one an edge.
        whole_pixels: count a box from column 3 to column 5 as three wide; the reference does, but for P-Net.
    """
    sides = boxes[:, 2:] - boxes[:, :2] + np.float32(whole_pixels)
    moved: Float32[np.ndarray, "n 4"] = (boxes + shifts * np.tile(sides, 2)).astype(np.float32)
    return moved


def _uncovered(candidates: Candidates, overlap: float) -> Candidates:
    """Keep the most confident of each group, measured by the part of the smaller box that is shared."""
    order = np.argsort(-candidates.scores, kind="stable")
    boxes = candidates.boxes[order]
    areas = np.prod(boxes[:, 2:] - boxes[:, :2] + 1, axis=1)
    kept: list[int] = []
    for i in range(len(order)):
        sides = np.minimum(boxes[i, 2:], boxes[kept, 2:]) - np.maximum(boxes[i, :2], boxes[kept, :2]) + 1
        shared = np.prod(np.maximum(sides, 0), axis=1)
        if not (shared / np.minimum(areas[i], areas[kept]) > overlap).any():
            kept.append(i)
    return candidates[order[kept]]
