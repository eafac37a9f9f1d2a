"""Pictures 0 to 1 and one value a picture -> other light, colour, sharpness, or a part covered."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601
REACH = 2.5  # a Gaussian's kernel, in sigmas


def _wide(values: Tensor) -> Tensor:
    return values[:, None, None, None]


def adjusted(pictures: Tensor, added: Tensor, factor: Tensor, exponent: Tensor | None) -> Tensor:
    """Change contrast about each picture's mean, then brightness, then gamma.

    Args:
        pictures: (n, channels, height, width), 0 to 1.
        added: (n,), to every pixel.
        factor: (n,), of the distance from the mean.
        exponent: (n,), of gamma; None for none.
    """
    mean = pictures.mean(dim=(1, 2, 3), keepdim=True)
    # one multiplication and one addition: mean + (p - mean) * factor + added
    lit = (pictures * _wide(factor) + (mean * (1 - _wide(factor)) + _wide(added))).clamp_(0, 1)
    return lit if exponent is None else lit.pow_(_wide(exponent))


def coloured(pictures: Tensor, hue: Tensor, saturation: Tensor) -> Tensor:
    """Turn hues and change saturation; grey pictures are returned as they are.

    Args:
        pictures: (n, 3, height, width), 0 to 1.
        hue: (n,), shift as a share of the circle.
        saturation: (n,), factor of the distance from grey.
    """
    if pictures.shape[1] != 3:
        return pictures
    from kornia.enhance import adjust_hue  # noqa: PLC0415 (half a second that only colour needs)

    grey = torch.tensor(GREY)[None, :, None, None]
    level = (pictures * grey).sum(dim=1, keepdim=True)
    rich = (level + (pictures - level) * _wide(saturation)).clamp_(0, 1)
    turned: Tensor = adjust_hue(rich, hue * 2 * math.pi)
    return turned


def blurred(pictures: Tensor, sigma: Tensor, chosen: Tensor) -> Tensor:
    """Blur the chosen pictures, each with its own sigma, in two passes.

    Args:
        pictures: (n, channels, height, width).
        sigma: (n,), pixels.
        chosen: bool (n,).
    """
    at = torch.nonzero(chosen).flatten()
    if not len(at):
        return pictures
    some, spread = pictures[at], sigma[at].clamp_min(1e-3)
    count, channels, height, width = some.shape
    reach = max(1, math.ceil(REACH * float(spread.max())))
    places = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernels = torch.exp(-0.5 * (places[None] / spread[:, None]) ** 2)
    kernels = (kernels / kernels.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)
    flat = functional.pad(some, (reach,) * 4, mode="replicate").reshape(1, count * channels, *_padded(some, reach))
    flat = functional.conv2d(flat, kernels[:, None, None, :], groups=count * channels)
    flat = functional.conv2d(flat, kernels[:, None, :, None], groups=count * channels)
    result = pictures.clone()
    result[at] = flat.reshape(count, channels, height, width)
    return result


def _padded(pictures: Tensor, reach: int) -> tuple[int, int]:
    height, width = pictures.shape[-2:]
    return height + 2 * reach, width + 2 * reach


def erased(pictures: Tensor, low: Tensor, high: Tensor, chosen: Tensor) -> Tensor:
    """Paint a rectangle of the chosen pictures over with their mean.

    Args:
        pictures: (n, channels, height, width).
        low: (n, 2), upper left corner, y then x, share of the side.
        high: (n, 2), lower right corner.
        chosen: bool (n,).
    """
    height, width = pictures.shape[-2:]
    y, x = ((torch.arange(side) + 0.5) / side for side in (height, width))
    inside_y = (y >= low[:, :1]) & (y < high[:, :1])
    inside_x = (x >= low[:, 1:]) & (x < high[:, 1:])
    covered = inside_y[:, None, :, None] & inside_x[:, None, None, :] & chosen[:, None, None, None]
    return torch.where(covered, pictures.mean(dim=(2, 3), keepdim=True), pictures)
