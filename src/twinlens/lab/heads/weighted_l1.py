"""Two embeddings -> P(same) = sigmoid(sum of a_j |l_j - r_j| + b): Koch et al. 2015, section 3.1; 000, 003 and 004."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Generator, Tensor, nn

from twinlens.lab.heads.head import Head
from twinlens.lab.initialisation import Draw, glorot_uniform, initialise, normal, pytorch_uniform, zeros

INITS: dict[str, tuple[Draw, Draw | None]] = {
    "glorot": (glorot_uniform, zeros),
    "koch": (normal(0, 0.2), normal(0.5, 0.01)),
    "mahler": (glorot_uniform, normal(0.5, 0.01)),
    "adityajn105": (normal(0, 0.01), normal(0.5, 0.01)),
    "torch": (pytorch_uniform, None),
}


@dataclass(frozen=True, slots=True)
class WeightedL1Options:
    """Options of the head.

    Attributes:
        says: what its unit stands for: P(``same``), or P(``different``) as in 004. The similarity is P(same) in both.
        init: ``glorot`` with zero bias (Keras' own, 000); ``koch`` N(0, 0.2), bias N(0.5, 0.01); ``mahler`` Glorot
            with that bias (003); ``adityajn105`` N(0, 0.01) with that bias; ``torch`` as PyTorch draws.
    """

    says: Literal["same", "different"] = "same"
    init: Literal["glorot", "koch", "mahler", "adityajn105", "torch"] = "glorot"


class WeightedL1(Head):
    """A dense unit on the absolute difference of the embeddings."""

    def __init__(self, options: WeightedL1Options, dim: int) -> None:
        super().__init__(0.5)
        self.sign = 1.0 if options.says == "same" else -1.0
        self.init = options.init
        self.dense = nn.Linear(dim, 1)

    def initialise(self, generator: Generator) -> None:
        """Draw the weights as the options say."""
        weights, biases = INITS[self.init]
        initialise([self.dense], weights, biases, generator)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the unit before its sigmoid, (p,)."""
        raw: Tensor = self.dense((left.float() - right.float()).abs())
        return raw.squeeze(1)

    def log_odds(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the logarithm of P(same) / P(different), (p,)."""
        odds: Tensor = self.sign * self(left, right)
        return odds
