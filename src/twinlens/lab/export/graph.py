"""Siamese network, framing -> ONNX: the recognizer's crops in, embeddings out, everything between inside the graph."""

from __future__ import annotations

import io
import logging
import warnings
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from twinlens.errors import ModelError
from twinlens.lab.export.framing import Framing
from twinlens.lab.export.shortening import shortened
from twinlens.lab.recipe import Recipe
from twinlens.lab.scaling import scaled
from twinlens.lab.siamese import Siamese
from twinlens.types import CROP_SIZE

INPUT, OUTPUT = "crops", "embedding"
OPSET = 18
LUMA = (0.299, 0.587, 0.114)  # OpenCV's RGB to grey (ITU-R BT.601), which the lab's pictures are made with


@dataclass(frozen=True, slots=True)
class Shape:
    """How much of a network is exported.

    Attributes:
        mirror: embeddings are averaged with those of the mirror image; None for as the recipe tests.
        dim: the strongest directions of a joint Bayesian finish that are kept; None for all.
    """

    mirror: bool | None = None
    dim: int | None = None


WHOLE = Shape()


class CropNetwork(nn.Module):
    """Crops (n, 3, 112, 112), RGB, 0 to 255 -> the trunk's embeddings (n, dim)."""

    rows: Tensor
    columns: Tensor
    grey: Tensor | None
    middle: Tensor | None

    def __init__(
        self,
        recipe: Recipe,
        siamese: Siamese,
        framing: Framing,
        *,
        middle: Tensor | None = None,
        shape: Shape = WHOLE,
    ) -> None:
        """Put the parts together.

        Args:
            recipe: says how pictures are made.
            siamese: the network; its trunk alone is used.
            framing: where its input lies in the crop.
            middle: (dim,), what is taken off every embedding, so that cosines tell them apart; None for nothing.
            shape: how much of it is wanted.

        Raises:
            OptionError: more directions than there are.
        """
        super().__init__()
        self.register_buffer("middle", middle, persistent=False)
        self.scale = recipe.data.scale
        self.flip = recipe.training.flip_test if shape.mirror is None else shape.mirror
        self.trunk = shortened(siamese.trunk, once=not self.flip, dim=shape.dim)
        rows, columns = framing.matrices(recipe.data.size)
        self.register_buffer("rows", torch.from_numpy(rows), persistent=False)
        self.register_buffer("columns", torch.from_numpy(columns).T.contiguous(), persistent=False)
        grey = torch.tensor(LUMA)[:, None, None] if recipe.data.colour == "grey" else None
        self.register_buffer("grey", grey, persistent=False)

    def pictures(self, crops: Tensor) -> Tensor:
        """Return what the trunk is given."""
        if self.grey is not None:
            crops = (crops * self.grey).sum(1, keepdim=True)
        return scaled(self.rows @ crops @ self.columns * (1 / 255), self.scale)

    def forward(self, crops: Tensor) -> Tensor:
        """Return embeddings."""
        pictures = self.pictures(crops)
        embeddings: Tensor = self.trunk(pictures)
        if self.flip:
            embeddings = (embeddings + self.trunk(pictures.flip(-1))) / 2
        embeddings = embeddings.flatten(1)
        return embeddings if self.middle is None else embeddings - self.middle


def to_onnx(network: CropNetwork) -> bytes:
    """Write a network as one ONNX file with a free batch size.

    Raises:
        ModelError: it holds something that ONNX does not.
    """
    network = network.eval()
    example = torch.rand(2, 3, CROP_SIZE, CROP_SIZE, generator=torch.Generator().manual_seed(0)) * 255
    silence = io.StringIO()
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(silence), redirect_stderr(silence), torch.no_grad():
            warnings.simplefilter("ignore")  # of the exporter's own parts
            program = torch.onnx.export(
                network,
                (example,),
                input_names=[INPUT],
                output_names=[OUTPUT],
                opset_version=OPSET,
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # the exporter raises kinds of its own
        msg = f"PyTorch cannot write this network as ONNX: {str(error).strip().splitlines()[0]}"
        raise ModelError(msg) from error
    finally:
        exporter.setLevel(level)
    if program is None:
        msg = "PyTorch wrote no ONNX program for this network"
        raise ModelError(msg)
    proto = program.model_proto
    content: bytes = proto.SerializeToString(deterministic=True)
    return content
