"""The copy with names: as many frames as the film, boxes where the faces are, never in place of the film."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Picture

from twinlens.draw import KNOWN, UNKNOWN
from twinlens.errors import ImageError, OptionError
from twinlens.recognizer import Recognizer
from twinlens.video import frames, identify_video, write_copy

if TYPE_CHECKING:
    from tests.video.conftest import Studio


def near(pixels: NDArray[np.uint8], colour: tuple[int, int, int]) -> int:
    """Count pixels of about this colour; a film's compression blurs it."""
    return int((np.abs(pixels.astype(int) - colour).max(axis=2) < 40).sum())


def test_names_are_drawn_where_the_faces_are(studio: Studio, knows_her: Recognizer, tmp_path: Path) -> None:
    other = studio.stranger(0)
    pictures = [studio.picture((studio.her, 10 + k, 60), (other, 280, 100)) for k in range(20)]
    film = studio.film(pictures + [studio.picture()] * 15)
    watched = identify_video(knows_her, film)
    target = tmp_path / "made" / "named.avi"
    told: list[tuple[int, int | None]] = []
    assert write_copy(film, watched.tracks, target, progress=lambda done, total: told.append((done, total))) == 35
    copy = [frame.image.pixels for frame in frames(target)]
    assert len(copy) == 35
    assert told[-1] == (35, 35)
    assert copy[0].shape == pictures[0].shape
    assert [path.name for path in target.parent.iterdir()] == ["named.avi"]
    for k in (0, 7, 18):  # 7 lies between two looks
        half = copy[k].shape[1] // 2
        assert near(copy[k][:, :half], KNOWN) > 300
        assert near(copy[k][:, half:], UNKNOWN) > 300
        assert near(copy[k][:, half:], KNOWN) < 30
    assert near(copy[-1], KNOWN) + near(copy[-1], UNKNOWN) < 30


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".avi", ".webm"])
@pytest.mark.parametrize(("width", "height"), [(640, 480), (641, 361), (33, 47)])
def test_copies_of_any_size_open_and_are_whole(tmp_path: Path, suffix: str, width: int, height: int) -> None:
    pictures = [Picture.new("L", (width, height), 20 * k) for k in range(6)]
    pictures[0].save(tmp_path / "film.gif", save_all=True, append_images=pictures[1:], duration=40)
    target = tmp_path / f"copy{suffix}"
    assert write_copy(tmp_path / "film.gif", (), target) == 6
    copy = [frame.image for frame in frames(target)]
    assert [float(image.pixels.mean()) for image in copy] == pytest.approx([20 * k for k in range(6)], abs=6)
    factor = round(copy[0].width / width)  # small pictures are enlarged
    assert (copy[0].width, copy[0].height) == tuple(side * factor + side * factor % 2 for side in (width, height))


def test_refusals_leave_nothing_behind(grey_film: Callable[..., Path], tmp_path: Path) -> None:
    film = grey_film()
    before = film.read_bytes()
    (tmp_path / "sub").mkdir()
    with pytest.raises(OptionError, match="would replace the video itself"):
        write_copy(film, (), tmp_path / "sub" / ".." / film.name)
    assert film.read_bytes() == before
    with pytest.raises(OptionError, match=r"a copy is one of \.mp4, \.mov, \.avi, \.webm, got '\.gif'"):
        write_copy(film, (), tmp_path / "a.gif")
    with pytest.raises(ImageError, match="no such file"):
        write_copy(tmp_path / "absent.mp4", (), film)
    with pytest.raises(ImageError, match="cannot write the video"):
        write_copy(film, (), film / "b.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grey.mp4", "sub"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_said(grey_film: Callable[..., Path], tmp_path: Path) -> None:
    film = grey_film()
    (tmp_path / ".copy.part.avi").symlink_to("/dev/full")
    with pytest.raises(ImageError, match=r"cannot write the video .*disk full"):
        write_copy(film, (), tmp_path / "copy.avi")
    assert list(tmp_path.iterdir()) == [film]


def test_a_cut_film_has_a_copy_as_far_as_it_goes(grey_film: Callable[..., Path], tmp_path: Path) -> None:
    film = grey_film("a.avi", "MJPG")
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    count = write_copy(film, (), tmp_path / "copy.mp4")
    assert 2 < count < 9
    assert len(list(frames(tmp_path / "copy.mp4"))) == count
