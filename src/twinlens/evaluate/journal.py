"""What was seen in each photo <-> a file of JSON lines that a killed run can go on from.

The first line says what was asked; every other one is a photo. A line that a kill cut short is dropped, and its photo
looked at again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NoReturn

import numpy as np

from twinlens.errors import DatasetError, OptionError
from twinlens.evaluate.looks import Look, PhotoLooks

KIND = "twinlens detector looks"
FORMAT = 1


class Journal:
    """Appends photos to a file, each whole line at once.

    Args:
        path: the file.
        question: what makes two runs the same: data, settings, machine; plain values.
        resume: go on with what is there; otherwise begin anew.

    Raises:
        OptionError: what is there answers another question.
        DatasetError: what is there is no such file, or cannot be read.
        OSError: the folder cannot be written.
    """

    def __init__(self, path: Path, question: Mapping[str, Any], *, resume: bool = False) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        header = {"kind": KIND, "format": FORMAT, **question}
        whole = self._check(header) if resume and path.exists() else 0
        self._stream: IO[bytes] = path.open("r+b" if whole else "wb")
        self._stream.truncate(whole)
        self._stream.seek(whole)
        if not whole:
            self._line(header)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def add(self, photo: PhotoLooks) -> None:
        """Write one photo."""
        self._line(_record(photo))

    def photos(self) -> Iterator[PhotoLooks]:
        """Yield what was written."""
        self._stream.flush()
        return read_looks(self.path)

    def _line(self, record: Mapping[str, Any]) -> None:
        self._stream.write(json.dumps(record, ensure_ascii=False, allow_nan=False).encode() + b"\n")
        self._stream.flush()

    def _check(self, header: Mapping[str, Any]) -> int:
        """Return how much of the file is whole, once its first line is found to ask the same."""
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if not whole:
            if not _cut(content):
                _refuse(self.path)
            return 0
        there = _parsed(content[: content.index(b"\n")], self.path, 1)
        if there.get("kind") != KIND:
            _refuse(self.path)
        plain = json.loads(json.dumps(header))
        other = [key for key in plain | there if plain.get(key) != there.get(key)]
        if other:
            msg = (
                f"{self.path} was begun with another {', '.join(other)}: run the command it was begun with, "
                "or leave out --resume to begin anew"
            )
            raise OptionError(msg)
        return whole


def read_looks(path: Path) -> Iterator[PhotoLooks]:
    """Yield every photo of a file; a last line that a kill cut short is left out.

    Raises:
        DatasetError: not such a file, or a damaged one; the message names the line.
    """
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except OSError as error:
        msg = f"cannot read {path}: {error}"
        raise DatasetError(msg) from error
    if not lines or _parsed(lines[0], path, 1).get("kind") != KIND:
        _refuse(path)
    for number, line in enumerate(lines[1:], start=2):
        record = _parsed(line, path, number)
        try:
            yield _photo(record)
        except (KeyError, TypeError, ValueError) as error:
            msg = f"{path}:{number}: wanted what was seen in a photo, got {str(record)[:80]!r} ({error})"
            raise DatasetError(msg) from error


def _cut(content: bytes) -> bool:
    """Whether this is the beginning of a first line of ours."""
    first = json.dumps({"kind": KIND})[:-1].encode()
    return content.startswith(first) or first.startswith(content)


def _refuse(path: Path) -> NoReturn:
    msg = f"{path} is not what twinlens benchmark detectors keeps: name another folder"
    raise DatasetError(msg)


def _parsed(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        msg = f"{path}:{number}: wanted a JSON object, got {line[:80]!r} ({error}): leave out --resume to begin anew"
        raise DatasetError(msg) from error
    if not isinstance(record, dict):
        msg = f"{path}:{number}: wanted a JSON object, got {line[:80]!r}"
        raise DatasetError(msg)
    return record


def _record(photo: PhotoLooks) -> dict[str, Any]:
    looks = {
        label: {
            "boxes": _numbers(look.boxes),
            "scores": _numbers(look.scores),
            "reported": _numbers(look.reported),
            "wall_s": look.wall_s,
            "cpu_s": look.cpu_s,
        }
        for label, look in photo.looks.items()
    }
    return {"photo": photo.name, "width_height": photo.width_height, "error": photo.error, "looks": looks}


def _numbers(values: np.ndarray) -> list[float]:
    return [float(f"{value:.9g}") for value in values.ravel().tolist()]  # nine digits give a float32 back exactly


def _photo(record: Mapping[str, Any]) -> PhotoLooks:
    size = record["width_height"]
    looks = {
        label: Look(
            boxes=np.array(look["boxes"], np.float32).reshape(-1, 4),
            scores=np.array(look["scores"], np.float32),
            reported=np.array(look["reported"], np.float32).reshape(-1, 4),
            wall_s=float(look["wall_s"]),
            cpu_s=float(look["cpu_s"]),
        )
        for label, look in record["looks"].items()
    }
    return PhotoLooks(
        str(record["photo"]), None if size is None else (int(size[0]), int(size[1])), str(record["error"]), looks
    )
