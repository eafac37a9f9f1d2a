"""Picture -> VGG16's features with batch norm: 002's trunk (Simonyan and Zisserman 2015, configuration D).

Names of weights are those of the public ImageNet file, so that it loads as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Generator, Tensor, nn

from twinlens.errors import RecipeError
from twinlens.lab.initialisation import he_normal, initialise, layers_of, normal, pytorch_uniform, reset_norms, zeros
from twinlens.lab.networks.trunk import Trunk
from twinlens.lab.weights import Published, find_weights, load_weights

STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
SIDE = 7  # of the features after pooling
NAME = "vgg16_bn-6c64b313.pth"
PUBLISHED = Published(
    {NAME: "6c64b313"},
    (f"https://download.pytorch.org/models/{NAME}",),
    f"copy {NAME} (528 MB, from https://download.pytorch.org/models/) there by hand, give trunk.weights the path of "
    "another copy, or take the trunk mobilenet-v2, whose weights a package carries",
)


@dataclass(frozen=True, slots=True)
class Vgg16BnOptions:
    """Options of VGG16-bn.

    Attributes:
        weights: ``imagenet``, a file, or empty to draw them.
        dense: what follows the 25,088 features: ``none``; ``first``, VGG's own first dense layer, pretrained too
            (cosine v1); ``new``, a drawn one (cosine v2). Neither has a ReLU behind it.
        dim: units of a new dense layer.
        frozen: how many of the five stages do not train.
    """

    weights: str = ""
    dense: Literal["none", "first", "new"] = "none"
    dim: int = 4096
    frozen: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.frozen <= len(STAGES):
            msg = f"trunk.frozen lies between 0 and {len(STAGES)}, got {self.frozen}"
            raise RecipeError(msg)
        if self.dim < 1 or (self.dense == "first" and self.dim != 4096):
            msg = f"trunk.dim is at least 1, and 4096 with VGG's own dense layer, got {self.dim}"
            raise RecipeError(msg)


class Vgg16Bn(Trunk):
    """Thirteen convolutions in five stages, pooled to 7x7, and a dense layer where asked."""

    def __init__(self, options: Vgg16BnOptions, channels: int, size: int) -> None:
        super().__init__(STAGES[-1][-1] * SIDE * SIDE if options.dense == "none" else options.dim)
        if size < 32:
            msg = f"trunk vgg16-bn halves pictures five times and needs 32 pixels, got data.size = {size}"
            raise RecipeError(msg)
        self.options = options
        layers: list[nn.Module] = []
        self.ends = [0]
        for stage in STAGES:
            for filters in stage:
                layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.BatchNorm2d(filters), nn.ReLU(inplace=True)]
                channels = filters
            layers.append(nn.MaxPool2d(2))
            self.ends.append(len(layers))
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(SIDE) if size // 32 != SIDE else nn.Identity()
        wide = channels * SIDE * SIDE
        self.classifier = nn.Sequential(nn.Linear(wide, options.dim)) if options.dense == "first" else nn.Identity()
        self.dense = nn.Linear(wide, options.dim) if options.dense == "new" else nn.Identity()

    def initialise(self, generator: Generator) -> None:
        """Draw every weight as torchvision does, then load what the file holds."""
        reset_norms(self)
        initialise(layers_of(self.features), he_normal, zeros, generator)
        initialise(layers_of(self.classifier), normal(0, 0.01), zeros, generator)
        initialise(layers_of(self.dense), pytorch_uniform, None, generator)
        if self.options.weights:
            path = find_weights(self.options.weights, PUBLISHED)
            load_weights(self, path, parts=("features.", "classifier."))

    def frozen(self) -> list[nn.Module]:
        """Return the layers of the first stages."""
        return list(self.features.children())[: self.ends[self.options.frozen]]

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed pictures."""
        embeddings: Tensor = self.dense(self.classifier(self.pool(self.features(pictures)).flatten(1)))
        return embeddings
