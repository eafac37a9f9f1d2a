"""What every registered detector promises, whatever its networks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from twinlens.detect import DETECTORS, DetectOptions, build_detector
from twinlens.detect.yolo_heads import HEADS
from twinlens.protocols import Detector
from twinlens.runtime import RuntimeOptions
from twinlens.types import Image
from twinlens.zoo.cabinet import checked_paths, find_card


def yolo_file(family: str) -> Callable[[Path], list[Path]]:
    """Make an export that sees two faces in any picture, a confident one last."""

    def write(folder: Path) -> list[Path]:
        numbers = {"yolov3-face": 6, "yolov5-face": 16, "yolov8-face": 20}[family]
        side = HEADS[family].side
        rows = np.zeros((2, numbers), np.float32)
        rows[:, :4] = [[100, 100, 40, 50], [250, 220, 60, 70]]
        rows[:, 4] = rows[:, -1] = [0.8, 0.95]
        nodes = [
            helper.make_node("ReduceMean", ["x"], ["m"], axes=[1, 2, 3], keepdims=0),
            helper.make_node("Mul", ["m", "zero"], ["n"]),
            helper.make_node("Add", ["rows", "n"], ["y"]),
        ]
        graph = helper.make_graph(
            nodes,
            family,
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, side, side])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, numbers])],
            [numpy_helper.from_array(rows[None], "rows"), numpy_helper.from_array(np.zeros(1, np.float32), "zero")],
        )
        path = folder / f"{family}.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
        return [path]

    return write


def carried(name: str) -> Callable[[Path], list[Path]]:
    return lambda _: checked_paths(find_card(name))


# name -> how a test gets its files; a registered detector without an entry fails below
FILES: dict[str, Callable[[Path], list[Path]]] = {
    "yunet": carried("yunet"),
    "mtcnn": carried("mtcnn"),
    **{family: yolo_file(family) for family in HEADS},
}


def test_every_registered_detector_is_held_to_the_contract() -> None:
    assert set(FILES) == set(DETECTORS)


@pytest.fixture(scope="module", params=sorted(FILES))
def detector(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Detector:
    paths = FILES[request.param](tmp_path_factory.mktemp("files"))
    options = DetectOptions(min_score=0.5)
    return build_detector(request.param, paths, runtime=RuntimeOptions(threads=2), options=options)


@pytest.fixture(scope="module")
def images(astronaut: Image) -> list[Image]:
    photo = astronaut.pixels
    dark = Image(np.zeros((120, 300, 3), np.uint8))
    return [
        astronaut,
        dark,
        Image(np.ascontiguousarray(photo[:400, 100:])),
        Image(np.ascontiguousarray(photo[::2, ::2])),
    ]


def rows(detector: Detector, images: list[Image]) -> list[np.ndarray]:
    return [
        np.array([[*face.box.xyxy, *face.landmarks.ravel(), face.score] for face in faces]).reshape(-1, 15)
        for faces in detector.detect(images)
    ]


def test_it_carries_the_name_it_is_registered_under(detector: Detector) -> None:
    assert detector.name in DETECTORS


def test_a_face_is_found_with_its_points_in_order(detector: Detector, astronaut: Image) -> None:
    if detector.name in HEADS:
        pytest.skip("the stand-in files of the YOLO families do not look at the picture")
    face = detector.detect([astronaut])[0][0]
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    left, top, right, bottom = face.box.xyxy
    assert left < left_eye[0] < nose[0] < right_eye[0] < right
    assert left < left_mouth[0] < right_mouth[0] < right
    assert top < left_eye[1] < nose[1] < left_mouth[1] < bottom
    np.testing.assert_allclose((left_eye, right_eye), [[203, 102], [247, 103]], atol=5)


def test_one_list_a_picture_in_order_and_the_surest_first(detector: Detector, images: list[Image]) -> None:
    together = rows(detector, images)
    assert len(together) == len(images)
    for found, image in zip(together, images, strict=True):
        np.testing.assert_array_equal(found, rows(detector, [image])[0])
        assert (np.diff(found[:, 14]) <= 0).all()
        assert (found[:, 14] >= 0.5).all()
    assert detector.detect([]) == []


def test_the_picture_is_left_as_it_was(detector: Detector, astronaut: Image) -> None:
    before = astronaut.digest()
    detector.detect([astronaut])
    assert astronaut.digest() == before


def test_eight_threads_answer_as_one(detector: Detector, images: list[Image]) -> None:
    alone = rows(detector, images)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda image: rows(detector, [image])[0], images * 2))
    for i, found in enumerate(together):
        np.testing.assert_array_equal(found, alone[i % len(images)])
