"""What counts as a video."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as Picture

from twinlens.video import is_video, list_media
from twinlens.video.kinds import video_kind

Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("name", "codec", "kind"),
    [
        ("a.mp4", "mp4v", "MP4 or QuickTime"),
        ("a.mov", "mp4v", "MP4 or QuickTime"),
        ("a.avi", "MJPG", "AVI"),
        ("a.mkv", "FFV1", "Matroska or WebM"),
        ("a.mpg", "PIM1", "MPEG"),
        ("a.ts", "mp4v", "MPEG transport stream"),
        ("a.flv", "FLV1", "Flash"),
        ("a.wmv", "WMV2", "Windows Media"),
    ],
)
def test_containers_are_told_by_their_content(grey_film: Write, name: str, codec: str, kind: str) -> None:
    path = grey_film(name, codec)
    assert video_kind(path.read_bytes()[:1024]) == kind
    assert is_video(path.rename(path.with_suffix(".xyz")))


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"#EXTM3U\n",
        b"ffconcat version 1.0\n",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
        b"\x89PNG\r\n\x1a\n",
        b"\0\0\0\x1cftypavif" + bytes(40),
        b"\0\0\0\x1cftypheic" + bytes(40),
    ],
)
def test_everything_else_is_none(head: bytes) -> None:
    assert video_kind(head) is None


def test_a_folder_of_everything(grey_film: Write, tmp_path: Path) -> None:
    grey_film("a.mp4"), grey_film("stream.ts", "mp4v"), grey_film("no_suffix.mkv", "FFV1").rename(tmp_path / "bare")
    (tmp_path / "module.ts").write_text("export const a = 1;\n")
    (tmp_path / "broken.MOV").write_bytes(b"")
    Picture.new("RGB", (8, 8)).save(tmp_path / "b.png")
    Picture.new("RGB", (8, 8)).save(tmp_path / "moving.gif")
    names = [path.name for path in list_media(tmp_path)]
    assert names == ["a.mp4", "b.png", "broken.MOV", "moving.gif", "stream.ts"]
    assert [name for name in names if is_video(tmp_path / name)] == ["a.mp4", "broken.MOV", "stream.ts"]
    assert is_video(tmp_path / "absent.mp4")
    assert not is_video(tmp_path / "absent.jpg")
