"""Real detectors on a real photo: what is seen, in whose order, at what cost."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.detector_samples import FACE, SINGLE, TINY, write_folder

from twinlens.errors import ModelNotFoundError, OptionError
from twinlens.evaluate.looks import LEAST_SCORE, Watch, chosen_settings, default_settings
from twinlens.evaluate.scenes import open_scenes
from twinlens.metrics.detection import overlaps
from twinlens.types import Image

OWN = """
name = "mine"
kind = "detector"
family = "yunet"
summary = "for tests"
[[files]]
name = "mine.onnx"
sha256 = "{sha256}"
size_bytes = 5
"""


def labels(names: list[str]) -> list[str]:
    return [setting.label for setting in chosen_settings(names)]


def test_every_photo_is_seen_by_every_setting(tmp_path: Path, astronaut: Image) -> None:
    folder = write_folder(tmp_path / "a", astronaut, 3)
    (folder / "001.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    scenes = open_scenes(str(folder), tmp_path)
    found, broken, empty = Watch([SINGLE, TINY], bar=0.6).look(enumerate(scenes.scenes))
    assert list(found.looks) == list(empty.looks) == ["yunet single", "yunet tiny"]
    drawn = np.array([[FACE[0], FACE[1], FACE[0] + FACE[2], FACE[1] + FACE[3]]], np.float32)
    for look in found.looks.values():
        assert overlaps(look.reported, drawn).max() > 0.5
        assert len(look.boxes) == len(look.scores) >= len(look.reported) == 1
        assert look.scores.min() >= LEAST_SCORE
        assert 0 < look.cpu_s < 30
        assert look.wall_s > 0
    assert found.looks["yunet tiny"].cpu_s > found.looks["yunet single"].cpu_s
    assert (broken.width_height, broken.looks) == (None, {})
    assert "001.jpg" in broken.error
    assert all(len(look.reported) == 0 for look in empty.looks.values())
    assert empty.width_height == (200, 200)


def test_detectors_are_chosen_by_name_and_scales() -> None:
    assert labels([]) == ["yunet single"]
    assert labels(["mtcnn"]) == ["yunet single", "mtcnn single", "mtcnn tiny"]
    assert labels(["mtcnn:multi", "yunet:tiny"]) == ["yunet single", "mtcnn multi", "yunet tiny"]
    with pytest.raises(ModelNotFoundError, match="yunet"):
        chosen_settings(["yunett"])
    with pytest.raises(ModelNotFoundError, match="mtcnn:huge"):
        chosen_settings(["mtcnn:huge"])
    with pytest.raises(OptionError, match="'sface' is an embedder; wanted a detector"):
        chosen_settings(["sface"])


def test_a_users_detector_joins_once_its_file_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINLENS_HOME", str(tmp_path))
    carried = [setting.label for setting in default_settings()]
    assert carried == ["yunet single", "yunet multi", "yunet tiny", "mtcnn single", "mtcnn tiny"]
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "mine.toml").write_text(OWN.replace("{sha256}", hashlib.sha256(b"hello").hexdigest()))
    assert [setting.label for setting in default_settings()] == carried
    (folder / "mine.onnx").write_bytes(b"hello")
    assert [setting.label for setting in default_settings()] == [*carried, "mine single", "mine tiny"]
    assert labels([str(folder / "mine.toml")]) == ["yunet single", "mine single", "mine tiny"]
