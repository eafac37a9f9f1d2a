"""Measurement, Calibration -> the tables ``[measured]`` and ``[calibration]`` of a TOML file, the rest left as it is.

A card is written by people and keeps its comments: only these two tables are replaced, as text. What was written is
read back and compared before it takes the old file's place, so that an edit can fail but never damage.
"""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from twinlens.errors import ModelError
from twinlens.zoo.calibration import Calibration
from twinlens.zoo.card import Measurement, calibration_of, measurement_of

MEASURED, CALIBRATION = "measured", "calibration"
DIGITS = 9  # significant ones; a threshold and a slope need fewer


def measured_text(measured: Measurement) -> str:
    """Return the table ``[measured]``."""
    lines = [f"[{MEASURED}]"]
    for name in ("protocol", "command", "impostors", "genuine", "people"):
        lines.append(f"{name} = {plain(getattr(measured, name))}")
    lines.append("points = [")
    lines += [
        f"  {{ fmr = {p.fmr:.4g}, threshold = {p.threshold:.4f}, fnmr = {p.fnmr:.5f} }}," for p in measured.points
    ]
    return "\n".join([*lines, "]", ""])


def calibration_text(calibration: Calibration) -> str:
    """Return the table ``[calibration]``."""
    lines = [f"[{CALIBRATION}]"]
    for field in fields(Calibration):
        value = getattr(calibration, field.name)
        if field.name == "knots":
            if value:
                lines += ["knots = [", *(f"  {plain(knot)}," for knot in value), "]"]
        elif value != ():
            lines.append(f"{field.name} = {plain(value)}")
    return "\n".join([*lines, ""])


def write_tables(path: Path, *, measured: Measurement | None, calibration: Calibration | None) -> None:
    """Replace the tables of a card, or add them; None leaves a table as it is.

    Raises:
        ModelError: the file cannot be read or written, or its tables are written in a way that cannot be replaced.
    """
    try:
        text = path.read_text(encoding="utf-8")
        wanted = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"cannot read the model card {path}: {error}"
        raise ModelError(msg) from error
    tables = {
        MEASURED: None if measured is None else measured_text(measured),
        CALIBRATION: None if calibration is None else calibration_text(calibration),
    }
    for name, table in tables.items():
        if table is not None:
            wanted[name] = tomllib.loads(table)[name]
            text = _without(text, name).rstrip() + "\n\n" + table
    _check(text, wanted, path)
    write_whole(path, text.encode())


def read_tables(values: Mapping[str, Any]) -> tuple[Measurement | None, Calibration | None]:
    """Return what the two tables of a parsed file say, None for one that is absent.

    Raises:
        ModelError: values that cannot be.
    """
    try:
        measured = measurement_of(values[MEASURED]) if MEASURED in values else None
        calibration = calibration_of(values[CALIBRATION]) if CALIBRATION in values else None
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise ModelError(str(error)) from error
    return measured, calibration


def _without(text: str, name: str) -> str:
    """Remove a table: its header and all lines to the next header, less the comments that stand directly above that."""
    lines = text.splitlines(keepends=True)
    own = re.compile(rf"\s*\[\s*{name}\s*\]\s*(#.*)?$")
    start = next((at for at, line in enumerate(lines) if own.match(line)), None)
    if start is None:
        return text
    header = re.compile(r"\[\[?\s*[A-Za-z_]")  # at the margin: an array's inner brackets hold numbers or are indented
    end = next((at for at in range(start + 1, len(lines)) if header.match(lines[at])), len(lines))
    while end < len(lines) and end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    return "".join(lines[:start] + lines[end:])


def _check(text: str, wanted: Mapping[str, Any], path: Path) -> None:
    try:
        sound = tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        sound = False
    if not sound:
        msg = (
            f"{path} writes [{MEASURED}] or [{CALIBRATION}] in a way that cannot be replaced without touching the "
            "rest: remove the old tables by hand and try again"
        )
        raise ModelError(msg)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        ModelError: it cannot be written.
    """
    draft: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".draft")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(draft).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(draft).replace(path)
    except OSError as error:
        if draft is not None:
            with suppress(OSError):
                Path(draft).unlink()
        msg = f"cannot write {path}: {error.strerror or error}"
        raise ModelError(msg) from error


def plain(value: object) -> str:
    """Return a value as TOML: text, numbers and (nested) tuples of them."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(plain, value))}]"
    if isinstance(value, float):
        short = f"{value:.{DIGITS}g}"
        return short if set(short) & set(".en") else f"{short}.0"
    return str(value)


def quoted(text: str) -> str:
    """Return a TOML basic string: quotes, backslashes and control characters escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in escaped) + '"'
