"""Trunk -> a trunk with the same answers for less work, or nearly the same for half of it.

What joint Bayesian learned is unit((features - mean) @ basis) @ turn. Seen once, its length says nothing to a cosine,
so basis and turn become one matrix; and its directions are ordered by what they tell of a person, so that the weak
ones, which come first, can be left out. With a mirror image beside it the lengths weigh one against the other and
stay.
"""

from __future__ import annotations

from copy import deepcopy

from torch import Tensor, nn

from twinlens.errors import OptionError
from twinlens.lab.networks.trunk import Trunk
from twinlens.lab.projection import Projected


class Merged(nn.Module):
    """Pictures -> one affine map of a trunk's representation."""

    def __init__(self, trunk: Trunk, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.trunk = trunk
        self.dense = nn.Linear(weight.shape[1], weight.shape[0])
        self.dense.load_state_dict({"weight": weight, "bias": bias})

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed pictures."""
        embeddings: Tensor = self.dense(self.trunk.representation(pictures))
        return embeddings


def shortened(trunk: Trunk, *, once: bool, dim: int | None = None) -> nn.Module:
    """Return a copy that answers with less work.

    Args:
        trunk: a trained one.
        once: each picture is seen once, without its mirror image.
        dim: how many of the strongest directions of joint Bayesian are kept; None for all.

    Raises:
        OptionError: there are not so many, or the trunk orders nothing.
    """
    own = deepcopy(trunk).eval()
    if not isinstance(own, Projected) or own.pieces:
        if dim is not None:
            msg = (
                "only embeddings of a joint Bayesian finish without part_dim are ordered by strength: leave --dim "
                f"away, got {dim}"
            )
            raise OptionError(msg)
        own.settle()
        return own
    kept = own.dim if dim is None else dim
    if not 1 <= kept <= own.dim:
        msg = f"--dim must be from 1 to the {own.dim} that the network has, got {kept}"
        raise OptionError(msg)
    own.trunk.settle(headless=True)
    own.turn, own.dim = own.turn[:, own.dim - kept :].contiguous(), kept
    if not once:
        return own
    weight = own.basis.double() @ own.turn.double()
    bias = -(own.mean.double() @ weight)
    return Merged(own.trunk, weight.T.float().contiguous(), bias.float())
