"""YOLO-family adapters, on small graphs with the layout of the real ones: no such weights can be carried.

Each graph finds white squares: it averages red over the cells of stride 16, and a bright cell answers with a face of
64 x 64 pixels around its centre, the other strides with nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from twinlens.detect import DetectOptions, build_detector
from twinlens.detect.landmarks import average_points
from twinlens.detect.yolo import boxed
from twinlens.detect.yolo_heads import HEADS, V3_ANCHORS, V5_ANCHORS
from twinlens.errors import ModelError
from twinlens.protocols import Detector
from twinlens.runtime import RuntimeOptions
from twinlens.types import Image
from twinlens.zoo.cabinet import checked_paths, find_card

LOW, STEEP, BAR = -20.0, 80.0, 0.8  # a logit that says no; a logit of STEEP * (brightness - BAR)
POINTS = np.array([[-16, -10], [16, -10], [0, 4], [-12, 18], [12, 18]], np.float32)  # from the centre of the face


def logit(p: float) -> float:
    return float(np.log(p / (1 - p)))


def v3_cell() -> list[list[float]]:
    """Return what a bright cell of stride 16 says: per anchor x, y, w, h, object (filled in later), class."""
    cells = [[0.0] * 4 + [LOW, 20.0] for _ in range(3)]
    cells[0][2:4] = [np.log(64 / side) for side in V3_ANCHORS[1][0]]
    return cells


def v5_cell() -> list[list[float]]:
    cells = [[0.0] * 4 + [LOW] + [0.0] * 10 + [20.0] for _ in range(3)]
    anchor = np.array(V5_ANCHORS[1][1], np.float32)  # 43 x 55
    cells[1][2:4] = [logit(np.sqrt(64 / side) / 2) for side in anchor]
    cells[1][5:15] = ((POINTS + 8) / anchor).reshape(-1).tolist()  # from the cell's corner, in anchors
    return cells


def v8_cell() -> list[list[float]]:
    bins = [30.0 if i % 16 == 2 else 0.0 for i in range(64)]  # two cells of 16 pixels to each side
    points = [[*((point + 8) / 16 / 2), 0.0] for point in POINTS]
    return [[*bins, LOW, *np.ravel(points).tolist()]]


CELLS: dict[str, tuple[Callable[[], list[list[float]]], int, int]] = {  # cell, bright anchor, place of its logit
    "yolov3-face": (v3_cell, 0, 4),
    "yolov5-face": (v5_cell, 1, 4),
    "yolov8-face": (v8_cell, 0, 64),
}


def exported(folder: Path, family: str, layout: str = "channels first") -> Path:
    """Write a graph with free input size and three grids, coarsest first (real exports differ in order)."""
    make, bright, place = CELLS[family]
    nodes, constants, outputs = [], [], []
    for stride in (32, 16, 8):
        cell = np.array(make(), np.float32)
        anchors, numbers = cell.shape
        weight = np.zeros((anchors, numbers, 3, 1, 1), np.float32)
        if stride == 16:
            cell[bright, place] = -STEEP * BAR
            weight[bright, place, 0] = STEEP  # red only: a picture in the wrong order of colours is not seen
        name = f"grid_{stride}"
        constants += [
            numpy_helper.from_array(weight.reshape(-1, 3, 1, 1), f"{name}_w"),
            numpy_helper.from_array(cell.reshape(-1), f"{name}_b"),
        ]
        nodes += [
            helper.make_node("AveragePool", ["x"], [f"{name}_mean"], kernel_shape=[stride] * 2, strides=[stride] * 2),
            helper.make_node("Conv", [f"{name}_mean", f"{name}_w", f"{name}_b"], [f"{name}_conv"]),
        ]
        side = HEADS[family].side // stride
        shapes: dict[str, Sequence[int]] = {
            "channels first": (anchors * numbers, side, side),
            "channels last": (side, side, anchors * numbers),
            "anchors apart": (anchors, side, side, numbers),
        }
        if layout == "channels first":
            nodes.append(helper.make_node("Identity", [f"{name}_conv"], [name]))
        elif layout == "channels last":
            nodes.append(helper.make_node("Transpose", [f"{name}_conv"], [name], perm=[0, 2, 3, 1]))
        else:
            constants.append(numpy_helper.from_array(np.array([1, anchors, numbers, side, side]), f"{name}_shape"))
            nodes += [
                helper.make_node("Reshape", [f"{name}_conv", f"{name}_shape"], [f"{name}_apart"]),
                helper.make_node("Transpose", [f"{name}_apart"], [name], perm=[0, 1, 3, 4, 2]),
            ]
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *shapes[layout]]))
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, HEADS[family].side, HEADS[family].side])]
    graph = helper.make_graph(nodes, family, inputs, outputs, constants)
    path = folder / f"{family}.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def detector(path: Path, family: str, *more: Path, **options: Any) -> Detector:
    return build_detector(family, [path, *more], runtime=RuntimeOptions(threads=1), options=DetectOptions(**options))


def squares(family: str, *corners: tuple[int, int]) -> Image:
    """A wide picture, half as large again as the network's square, with red squares of 48 pixels on blue."""
    side = HEADS[family].side
    pixels = np.zeros((side, side * 3 // 2, 3), np.uint8)
    pixels[..., 2] = 255
    for x, y in corners:
        pixels[y : y + 48, x : x + 48] = (255, 0, 0)
    return Image(pixels)


@pytest.mark.parametrize("layout", ["channels first", "channels last", "anchors apart"])
@pytest.mark.parametrize("family", sorted(HEADS))
def test_a_square_is_found_where_it_is(family: str, layout: str, tmp_path: Path) -> None:
    if family == "yolov8-face" and layout != "channels first":
        pytest.skip("80 numbers on 80 x 80 cells: the axes cannot be told apart, and exports put channels first")
    side = HEADS[family].side
    image = squares(family, (side // 2, side // 3), (side, side // 2))
    faces = detector(exported(tmp_path, family, layout), family, overlap=0.3).detect([image])[0]
    assert len(faces) == 2
    centres = sorted((face.box.xyxy[:2] + face.box.xyxy[2:]).tolist() for face in faces)
    wanted = [[side + 48, side // 3 * 2 + 48], [2 * side + 48, side + 48]]
    np.testing.assert_allclose(centres, wanted, atol=30)  # within a cell of 16 pixels, at two thirds of the size
    for face in faces:
        assert face.box.width == pytest.approx(96, abs=0.5)
        assert face.box.height == pytest.approx(96, abs=0.5)
        middle = (face.box.xyxy[:2] + face.box.xyxy[2:]) / 2
        if family != "yolov3-face":
            np.testing.assert_allclose(face.landmarks, middle + POINTS * 1.5, atol=0.5)


def test_a_tall_picture_stands_in_the_middle_too(tmp_path: Path) -> None:
    path = exported(tmp_path, "yolov5-face")
    pixels = np.zeros((960, 400, 3), np.uint8)
    pixels[480:528, 200:248] = 255
    (face,) = detector(path, "yolov5-face", overlap=0.3).detect([Image(pixels)])[0]
    np.testing.assert_allclose((face.box.xyxy[:2] + face.box.xyxy[2:]) / 2, (224, 504), atol=13)


def test_a_picture_is_put_into_the_middle_of_a_grey_square() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 3), np.uint8)
    square, left, top = boxed(pixels, 12, 114)
    assert (left, top) == (2, 3)
    np.testing.assert_allclose(square[0, :, 3:8, 2:10] * 255, pixels.transpose(2, 0, 1), rtol=1e-6)
    square[0, :, 3:8, 2:10] = 114 / 255
    np.testing.assert_allclose(square * 255, 114, rtol=1e-6)


def sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


def naive_v3(cell: np.ndarray, column: int, row: int, stride: int, anchor: tuple[int, int]) -> list[float]:
    """Follow equations 1 to 4 of YOLOv3's section 2.1; the score comes last."""
    x, y = (sigmoid(cell[0]) + column) * stride, (sigmoid(cell[1]) + row) * stride
    w, h = anchor[0] * np.exp(cell[2]), anchor[1] * np.exp(cell[3])
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2, sigmoid(cell[4]) * sigmoid(cell[5])]


def naive_v5(cell: np.ndarray, column: int, row: int, stride: int, anchor: tuple[int, int]) -> list[float]:
    """Follow the inference branch of YOLO5Face's Detect layer; points stand before the score."""
    x, y = (sigmoid(cell[0]) * 2 - 0.5 + column) * stride, (sigmoid(cell[1]) * 2 - 0.5 + row) * stride
    w, h = (sigmoid(cell[2]) * 2) ** 2 * anchor[0], (sigmoid(cell[3]) * 2) ** 2 * anchor[1]
    points = [cell[5 + k] * anchor[k % 2] + (column, row)[k % 2] * stride for k in range(10)]
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2, *points, sigmoid(cell[4]) * sigmoid(cell[15])]


def naive_v8(cell: np.ndarray, column: int, row: int, stride: int, _: tuple[int, int]) -> list[float]:
    """Follow YOLOv8's Pose layer: expected distances from the cell's centre, points from its corner, doubled."""
    left, top, right, bottom = (
        sum(i * np.exp(cell[16 * side + i]) for i in range(16)) / sum(np.exp(cell[16 * side + i]) for i in range(16))
        for side in range(4)
    )
    x, y = column + 0.5, row + 0.5
    box = [(x - left) * stride, (y - top) * stride, (x + right) * stride, (y + bottom) * stride]
    points = [(cell[65 + 3 * k + axis] * 2 + (column, row)[axis]) * stride for k in range(5) for axis in range(2)]
    return [*box, *points, sigmoid(cell[64])]


@pytest.mark.parametrize(
    ("family", "naive", "numbers"),
    [("yolov3-face", naive_v3, 6), ("yolov5-face", naive_v5, 16), ("yolov8-face", naive_v8, 80)],
)
def test_decoding_equals_a_loop_over_all_cells(family: str, naive: Callable[..., list[float]], numbers: int) -> None:
    generator = np.random.default_rng(0)
    side, anchors = 64, {"yolov3-face": V3_ANCHORS, "yolov5-face": V5_ANCHORS}.get(family, (((0, 0),),) * 3)
    outputs, wanted = {}, []
    for stride, sizes in zip((8, 16, 32), anchors, strict=True):
        cells = side // stride
        grid = generator.normal(0, 1, (len(sizes), numbers, cells, cells)).astype(np.float32)
        outputs[f"out_{stride}"] = grid.reshape(1, -1, cells, cells)
        for row in range(cells):
            for column in range(cells):
                wanted += [naive(grid[k, :, row, column], column, row, stride, size) for k, size in enumerate(sizes)]
    found = HEADS[family].decode(outputs, side, 0.0)
    table = np.array(wanted)
    np.testing.assert_allclose(found.boxes, table[:, :4], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(found.scores, table[:, -1], rtol=1e-4)
    if table.shape[1] == 15:
        np.testing.assert_allclose(found.landmarks.reshape(-1, 10), table[:, 4:14], rtol=1e-4, atol=1e-3)
    else:
        assert np.isnan(found.landmarks).all()
    assert len(HEADS[family].decode(outputs, side, 0.4)) == int((table[:, -1] >= 0.4).sum())


@pytest.mark.parametrize("family", sorted(HEADS))
def test_the_tiny_mode_looks_at_full_size_too(family: str, tmp_path: Path) -> None:
    side = HEADS[family].side
    pixels = np.zeros((side * 2, side * 3, 3), np.uint8)
    pixels[side + 40 : side + 72, 2 * side : 2 * side + 32] = 255  # covers less than a cell once it is fitted in
    path = exported(tmp_path, family)
    assert detector(path, family).detect([Image(pixels)])[0] == []
    (face,) = detector(path, family, scales="tiny").detect([Image(pixels)])[0]
    middle = (face.box.xyxy[:2] + face.box.xyxy[2:]) / 2
    np.testing.assert_allclose(middle, (2 * side + 16, side + 56), atol=16)
    assert face.box.width == pytest.approx(64, abs=0.5)


def rows_of(tmp_path: Path, rows: np.ndarray, family: str) -> Path:
    """Write a graph that answers rows, whatever it is shown."""
    side = HEADS[family].side
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["m"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["m", "zero"], ["n"]),
        helper.make_node("Add", ["rows", "n"], ["output0"]),
    ]
    graph = helper.make_graph(
        nodes,
        "rows",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, *rows.shape])],
        [
            numpy_helper.from_array(rows.astype(np.float32)[None], "rows"),
            numpy_helper.from_array(np.zeros(1, np.float32), "zero"),
        ],
    )
    path = tmp_path / "rows.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize(
    ("family", "numbers", "turned"),
    [
        ("yolov3-face", 6, False),
        ("yolov5-face", 16, False),
        ("yolov8-face", 20, True),
        ("yolov8-face", 20, False),
        ("yolov8-face", 15, True),
        ("yolov8-face", 5, True),
    ],
)
def test_decoded_exports(family: str, numbers: int, turned: bool, tmp_path: Path) -> None:
    side = HEADS[family].side
    points = POINTS + np.array([200, 100], np.float32)
    rows = np.zeros((300, numbers))
    rows[7, :4] = (200, 100, 60, 80)
    if family == "yolov8-face":
        rows[7, 4] = 0.9
        if numbers > 5:
            depth = (numbers - 5) // 5
            rows[7, 5:] = np.concatenate([points, np.ones((5, depth - 2))], axis=1).reshape(-1)
    else:
        rows[7, 4], rows[7, -1] = 0.95, 0.9 / 0.95
        rows[7, 5:15] = points.reshape(-1) if numbers == 16 else rows[7, 5:15]
    path = rows_of(tmp_path, rows.T if turned else rows, family)
    (face,) = detector(path, family).detect([Image(np.zeros((side, side, 3), np.uint8))])[0]
    np.testing.assert_allclose(face.box.xyxy, [170, 60, 230, 140], atol=1e-3)
    assert face.score == pytest.approx(0.9, abs=1e-5)
    if numbers in (15, 16, 20):
        np.testing.assert_allclose(face.landmarks, points, atol=1e-3)
    else:
        np.testing.assert_allclose(face.landmarks, average_points(face.box.xyxy[None])[0], atol=1e-3)


