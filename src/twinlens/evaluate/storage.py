"""Report <-> JSON file: everything a page shows, for machines and for comparing."""

from __future__ import annotations

import json
import math
import types
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from twinlens.errors import DatasetError
from twinlens.evaluate.records import Report
from twinlens.evaluate.score_records import ErrorCurve, Figure, Histogram

KIND = "twinlens report"
FORMAT = 1
DIGITS = 7  # significant digits of a float in the file


def report_text(report: Report) -> str:
    """Return the report as JSON text."""
    record = {"kind": KIND, "format": FORMAT, **plain(asdict(report))}
    return json.dumps(record, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def read_report(path: Path) -> Report:
    """Read a report from its JSON file.

    Raises:
        DatasetError: absent, not a report, of another format, or malformed.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        msg = f"cannot read the report {path}: {error}"
        raise DatasetError(msg) from error
    if not isinstance(record, dict) or record.get("kind") != KIND:
        msg = f"{path} is not a report: wanted the JSON that twinlens evaluate --out writes"
        raise DatasetError(msg)
    if record.get("format") != FORMAT:
        msg = f"{path} is a report of format {record.get('format')!r}, wanted {FORMAT}: evaluate again"
        raise DatasetError(msg)
    try:
        report: Report = made({k: v for k, v in record.items() if k not in {"kind", "format"}}, Report, "report")
    except (TypeError, ValueError, KeyError) as error:
        msg = f"{path} is a damaged report: {error}"
        raise DatasetError(msg) from error
    return report


def plain(value: Any) -> Any:
    """Return what JSON knows: lists for tuples, floats of `DIGITS` significant digits, None where not finite."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def made(value: Any, kind: Any, where: str) -> Any:
    """Make a value of the annotated type of plain JSON, or say where it does not fit.

    Raises:
        TypeError: of another type.
        ValueError: not one of the values, or not so many, as the type allows.
        KeyError: an object with unknown keys.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return _one_of(value, inner, where)
    if origin is tuple:
        return _sequence(value, inner, where)
    if origin is Literal:
        if value not in inner:
            msg = f"{where} is one of {inner}, got {value!r}"
            raise ValueError(msg)
        return value
    if is_dataclass(kind):
        return _record(value, kind, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        msg = f"{where} must be {kind.__name__}, got {value!r}"
        raise TypeError(msg)
    return value


def _one_of(value: Any, kinds: tuple[Any, ...], where: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    (kind,) = (k for k in kinds if k is not type(None))
    return made(value, kind, where)


def _sequence(value: Any, inner: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        msg = f"{where} must be a list, got {value!r}"
        raise TypeError(msg)
    if len(inner) == 2 and inner[1] is Ellipsis:
        return tuple(made(item, inner[0], f"{where}[{i}]") for i, item in enumerate(value))
    if len(value) != len(inner):
        msg = f"{where} must have {len(inner)} items, got {len(value)}"
        raise ValueError(msg)
    return tuple(made(item, kind, f"{where}[{i}]") for i, (item, kind) in enumerate(zip(value, inner, strict=True)))


def _record(value: Any, kind: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        msg = f"{where} must be an object, got {value!r}"
        raise TypeError(msg)
    hints = get_type_hints(kind)
    unknown = sorted(set(value) - {field.name for field in fields(kind)})
    if unknown:
        msg = f"{where} has unknown keys {', '.join(unknown)}"
        raise KeyError(msg)
    whole = kind(**{name: made(inner, hints[name], f"{where}.{name}") for name, inner in value.items()})
    _check_fit(whole, where)
    return whole


def _check_fit(record: object, where: str) -> None:
    """Refuse numbers that cannot be drawn or shown: a share beyond 0 and 1, lists that do not belong together.

    Raises:
        ValueError: there are.
    """
    if isinstance(record, Figure) and record.format == "rate":
        numbers = [number for number in (record.low, record.value, record.high) if number is not None]
        # ends a little outside: earlier reports had Student's interval over folds as it is
        if numbers != sorted(numbers) or not 0 <= (record.value or 0) <= 1 or not all(-1 <= n <= 2 for n in numbers):
            msg = f"{where} must be a share from 0 to 1 within its interval, got {numbers}"
            raise ValueError(msg)
    lists = {
        Histogram: ("genuine", "impostors"),
        ErrorCurve: ("thresholds", "fmr", "fnmr"),
    }.get(type(record), ())
    lengths = {len(getattr(record, name)) for name in lists}
    if len(lengths) > 1 or (
        isinstance(record, Histogram) and record.edges and len(record.edges) != len(record.genuine) + 1
    ):
        msg = f"{where} has lists whose lengths do not fit"
        raise ValueError(msg)
