"""ONNX file -> the same graph with int8 weights: a quarter of the size, in a form that both engines read.

Each row of a large weight (an output channel) gets a scale of its own, symmetric: weight = int8 * scale, unpacked by a
DequantizeLinear when the file is loaded. Activations stay float32, so nothing has to be calibrated and nothing gets
faster; what it costs in accuracy is measured by whoever exports (`twinlens.lab.export.exporting`).
"""

from __future__ import annotations

import math

import numpy as np

SMALLEST = 1024  # numbers in a weight that is worth packing
HIGHEST = 127


def packed(model: bytes) -> bytes:
    """Return the graph with int8 weights."""
    import onnx  # noqa: PLC0415 - of the lab alone
    from onnx import helper, numpy_helper  # noqa: PLC0415

    proto = onnx.load_from_string(model)
    graph = proto.graph
    nodes, stored = [], []
    for tensor in graph.initializer:
        large = len(tensor.dims) > 1 and math.prod(tensor.dims) >= SMALLEST
        if tensor.data_type != onnx.TensorProto.FLOAT or not large:
            stored.append(tensor)
            continue
        name, weight = tensor.name, numpy_helper.to_array(tensor)
        rows = np.abs(weight).reshape(weight.shape[0], -1).max(axis=1)
        scale = (np.where(rows > 0, rows, 1.0) / HIGHEST).astype(np.float32)
        steps = np.rint(weight / scale.reshape(-1, *[1] * (weight.ndim - 1))).astype(np.int8)
        stored += [
            numpy_helper.from_array(array, f"{name}_{part}")
            for part, array in (("int8", steps), ("scale", scale), ("zero", np.zeros(scale.size, np.int8)))
        ]
        parts = [f"{name}_{part}" for part in ("int8", "scale", "zero")]
        nodes.append(helper.make_node("DequantizeLinear", parts, [name], name=f"{name}_unpack", axis=0))
    rest = list(graph.node)
    del graph.node[:], graph.initializer[:]
    graph.node.extend([*nodes, *rest])
    graph.initializer.extend(stored)
    onnx.checker.check_model(proto)
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def unpacked(model: bytes) -> bytes:
    """Return a graph of `packed` with float32 weights again, the very numbers that engines unpack."""
    import onnx  # noqa: PLC0415 - of the lab alone
    from onnx import numpy_helper  # noqa: PLC0415

    proto = onnx.load_from_string(model)
    graph = proto.graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    rest = []
    for node in graph.node:
        if node.op_type != "DequantizeLinear":
            rest.append(node)
            continue
        steps, scale = (stored[name] for name in node.input[:2])
        weight = steps.astype(np.float32) * scale.reshape(-1, *[1] * (steps.ndim - 1))
        graph.initializer.append(numpy_helper.from_array(weight.astype(np.float32), node.output[0]))
    del graph.node[:]
    graph.node.extend(rest)
    content: bytes = proto.SerializeToString(deterministic=True)
    return content
