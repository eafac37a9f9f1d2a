"""Image -> [Face] with the user's own YOLO-family face network in ONNX: v3, v5-face or v8-face.

No such weights are carried (those that are public are under GPL or AGPL, or were trained on terms of their own); the
families are described in `twinlens.detect.yolo_heads`. Whatever the family, the picture is fitted into a square, grey
around it, red first, 0 to 1. In the tiny mode overlapping tiles at full size are looked at too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, UInt8

from twinlens.detect.candidates import Candidates
from twinlens.detect.landmarks import pointed
from twinlens.detect.options import DetectOptions
from twinlens.detect.suppression import strongest
from twinlens.detect.views import View, largest_scale, tiles
from twinlens.detect.yolo_heads import HEADS, Head
from twinlens.errors import ModelError, OptionError
from twinlens.protocols import Network
from twinlens.types import Face, Image


class Yolo:
    """A YOLO-family network on pictures of any size."""

    def __init__(
        self,
        family: str,
        network: Network,
        options: DetectOptions | None = None,
        *,
        yunet: Network | None = None,
    ) -> None:
        """Wrap a loaded network.

        Args:
            family: one of `twinlens.detect.yolo_heads.HEADS`.
            network: input batch x 3 x side x side.
            options: what to look for; the score is objectness times class where the family has both.
            yunet: finds the points where the network gives boxes only.

        Raises:
            OptionError: an unknown family.
        """
        if family not in HEADS:
            msg = f"unknown YOLO family {family!r}; known: {', '.join(HEADS)}"
            raise OptionError(msg)
        self.name = family
        self._head: Head = HEADS[family]
        self._network = network
        self._yunet = yunet
        self._options = options or DetectOptions()

    def detect(self, images: Sequence[Image]) -> list[list[Face]]:
        """Return the faces of each image, the most confident first.

        Raises:
            ModelError: the network's answer has not the layout of its family.
        """
        return [self._detect(image) for image in images]

    def _detect(self, image: Image) -> list[Face]:
        parts = []
        for view in self._views(image.width, image.height):
            square, left, top = boxed(view.pixels(image.pixels), self._head.side, self._head.grey)
            answer = self._head.decode(self._answer(square), self._head.side, self._options.min_score)
            found = answer.transformed(np.ones(2, np.float32), np.array([-left, -top], np.float32))
            parts.append(view.moved(found[view.whole(found, image.width, image.height)]))
        faces = strongest(Candidates.joined(parts), self._options.overlap)
        if np.isnan(faces.landmarks).any():
            faces = pointed(image, faces, self._yunet)
        return faces.faces()

    def _answer(self, square: Float32[np.ndarray, "1 3 side side"]) -> dict[str, np.ndarray]:
        try:
            return self._network.run(square)
        except Exception as error:  # engines raise types of their own
            wanted = "x".join(map(str, square.shape))
            msg = f"the {self.name} network refuses a {wanted} picture: export it for this size, or with free sizes"
            raise ModelError(msg) from error

    def _views(self, width: int, height: int) -> list[View]:
        side = self._head.side
        whole = View(0, 0, width, height, side / max(width, height))
        scale = min(1.0, largest_scale(width, height, self._options.max_megapixels * 1e6, least=side))
        if self._options.scales != "tiny" or whole.scale >= scale:
            return [whole]
        return [whole, *tiles(width, height, scale, side=side, overlap=side // 4)]


def boxed(
    pixels: UInt8[np.ndarray, "height width 3"], side: int, grey: int
) -> tuple[Float32[np.ndarray, "1 3 side side"], int, int]:
    """Return a picture in the middle of a grey square, 0 to 1, and the first column and row it takes."""
    height, width = pixels.shape[:2]
    left, top = (side - width) // 2, (side - height) // 2
    square = np.full((1, 3, side, side), grey / 255, np.float32)
    square[0, :, top : top + height, left : left + width] = pixels.transpose(2, 0, 1) * np.float32(1 / 255)
    return square, left, top
