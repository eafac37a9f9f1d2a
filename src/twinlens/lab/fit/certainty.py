"""How sure a network is of a face -> one more number of its vector, so that unsure photos need be less alike.

A photo's vector before it is brought to length one is the longer, the more of a face the network makes out (Ranjan et
al. 2017, arXiv 1703.09507, section 3). Two vectors of length one that carry beside them

    q = share * (length / middle) ** -exponent

have the cosine (s + q1 q2) / sqrt((1 + q1^2) (1 + q2^2)) instead of s: the threshold that a pair meets falls with both
photos' certainty. That is what makes the fewest mistakes among all pairs, and it moves false matches to unsure photos
(docs/results/fit.md). Lengths are clipped to those of the training photos, and a photo shorter than all of them, which
may be no face at all, gains nothing: it counts as one in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from twinlens.errors import OptionError


@runtime_checkable
class Graph(Protocol):
    """Where a head writes itself."""

    def add(self, kind: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        """Add a node of a kind; return its output's name."""
        ...

    def constant(self, value: np.ndarray) -> str:
        """Add a constant; return its name."""
        ...

    def unit(self, vectors: str) -> str:
        """Add what brings vectors to length one; return its name."""
        ...


@dataclass(frozen=True, slots=True)
class Certainty:
    """A rule from lengths to numbers.

    Attributes:
        exponent: how much less sure a shorter vector is; above 0.
        middle: the length that gives `share`; above 0.
        lowest: shorter ones count as this; above 0.
        highest: longer ones count as this.
        least: what is shorter than this counts as `middle`; 0 for no such bound.
        share: q of a photo in the middle; above 0.
    """

    exponent: float
    middle: float
    lowest: float
    highest: float
    least: float = 0.0
    share: float = 0.5

    def __post_init__(self) -> None:
        numbers = np.array([self.exponent, self.middle, self.lowest, self.highest, self.share])
        ordered = 0 <= self.least <= self.lowest <= self.highest
        if not np.isfinite(numbers).all() or (numbers <= 0).any() or not ordered:
            msg = f"wanted numbers above 0 and least <= lowest <= highest, got {self}: the fit went astray"
            raise OptionError(msg)

    def column(self, lengths: Float32[np.ndarray, " photos"]) -> Float32[np.ndarray, "photos 1"]:
        """Return q of each photo."""
        counted = np.clip(lengths, np.float32(self.lowest), np.float32(self.highest))
        ratio = np.where(lengths < np.float32(self.least), np.float32(self.middle), counted) / np.float32(self.middle)
        return np.asarray(self.share * ratio ** np.float32(-self.exponent), np.float32)[:, None]

    def write(self, graph: Graph, lengths: str) -> str:
        """Write the rule's nodes.

        Args:
            graph: where to.
            lengths: name of the lengths, (photos, 1).
        """
        ends = [graph.constant(np.array(end, np.float32)) for end in (self.lowest, self.highest)]
        middle, least = (graph.constant(np.array([value], np.float32)) for value in (self.middle, self.least))
        short = graph.add("Less", [lengths, least])
        counted = graph.add("Where", [short, middle, graph.add("Clip", [lengths, *ends])])
        ratio = graph.add("Div", [counted, middle])
        power = graph.add("Pow", [ratio, graph.constant(np.array([-self.exponent], np.float32))])
        return graph.add("Mul", [power, graph.constant(np.array([self.share], np.float32))])
