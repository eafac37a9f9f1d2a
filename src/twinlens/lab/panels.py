"""Scored pairs -> right and wrong decisions as pictures. They show the photos: keep them where the photos may be."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from twinlens.lab.data import Material, Portion
from twinlens.lab.scoring import Scores

COUNT = 12  # pairs in a picture
COLUMNS = 4
TILE = 112  # pixels a side
LINE = 22  # pixels of text under a pair
GAP = 6
PAPER, INK = 255, 40

Pixels = NDArray[np.uint8]


def panels(material: Material, portion: Portion, scores: Scores, threshold: float, seed: int) -> dict[str, bytes]:
    """Draw pairs that are answered rightly and wrongly, as PNG by name; none where there are none.

    Args:
        material: holds the pictures.
        portion: whose pairs were scored.
        scores: of them.
        threshold: at which they are answered.
        seed: draws which ones.
    """
    right = scores.right(threshold)
    order = torch.randperm(len(right), generator=torch.Generator().manual_seed(seed)).numpy()
    drawn = {}
    for name, wanted in (("right", right), ("wrong", ~right)):
        chosen = [at for at in order.tolist() if wanted[at]][:COUNT]
        if chosen:
            tiles = [_pair(material, portion, scores, at) for at in chosen]
            drawn[name] = _png(_grid(tiles))
    return drawn


def _pair(material: Material, portion: Portion, scores: Scores, at: int) -> Pixels:
    """Return two photos side by side, with the truth and the score below."""
    photos = [_tile(material, int(side[at])) for side in (portion.left, portion.right)]
    truth = "same" if scores.same[at] else "different"
    strip = np.full((LINE, 2 * TILE, 3), PAPER, np.uint8)
    text = f"{truth}, {scores.similarity[at]:.3g}"
    cv2.putText(strip, text, (2, LINE - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (INK,) * 3, 1, cv2.LINE_AA)
    return np.vstack([np.hstack(photos), strip])


def _tile(material: Material, photo: int) -> Pixels:
    pixels = np.ascontiguousarray(material.pictures[photo].numpy().transpose(1, 2, 0))
    small = np.asarray(cv2.resize(pixels, (TILE, TILE), interpolation=cv2.INTER_AREA), np.uint8)
    return np.repeat(small[..., None], 3, axis=2) if small.ndim == 2 else small


def _grid(tiles: Sequence[Pixels]) -> Pixels:
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // COLUMNS)
    page = np.full((rows * (height + GAP) + GAP, COLUMNS * (width + GAP) + GAP, 3), PAPER, np.uint8)
    for at, tile in enumerate(tiles):
        top, left = GAP + at // COLUMNS * (height + GAP), GAP + at % COLUMNS * (width + GAP)
        page[top : top + height, left : left + width] = tile
    return page


def _png(page: Pixels) -> bytes:
    written, content = cv2.imencode(".png", page[..., ::-1])
    assert written
    return content.tobytes()
