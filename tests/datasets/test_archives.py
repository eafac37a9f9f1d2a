"""Archives are unpacked into their folder and nowhere else."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from twinlens.datasets.archives import unpack
from twinlens.errors import DatasetError


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for info, data in members:
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return path


def named(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def everything(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_tar_and_zip_are_unpacked_by_content_not_by_name(tmp_path: Path) -> None:
    wanted = {"set/a.txt": b"one", "set/deep/b.txt": b"two"}
    archives = [
        tar(tmp_path / "x.part", (named("set", tarfile.DIRTYPE), b""), *((named(n), d) for n, d in wanted.items())),
        zipped(tmp_path / "y.part", **wanted),
    ]
    for number, archive in enumerate(archives):
        target = tmp_path / f"out{number}"
        target.mkdir()
        assert unpack(archive, target, max_bytes=100) == [target / name for name in wanted]
        assert everything(target) == wanted


@pytest.mark.parametrize(
    "name", ["../evil", "set/../../evil", "/evil", "C:/evil", "C:\\evil", "..\\evil", "\\\\host\\share\\evil"]
)
def test_members_outside_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    for archive in (tar(tmp_path / "t.tgz", (named(name), b"x")), zipped(tmp_path / "z.zip", **{name: b"x"})):
        with pytest.raises(DatasetError, match="would lie outside the folder"):
            unpack(archive, inside, max_bytes=100)
    assert everything(inside) == {}
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    archive = tar(tmp_path / "t.tgz", (named("link", kind, "/etc"), b""), (named("link/passwd"), b"x"))
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(DatasetError, match="'link', which is no plain file"):
        unpack(archive, inside, max_bytes=100)
    assert list(inside.iterdir()) == []


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as file:
        file.writestr(info, "/etc/passwd")
    with pytest.raises(DatasetError, match="no plain file"):
        unpack(tmp_path / "z.zip", tmp_path, max_bytes=100)


def test_more_than_announced_is_refused_before_it_is_written(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "z.zip", small=b"x" * 10, big=b"\0" * 1_000_000)
    with pytest.raises(DatasetError, match="more than 1000 bytes"):
        unpack(bomb, tmp_path, max_bytes=1000)
    assert not (tmp_path / "big").exists()


def test_what_is_no_archive_or_damaged_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(DatasetError, match="cannot unpack"):
        unpack(tmp_path / "text", tmp_path, max_bytes=100)
    whole = tar(tmp_path / "t.tgz", (named("a"), bytes(range(256)) * 400)).read_bytes()
    (tmp_path / "cut.tgz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="cannot unpack"):
        unpack(tmp_path / "cut.tgz", tmp_path, max_bytes=1 << 20)
