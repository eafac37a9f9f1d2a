"""What a fit learns: unit vectors of a frozen model -> new vectors, in numbers that fit into an ONNX graph.

    new = x W + b + relu(x A + a) B

``x`` holds a crop's vector, followed by that of its mirror image where the head takes two views. Without hidden units
it is an affine map. The head that changes nothing has W = identity (half of it for each of two views), else zeros.
Beside the new vector, brought to length one, stands what `twinlens.lab.fit.certainty` makes of the old ones' lengths,
where the head has that rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from twinlens.errors import OptionError
from twinlens.lab.fit.certainty import Certainty, Graph

VIEWS = (1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A small map.

    Attributes:
        views: 1 for the crop's vector alone, 2 for that of its mirror image beside it.
        weight: W.
        bias: b.
        into: A; without columns where the head is affine.
        into_bias: a.
        out: B.
        certainty: what is made of the old vectors' lengths; None where they count for nothing.
    """

    views: int
    weight: Float32[np.ndarray, "inputs dim"]
    bias: Float32[np.ndarray, " dim"]
    into: Float32[np.ndarray, "inputs hidden"]
    into_bias: Float32[np.ndarray, " hidden"]
    out: Float32[np.ndarray, "hidden dim"]
    certainty: Certainty | None = None

    def __post_init__(self) -> None:
        if self.views not in VIEWS or self.weight.shape[0] % self.views:
            msg = f"a head takes 1 or 2 views of equal length, got {self.views} for {self.weight.shape[0]} numbers"
            raise OptionError(msg)
        arrays = (self.weight, self.bias, self.into, self.into_bias, self.out)
        if not all(np.isfinite(array).all() for array in arrays):
            msg = "a head's weights are finite numbers, got some that are not: the fit went astray"
            raise OptionError(msg)

    @classmethod
    def unchanged(cls, dim: int, views: int) -> Head:
        """Return the head that gives back the vector, or the mean of both views."""
        inputs = dim * views
        return cls(
            views,
            np.tile(np.eye(dim, dtype=np.float32) / views, (views, 1)),
            np.zeros(dim, np.float32),
            np.zeros((inputs, 0), np.float32),
            np.zeros(0, np.float32),
            np.zeros((0, dim), np.float32),
        )

    @property
    def dim(self) -> int:
        """Numbers in a new vector."""
        return int(self.weight.shape[1]) + (self.certainty is not None)

    @property
    def hidden(self) -> int:
        """Hidden units; 0 where the head is affine."""
        return int(self.into.shape[1])

    @property
    def parameters(self) -> int:
        """Learned numbers."""
        arrays = (self.weight, self.bias, self.into, self.into_bias, self.out)
        return sum(int(a.size) for a in arrays) + (self.certainty is not None)

    def apply(
        self, vectors: Float32[np.ndarray, "photos inputs"], lengths: Float32[np.ndarray, " photos"] | None = None
    ) -> Float32[np.ndarray, "photos dim"]:
        """Return new vectors of length one; zeros stay zeros (photos without a face).

        Args:
            vectors: x.
            lengths: of the old vectors before they were brought to one, the geometric mean of both views'; looked at
                only by a head with `certainty`.

        Raises:
            OptionError: a head with `certainty`, and no lengths.
        """
        new = vectors @ self.weight + self.bias + np.maximum(vectors @ self.into + self.into_bias, 0) @ self.out
        if self.certainty is not None:
            if lengths is None:
                msg = "this head looks at how long vectors were before they were brought to length one: give lengths"
                raise OptionError(msg)
            new = np.concatenate((_unit(new), self.certainty.column(lengths)), axis=1)
        new[~vectors.any(axis=1)] = 0
        return _unit(new)

    def write(self, graph: Graph, vectors: str, lengths: str, output: str) -> None:
        """Write the map's nodes (without the length, which `twinlens.embed.onnx` brings to one).

        Args:
            graph: where to.
            vectors: name of x.
            lengths: name of the old vectors' lengths, (photos, 1); looked at only by a head with `certainty`.
            output: name of the new vectors.
        """
        straight = graph.add("MatMul", [vectors, graph.constant(self.weight)])
        if self.hidden:
            inner = graph.add("MatMul", [vectors, graph.constant(self.into)])
            inner = graph.add("Relu", [graph.add("Add", [inner, graph.constant(self.into_bias)])])
            straight = graph.add("Add", [straight, graph.add("MatMul", [inner, graph.constant(self.out)])])
        bias = graph.constant(self.bias)
        if self.certainty is None:
            graph.add("Add", [straight, bias], output)
            return
        new = graph.unit(graph.add("Add", [straight, bias]))
        graph.add("Concat", [new, self.certainty.write(graph, lengths)], output, axis=1)


def _unit(vectors: np.ndarray) -> Float32[np.ndarray, "photos dim"]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0), np.float32)
