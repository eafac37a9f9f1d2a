"""Pictures 0 to 1 and a stream -> the same pictures as another camera might have seen them.

The maps of all geometric parts are joined and applied in one pass; then light, blur and erasing follow in the order of
the recipe. Every picture is distorted on its own; the same stream gives the same pictures.

Sources: Koch, Zemel, Salakhutdinov 2015, section 3 (``koch-affine``); Baez (002): ``flip``, ``rotation``, ``jitter``;
erasing: Zhong et al. 2017. ``faces`` is ours: what leaves a face the same person's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, runtime_checkable

import torch
from torch import Generator, Tensor

from twinlens.errors import RecipeError
from twinlens.lab import geometry
from twinlens.lab.geometry import between, happens
from twinlens.lab.light import adjusted, blurred, coloured, erased
from twinlens.lab.options import options_of, unknown
from twinlens.lab.recipe import Part


@runtime_checkable
class Warp(Protocol):
    """A part that moves pixels."""

    @property
    def fill(self) -> geometry.Fill:
        """What comes in from outside."""
        ...

    def maps(self, n: int, size: int, generator: Generator) -> Tensor:
        """Draw affine maps (n, 3, 3) of `twinlens.lab.geometry`."""
        ...


@runtime_checkable
class Paint(Protocol):
    """A part that changes what pixels hold."""

    def paint(self, pictures: Tensor, generator: Generator) -> Tensor:
        """Return other pictures of the same shape, 0 to 1."""
        ...


def _share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        msg = f"{name} lies between 0 and 1, got {value}"
        raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class KochAffine:
    """Koch's distortions: each of rotation, both shears, both scales and both shifts with a probability of its own.

    Attributes:
        degrees: largest turn.
        shear: largest factor.
        scale: least and largest factor.
        shift: largest, pixels.
        probability: of each component.
        copies: distorted copies beside each picture as it is: one in ``copies + 1`` is left alone; 0 leaves none.
        fill: what comes in from outside.
    """

    degrees: float = 10.0
    shear: float = 0.3
    scale: tuple[float, ...] = (0.8, 1.2)
    shift: float = 2.0
    probability: float = 0.5
    copies: int = 8
    fill: geometry.Fill = "border"

    def maps(self, n: int, size: int, generator: Generator) -> Tensor:
        """Draw affine maps, joined in the order of the paper: rotation, shear, scale, shift."""
        low, high = self.scale

        def drawn(neutral: float, least: float, most: float) -> Tensor:
            """Draw one component: neutral unless it happens."""
            value = between(least, most, n, generator)
            return torch.where(happens(self.probability, n, generator), value, torch.full((n,), neutral))

        turn = geometry.rotation(drawn(0, -self.degrees, self.degrees))
        sheared = geometry.shear(drawn(0, -self.shear, self.shear), drawn(0, -self.shear, self.shear))
        sized = geometry.scaling(drawn(1, low, high), drawn(1, low, high))
        moved = geometry.shift(drawn(0, -self.shift, self.shift), drawn(0, -self.shift, self.shift))
        distorted = happens(self.copies / (self.copies + 1), n, generator) if self.copies else torch.ones(n).bool()
        return geometry.where(distorted, turn @ sheared @ sized @ moved)


@dataclass(frozen=True, slots=True)
class Flip:
    """Left and right exchanged.

    Attributes:
        probability: of it.
        fill: nothing comes in from outside; kept for the joint.
    """

    probability: float = 0.5
    fill: geometry.Fill = "border"

    def __post_init__(self) -> None:
        _share("probability", self.probability)

    def maps(self, n: int, size: int, generator: Generator) -> Tensor:
        """Draw affine maps."""
        return geometry.mirror(happens(self.probability, n, generator))


@dataclass(frozen=True, slots=True)
class Rotation:
    """A turn about the centre.

    Attributes:
        degrees: largest, either way.
        fill: what comes in from outside; black in 002.
    """

    degrees: float = 20.0
    fill: geometry.Fill = "zeros"

    def maps(self, n: int, size: int, generator: Generator) -> Tensor:
        """Draw affine maps."""
        return geometry.rotation(between(-self.degrees, self.degrees, n, generator))


@dataclass(frozen=True, slots=True)
class Affine:
    """A small turn, shear, scale and shift together.

    Attributes:
        degrees: largest turn.
        shear: largest factor.
        scale: largest change of size: 0.1 for 0.9 to 1.1.
        shift: largest, share of the side.
        probability: of it.
        fill: what comes in from outside.
    """

    degrees: float = 7.0
    shear: float = 0.03
    scale: float = 0.06
    shift: float = 0.02
    probability: float = 0.8
    fill: geometry.Fill = "border"

    def maps(self, n: int, size: int, generator: Generator) -> Tensor:
        """Draw affine maps."""
        turn = geometry.rotation(between(-self.degrees, self.degrees, n, generator))
        x, y = (between(-self.shear, self.shear, n, generator) for _ in "xy")
        factor = between(1 - self.scale, 1 + self.scale, n, generator)
        right, down = (between(-self.shift * size, self.shift * size, n, generator) for _ in "xy")
        maps = turn @ geometry.shear(x, y) @ geometry.scaling(factor, factor) @ geometry.shift(right, down)
        return geometry.where(happens(self.probability, n, generator), maps)


@dataclass(frozen=True, slots=True)
class Crop:
    """A square cut out of the picture and enlarged to its size.

    Attributes:
        least: side of the smallest cut, share of the picture's.
        probability: of it.
        fill: nothing comes in from outside; kept for the joint.
    """

    least: float = 0.9
    probability: float = 0.5
    fill: geometry.Fill = "border"

    def __post_init__(self) -> None:
        _share("least", self.least)

    def maps(self, n: int, size: int, generator: Generator) -> Tensor:
        """Draw affine maps."""
        side = between(self.least, 1.0, n, generator)
        room = (1 - side) * size / 2
        x, y = (room * between(-1.0, 1.0, n, generator) for _ in "xy")
        maps = geometry.shift(x, y) @ geometry.scaling(1 / side, 1 / side)
        return geometry.where(happens(self.probability, n, generator), maps)


@dataclass(frozen=True, slots=True)
class Jitter:
    """Hue and saturation of colour pictures, as 002 has them; grey ones stay as they are.

    Attributes:
        hue: largest shift, share of the circle.
        saturation: largest change of the factor.
    """

    hue: float = 0.05
    saturation: float = 0.05

    def paint(self, pictures: Tensor, generator: Generator) -> Tensor:
        """Return other pictures."""
        n = len(pictures)
        hue = between(-self.hue, self.hue, n, generator)
        saturation = between(1 - self.saturation, 1 + self.saturation, n, generator)
        return coloured(pictures, hue, saturation)


@dataclass(frozen=True, slots=True)
class Light:
    """Brightness, contrast and gamma.

    Attributes:
        brightness: largest that is added, either way, of a range of 1.
        contrast: largest change of the factor about the picture's mean.
        gamma: largest change of the exponent's logarithm.
        probability: of it.
    """

    brightness: float = 0.15
    contrast: float = 0.25
    gamma: float = 0.25
    probability: float = 0.8

    def paint(self, pictures: Tensor, generator: Generator) -> Tensor:
        """Return other pictures."""
        n = len(pictures)
        chosen = happens(self.probability, n, generator).to(torch.float32)
        added = between(-self.brightness, self.brightness, n, generator) * chosen
        factor = 1 + between(-self.contrast, self.contrast, n, generator) * chosen
        exponent = torch.exp(between(-self.gamma, self.gamma, n, generator) * chosen)
        return adjusted(pictures, added, factor, exponent if self.gamma else None)


@dataclass(frozen=True, slots=True)
class Blur:
    """A Gaussian blur.

    Attributes:
        sigma: largest, share of the side.
        probability: of it.
    """

    sigma: float = 0.01
    probability: float = 0.25

    def paint(self, pictures: Tensor, generator: Generator) -> Tensor:
        """Return other pictures."""
        chosen = happens(self.probability, len(pictures), generator)
        sigma = between(0.2, 1.0, len(pictures), generator) * self.sigma * pictures.shape[-1]
        return blurred(pictures, sigma, chosen)


@dataclass(frozen=True, slots=True)
class Erasing:
    """A rectangle painted over with the picture's mean.

    Attributes:
        area: least and largest, share of the picture's.
        ratio: largest, of height to width, or width to height.
        probability: of it.
    """

    area: tuple[float, ...] = (0.02, 0.15)
    ratio: float = 3.0
    probability: float = 0.3

    def paint(self, pictures: Tensor, generator: Generator) -> Tensor:
        """Return other pictures."""
        n = len(pictures)
        least, most = self.area
        area = between(least, most, n, generator)
        stretch = torch.exp(between(-1.0, 1.0, n, generator) * torch.log(torch.tensor(self.ratio)) / 2)
        side = torch.sqrt(area)
        sides = torch.stack([side * stretch, side / stretch], dim=1).clamp_(max=1)
        corner = torch.rand((n, 2), generator=generator) * (1 - sides)
        return erased(pictures, corner, corner + sides, happens(self.probability, n, generator))


Augmentation = Warp | Paint
AUGMENTATIONS: Mapping[str, Callable[..., Augmentation]] = MappingProxyType(
    {
        "koch-affine": KochAffine,
        "flip": Flip,
        "rotation": Rotation,
        "affine": Affine,
        "crop": Crop,
        "jitter": Jitter,
        "light": Light,
        "blur": Blur,
        "erasing": Erasing,
    }
)
SETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "baez": ("jitter", "flip", "rotation"),
        "faces": ("flip", "affine", "crop", "light", "blur", "erasing"),
    }
)


class Augmenter:
    """Pictures -> distorted pictures."""

    def __init__(self, parts: Iterable[Augmentation]) -> None:
        parts = list(parts)
        self.warps: Sequence[Warp] = [part for part in parts if isinstance(part, Warp)]
        self.paints: Sequence[Paint] = [part for part in parts if isinstance(part, Paint)]
        self.fill: geometry.Fill = "zeros" if any(warp.fill == "zeros" for warp in self.warps) else "border"

    def __call__(self, pictures: Tensor, generator: Generator) -> Tensor:
        """Distort float32 pictures (n, channels, size, size) of 0 to 1."""
        if self.warps:
            maps = self.warps[0].maps(len(pictures), pictures.shape[-1], generator)
            for warp in self.warps[1:]:  # the first part acts first, so its map is asked last
                maps = maps @ warp.maps(len(pictures), pictures.shape[-1], generator)
            pictures = geometry.warp(pictures, maps, self.fill)
        for part in self.paints:
            pictures = part.paint(pictures, generator)
        return pictures


def build_augmenter(parts: Sequence[Part]) -> Augmenter | None:
    """Return what a recipe's ``[[augment]]`` tables ask for; None for nothing.

    Raises:
        RecipeError: an unknown name or option.
    """
    built: list[Augmentation] = []
    for part in parts:
        if part.name in SETS:
            if part.options:
                msg = f"the set {part.name!r} takes no options; list its parts instead: {', '.join(SETS[part.name])}"
                raise RecipeError(msg)
            built += [AUGMENTATIONS[name]() for name in SETS[part.name]]
        elif part.name in AUGMENTATIONS:
            kind = AUGMENTATIONS[part.name]
            built.append(options_of(kind, part.options, f"augment.{part.name}"))  # type: ignore[arg-type]
        else:
            raise RecipeError(unknown("augmentation", part.name, part.name, [*AUGMENTATIONS, *SETS]))
    return Augmenter(built) if built else None
