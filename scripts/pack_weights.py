"""Upstream ONNX files -> the files carried in ``src/twinlens/zoo/weights``, bit for bit the same numbers.

Upstream (opencv_zoo, block-quantised int8) stores weights so that ONNX Runtime and OpenVINO refuse them: blockwise
``DequantizeLinear``, weights listed as inputs, a batch fixed to one. This script changes the wrapping only: each block
becomes a row with its own scale (per-axis ``DequantizeLinear``, opset 13, which both engines fold when they load),
unused inputs go, batch and picture size become free, YuNet's twelve outputs become one. Why:
docs/decisions/0002-weights.md.

Usage: python scripts/pack_weights.py UPSTREAM_DIR OUT_DIR   (needs onnx; UPSTREAM_DIR holds the two files)
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

UPSTREAM = {
    "face_detection_yunet_2023mar_int8bq.onnx": (
        "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
        "yunet-2023mar.onnx",
    ),
    "face_recognition_sface_2021dec_int8bq.onnx": (
        "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
        "sface-2021dec.onnx",
    ),
}


def dequantise(node: onnx.NodeProto, arrays: dict[str, np.ndarray]) -> list[onnx.NodeProto]:
    """Replace one blockwise DequantizeLinear by a per-axis one over the blocks, then a Reshape."""
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    block = attributes["block_size"]
    quantised, scales, zeros = (arrays[name] for name in node.input)
    if attributes["axis"] != quantised.ndim - 1 or quantised.shape[-1] % block:
        raise SystemExit(f"{node.name}: blocks do not lie along the last axis")
    shape = np.array(quantised.shape, np.int64)
    arrays[node.input[0]] = quantised.reshape(-1, block)
    arrays[node.input[1]] = scales.reshape(-1)
    arrays[node.input[2]] = zeros.reshape(-1)
    arrays[node.output[0] + "_shape"] = shape
    rows = node.output[0] + "_rows"
    return [
        helper.make_node("DequantizeLinear", list(node.input), [rows], axis=0),
        helper.make_node("Reshape", [rows, node.output[0] + "_shape"], list(node.output)),
    ]


def joined_cells() -> list[onnx.NodeProto]:
    """Join YuNet's twelve outputs into one: for each cell class, object, box (4), points (10); strides 8, 16, 32."""
    parts = [
        helper.make_node("Concat", [f"{kind}_{stride}" for stride in (8, 16, 32)], [kind], axis=1)
        for kind in ("cls", "obj", "bbox", "kps")
    ]
    return [*parts, helper.make_node("Concat", ["cls", "obj", "bbox", "kps"], ["cells"], axis=2)]


def pack(source: Path, target: Path) -> None:
    """Rewrite one file."""
    graph = onnx.load(source).graph
    arrays = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type == "DequantizeLinear":
            nodes += dequantise(node, arrays)
            continue
        if node.op_type == "Dropout":  # an identity when not training
            nodes.append(helper.make_node("Identity", [node.input[0]], [node.output[0]]))
            continue
        if node.op_type == "Reshape" and arrays.get(node.input[1], np.zeros(1)).tolist()[:2] == [1, -1]:
            arrays[node.input[1]] = np.array([0, *arrays[node.input[1]][1:]], np.int64)
        if node.op_type != "Constant":
            nodes.append(node)
    image = next(i for i in graph.input if i.name not in arrays)
    if image.name == "data":  # SFace
        free: list[object] = ["batch", 3, 112, 112]
        outputs = [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, ["batch", 128])]
    else:
        free = ["batch", 3, "height", "width"]
        nodes += joined_cells()
        outputs = [helper.make_tensor_value_info("cells", TensorProto.FLOAT, ["batch", "cells", 16])]
    used = {name for node in nodes for name in node.input}
    packed = helper.make_graph(
        nodes,
        target.stem,
        [helper.make_tensor_value_info(image.name, TensorProto.FLOAT, free)],
        outputs,
        [numpy_helper.from_array(a, n) for n, a in arrays.items() if n in used],
    )
    model = helper.make_model(packed, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model.producer_name = "twinlens scripts/pack_weights.py"
    onnx.checker.check_model(model, full_check=True)
    target.write_bytes(model.SerializeToString(deterministic=True))


def main(upstream: Path, out: Path) -> None:
    """Check both upstream files, rewrite them, print the new sums."""
    for name, (sha256, target) in UPSTREAM.items():
        found = hashlib.sha256((upstream / name).read_bytes()).hexdigest()
        if found != sha256:
            raise SystemExit(f"{name}: sha256 {found}, wanted {sha256}")
        pack(upstream / name, out / target)
        data = (out / target).read_bytes()
        print(f"{target}  {len(data)} bytes  sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
