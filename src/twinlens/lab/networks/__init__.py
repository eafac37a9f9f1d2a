"""Picture -> embedding: trunks by name, one file an architecture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator

from twinlens.errors import RecipeError
from twinlens.lab.initialisation import on_processor
from twinlens.lab.networks.binary_patterns import BinaryPatterns, BinaryPatternsOptions
from twinlens.lab.networks.efficientnet_lite0 import EfficientNetLite0
from twinlens.lab.networks.fisher_vectors import FisherVectors, FisherVectorsOptions
from twinlens.lab.networks.fused import Fused, FusedOptions
from twinlens.lab.networks.gradients import Gradients, GradientsOptions
from twinlens.lab.networks.inverted import InvertedOptions
from twinlens.lab.networks.koch import Koch, KochOptions
from twinlens.lab.networks.local_phase import LocalPhase, LocalPhaseOptions
from twinlens.lab.networks.mahler import Mahler, MahlerOptions
from twinlens.lab.networks.mobilenet_v2 import MobileNetV2
from twinlens.lab.networks.padded import Padded, PaddedOptions
from twinlens.lab.networks.residual import Residual, ResidualOptions
from twinlens.lab.networks.strided import Strided, StridedOptions
from twinlens.lab.networks.trunk import Trunk, TrunkEntry
from twinlens.lab.networks.vgg16_bn import Vgg16Bn, Vgg16BnOptions
from twinlens.lab.options import options_of, unknown
from twinlens.lab.recipe import Part

__all__ = ["TRUNKS", "Trunk", "build_trunk", "outline_trunk"]

TRUNKS: Mapping[str, TrunkEntry] = {
    "koch": TrunkEntry(KochOptions, Koch),
    "mahler": TrunkEntry(MahlerOptions, Mahler),
    "strided": TrunkEntry(StridedOptions, Strided),
    "padded": TrunkEntry(PaddedOptions, Padded),
    "vgg16-bn": TrunkEntry(Vgg16BnOptions, Vgg16Bn),
    "mobilenet-v2": TrunkEntry(InvertedOptions, MobileNetV2),
    "efficientnet-lite0": TrunkEntry(InvertedOptions, EfficientNetLite0),
    "residual": TrunkEntry(ResidualOptions, Residual),
    "binary-patterns": TrunkEntry(BinaryPatternsOptions, BinaryPatterns),
    "gradients": TrunkEntry(GradientsOptions, Gradients),
    "local-phase": TrunkEntry(LocalPhaseOptions, LocalPhase),
    "fisher-vectors": TrunkEntry(FisherVectorsOptions, FisherVectors),
    "fused": TrunkEntry(FusedOptions, Fused),
}


def outline_trunk(part: Part, *, channels: int, size: int) -> Trunk:
    """Return a trunk without memory, on the meta device: to count its parameters or shapes.

    Raises:
        RecipeError: an unknown name or option, or pictures too small for it.
    """
    if part.name not in TRUNKS:
        raise RecipeError(unknown("trunk", part.name, part.name, TRUNKS))
    entry = TRUNKS[part.name]
    options: Any = options_of(entry.options, part.options, "trunk")
    with torch.device("meta"):
        return entry.build(options, channels, size)


def build_trunk(part: Part, *, channels: int, size: int, generator: Generator) -> Trunk:
    """Return a trunk with its weights drawn, or loaded where its options name a file.

    Args:
        part: name and options of the trunk.
        channels: 1 for grey, 3 for colour.
        size: side of the pictures, pixels.
        generator: source of randomness.

    Raises:
        RecipeError: an unknown name or option, or pictures too small for it.
        ModelError: a file of weights that is missing or of another shape.
    """
    trunk = outline_trunk(part, channels=channels, size=size)
    on_processor(trunk)
    with torch.no_grad():
        trunk.initialise(generator)
    trunk.freeze()
    return trunk
