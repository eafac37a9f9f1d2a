"""A network -> the L2 that Keras adds to the loss: a factor times the sum of squares of the trunk's weights.

Biases, batch norms and the head carry none, as in 000 and 003. An optimizer's ``weight_decay`` of twice the factor has
the same gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from twinlens.lab.initialisation import layers_of
from twinlens.lab.recipe import TrainingPlan
from twinlens.lab.siamese import Siamese


def penalty(siamese: Siamese, plan: TrainingPlan) -> Tensor:
    """Return what is added to the loss, a float32 scalar; 0 where the plan has no L2."""
    one = next(siamese.parameters(), None)
    total = torch.zeros((), device=None if one is None else one.device)
    if not (plan.l2_convolution or plan.l2_dense):
        return total
    with torch.autocast(total.device.type, enabled=False):
        for layer in layers_of(siamese.trunk):
            factor = plan.l2_convolution if isinstance(layer, nn.Conv2d) else plan.l2_dense
            if factor and layer.weight.requires_grad:
                flat = layer.weight.reshape(-1)
                total = total + factor * torch.dot(flat, flat)
    return total
