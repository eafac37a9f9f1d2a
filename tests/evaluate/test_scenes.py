"""Photos for detectors: by name, by folder of any of three kinds, in part; and what is said where they are absent."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.evaluate.detector_samples import FACE, write_folder

from twinlens.errors import DatasetError, OptionError
from twinlens.evaluate.scenes import ALL, open_scenes
from twinlens.types import Image


def write_fddb(root: Path) -> Path:
    (root / "FDDB-folds").mkdir(parents=True)
    for fold in range(1, 11):
        text = f"2002/{fold:02d}/big/img_1\n1\n10 8 0.5 30 40  1\n"
        (root / f"FDDB-folds/FDDB-fold-{fold:02d}-ellipseList.txt").write_text(text)
        photo = root / "originalPics" / f"2002/{fold:02d}/big/img_1.jpg"
        photo.parent.mkdir(parents=True)
        photo.touch()
    return root


def test_a_folder_of_ones_own(tmp_path: Path, astronaut: Image) -> None:
    found = open_scenes(str(write_folder(tmp_path / "my photos", astronaut, 3)), tmp_path)
    assert (found.key, found.title, found.levels, found.quick) == ("own-my-photos", "my photos", (ALL,), False)
    left, top, width, height = FACE
    assert found.scenes[0].boxes.tolist() == [[left, top, left + width, top + height]]
    assert [scene.counted[ALL].tolist() for scene in found.scenes] == [[True], [True], []]
    assert not found.elliptic


def test_fddb_has_ellipses_and_says_when_a_copy_is_not_whole(tmp_path: Path) -> None:
    write_fddb(tmp_path / "fddb")
    by_name, by_folder = open_scenes("fddb", tmp_path), open_scenes(str(tmp_path / "fddb"), tmp_path / "elsewhere")
    assert by_name.digest == by_folder.digest
    assert by_name.key == by_folder.key == "fddb"
    assert by_name.elliptic
    assert by_name.scenes[0].ellipses is not None
    assert by_name.scenes[0].ellipses.tolist() == [[10, 8, 0.5, 30, 40]]
    assert "holds 10 photos and 10 faces, the published one 2,845 and 5,171" in by_name.notes[0]


def test_wider_by_name_and_by_folder(data_folder: Path) -> None:
    found = open_scenes("wider", data_folder)
    assert found.digest == open_scenes(str(data_folder / "wider"), Path("nowhere")).digest
    assert (found.levels, len(found.scenes)) == (("easy", "medium", "hard"), 122)
    assert "122 of its 3,226 photos" in found.title
    assert len({scene.name for scene in found.scenes}) == 122


def test_annotations_without_photos_and_absent_sets_say_so(tmp_path: Path, data_folder: Path) -> None:
    with pytest.raises(DatasetError, match="FDDB's annotations but no photos"):
        open_scenes("fddb", data_folder)
    with pytest.raises(DatasetError, match="twinlens data fetch wider"):
        open_scenes("wider", tmp_path)
    with pytest.raises(OptionError, match=r"wider or fddb or a folder of photos with boxes\.txt, got 'widr'"):
        open_scenes("widr", tmp_path)
    with pytest.raises(DatasetError, match="left, top, width and height"):
        open_scenes(str(tmp_path), tmp_path)


def test_a_part_is_spread_and_marked(tmp_path: Path, astronaut: Image) -> None:
    whole = open_scenes(str(write_folder(tmp_path / "a", astronaut, 9)), tmp_path)
    part = whole.part(3)
    assert [scene.name for scene in part.scenes] == ["000.jpg", "004.jpg", "008.jpg"]
    assert part.quick
    assert part.digest != whole.digest
    assert whole.part(9) is whole.part(100) is whole
    with pytest.raises(OptionError, match="at least one photo"):
        whole.part(0)


def test_another_box_is_another_question(tmp_path: Path, astronaut: Image) -> None:
    folder = write_folder(tmp_path / "a", astronaut, 2)
    before = open_scenes(str(folder), tmp_path).digest
    text = (folder / "boxes.txt").read_text()
    (folder / "boxes.txt").write_text(text.replace("175 60", "176 60", 1))
    assert open_scenes(str(folder), tmp_path).digest != before
