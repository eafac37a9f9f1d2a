"""Crop, the other photo's embedding -> map of what each place of the face contributes to their similarity.

A patch of the crop is blotted out, the rest embedded again, and the fall of the similarity to the other, untouched
photo written to the patch's place (Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks",
section 4.2, there for a class's probability). That both what speaks for and what speaks against one person should be
shown, and how to test it, follows Lu, Xu and Ebrahimi 2024, "Towards Visual Saliency Explanations of Face
Verification". Patches overlap and reach over the edge, so that every pixel is the mean of equally many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from twinlens.errors import OptionError
from twinlens.types import CROP_SIZE, Crop, Embedding

BLUR = 12.0  # standard deviation of the blur that fills a patch, crop pixels: a third of the distance of the eyes


@dataclass(frozen=True, slots=True)
class OcclusionOptions:
    """How a face is probed.

    Attributes:
        patch: side of the square that is blotted out, pixels of the crop; about an eye with its brow.
        stride: from one place to the next, pixels; divides ``patch``.
    """

    patch: int = 24
    stride: int = 8

    def __post_init__(self) -> None:
        fits = 1 <= self.stride <= self.patch <= CROP_SIZE and self.patch % self.stride == 0
        if not fits or CROP_SIZE % self.stride:
            msg = f"stride must divide patch and {CROP_SIZE}, and patch be {CROP_SIZE} at the most, got {self}"
            raise OptionError(msg)

    @property
    def places(self) -> list[tuple[int, int]]:
        """Row and column of each patch's upper left corner; negative where it reaches over the edge."""
        starts = range(self.stride - self.patch, CROP_SIZE, self.stride)
        return [(row, column) for row in starts for column in starts]


def occluded(crop: Crop, options: OcclusionOptions) -> list[Crop]:
    """Return the crop with one patch blotted out at a time, in the order of `OcclusionOptions.places`."""
    filling = neutral(crop)
    made = []
    for place in options.places:
        pixels = crop.pixels.copy()
        here = _span(place, options.patch)
        pixels[here] = filling[here]
        made.append(Crop(pixels))
    return made


def neutral(crop: Crop) -> UInt8[np.ndarray, "112 112 3"]:
    """Return what a patch is filled with: the crop without any detail, its light and skin as they were."""
    import cv2  # noqa: PLC0415 - 0.1 s, only where it runs

    blurred = cv2.GaussianBlur(crop.pixels, (0, 0), BLUR, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.uint8)


def importance(
    whole: Embedding, parts: Sequence[Embedding], other: Embedding, options: OcclusionOptions
) -> Float32[np.ndarray, "112 112"]:
    """Return how much the similarity falls where each pixel is blotted out: positive where it speaks for one person.

    Args:
        whole: the crop's embedding.
        parts: the embeddings of `occluded`.
        other: the other photo's.
        options: as given to `occluded`.

    Raises:
        ModelMismatchError: the embeddings come from different models.
    """
    score = whole.similarity(other)
    total = np.zeros((CROP_SIZE, CROP_SIZE))
    for place, part in zip(options.places, parts, strict=True):
        total[_span(place, options.patch)] += score - part.similarity(other)
    return (total / (options.patch // options.stride) ** 2).astype(np.float32)


def _span(place: tuple[int, int], patch: int) -> tuple[slice, slice]:
    row, column = place
    return slice(max(row, 0), max(row + patch, 0)), slice(max(column, 0), max(column + patch, 0))
