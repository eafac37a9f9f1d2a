"""Blocks of MobileNet-v2 and EfficientNet-lite: expand, filter each channel alone, project (Sandler et al. 2018).

Names of weights are those of torchvision's MobileNet-v2: ``features.K.conv.I.J``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Generator, Tensor, nn
from torch.nn import functional

from twinlens.errors import RecipeError
from twinlens.lab.initialisation import he_normal, initialise, layers_of, pytorch_uniform, reset_norms, zeros
from twinlens.lab.networks.trunk import Trunk


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the published tables.

    Attributes:
        expansion: how many times as many channels inside a block.
        filters: that leave it.
        count: blocks.
        stride: of the first of them.
        kernel: side of the convolutions on single channels, pixels.
    """

    expansion: int
    filters: int
    count: int
    stride: int
    kernel: int = 3


@dataclass(frozen=True, slots=True)
class Style:
    """In what the two families differ.

    Attributes:
        same: TensorFlow's padding: strided convolutions pad more on the right and below.
        eps: of batch norms.
        momentum: of batch norms, PyTorch's sense.
    """

    same: bool
    eps: float
    momentum: float


@dataclass(frozen=True, slots=True)
class InvertedOptions:
    """Options of MobileNet-v2 and EfficientNet-lite0.

    Attributes:
        weights: ``imagenet``, a file, or empty to draw them. MobileNet-v2 was trained with data.scale = ``imagenet``,
            EfficientNet-lite0 with ``symmetric``.
        dim: units of a dense layer behind the average over places; 0 for the 1,280 averages themselves.
        norm: a batch norm behind that layer.
        dropout: before it.
        stem: stride of the first convolution: 1 keeps more of small pictures, at four times the work.
        frozen: how many of the first parts (the stem, then the blocks, then the last convolution) do not train.
    """

    weights: str = ""
    dim: int = 0
    norm: bool = False
    dropout: float = 0.0
    stem: int = 2
    frozen: int = 0

    def __post_init__(self) -> None:
        if self.dim < 0 or self.frozen < 0 or self.stem not in {1, 2} or not 0 <= self.dropout < 1:
            msg = "trunk: dim and frozen are 0 or more, stem is 1 or 2, dropout is 0 or more and below 1"
            raise RecipeError(msg)
        if self.norm and not self.dim:
            msg = "trunk.norm stands behind a dense layer: give trunk.dim too"
            raise RecipeError(msg)


class SameConv2d(nn.Conv2d):
    """A convolution that pads by given amounts left, right, above and below."""

    amounts: tuple[int, int, int, int] = (0, 0, 0, 0)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # the name in torch
        """Pad and filter."""
        return super().forward(functional.pad(input, self.amounts))


class Inverted(nn.Module):
    """One block; added to what came in where the shapes agree."""

    def __init__(self, layers: Sequence[nn.Module], *, added: bool) -> None:
        super().__init__()
        self.conv = nn.Sequential(*layers)
        self.added = added

    def forward(self, pictures: Tensor) -> Tensor:
        """Transform feature maps."""
        changed: Tensor = self.conv(pictures)
        return pictures + changed if self.added else changed


class InvertedTrunk(Trunk):
    """A stem, blocks, a last convolution, the average over places, and a dense layer where asked."""

    last = 1280

    def __init__(self, rows: Sequence[Row], style: Style, options: InvertedOptions, channels: int, size: int) -> None:
        super().__init__(options.dim or self.last)
        if size < 32:
            msg = f"this trunk halves pictures five times and needs 32 pixels, got data.size = {size}"
            raise RecipeError(msg)
        self.options = options
        self._style, self._side = style, size
        parts: list[nn.Module] = [self._step(channels, 32, 3, options.stem)]
        channels = 32
        for row in rows:
            for at in range(row.count):
                parts.append(self._block(channels, row, row.stride if not at else 1))
                channels = row.filters
        self.features = nn.Sequential(*parts, self._step(channels, self.last, 1, 1))
        if options.frozen > len(self.features):
            msg = f"trunk.frozen: there are {len(self.features)} parts, got {options.frozen}"
            raise RecipeError(msg)
        self.dropout = nn.Dropout(options.dropout) if options.dropout else nn.Identity()
        self.dense = nn.Linear(self.last, options.dim, bias=not options.norm) if options.dim else nn.Identity()
        self.norm = nn.BatchNorm1d(options.dim) if options.norm else nn.Identity()

    def initialise(self, generator: Generator) -> None:
        """Draw every weight as torchvision does."""
        reset_norms(self)
        initialise(layers_of(self.features), he_normal, zeros, generator)
        initialise(layers_of(self.dense), pytorch_uniform, None, generator)

    def frozen(self) -> list[nn.Module]:
        """Return the first parts."""
        return list(self.features.children())[: self.options.frozen]

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed pictures."""
        embeddings: Tensor = self.norm(self.dense(self.dropout(self.features(pictures).mean((2, 3)))))
        return embeddings

    def _block(self, channels: int, row: Row, stride: int) -> nn.Module:
        inside = channels * row.expansion
        layers: list[nn.Module] = [self._step(channels, inside, 1, 1)] if row.expansion > 1 else []
        layers.append(self._step(inside, inside, row.kernel, stride, groups=inside))
        layers += [nn.Conv2d(inside, row.filters, 1, bias=False), self._norm(row.filters)]
        return Inverted(layers, added=stride == 1 and channels == row.filters)

    def _step(self, channels: int, filters: int, kernel: int, stride: int, *, groups: int = 1) -> nn.Sequential:
        """Return convolution, batch norm and ReLU up to 6; the side of the picture is kept along."""
        side, self._side = self._side, -(-self._side // stride)
        whole = max((self._side - 1) * stride + kernel - side, 0)
        before = whole // 2
        if self._style.same and whole != 2 * before:
            padded = SameConv2d(channels, filters, kernel, stride, groups=groups, bias=False)
            padded.amounts = (before, whole - before, before, whole - before)
            convolution: nn.Conv2d = padded
        else:
            padding = before if self._style.same else kernel // 2
            convolution = nn.Conv2d(channels, filters, kernel, stride, padding, groups=groups, bias=False)
        return nn.Sequential(convolution, self._norm(filters), nn.ReLU6(inplace=True))

    def _norm(self, filters: int) -> nn.BatchNorm2d:
        return nn.BatchNorm2d(filters, self._style.eps, self._style.momentum)
