"""Pictures 0 to 1 -> what the network was made for."""

from __future__ import annotations

import torch
from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


def unit(pictures: Tensor) -> Tensor:
    """Return uint8 pictures as float32, 0 to 1."""
    return pictures.to(torch.float32).mul_(1 / 255)


def scaled(pictures: Tensor, scale: str) -> Tensor:
    """Return float32 pictures of 0 to 1, (n, channels, height, width), in the network's range.

    Args:
        pictures: left as they are.
        scale: ``unit``, ``symmetric``, ``imagenet`` or ``none``, as `twinlens.lab.recipe.DataPlan` says.
    """
    if scale == "symmetric":
        return pictures * 2 - 1
    if scale == "none":
        return pictures * 255
    if scale == "imagenet":
        mean, deviation = (
            torch.tensor(values, device=pictures.device) for values in (IMAGENET_MEAN, IMAGENET_DEVIATION)
        )
        if pictures.shape[1] == 1:
            mean, deviation = mean.mean(0, keepdim=True), deviation.mean(0, keepdim=True)
        return (pictures - mean[:, None, None]) / deviation[:, None, None]
    return pictures
