"""Width, height, options -> the levels of a pyramid and the views at which a picture is shown to a network.

YuNet is sure of faces whose longer side has 14 to 500 of its own pixels (docs/detection.md). A picture whose
faces may be smaller or larger is shown at several levels, and each level answers only for the sizes it sees well.
A level that is too large for one go is cut into overlapping tiles; the overlap holds every face it answers for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from twinlens.detect.candidates import Candidates
from twinlens.detect.options import LEAST_FACE, DetectOptions

# pixels of the network
SMALLEST = LEAST_FACE  # longer side of a face that is found with a score of 0.8
TRUSTED = 12  # from here on a level that does not see a face speaks against it
LARGEST = 500  # above, scores fall and parts of a face are taken for faces
SAFE_PART = 0.9  # of the largest face of a level

SINGLE_SIDE = 1600  # the usual single-scale test size on WIDER FACE
NATIVE_SIDE = 1280  # up to here a picture is shown as it is
COARSE_SIDE = 320  # the last level: a face as large as the picture is well inside the range here
COARSE_FROM = 640  # a smaller level needs no coarser one
TILE_SIDE = 2304  # a longer level is cut
TILE_OVERLAP = 256
AVERAGE_BELOW = 0.5  # scale; above, two pixels a side are enough to interpolate from, at a fifth of the time
SAMPLES = 2  # pixels a side of the picture that are averaged into one of the network, at least
PADDED = 64  # rows and columns that a network is shown at least; YuNet's grid
EDGE = 4  # a box that comes so close to a cut is cut itself, and whole in the next tile

TINY_SCALE = 2.5  # enlargement of the finest level in the tiny mode
TINY_STEPS = (1.0, 0.6, 0.4)  # levels by their part of the finest one; from there on halves
TINY_LAST = 512  # pixels of the longer side from which on no further half is needed
SECOND_LOOK_MARGIN = 0.25  # of the longer side, on each side of the picture


@dataclass(frozen=True, slots=True)
class View:
    """A part of a picture at a scale.

    Attributes:
        left: first column, in pixels of the picture; negative where black is added around it.
        top: first row.
        right: the column after the last one.
        bottom: the row after the last one.
        scale: network pixels in one pixel of the picture.
    """

    left: int
    top: int
    right: int
    bottom: int
    scale: float

    @property
    def width_height(self) -> tuple[int, int]:
        """Pixels that the network is shown."""
        return (
            max(round((self.right - self.left) * self.scale), 1),
            max(round((self.bottom - self.top) * self.scale), 1),
        )

    def pixels(self, picture: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "rows columns 3"]:
        """Return this part of the picture, resized; black where it reaches outside."""
        import cv2  # noqa: PLC0415 - 0.1 s, only where it runs

        height, width = picture.shape[:2]
        top, left = max(self.top, 0), max(self.left, 0)
        part = picture[top : self.bottom, left : self.right]
        columns, rows = self.width_height
        inside = self.left >= 0 and self.top >= 0 and self.right <= width and self.bottom <= height
        if self.scale != 1.0:  # resized before black is added: the frame of a long strip is larger than memory
            size = (columns, rows) if inside else tuple(max(round(n * self.scale), 1) for n in part.shape[1::-1])
            way = cv2.INTER_AREA if self.scale < AVERAGE_BELOW else cv2.INTER_LINEAR
            every = max(int(1 / (self.scale * SAMPLES)), 1)
            if every > 1:  # averaging all of a large photo takes longer than the network
                first = (min((every - 1) // 2, side // 2) for side in part.shape[:2])
                part = np.ascontiguousarray(part[tuple(slice(start, None, every) for start in first)])
            part = np.asarray(cv2.resize(part, size, interpolation=way), np.uint8)
        if inside:
            return part
        above, before = (
            min(round((n - m) * self.scale), k - j)
            for n, m, k, j in (
                (top, self.top, rows, part.shape[0]),
                (left, self.left, columns, part.shape[1]),
            )
        )
        framed = np.zeros((rows, columns, 3), np.uint8)
        framed[above : above + part.shape[0], before : before + part.shape[1]] = part
        return framed

    def whole(self, candidates: Candidates, width: int, height: int) -> Bool[np.ndarray, " n"]:
        """Say which candidates do not touch a cut, that is an edge of the view inside of the picture.

        Args:
            candidates: in pixels of the view.
            width: of the picture, pixels.
            height: of the picture, pixels.
        """
        columns, rows = self.width_height
        boxes = candidates.boxes
        keep = np.ones(len(boxes), np.bool_)
        for cut, touches in (
            (self.left > 0, boxes[:, 0] < EDGE),
            (self.top > 0, boxes[:, 1] < EDGE),
            (self.right < width, boxes[:, 2] > columns - EDGE),
            (self.bottom < height, boxes[:, 3] > rows - EDGE),
        ):
            if cut:
                keep &= ~touches
        return keep

    def moved(self, candidates: Candidates) -> Candidates:
        """Return candidates in pixels of the picture.

        Coordinates are edges, not centres of pixels: so the network was trained, and so its points at two
        scales agree best.
        """
        columns, rows = self.width_height
        factor = np.array([(self.right - self.left) / columns, (self.bottom - self.top) / rows], np.float32)
        shift = np.array([self.left, self.top], np.float32)
        return candidates.transformed(factor, shift)


@dataclass(frozen=True, slots=True)
class Level:
    """A picture at one scale.

    Attributes:
        views: the whole picture, or tiles.
        smallest: longer side of the faces it answers for, in pixels of the picture.
        largest: the same, upper end.
    """

    views: tuple[View, ...]
    smallest: float
    largest: float

    def answers_for(self, boxes: Float32[np.ndarray, "n 4"], *, safely: bool = False) -> Bool[np.ndarray, " n"]:
        """Say for which boxes, in pixels of the picture, this level is to be believed.

        Args:
            boxes: left, top, right, bottom.
            safely: leave out the upper end of the range, where one level's box may be inside and another's not.
        """
        longer = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
        largest = self.largest * SAFE_PART if safely else self.largest
        inside: Bool[np.ndarray, " n"] = (longer >= self.smallest) & (longer <= largest)
        return inside


def levels(width: int, height: int, options: DetectOptions) -> list[Level]:
    """Return what to look at, the finest level first.

    Args:
        width: of the picture, pixels.
        height: of the picture, pixels.
        options: mode, smallest face and bound on the work.
    """
    longer = max(width, height)
    if options.scales == "single":
        scale = min(1.0, SINGLE_SIDE / longer)
        return [Level((View(0, 0, width, height, scale),), 0.0, float("inf"))]
    bound = largest_scale(width, height, options.max_megapixels * 1e6)
    if options.scales == "tiny":
        scales = list(_tiny_scales(longer, min(TINY_SCALE, bound)))
    else:
        fine = max(SMALLEST / options.min_face_px, NATIVE_SIDE / longer)
        scales = list(_multi_scales(longer, min(1.0, fine, bound)))
    result: list[Level] = []
    for scale in scales:
        views = tuple(tiles(width, height, scale))
        largest = (LARGEST if len(views) == 1 else TILE_OVERLAP - 2 * EDGE) / scale
        smallest = 0.0
        if result:  # in the tiny mode levels vote, otherwise each size belongs to one or two of them
            smallest = TRUSTED / scale if options.scales == "tiny" else result[-1].largest / 2
        result.append(Level(views, smallest, float("inf") if scale == scales[-1] else largest))
    return result


def largest_scale(width: int, height: int, pixels: float, *, least: int = PADDED) -> float:
    """Return the scale at which a picture costs a network so many pixels.

    A strip of a few rows is filled up with black: without counting that, one of 4,000,000 x 10 would cost ten times
    what a photo of as many pixels does.

    Args:
        width: of the picture, pixels.
        height: of the picture, pixels.
        pixels: of the network.
        least: rows and columns that the network is shown at least.
    """
    longer = max(width, height)
    return min(math.sqrt(pixels / (width * height)), pixels / (longer * least))


def second_look(width: int, height: int) -> Level:
    """Return the level for a picture in which nothing was found: small, with black around it.

    A face that fills the frame may be missed otherwise.
    """
    longer = max(width, height)
    margin = max(round(longer * SECOND_LOOK_MARGIN), 1)
    scale = COARSE_SIDE / (longer + 2 * margin)
    return Level((View(-margin, -margin, width + margin, height + margin, scale),), 0.0, float("inf"))


def _multi_scales(longer: int, fine: float) -> Iterator[float]:
    """Yield quarters until the picture is small: the ranges of neighbours overlap."""
    yield fine
    scale = fine
    while longer * scale > COARSE_FROM:
        scale = max(scale / 4, COARSE_SIDE / longer)
        yield scale


def _tiny_scales(longer: int, fine: float) -> Iterator[float]:
    scale = fine
    for part in TINY_STEPS:
        scale = fine * part
        yield scale
    while longer * scale > TINY_LAST:
        scale /= 2
        yield scale


def tiles(
    width: int, height: int, scale: float, *, side: int = TILE_SIDE, overlap: int = TILE_OVERLAP
) -> Iterator[View]:
    """Yield views of equal size that cover a picture; one where it is small enough.

    Args:
        width: of the picture, pixels.
        height: of the picture, pixels.
        scale: network pixels in one pixel of the picture.
        side: the longest a view may be, network pixels.
        overlap: what neighbours share, network pixels.
    """
    for top, bottom in _cuts(height, side / scale, overlap / scale):
        for left, right in _cuts(width, side / scale, overlap / scale):
            yield View(left, top, right, bottom, scale)


def _cuts(length: int, side: float, overlap: float) -> Iterator[tuple[int, int]]:
    """Yield start and end of pieces of a length, all in pixels of the picture."""
    if length <= side:
        yield 0, length
        return
    count = int(np.ceil((length - overlap) / (side - overlap)))
    piece = int(np.ceil((length + (count - 1) * overlap) / count))
    for i in range(count):
        start = round(i * (length - piece) / (count - 1))
        yield start, start + piece
