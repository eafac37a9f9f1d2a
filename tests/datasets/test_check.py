"""What a check reports, on made-up sets and on LFW-a."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
import pytest

from twinlens.datasets.check import count, count_boxed, decode_all, decode_strictly, photos_of
from twinlens.datasets.folder import load_folder
from twinlens.datasets.lfw import load_development_unrestricted
from twinlens.datasets.records import Counts, Dataset, Split
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
    paths = photos_of([load_folder(tmp_path), load_folder(tmp_path)])
    found = decode_all(paths, progress=lambda done, total: seen.append((done, total)))
    assert [broken.path.relative_to(tmp_path).as_posix() for broken in found.broken] == ["Ann/2.jpg", "Bo/1.png"]
    assert all(broken.reason for broken in found.broken)
    assert (found.photos, found.short, seen[-1]) == (3, (), (3, 3))


def test_a_sound_set_is_sound(tmp_path: Path) -> None:
    dataset = load_folder(place(tmp_path))
    found, report = decode_all(photos_of([dataset])), count(dataset)
    assert (found.broken, found.short, report.problems, report.shared_people) == ((), (), (), {})
    assert report.counts == {"all": "2 people, 3 photos"}


def test_data_that_end_within_the_last_block_are_said(tmp_path: Path) -> None:
    whole = (place(tmp_path) / "Ann/2.jpg").read_bytes()
    assert decode_strictly(tmp_path / "Ann/2.jpg") == 0
    for cut in range(3, 40):
        (tmp_path / "short.jpg").write_bytes(whole[:-cut] + b"\xff\xd9")
        try:
            missing = decode_strictly(tmp_path / "short.jpg")
        except ImageError:
            break  # more than the last block is gone: refused
        if missing:
            found = decode_all([tmp_path / "short.jpg"])
            assert found.broken == ()
            assert found.short[0].pixels == missing <= 256
            return
    pytest.fail("no cut was noticed before whole rows were missing")


def test_other_counts_and_people_in_two_parts_are_reported(tmp_path: Path) -> None:
    photos = load_folder(place(tmp_path)).photos
    splits = {"train": Split("train", photos), "test": Split("test", photos[:1])}
    expected = MappingProxyType({"train": Counts(3, 9), "test": Counts(1, 1)})
    report = count(Dataset("made up", tmp_path, splits, expected=expected))
    assert report.shared_people == {("train", "test"): 1}
    assert report.problems == ("train: published are 3 people, 9 photos; this copy has 2 people, 3 photos",)


def test_the_decoder_is_whatever_it_is_given() -> None:
    def refuse(path: Path) -> int:
        raise ImageError(path.name)

    assert decode_all([Path("x.jpg")], decode=refuse).broken[0].reason == "x.jpg"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_photo_of_lfw_decodes_and_the_one_that_ends_early_is_named(data_folder: Path) -> None:
    found = decode_all(photos_of([load_development_unrestricted(data_folder / "lfw")]))
    assert (found.photos, found.broken) == (9426, ())
    assert [(one.path.name, one.pixels) for one in found.short] == [("Franz_Muentefering_0001.jpg", 4)]


def test_part_of_wider_face_and_fddb_without_photos_are_told(data_folder: Path) -> None:
    report, paths = count_boxed("wider", data_folder / "wider")
    assert (len(paths), report.counts) == (122, {"all": "122 photos, 755 faces"})
    assert report.problems == ("published are 3,226 photos; this copy has 122 photos",)
    report, paths = count_boxed("fddb", data_folder / "fddb")
    assert report.problems == ("2,845 of 2,845 listed photos are not here",)
    assert (paths, report.counts) == ([], {"all": "0 photos, 5,171 faces"})
