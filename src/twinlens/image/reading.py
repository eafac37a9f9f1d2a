"""Path, bytes or file object -> bytes, within a limit."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Protocol, runtime_checkable

from twinlens.errors import ImageError, OptionError
from twinlens.image.limits import ImageLimits


@runtime_checkable
class BinaryReader(Protocol):
    """A file opened in binary mode, or anything that reads like one."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes; empty at the end."""
        ...


def name_of(source: object) -> str:
    """Return what messages call a source."""
    if isinstance(source, str | Path):
        return str(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return "bytes"
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "file object"


def read_bytes(source: object, limits: ImageLimits) -> bytes:
    """Return the bytes of a path, a buffer or a file object.

    Raises:
        ImageError: missing, a folder, no permission, not a plain file, empty.
        ImageTooLargeError: longer than ``limits.max_bytes``.
        OptionError: a source of another type.
    """
    name = name_of(source)
    if isinstance(source, str | Path):
        data = _read_path(source, limits)
    elif isinstance(source, bytes | bytearray | memoryview):
        limits.check_bytes(name, len(source))
        data = bytes(source)
    elif isinstance(source, BinaryReader):
        data = _read_object(source, limits)
    else:
        msg = (
            f"a picture is a path, bytes, a binary file object, an array or an Image, got {type(source).__name__}; "
            "a Pillow picture: pass numpy.asarray(picture.convert('RGB'))"
        )
        raise OptionError(msg)
    if not data:
        msg = f"{name}: empty, 0 bytes; copy or download it again"
        raise ImageError(msg)
    return data


def _read_path(path: str | Path, limits: ImageLimits) -> bytes:
    problem = "cannot be read"
    try:
        info = Path(path).stat()
        if stat.S_ISDIR(info.st_mode):
            msg = f"{path}: a folder, wanted a picture; give one of the files in it"
            raise ImageError(msg)
        if not stat.S_ISREG(info.st_mode):  # opening a pipe or a device can wait for ever
            msg = f"{path}: a pipe or a device, wanted a plain file; open it yourself and pass the file object"
            raise ImageError(msg)
        limits.check_bytes(str(path), info.st_size)
        with Path(path).open("rb") as file:
            return _read_object(file, limits)
    except FileNotFoundError:
        problem = "no such file; check the spelling and the folder"
    except NotADirectoryError:
        problem = "no such file: a part of the path is a file, not a folder"
    except PermissionError:
        problem = "no permission to read it; change its access rights or run as its owner"
    except ValueError:  # a zero byte inside the name
        problem = "not a possible file name"
    except OSError as error:
        problem = f"cannot be read: {error.strerror or type(error).__name__}"
    msg = f"{str(path)!r}: {problem}" if "\0" in str(path) else f"{path}: {problem}"
    raise ImageError(msg)


def _read_object(file: BinaryReader, limits: ImageLimits) -> bytes:
    chunks: list[bytes] = []
    room = limits.max_bytes + 1
    while room > 0:
        chunk = _read_chunk(file, room)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
        room -= len(chunk)
    limits.check_bytes(name_of(file), None)
    return b""


def _read_chunk(file: BinaryReader, size: int) -> bytes:
    name = name_of(file)
    try:
        chunk: object = file.read(size)
    except UnicodeDecodeError:
        chunk = ""
    except (OSError, ValueError) as error:  # ValueError: a closed file
        msg = f"{name}: cannot be read: {error}"
        raise ImageError(msg) from error
    if not isinstance(chunk, bytes | bytearray):
        msg = f"{name}: reading gave {type(chunk).__name__}, wanted bytes; open the file in binary mode ('rb')"
        raise OptionError(msg)
    return bytes(chunk)
