from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from twinlens.datasets.wider import BOXES, IMAGES, LEVELS, read_wider
from twinlens.errors import DatasetError

TEXT = """0--Parade/one.jpg
2
10 20 30 40 0 0 0 0 0 0
50 60 5 6 1 0 0 0 0 0
0--Parade/empty.jpg
0
0 0 0 0 0 0 0 0 0 0
"""


def cells(rows: Sequence[object]) -> np.ndarray:
    """A MATLAB column of cells."""
    column = np.empty((len(rows), 1), object)
    for i, row in enumerate(rows):
        column[i, 0] = row
    return column


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / BOXES).parent.mkdir(parents=True)
    (tmp_path / BOXES).write_text(TEXT)
    lists = tmp_path / "ground_truth"
    lists.mkdir()
    savemat(
        lists / "wider_face_val.mat",
        {"event_list": cells(["0--Parade"]), "file_list": cells([cells(["one", "empty"])])},
    )
    for level, counted in zip(LEVELS, ([1], [1], [1, 2]), strict=True):
        numbers = [np.array(counted, np.float64).reshape(-1, 1), np.empty((0, 0))]
        savemat(lists / f"wider_{level}_val.mat", {"gt_list": cells([cells(numbers)])})
    for name in ("one", "empty"):
        path = tmp_path / IMAGES / "0--Parade" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_boxes_become_corners_and_lists_become_masks(folder: Path) -> None:
    one, empty = read_wider(folder)
    assert (one.path, one.event) == (folder / IMAGES / "0--Parade" / "one.jpg", "0--Parade")
    assert one.boxes.tolist() == [[10, 20, 40, 60], [50, 60, 55, 66]]
    assert [one.counted[level].tolist() for level in LEVELS] == [[True, False], [True, False], [True, True]]
    assert len(empty.boxes) == 0
    assert all(len(empty.counted[level]) == 0 for level in LEVELS)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("50 60 5 6 1", "50 sixty 5 6 1", "line 1"),
        ("empty.jpg\n0", "empty.jpg\nnone", "line 5"),
        ("one.jpg\n2\n", "one.jpg\n1\n", "counts box 2, but the text file holds 1|line"),
        ("one.jpg", "other.jpg", r"lists 0--Parade/other\.jpg"),
    ],
)
def test_malformed_boxes_are_refused_with_their_place(folder: Path, old: str, new: str, message: str) -> None:
    (folder / BOXES).write_text(TEXT.replace(old, new))
    with pytest.raises(DatasetError, match=message):
        read_wider(folder)


def test_missing_and_foreign_lists_are_refused(folder: Path) -> None:
    path = folder / "ground_truth" / "wider_hard_val.mat"
    savemat(path, {"gt_list": np.ones(3)})
    with pytest.raises(DatasetError, match="the hard list"):
        read_wider(folder)
    path.write_bytes(b"not a MATLAB file")
    with pytest.raises(DatasetError, match="cannot read the official list"):
        read_wider(folder)
    path.unlink()
    with pytest.raises(DatasetError, match="cannot read the official list"):
        read_wider(folder)
    with pytest.raises(DatasetError, match="cannot read the boxes"):
        read_wider(folder / "nowhere")


def test_the_shared_photos_are_as_described(data_folder: Path) -> None:
    photos = read_wider(data_folder / "wider")
    assert len(photos) == 122
    assert sum(len(photo.boxes) for photo in photos) == 755
    assert len({photo.event for photo in photos}) == 61
    assert [sum(int(photo.counted[level].sum()) for photo in photos) for level in LEVELS] == [267, 441, 715]
