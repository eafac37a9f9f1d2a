"""Copies of photos: what is found however it was changed, and what is not taken for one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.evaluate.leakage.photos import CHANGES, cut, mirrored, save, scene

from twinlens.evaluate.leakage import candidates
from twinlens.evaluate.leakage.copies import Copy, find_copies
from twinlens.evaluate.leakage.identical import identical_files
from twinlens.evaluate.leakage.prints import small_picture, take_prints
from twinlens.types import Image


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Thirty pictures of which none is a copy of another."""
    folder = tmp_path_factory.mktemp("crowd")
    return [save(folder / f"{seed:02d}.jpg", scene(seed)) for seed in range(30)]


def test_different_pictures_are_no_copies(crowd: list[Path]) -> None:
    assert find_copies(crowd).found == ()


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found(crowd: list[Path], tmp_path: Path, change: str) -> None:
    other = save(tmp_path / "copy.jpg", CHANGES[change](scene(7)), quality=90)
    found = find_copies([*crowd, other]).found
    assert [{copy.first, copy.second} for copy in found] == [{crowd[7], other}]
    assert found[0].mirrored == ("mirrored" in change)
    assert not found[0].pixels


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_photo_of_a_face_is_found(astronaut: Image, tmp_path: Path, change: str) -> None:
    face = astronaut.pixels[:256, 96:352]
    paths = [save(tmp_path / "face.png", face), save(tmp_path / "copy.jpg", CHANGES[change](face), quality=90)]
    assert len(find_copies(paths).found) == 1


def test_another_part_of_the_photo_is_no_copy(astronaut: Image, tmp_path: Path) -> None:
    parts = [astronaut.pixels[:256, 96:352], astronaut.pixels[100:356, 176:432]]
    assert not find_copies([save(tmp_path / f"{n}.png", part) for n, part in enumerate(parts)]).found


def test_the_same_pixels_in_another_format_are_known_as_such(tmp_path: Path) -> None:
    pixels = scene(3)
    paths = [save(tmp_path / name, pixels) for name in ("a.png", "b.bmp")]
    assert identical_files(paths) == []
    (copy,) = find_copies(paths).found
    assert copy == Copy(paths[0], paths[1], copy.alike, mirrored=False, pixels=True)
    assert copy.alike == pytest.approx(1)


def test_a_picture_and_its_own_mirror_image_are_no_pair(tmp_path: Path) -> None:
    half = scene(5)[:, :80]
    symmetric = np.concatenate([half, mirrored(half)], axis=1)
    assert find_copies([save(tmp_path / "one.png", symmetric), save(tmp_path / "two.png", scene(6))]).found == ()


def test_what_cannot_be_read_and_what_shows_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    walls = [save(tmp_path / f"wall{n}.png", np.full((40, 40, 3), 90 + n, np.uint8)) for n in range(2)]
    found = find_copies([tmp_path / "broken.jpg", tmp_path / "absent.jpg", *walls, save(tmp_path / "a.png", scene(1))])
    assert (found.found, found.looked) == ((), 1)
    assert [note[:9] for note in found.notes] == ["2 photos ", "2 picture"]


def test_a_turned_jpeg_is_seen_upright(tmp_path: Path) -> None:
    from PIL import Image as Pillow

    upright = save(tmp_path / "upright.jpg", scene(4))
    exif = Pillow.Exif()
    exif[0x0112] = 6  # turn by a quarter to the right
    Pillow.fromarray(np.rot90(scene(4))).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    assert float(np.abs(small_picture(upright).astype(float) - small_picture(tmp_path / "turned.jpg")).mean()) < 4
    assert len(find_copies([upright, tmp_path / "turned.jpg"]).found) == 1


def test_a_reduced_jpeg_looks_like_the_whole_one(astronaut: Image, tmp_path: Path) -> None:
    whole = cv2.cvtColor(cv2.resize(astronaut.pixels, (64, 64), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    small = small_picture(save(tmp_path / "a.jpg", astronaut.pixels))
    assert float(np.abs(small.astype(float) - whole).mean()) < 2


def test_candidates_are_those_of_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    scenes = [cv2.cvtColor(scene(seed, 64), cv2.COLOR_RGB2GRAY) for seed in range(12)]
    noise = [np.clip(picture + rng.normal(0, 8, (64, 64)), 0, 255).astype(np.uint8) for picture in scenes[:6]]
    small = np.stack([*scenes, *noise, scenes[8][:, ::-1]])
    expected = set()
    for view in candidates.VIEWS:
        others = candidates.coarse(small, view)
        for turned in (small, small[:, :, ::-1]):
            mine = candidates.coarse(turned, candidates.WHOLE)
            for a in range(len(small)):
                for b in range(len(small)):
                    if a != b and float(mine[a] @ others[b]) >= candidates.ALIKE:
                        expected.add(frozenset((a, b)))
    found = candidates.find_candidates(small)
    pairs = [frozenset(pair) for pair in zip(found.first.tolist(), found.second.tolist(), strict=True)]
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == expected
    assert {frozenset((n, 12 + n)) for n in range(6)} | {frozenset((8, 18))} <= expected


def test_too_many_candidates_leave_the_most_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    base = cv2.cvtColor(scene(1, 64), cv2.COLOR_RGB2GRAY)
    film = np.stack([np.clip(base + rng.normal(0, 5, (64, 64)), 0, 255).astype(np.uint8) for _ in range(20)])
    monkeypatch.setattr(candidates, "MOST", 30)
    found = candidates.find_candidates(film)
    assert found.first.size == 30
    assert found.dropped > 0


def test_progress_ends_at_its_total(crowd: list[Path]) -> None:
    moves: list[tuple[int, int]] = []
    take_prints(crowd, lambda done, total: moves.append((done, total)))
    assert moves[-1] == (30, 30)


def test_identical_files_are_found_by_their_bytes(tmp_path: Path) -> None:
    for name, content in (("a", b"12"), ("b", b"12"), ("c", b"21"), ("d", b""), ("e", b""), ("f", b"12")):
        (tmp_path / name).write_bytes(content)
    files = [tmp_path / name for name in "abcdef"] + [tmp_path / "absent", tmp_path]
    assert identical_files(files) == [[tmp_path / "a", tmp_path / "b", tmp_path / "f"]]


def test_a_deep_cut_is_another_picture(tmp_path: Path) -> None:
    paths = [save(tmp_path / "whole.png", scene(2)), save(tmp_path / "half.png", cut(0.5)(scene(2)))]
    assert find_copies(paths).found == ()
