"""A tar or zip file -> its files in a folder, and never outside it (CWE-22), never more than announced (CWE-409).

Only plain files and folders are taken: links and devices of an archive are refused, as are absolute paths, drive
letters and ``..``.
"""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
from collections.abc import Generator
from contextlib import closing
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, NoReturn

from twinlens.errors import DatasetError

MAX_FILES = 200_000
CHUNK = 1 << 20

Member = tuple[str, int, IO[bytes]]


def unpack(archive: Path, folder: Path, *, max_bytes: int) -> list[Path]:
    """Unpack into a folder and return the files, in the archive's order.

    Args:
        archive: ``.zip``, ``.tar``, ``.tar.gz`` or ``.tgz``, recognised by its content.
        folder: must exist; files of the same name are replaced.
        max_bytes: of all files together.

    Raises:
        DatasetError: not such an archive, damaged, a member that is no plain file or would lie outside the folder,
            too many files or bytes. What was unpacked before stays.
    """
    written: list[Path] = []
    left = max_bytes
    try:
        with closing(_members(archive)) as members:
            for name, size, stream in members:
                left -= size
                if left < 0 or len(written) >= MAX_FILES:
                    msg = f"{archive} holds more than {max_bytes} bytes or {MAX_FILES} files: not what it should be"
                    raise DatasetError(msg)
                target = folder / _safe(archive, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    shutil.copyfileobj(stream, file, CHUNK)
                written.append(target)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        msg = f"cannot unpack {archive}: {error}"
        raise DatasetError(msg) from error
    return written


def _members(archive: Path) -> Generator[Member, None, None]:
    if zipfile.is_zipfile(archive):
        yield from _of_zip(archive)
    else:
        yield from _of_tar(archive)


def _of_zip(archive: Path) -> Generator[Member, None, None]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)  # Unix mode; 0 where the archive was made elsewhere
            if info.is_dir():
                continue
            if kind not in {0, stat.S_IFREG}:
                _refuse(archive, info.filename, "is no plain file")
            with file.open(info) as stream:
                yield info.filename, info.file_size, stream


def _of_tar(archive: Path) -> Generator[Member, None, None]:
    with tarfile.open(archive) as file:
        for info in file:
            if info.isdir():
                continue
            stream = file.extractfile(info) if info.isreg() else None
            if stream is None:
                _refuse(archive, info.name, "is no plain file")
            with stream:
                yield info.name, info.size, stream


def _safe(archive: Path, name: str) -> Path:
    windows = PureWindowsPath(name)
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or windows.drive or windows.root or ".." in parts or "\0" in name:
        _refuse(archive, name, "would lie outside the folder")
    return Path(*parts)


def _refuse(archive: Path, name: str, why: str) -> NoReturn:
    msg = f"{archive} holds {name!r}, which {why}: not unpacked further"
    raise DatasetError(msg)
