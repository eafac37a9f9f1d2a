"""What every trunk is: pictures -> embeddings of `dim` numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from torch import Generator, Tensor, nn

from twinlens.errors import RecipeError


class Trunk(nn.Module, ABC):
    """Pictures float32 (n, channels, size, size) -> embeddings (n, dim).

    A trunk is outlined without memory and without weights; `initialise` draws them. Layers named by `frozen` keep
    their weights, and their batch norms the statistics they came with.

    Attributes:
        dim: numbers in an embedding.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    @abstractmethod
    def initialise(self, generator: Generator) -> None:
        """Draw every weight, or load it."""

    @property
    def breadth(self) -> int:
        """Numbers that `representation` returns of a picture."""
        return self.dim

    def representation(self, pictures: Tensor) -> Tensor:
        """Return what is learned from in closed form (n, width): the embeddings, or what lies before them."""
        embeddings: Tensor = self(pictures)
        return embeddings

    def parts(self) -> list[Tensor]:
        """Return places in `representation` that belong together, int64 each, such as a patch's; none by default."""
        return []

    def survey(self, photos: Iterable[Tensor], generator: Generator) -> None:
        """Learn from training photos without labels, before anything else is; nothing by default.

        Args:
            photos: batches of pictures as `forward` sees them, read as they are asked for.
            generator: source of randomness.
        """

    def settle(self, *, headless: bool = False) -> None:
        """Make ready to be used and never trained again: the same answers with less work.

        Args:
            headless: nothing but `representation` will be asked for; what lies behind it may go.
        """

    def frozen(self) -> list[nn.Module]:
        """Return the parts that do not train."""
        return []

    def freeze(self) -> None:
        """Take the frozen parts out of training."""
        for part in self.frozen():
            part.requires_grad_(requires_grad=False)

    def train(self, mode: bool = True) -> Trunk:
        """Switch between training and use; frozen parts stay in use."""
        super().train(mode)
        for part in self.frozen():
            part.eval()
        return self


@dataclass(frozen=True, slots=True)
class TrunkEntry:
    """A registered trunk.

    Attributes:
        options: the dataclass of its options.
        build: (options, channels, size) -> the trunk, outlined.
    """

    options: type
    build: Callable[[Any, int, int], Trunk]


def side_after(side: int, kernel: int, what: str, *, stride: int = 1) -> int:
    """Return the side of a picture after a convolution without padding, pixels.

    Raises:
        RecipeError: nothing would be left.
    """
    if side < kernel:
        msg = f"{what} looks at {kernel}x{kernel} pixels, {side}x{side} are left: take a larger data.size"
        raise RecipeError(msg)
    return (side - kernel) // stride + 1
