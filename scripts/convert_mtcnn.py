"""facenet-pytorch's MTCNN weights -> three ONNX files in ``src/twinlens/zoo/weights``.

The networks of Zhang, Zhang, Li and Qiao, "Joint Face Detection and Alignment using Multi-task Cascaded
Convolutional Networks", 2016, as carried by the PyPI package facenet-pytorch 2.6.0 (MIT), which converted them from
David Sandberg's facenet (MIT). Upstream stores pickles; the product reads ONNX only. Same float32 numbers, bit for bit.

Usage: python scripts/convert_mtcnn.py UPSTREAM_DIR OUT_DIR
In an environment of its own with ``torch`` and ``onnx``; UPSTREAM_DIR is the wheel's folder ``facenet_pytorch/data``.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

UPSTREAM = {
    "pnet.pt": "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
    "rnet.pt": "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
    "onet.pt": "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
}


@dataclass
class Graph:
    """A chain of nodes under construction."""

    weights: dict[str, np.ndarray]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    used: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        """Append a node and return its output."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def weight(self, name: str, *, shape: tuple[int, ...] | None = None) -> str:
        """Make an upstream tensor a constant of the graph."""
        array = self.weights[name]
        self.used[name] = array if shape is None else array.reshape(shape)
        return name

    def conv(self, x: str, name: str) -> str:
        """Convolution without padding."""
        return self.add("Conv", [x, self.weight(f"{name}.weight"), self.weight(f"{name}.bias")], name)

    def prelu(self, x: str, name: str, *, spatial: bool = True) -> str:
        """PReLU with one slope a channel."""
        shape = (-1, 1, 1) if spatial else (-1,)
        return self.add("PRelu", [x, self.weight(f"{name}.weight", shape=shape)], name)

    def pool(self, x: str, name: str, kernel: int) -> str:
        """Max pooling with stride 2; a partial window at the end counts."""
        return self.add("MaxPool", [x], name, kernel_shape=[kernel, kernel], strides=[2, 2], ceil_mode=1)

    def dense(self, x: str, name: str, output: str = "") -> str:
        """Fully connected layer."""
        weights = [self.weight(f"{name}.weight"), self.weight(f"{name}.bias")]
        return self.add("Gemm", [x, *weights], output or name, transB=1)

    def flat(self, x: str) -> str:
        """Flatten width first, then height, then channels: the order of the original Caffe weights."""
        return self.add("Flatten", [self.add("Transpose", [x], f"{x}_turned", perm=[0, 3, 2, 1])], f"{x}_flat")


def pnet(g: Graph) -> dict[str, list[object]]:
    """Proposals: 12x12 windows at stride 2."""
    x = g.pool(g.prelu(g.conv("input", "conv1"), "prelu1"), "pool1", 2)
    x = g.prelu(g.conv(x, "conv2"), "prelu2")
    x = g.prelu(g.conv(x, "conv3"), "prelu3")
    g.add("Softmax", [g.conv(x, "conv4_1")], "scores", axis=1)
    g.add("Identity", [g.conv(x, "conv4_2")], "boxes")
    return {"boxes": ["batch", 4, None, None], "scores": ["batch", 2, None, None]}


def rnet(g: Graph) -> dict[str, list[object]]:
    """Refinement of 24x24 crops."""
    x = g.pool(g.prelu(g.conv("input", "conv1"), "prelu1"), "pool1", 3)
    x = g.pool(g.prelu(g.conv(x, "conv2"), "prelu2"), "pool2", 3)
    x = g.prelu(g.conv(x, "conv3"), "prelu3")
    x = g.prelu(g.dense(g.flat(x), "dense4"), "prelu4", spatial=False)
    g.add("Softmax", [g.dense(x, "dense5_1")], "scores", axis=1)
    g.dense(x, "dense5_2", "boxes")
    return {"boxes": ["batch", 4], "scores": ["batch", 2]}


def onet(g: Graph) -> dict[str, list[object]]:
    """Boxes and five points from 48x48 crops."""
    x = g.pool(g.prelu(g.conv("input", "conv1"), "prelu1"), "pool1", 3)
    x = g.pool(g.prelu(g.conv(x, "conv2"), "prelu2"), "pool2", 3)
    x = g.pool(g.prelu(g.conv(x, "conv3"), "prelu3"), "pool3", 2)
    x = g.prelu(g.conv(x, "conv4"), "prelu4")
    x = g.prelu(g.dense(g.flat(x), "dense5"), "prelu5", spatial=False)
    g.add("Softmax", [g.dense(x, "dense6_1")], "scores", axis=1)
    g.dense(x, "dense6_2", "boxes")
    g.dense(x, "dense6_3", "points")
    return {"boxes": ["batch", 4], "scores": ["batch", 2], "points": ["batch", 10]}


NETWORKS = {"pnet": (pnet, ["height", "width"]), "rnet": (rnet, [24, 24]), "onet": (onet, [48, 48])}


def convert(name: str, upstream: Path, target: Path) -> None:
    """Write one network."""
    state = torch.load(upstream, weights_only=True, map_location="cpu")
    build, size = NETWORKS[name]
    g = Graph({key: value.numpy() for key, value in state.items()})
    outputs = build(g)
    left = set(g.weights) - set(g.used)
    if left:
        raise SystemExit(f"{upstream.name}: weights that the graph does not use: {sorted(left)}")
    graph = helper.make_graph(
        g.nodes,
        f"mtcnn-{name}",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, *size])],
        [helper.make_tensor_value_info(key, TensorProto.FLOAT, shape) for key, shape in outputs.items()],
        [numpy_helper.from_array(array, key) for key, array in g.used.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model.producer_name = "twinlens scripts/convert_mtcnn.py"
    onnx.checker.check_model(model, full_check=True)
    target.write_bytes(model.SerializeToString(deterministic=True))


def main(upstream: Path, out: Path) -> None:
    """Check the three upstream files, convert them, print the sums of what was written."""
    for file, sha256 in UPSTREAM.items():
        found = hashlib.sha256((upstream / file).read_bytes()).hexdigest()
        if found != sha256:
            raise SystemExit(f"{file}: sha256 {found}, wanted {sha256}")
        name = file.removesuffix(".pt")
        target = out / f"mtcnn-{name}.onnx"
        convert(name, upstream / file, target)
        data = target.read_bytes()
        print(f"{target.name}  {len(data)} bytes  sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
