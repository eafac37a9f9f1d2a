"""A table of a recipe -> a dataclass of options, every key and value checked; an unknown key names the nearest."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from twinlens.errors import RecipeError

T = TypeVar("T")
Value = str | int | float | bool | tuple[Any, ...]


def options_of(kind: type[T], table: Mapping[str, Any], where: str) -> T:
    """Make a dataclass of the values of a table.

    Args:
        kind: a dataclass; fields are str, int, float, bool, Literal, tuples of these, or ``... | None``.
        table: values as TOML gives them; lists become tuples, integers are floats where a float is wanted.
        where: the table's name, for messages.

    Raises:
        RecipeError: an unknown or missing key, a value of another type, or one that the dataclass refuses.
    """
    hints = get_type_hints(kind)
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            raise RecipeError(unknown("key", f"{where}.{key}" if where else key, key, known))
    for name, field in known.items():
        if name not in table and field.default is MISSING and field.default_factory is MISSING:
            msg = f"[{where}] needs {name}" if where else f"the recipe needs {name}"
            raise RecipeError(msg)
    values = {key: _value(value, hints[key], f"{where}.{key}" if where else key) for key, value in table.items()}
    try:
        return kind(**values)
    except (ValueError, TypeError) as error:
        msg = f"[{where}]: {error}"
        raise RecipeError(msg) from error


def unknown(what: str, shown: str, wanted: str, known: Iterable[str]) -> str:
    """Return the message for a name that is not among the known ones, with the nearest of them."""
    known = list(known)
    near = difflib.get_close_matches(wanted, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return (
        f"no {what} {shown!r}{hint} Known: {', '.join(known) or 'none'}"
        if near
        else (f"no {what} {shown!r}; known: {', '.join(known) or 'none'}")
    )


def _value(value: Any, hint: Any, where: str) -> Any:
    """Return a value as its field wants it."""
    for kind in get_args(hint) if _is_union(hint) else (hint,):
        fitted = _fitted(value, kind)
        if fitted is not None:
            return fitted
    wanted = getattr(hint, "__name__", None) or str(hint).replace("typing.", "")
    msg = f"{where}: wanted {wanted}, got {value!r}"
    raise RecipeError(msg)


def _fitted(value: Any, kind: Any) -> Any:
    """Return the value if it is of that kind, None otherwise."""
    origin = get_origin(kind)
    if origin is tuple and isinstance(value, list | tuple):
        (inner, *_) = get_args(kind)
        fitted = tuple(_fitted(one, inner) for one in value)
        return None if None in fitted else fitted
    if origin is not None and str(origin).endswith("Literal"):
        return value if value in get_args(kind) else None
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if math.isfinite(value) else None
    if kind in {str, int, float, bool} and type(value) is kind:
        return value
    return None


def _is_union(hint: Any) -> bool:
    return str(get_origin(hint)) in {"<class 'types.UnionType'>", "typing.Union"}
