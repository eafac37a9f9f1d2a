from __future__ import annotations

from pathlib import Path
from typing import Any, no_type_check

import pytest

from twinlens.detect import DETECTORS, DetectOptions, build_detector
from twinlens.errors import ModelNotFoundError, OptionError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"min_score": 1.5}, r"min_score must lie between 0 and 1, got 1\.5"),
        ({"min_score": float("nan")}, "min_score"),
        ({"overlap": -0.1}, "overlap"),
        ({"min_face_px": 5}, "scales='tiny'"),
        ({"min_face_px": float("nan")}, "min_face_px"),
        ({"max_megapixels": 0}, "max_megapixels"),
    ],
)
def test_values_outside_their_range_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        DetectOptions(**values)


@no_type_check  # a caller without type checks gets a message, not a surprise
def test_an_unknown_mode_lists_the_known_ones() -> None:
    options = object.__new__(DetectOptions)
    for name, value in (("min_score", 0.6), ("overlap", 0.45), ("min_face_px", 20.0), ("scales", "huge")):
        object.__setattr__(options, name, value)
    with pytest.raises(OptionError, match="unknown scales 'huge'; known: single, multi, tiny"):
        options.__post_init__()


def test_an_unknown_detector_lists_the_known_ones() -> None:
    with pytest.raises(OptionError, match="unknown detector 'haar'; known: yunet, mtcnn, yolov3-face"):
        build_detector("haar", [])


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_a_wrong_number_of_files_is_said(name: str) -> None:
    with pytest.raises(OptionError, match=f"'{name}' needs"):
        build_detector(name, [Path("a.onnx")] * 4)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"absent\.onnx"):
        build_detector("yunet", [tmp_path / "absent.onnx"])
