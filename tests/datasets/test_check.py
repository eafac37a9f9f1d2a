"""What a check reports, on made-up sets and on LFW-a."""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
import pytest

from twinlens.datasets.check import check, decode_strictly
from twinlens.datasets.folder import load_folder
from twinlens.datasets.lfw import load_development_unrestricted
from twinlens.datasets.records import Counts, Dataset, Photo, Split
from twinlens.errors import ImageError


def place(root: Path) -> Path:
    for name in ("Ann/1.png", "Ann/2.jpg", "Bo/1.png"):
        (root / name).parent.mkdir(exist_ok=True)
        noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
        assert cv2.imwrite(str(root / name), noise)
    return root


def test_every_broken_photo_is_reported_with_its_reason(tmp_path: Path) -> None:
    place(tmp_path)
    whole = (tmp_path / "Ann/2.jpg").read_bytes()
    (tmp_path / "Ann/2.jpg").write_bytes(whole[: len(whole) // 2])  # decoders open it
    (tmp_path / "Bo/1.png").write_text("no picture")
    seen: list[tuple[int, int]] = []
    report = check(load_folder(tmp_path), progress=lambda done, total: seen.append((done, total)))
    assert [broken.path.relative_to(tmp_path).as_posix() for broken in report.broken] == ["Ann/2.jpg", "Bo/1.png"]
    assert all(broken.reason for broken in report.broken)
    assert (report.photos, report.sound, seen[-1]) == (3, False, (3, 3))


def test_a_sound_set_is_sound(tmp_path: Path) -> None:
    report = check(load_folder(place(tmp_path)))
    assert (report.broken, report.problems, report.shared_people, report.sound) == ((), (), {}, True)


def test_other_counts_and_people_in_two_parts_are_reported(tmp_path: Path) -> None:
    photos = load_folder(place(tmp_path)).photos
    splits = {"train": Split("train", photos), "test": Split("test", photos[:1])}
    expected = MappingProxyType({"train": Counts(3, 9), "test": Counts(1, 1)})
    report = check(Dataset("made up", tmp_path, splits, expected=expected))
    assert report.shared_people == {("train", "test"): 1}
    assert len(report.problems) == 1
    assert report.problems[0].startswith("train: published are Counts(people=3, photos=9")
    assert not report.sound


def test_the_decoder_is_whatever_it_is_given() -> None:
    def refuse(path: Path) -> object:
        raise ImageError(path.name)

    photos = (Photo("a", Path("x.jpg")),)
    report = check(Dataset("one", Path(), {"all": Split("all", photos)}), decode=refuse)
    assert report.broken[0].reason == "x.jpg"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_photo_of_lfw_decodes_with_all_its_rows() -> None:
    root = Path(os.environ.get("TWINLENS_DATA", "")) / "lfw"
    if not (root / "pairsDevTrain.txt").is_file():
        pytest.skip("TWINLENS_DATA names no folder that holds lfw/")
    report = check(load_development_unrestricted(root), decode=decode_strictly)
    assert report.photos == 9426
    # The data of Franz_Muentefering_0001.jpg end three pixels early, which is no row and no reason to leave it out.
    assert report.broken == ()
    assert report.shared_people == {}
