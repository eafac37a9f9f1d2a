"""Picture -> embedding: a lean residual network of ours for faces of 64 to 112 pixels on a CPU.

After He et al. 2016 with the layout of face trunks: small stem, four stages, dropout, one dense layer and a batch norm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Generator, Tensor, nn
from torch.nn import functional

from twinlens.errors import RecipeError
from twinlens.lab.initialisation import he_normal, initialise, layers_of, pytorch_uniform, reset_norms, zeros
from twinlens.lab.networks.trunk import Trunk


@dataclass(frozen=True, slots=True)
class ResidualOptions:
    """Options of the residual network.

    Attributes:
        stages: blocks of each stage; every stage but the first halves the picture.
        width: filters of the first stage; each stage doubles them.
        dim: numbers in an embedding.
        stem: stride of the first convolution: 2 is four times as fast as 1.
        stem_kernel: its side, pixels.
        pool: ``average`` over what is left of the picture, or ``flat``: each place has weights of its own.
        dropout: before the dense layer.
        norm: a batch norm behind the dense layer.
    """

    stages: tuple[int, ...] = (1, 1, 1, 1)
    width: int = 32
    dim: int = 256
    stem: Literal[1, 2] = 2
    stem_kernel: int = 3
    pool: Literal["average", "flat"] = "average"
    dropout: float = 0.0
    norm: bool = True

    def __post_init__(self) -> None:
        if not self.stages or min(self.stages) < 1 or self.width < 1 or self.dim < 1:
            msg = f"trunk: stages, width and dim are at least 1, got {list(self.stages)}, {self.width}, {self.dim}"
            raise RecipeError(msg)
        if self.stem_kernel % 2 == 0 or not 0 <= self.dropout < 1:
            msg = f"trunk: stem_kernel is odd and dropout below 1, got {self.stem_kernel} and {self.dropout}"
            raise RecipeError(msg)


class Block(nn.Module):
    """Two 3x3 convolutions with batch norm, added to what came in."""

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(filters)
        self.second = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(filters)
        self.shortcut: nn.Module = nn.Identity()
        self.stride = stride
        if stride > 1 or channels != filters:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, filters, 1, bias=False), nn.BatchNorm2d(filters))

    def settle(self) -> None:
        """Leave the skipping of places to the shortcut's convolution, which is quicker where nothing is trained."""
        if self.stride > 1 and isinstance(self.shortcut, nn.Sequential):
            convolution = self.shortcut[0]
            assert isinstance(convolution, nn.Conv2d)
            convolution.stride, self.stride = (self.stride, self.stride), 1

    def forward(self, pictures: Tensor) -> Tensor:
        """Transform feature maps."""
        changed = functional.relu(self.first_norm(self.first(pictures)), inplace=True)
        changed = self.second_norm(self.second(changed))
        # Every stride-th place is taken first: PyTorch 2.13's backward pass of a strided 1x1 convolution of few
        # channels crashes the process on two threads.
        taken = pictures[:, :, :: self.stride, :: self.stride] if self.stride > 1 else pictures
        return functional.relu(changed + self.shortcut(taken), inplace=True)


class Residual(Trunk):
    """A stem, stages of blocks, and a dense layer."""

    def __init__(self, options: ResidualOptions, channels: int, size: int) -> None:
        super().__init__(options.dim)
        kernel, width = options.stem_kernel, options.width
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, kernel, options.stem, kernel // 2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        side = -(-size // options.stem)
        blocks: list[nn.Module] = []
        filters = width
        for stage, count in enumerate(options.stages):
            for at in range(count):
                stride = 2 if stage and not at else 1
                blocks.append(Block(filters, width << stage, stride))
                filters, side = width << stage, -(-side // stride)
        self.blocks = nn.Sequential(*blocks)
        self.flat = options.pool == "flat"
        self.dropout = nn.Dropout(options.dropout) if options.dropout else nn.Identity()
        self.pooled = filters * (side * side if self.flat else 1)
        self.dense: nn.Module = nn.Linear(self.pooled, options.dim, bias=not options.norm)
        self.norm: nn.Module = nn.BatchNorm1d(options.dim) if options.norm else nn.Identity()

    def initialise(self, generator: Generator) -> None:
        """Draw every weight; each block begins as what came in."""
        reset_norms(self)
        *convolutions, dense = layers_of(self)
        initialise(convolutions, he_normal, zeros, generator)
        initialise([dense], pytorch_uniform, zeros, generator)
        for block in self.blocks:
            if isinstance(block, Block):
                nn.init.zeros_(block.second_norm.weight)

    def settle(self, *, headless: bool = False) -> None:
        """Make ready for use alone."""
        for block in self.blocks:
            if isinstance(block, Block):
                block.settle()
        if headless:
            self.dense, self.norm = nn.Identity(), nn.Identity()

    @property
    def breadth(self) -> int:
        """Numbers before the dense layer."""
        return self.pooled

    def representation(self, pictures: Tensor) -> Tensor:
        """Return what the dense layer is given."""
        maps: Tensor = self.blocks(self.stem(pictures))
        return maps.flatten(1) if self.flat else maps.mean((2, 3))

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed pictures."""
        embeddings: Tensor = self.norm(self.dense(self.dropout(self.representation(pictures))))
        return embeddings