def test_yunet_finds_the_points_of_a_box(astronaut: Image, tmp_path: Path) -> None:
    side = HEADS["yolov8-face"].side
    rows = np.array([[223, 119, 90, 114, 0.9], [400, 400, 60, 60, 0.8]])  # her face, and a place without one
    rows[:, :4] *= side / 512
    path = rows_of(tmp_path, rows.T, "yolov8-face")
    yunet_path = checked_paths(find_card("yunet"))[0]
    found = detector(path, "yolov8-face", yunet_path).detect([astronaut])[0]
    reference = build_detector("yunet", [yunet_path]).detect([astronaut])[0][0]
    np.testing.assert_allclose(found[0].landmarks, reference.landmarks, atol=6)  # another scale; her eyes are 47 apart
    np.testing.assert_allclose(found[1].landmarks, average_points(found[1].box.xyxy[None])[0], atol=1e-3)


def test_another_network_is_refused_with_its_layout(tmp_path: Path) -> None:
    path = exported(tmp_path, "yolov5-face")
    with pytest.raises(ModelError, match=r"not a yolov8-face network .* 80 numbers .* 1x48x"):
        detector(path, "yolov8-face").detect([Image(np.zeros((9, 9, 3), np.uint8))])


def test_another_size_is_refused(tmp_path: Path) -> None:
    path = exported(tmp_path, "yolov3-face")
    with pytest.raises(ModelError, match="refuses a 1x3x640x640 picture"):
        detector(path, "yolov8-face").detect([Image(np.zeros((9, 9, 3), np.uint8))])
