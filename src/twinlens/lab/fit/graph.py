"""A model's ONNX file, a head -> one ONNX file: crops in, the head's vectors out.

The crop and, where the head wants it, its mirror image go through the base network in one batch; each answer is brought
to length one, as `twinlens.embed.onnx` does, and the head maps them to the new vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twinlens.errors import ModelError
from twinlens.lab.fit.head import Head
from twinlens.types import CROP_SIZE

OUTPUT = "fitted"
PREFIX = "twinlens_fit_"  # of every name that is added, so that none is taken
LEAST_OPSET = 13  # Unsqueeze and the like take axes as inputs from here on


def with_head(base: Path, head: Head, *, output: str = "") -> bytes:
    """Put a head on a network.

    Args:
        base: the ONNX file; one input of crops (batch, 3, 112, 112), the vectors among its outputs.
        head: takes as many views as it says.
        output: the name of the base's output; empty for its first.

    Raises:
        ModelError: the file is no such network, or has a head already.
    """
    import onnx  # noqa: PLC0415 - of the lab alone

    model, crops, answer = _loaded(base, output)
    _extend(model, crops, answer, head)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def check_base(base: Path, *, output: str = "") -> None:
    """See that a head can be put on a network, before the work begins.

    Raises:
        ModelError: the file is no such network, or has a head already.
    """
    _loaded(base, output)


def _loaded(base: Path, output: str) -> tuple[Any, str, str]:
    """Return a network, and the names of its input and of the vectors."""
    import onnx  # noqa: PLC0415 - of the lab alone

    try:
        model = onnx.load(str(base))
    except Exception as error:  # protobuf's own types
        msg = f"cannot read {base.name}: wanted an ONNX file ({str(error).splitlines()[0][:80]})"
        raise ModelError(msg) from error
    graph = model.graph
    stored = {tensor.name for tensor in graph.initializer}
    inputs = [value.name for value in graph.input if value.name not in stored]
    answers = [value.name for value in graph.output]
    opset = max((o.version for o in model.opset_import if o.domain in {"", "ai.onnx"}), default=0)
    if len(inputs) != 1 or (output and output not in answers) or opset < LEAST_OPSET:
        msg = (
            f"{base.name}: wanted one input, the output {output or 'vectors'!r} and opset {LEAST_OPSET} or later, got "
            f"inputs {', '.join(inputs)}, outputs {', '.join(answers)} and opset {opset}"
        )
        raise ModelError(msg)
    if any(name.startswith(PREFIX) for name in (*stored, *inputs)) or (output or answers[0]) == OUTPUT:
        msg = f"{base.name} has a head of `twinlens fit` already: fit on the model under it"
        raise ModelError(msg)
    return model, inputs[0], output or answers[0]


def _extend(model: Any, crops: str, answer: str, head: Head) -> None:
    """Add the head's nodes to a loaded model."""
    from onnx import TensorProto, helper  # noqa: PLC0415 - of the lab alone

    graph = model.graph
    before, after, entrance = _Nodes("in"), _Nodes("out"), crops
    if head.views == 2:
        entrance = PREFIX + "crops"
        both = before.mirrored(entrance)
        for node in graph.node:
            node.input[:] = [both if name == crops else name for name in node.input]
    vectors = after.unit(answer)
    if head.views == 2:
        vectors = after.side_by_side(vectors, head.weight.shape[0] // 2)
    lengths = ""
    if head.certainty is not None:
        lengths = after.lengths(answer)
        lengths = after.mean_lengths(lengths) if head.views == 2 else lengths
    head.write(after, vectors, lengths, OUTPUT)
    own = list(graph.node)
    weights = [value for value in graph.input if value.name != crops]
    for part in (graph.node, graph.input, graph.output, graph.value_info):
        del part[:]
    graph.node.extend([*before.nodes, *own, *after.nodes])
    graph.initializer.extend([*before.constants, *after.constants])
    shape: list[str | int] = ["batch", 3, CROP_SIZE, CROP_SIZE]
    graph.input.extend([helper.make_tensor_value_info(entrance, TensorProto.FLOAT, shape), *weights])
    graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", head.dim]))
    model.producer_name = "twinlens fit"


class _Nodes:
    """Collects nodes and constants of a part of the graph; every name is given once."""

    def __init__(self, part: str) -> None:
        self._part = f"{PREFIX}{part}_"
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, kind: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        """Add a node; return its output."""
        from onnx import helper  # noqa: PLC0415 - of the lab alone

        name = output or f"{self._part}{len(self.nodes)}_{kind.lower()}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=f"{name}_node", **attributes))
        return name

    def constant(self, value: np.ndarray) -> str:
        """Add a constant; return its name."""
        from onnx import numpy_helper  # noqa: PLC0415 - of the lab alone

        name = f"{self._part}constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def mirrored(self, crops: str) -> str:
        """Return the crops, followed by their mirror images."""
        columns = self.constant(np.arange(CROP_SIZE - 1, -1, -1, dtype=np.int64))
        return self.add("Concat", [crops, self.add("Gather", [crops, columns], axis=3)], axis=0)

    def unit(self, vectors: str) -> str:
        """Return vectors of length one."""
        return self.add("Div", [vectors, self.lengths(vectors)])

    def lengths(self, vectors: str) -> str:
        """Return the lengths of vectors, (n, 1)."""
        squares = self.add("Mul", [vectors, vectors])
        return self.add("Sqrt", [self.add("ReduceSum", [squares, self.constant(np.array([1], np.int64))], keepdims=1)])

    def mean_lengths(self, lengths: str) -> str:
        """Return (2 n, 1), where the mirror images follow, as geometric means, (n, 1)."""
        halves = self.add("Reshape", [lengths, self.constant(np.array([2, -1, 1], np.int64))])
        both = [self.add("Gather", [halves, self.constant(np.array(side, np.int64))], axis=0) for side in (0, 1)]
        return self.add("Sqrt", [self.add("Mul", both)])

    def side_by_side(self, vectors: str, dim: int) -> str:
        """Return (2 n, dim), where the mirror images follow, as (n, 2 dim)."""
        halves = self.add("Reshape", [vectors, self.constant(np.array([2, -1, dim], np.int64))])
        pairs = self.add("Transpose", [halves], perm=[1, 0, 2])
        return self.add("Reshape", [pairs, self.constant(np.array([-1, 2 * dim], np.int64))])
