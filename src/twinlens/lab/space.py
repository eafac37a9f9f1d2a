"""``a.b=low..high:log`` or ``a.b=x|y|z`` -> what a sweep may choose from."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from twinlens.errors import RecipeError

FOLDER = Path(__file__).parent / "spaces"
Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Axis:
    """One key of a recipe that a sweep varies.

    Attributes:
        key: dotted (``optimizer.lr``).
        choices: the values it may take; empty for a range.
        low: least value of a range.
        high: greatest value of a range.
        log: draw evenly in the logarithm.
        whole: integers only.
    """

    key: str
    choices: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False


def axes_of(vary: Iterable[str]) -> tuple[Axis, ...]:
    """Read what is varied.

    Raises:
        RecipeError: not of that form, a range without width, or a key named twice.
    """
    axes = tuple(_axis(text) for text in vary)
    keys = [axis.key for axis in axes]
    for key in keys:
        if keys.count(key) > 1:
            msg = f"{key} is varied twice: name each key once"
            raise RecipeError(msg)
    return axes


def known_space(recipe: str) -> tuple[str, ...]:
    """Return what is usually varied in a recipe of ours; empty where nothing is laid down."""
    path = FOLDER / f"{recipe}.toml"
    return tuple(tomllib.loads(path.read_text(encoding="utf-8"))["vary"]) if path.exists() else ()


def change_of(key: str, value: Value) -> str:
    """Return a value as a change of a recipe."""
    return f"{key}={json.dumps(value)}"


def _axis(text: str) -> Axis:
    key, sign, values = (part.strip() for part in text.partition("="))
    if not sign or not key or not values:
        raise RecipeError(_form(text))
    if ".." in values:
        return _range(key, values, text)
    choices = tuple(_value(one) for one in values.split("|"))
    if len(choices) < 2:
        raise RecipeError(_form(text))
    return Axis(key, choices)


def _range(key: str, values: str, text: str) -> Axis:
    ends, _, how = values.partition(":")
    low, high = (_value(end) for end in ends.split("..", 1))
    if how not in {"", "log"} or not (_number(low) and _number(high)):
        raise RecipeError(_form(text))
    whole = isinstance(low, int) and isinstance(high, int)
    low, high = float(low), float(high)
    if not low < high or (how == "log" and low <= 0):
        msg = f"{text!r}: a range goes from less to more, and from above 0 where it is logarithmic"
        raise RecipeError(msg)
    return Axis(key, low=low, high=high, log=how == "log", whole=whole)


def _number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _value(text: str) -> Value:
    try:
        value = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()
    return value if isinstance(value, str | int | float | bool) else text.strip()


def _form(text: str) -> str:
    return f"what is varied is written key=low..high, key=low..high:log or key=x|y|z, got {text!r}"
