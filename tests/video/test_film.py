"""Frames: how many, when, which way up, in which colours; and what is said about files that are no films."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest
from PIL import Image as Picture

from twinlens.errors import ImageError, ImageTooLargeError, OptionError
from twinlens.video import Film, VideoLimits, frames

Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "mp4v"), ("a.avi", "MJPG"), ("a.mkv", "FFV1"), ("a.webm", "VP80"), ("a.mov", "mp4v")]
)
def test_every_frame_with_its_time(grey_film: Write, name: str, codec: str) -> None:
    found = list(frames(grey_film(name, codec)))
    assert [frame.index for frame in found] == list(range(10))
    assert [frame.time_s for frame in found] == pytest.approx([k / 25 for k in range(10)], abs=0.002)
    assert [float(frame.image.pixels.mean()) for frame in found] == pytest.approx(
        [30 + 20 * k for k in range(10)], abs=4
    )


def test_every_third_frame_keeps_its_index_and_time(grey_film: Write) -> None:
    found = list(frames(grey_film(), every=3))
    assert [frame.index for frame in found] == [0, 3, 6, 9]
    assert found[2].time_s == pytest.approx(6 / 25)
    assert float(found[2].image.pixels.mean()) == pytest.approx(150, abs=4)
    with pytest.raises(OptionError, match="every must be 1 or more, got 0"):
        list(frames(grey_film(), every=0))


def red_above(folder: Path) -> Path:
    """A film 64 wide, 48 high, its upper half red."""
    import cv2

    path = folder / "red.mp4"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 25, (64, 48))
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :, 2] = 255
    for _ in range(3):
        writer.write(picture)
    writer.release()
    return path


def test_red_comes_first(tmp_path: Path) -> None:
    pixels = next(frames(red_above(tmp_path))).image.pixels
    assert pixels[8, 32].tolist() == pytest.approx([255, 0, 0], abs=20)
    assert pixels[40, 32].tolist() == pytest.approx([0, 0, 0], abs=20)


def test_a_film_shot_upright_is_turned_upright(tmp_path: Path) -> None:
    """The matrix in the track header says: turn by a quarter, clockwise (ISO/IEC 14496-12, 8.3.2)."""
    data = bytearray(red_above(tmp_path).read_bytes())
    matrix = data.index(b"tkhd") + 4 + 4 + 36  # version and flags, times, number, duration, layer, volume
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30)
    (tmp_path / "phone.mp4").write_bytes(data)
    with Film(tmp_path / "phone.mp4") as film:
        assert (film.width, film.height) == (48, 64)
        pixels = next(film.frames()).image.pixels
    assert pixels.shape == (64, 48, 3)
    assert pixels[32, 40].tolist() == pytest.approx([255, 0, 0], abs=20)
    assert pixels[32, 8].tolist() == pytest.approx([0, 0, 0], abs=20)


def test_an_animation(tmp_path: Path) -> None:
    pictures = [Picture.new("L", (32, 24), 40 * k) for k in range(4)]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=100)
    found = list(frames(tmp_path / "a.gif"))
    assert [frame.time_s for frame in found] == pytest.approx([0, 0.1, 0.2, 0.3], abs=0.001)
    assert float(found[3].image.pixels.mean()) == pytest.approx(120, abs=4)


def cut_off(data: bytes) -> bytes:
    return data[: len(data) // 2]


def cut_in_its_index(data: bytes) -> bytes:
    return data[: data.index(b"moov") + 60]


def unknown_codec(data: bytes) -> bytes:
    return data.replace(b"MJPG", b"QQQQ")


def without_pictures(data: bytes) -> bytes:
    """The index stays, the pictures are zeros."""
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    return data[:start] + bytes(end - start) + data[end:]


@pytest.mark.parametrize(
    ("name", "codec", "spoil", "said"),
    [
        ("a.mp4", "mp4v", lambda data: b"", "empty, 0 bytes"),
        ("a.mp4", "mp4v", lambda data: b"Dear reader, " * 99, "not a video: it looks like a text"),
        ("a.mp4", "mp4v", lambda data: b"\xff\xd8\xff\xe0" + bytes(99), "it looks like a JPEG picture"),
        ("a.mp4", "mp4v", lambda data: b"#EXTM3U\n#EXTINF:1,\na.avi\n", "not a video"),
        ("a.mp4", "mp4v", lambda data: b"ffconcat version 1.0\nfile a.avi\n", "not a video"),
        ("a.mp4", "mp4v", cut_off, r"cut off: .* without its index \(moov\)"),
        ("a.mp4", "mp4v", cut_in_its_index, r"cut off: .* without its index \(moov\)"),
        ("a.mp4", "mp4v", without_pictures, "have no size|no frame of it can be decoded"),
        ("a.avi", "MJPG", unknown_codec, "codec that this OpenCV does not know"),
        ("a.avi", "MJPG", cut_off, r"cut off or damaged after 0\.\d s: its header says 10 frames, \d can be decoded"),
        ("a.mkv", "FFV1", cut_off, "cut off or damaged after"),
    ],
)
def test_bad_files(grey_film: Write, name: str, codec: str, spoil: Callable[[bytes], bytes], said: str) -> None:
    path = grey_film(name, codec)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ImageError, match=said) as caught:
        list(frames(path))
    assert str(path) in str(caught.value)


def test_what_can_be_read_of_a_cut_film_comes_before_the_error(grey_film: Write) -> None:
    path = grey_film("a.avi", "MJPG")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    running = frames(path)
    assert [next(running).index for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ImageError, match="cut off"):
        list(running)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("absent.mp4", "no such file"),
        (".", "a folder, wanted a video"),
        ("/dev/zero", "a pipe or a device"),
        ("a\0b.mp4", "not a possible file name"),
        ("http://127.0.0.1:1/a.mp4", "no such file"),
        ("concat:a.mp4|b.mp4", "no such file"),
        ("x" * 300 + ".mp4", "name too long"),
    ],
)
def test_bad_names(name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ImageError, match=f"(?i){said}"):
        list(frames(name))


def test_a_name_that_would_end_the_process(grey_film: Write, tmp_path: Path) -> None:
    """OpenCV crashes on a path that is not Unicode."""
    path = grey_film()
    try:
        other = path.rename(os.fsdecode(bytes(tmp_path) + b"/\xff.mp4"))
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    with pytest.raises(ImageError, match="rename the file"):
        list(frames(other))


def test_names_that_look_like_protocols_and_other_scripts(grey_film: Write, tmp_path: Path) -> None:
    path = grey_film().rename(tmp_path / "é 李:b.mp4")
    assert len(list(frames(path))) == 10


def test_frames_that_are_too_large_are_never_decoded(grey_film: Write) -> None:
    """A header that states 9000 x 9000 is refused; so is a file of ours under a lower limit."""
    path = grey_film("a.avi", "MJPG")
    with pytest.raises(ImageTooLargeError, match="64 x 48 = 3,072 pixels, the limit is 3,000"):
        next(frames(path, limits=VideoLimits(max_pixels=3000)))
    data = bytearray(path.read_bytes())
    stated = struct.pack("<2I", 64, 48)
    for mark in (b"avih", b"strf"):
        place = data.index(stated, data.index(mark))
        data[place : place + 8] = struct.pack("<2I", 9000, 9000)
    place = -1
    while (place := data.find(b"\xff\xc0", place + 1)) >= 0:  # the start of each JPEG's frame
        data[place + 5 : place + 9] = struct.pack(">2H", 9000, 9000)
    path.write_bytes(data)
    before = psutil.Process().memory_info().rss
    with pytest.raises(ImageTooLargeError, match="9000 x 9000"):
        next(frames(path))
    assert psutil.Process().memory_info().rss - before < 100e6


def test_the_file_is_released_whatever_ends_the_iteration(grey_film: Write) -> None:
    path = grey_film("a.avi", "MJPG")

    def is_open() -> bool:
        return any(Path(file.path) == path.resolve() for file in psutil.Process().open_files())

    running = frames(path)
    next(running)
    assert is_open()
    running.close()
    assert not is_open()
    with pytest.raises(ImageTooLargeError):
        Film(path, limits=VideoLimits(max_pixels=1))
    assert not is_open()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ImageError):
        list(frames(path))
    assert not is_open()


def test_cameras() -> None:
    with pytest.raises(OptionError, match="0 or more, got -1"):
        next(frames(-1))
    with pytest.raises(ImageError, match="camera 63 cannot be opened"):
        next(frames(63))


def test_nothing_of_ffmpeg_or_opencv_on_stderr(grey_film: Write, tmp_path: Path) -> None:
    """In a process of its own: FFmpeg's level is set when the first film of a process is opened."""
    for name, codec, spoil in (
        ("a.mp4", "mp4v", cut_off),
        ("b.mp4", "mp4v", without_pictures),
        ("c.avi", "MJPG", cut_off),
        ("d.avi", "MJPG", unknown_codec),
        ("e.mkv", "FFV1", cut_off),
    ):
        path = grey_film(name, codec)
        path.write_bytes(spoil(path.read_bytes()))
    code = (
        "import sys\nfrom twinlens.video import frames\nfrom twinlens.errors import ImageError\n"
        "for name in [*sys.argv[1:], 63]:\n"
        "    try: list(frames(name))\n"
        "    except ImageError: print('refused')\n"
    )
    names = sorted(str(path) for path in tmp_path.iterdir())
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENCV_")}
    done = subprocess.run(
        [sys.executable, "-c", code, *names], capture_output=True, text=True, check=True, timeout=60, env=environment
    )
    assert done.stdout.split() == ["refused"] * 6
    assert done.stderr == ""
