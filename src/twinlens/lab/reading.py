"""TOML file or name, and ``a.b=c`` changes -> Recipe, and back to TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from twinlens.errors import RecipeError
from twinlens.lab.options import options_of, unknown
from twinlens.lab.recipe import BatchPlan, DataPlan, Part, Recipe, TrainingPlan

FOLDER = Path(__file__).parent / "recipes"
PLANS: Mapping[str, type] = {"data": DataPlan, "batch": BatchPlan, "training": TrainingPlan}
PARTS = ("trunk", "head", "loss", "optimizer", "schedule", "finish", "miner")
NEEDED = ("name", "title", "source", "data", "trunk", "head")
STEPPED = ("loss", "batch", "optimizer")  # needed where anything is learned by steps
NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


def recipe_names() -> list[str]:
    """Return the recipes that Twinlens carries, by name."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_recipe(name: str | Path, changes: Iterable[str] = ()) -> Recipe:
    """Read a recipe and change it.

    Args:
        name: one of `recipe_names`, or a path to a TOML file.
        changes: ``key=value`` with dots in the key (``training.epochs=5``); values as TOML writes them, text without
            quotes is taken as text.

    Raises:
        RecipeError: no such recipe, broken TOML, an unknown key (the nearest is named) or a value out of range.
    """
    table = read_table(name)
    for change in changes:
        _change(table, change)
    return recipe_of(table)


def read_table(name: str | Path) -> dict[str, Any]:
    """Return the recipe's bare table.

    Raises:
        RecipeError: no such recipe, or broken TOML.
    """
    try:
        path = FOLDER / f"{name}.toml" if str(name) in recipe_names() else Path(name).expanduser()
    except RuntimeError:  # ~ of a user who is not there
        path = Path(name)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        msg = f"{path}: not a recipe that can be read: tables in tables without end"
        raise RecipeError(msg) from error
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise RecipeError(unknown("recipe", str(name), str(name), recipe_names())) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        msg = f"{path}: not a recipe that can be read: {error}"
        raise RecipeError(msg) from error


def recipe_of(table: Mapping[str, Any]) -> Recipe:
    """Make a recipe of a bare table.

    Raises:
        RecipeError: an unknown or missing key, or a value that cannot be.
    """
    known = [f.name for f in fields(Recipe)]
    for key in table:
        if key not in known:
            raise RecipeError(unknown("key", key, key, known))
    stepped = not isinstance(table.get("training"), Mapping) or table["training"].get("epochs") != 0
    for needed in (*NEEDED, *(STEPPED if stepped else ())):
        if needed not in table:
            msg = f"the recipe needs {needed}"
            raise RecipeError(msg)
    values = {key: _section(key, value) for key, value in table.items()}
    if not values["name"] or set(values["name"]) - NAME:
        msg = f"name: small letters, digits, - and _, got {values['name']!r}"
        raise RecipeError(msg)
    if values.get("threshold", "validation") not in {"validation", "half"}:
        msg = f"threshold: 'validation' or 'half', got {values['threshold']!r}"
        raise RecipeError(msg)
    return Recipe(**values)


def _section(key: str, value: Any) -> Any:
    """Return what one key of a recipe says, checked."""
    if key in PLANS:
        return options_of(PLANS[key], _table(value, key), key)
    if key in PARTS:
        return _part(_table(value, key), key)
    if key in {"augment", "notes"} and not isinstance(value, list | tuple):
        msg = f"{key}: wanted a list, got {value!r}"
        raise RecipeError(msg)
    if key == "augment":
        return tuple(_part(_table(one, key), key) for one in value)
    if key == "notes":
        return tuple(map(str, value))
    return str(value)


def table_of(recipe: Recipe) -> dict[str, Any]:
    """Return the bare table of a recipe, with every default written out: what `recipe_of` reads back equal."""
    table: dict[str, Any] = {}
    for field in fields(Recipe):
        value = getattr(recipe, field.name)
        if field.name in PLANS:
            table[field.name] = asdict(value)
        elif isinstance(value, Part):
            table[field.name] = {"name": value.name, **_plain(value.options)}
        elif field.name == "augment":
            table[field.name] = [{"name": part.name, **_plain(part.options)} for part in value]
        else:
            table[field.name] = list(value) if isinstance(value, tuple) else value
    return table


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in options.items()}


def _part(table: Mapping[str, Any], where: str) -> Part:
    options = dict(table)
    name = options.pop("name", None)
    if not isinstance(name, str):
        msg = f"[{where}] needs a name"
        raise RecipeError(msg)
    return Part(name, options)


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        msg = f"{where}: wanted a table, got {value!r}"
        raise RecipeError(msg)
    return value


def _change(table: dict[str, Any], change: str) -> None:
    """Write one ``a.b=c`` into the table."""
    try:
        change.encode()
    except UnicodeEncodeError as error:
        msg = f"a change is text in UTF-8, got {change!r}"
        raise RecipeError(msg) from error
    key, sign, text = change.partition("=")
    if not sign or not key.strip():
        msg = f"a change is written key=value (training.epochs=5), got {change!r}"
        raise RecipeError(msg)
    *tables, last = key.strip().split(".")
    place = table
    for name in tables:
        place = place.setdefault(name, {})
        if not isinstance(place, dict):
            msg = f"{change!r}: {name} is no table"
            raise RecipeError(msg)
    if tables and tables[0] in PARTS and last == "name" and place.get("name") != text.strip():
        place.clear()  # another part has other options
    place[last] = _parsed(text.strip())


def _parsed(text: str) -> Any:
    """Return a value as TOML writes it; what is none is text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
