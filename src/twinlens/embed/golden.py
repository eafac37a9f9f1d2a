"""Embedder -> does this engine on this machine answer as the reference implementation did?

One version of OpenCV was seen to give 0.9999 for every pair of faces, and one of OpenVINO to unpack int8 weights
wrongly: an engine is checked by its answer, not by its version.
"""

from __future__ import annotations

import numpy as np

from twinlens.embed.onnx import OnnxEmbedder
from twinlens.types import CROP_SIZE, Crop

TOLERANCE = 1e-4  # float32; reduced precision is allowed more
TOLERANCE_REDUCED = 2e-2


def golden_crop() -> Crop:
    """Return the picture that golden values are made from: soft stripes, different in each channel."""
    y, x = np.mgrid[:CROP_SIZE, :CROP_SIZE].astype(np.int64)
    planes = [(3 * x + y) % 256, (x + 2 * y + 80) % 256, (x * y // 16 + 160) % 256]
    return Crop(np.stack(planes, axis=-1).astype(np.uint8))


def golden_error(embedder: OnnxEmbedder) -> float | None:
    """Return the largest difference to the card's golden numbers; None where the card holds none."""
    golden = embedder.card.golden
    if not golden:
        return None
    (answer,) = embedder.embed([golden_crop()])
    return float(np.abs(answer.vector - np.resize(np.array(golden, np.float32), embedder.dim))[: len(golden)].max())
