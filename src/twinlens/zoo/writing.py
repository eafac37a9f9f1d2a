"""ModelCard, bytes -> a model of the user's: one ONNX file and its card, each whole or not at all."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from twinlens.errors import ModelError, OptionError
from twinlens.zoo.cabinet import CARRIED_CARDS, list_cards, user_folder
from twinlens.zoo.card import Accuracy, ModelCard, ModelFile, read_card
from twinlens.zoo.tables import calibration_text, measured_text, plain, quoted, write_whole

LONGEST_NAME = 100  # bytes: a file's name with a suffix must fit
TEXTS = (
    "summary",
    "licence_code",
    "licence_weights",
    "training_data",
    "source",
    "provenance",
)


def free_name(name: str, folder: Path | None = None, *, replace_old: bool = False) -> str:
    """Return a name for a new model after checking that it can be a file's, is nobody else's, and has a folder.

    Args:
        name: as asked for.
        folder: where the model will go; `user_folder` by default.
        replace_old: whether a model of that name in this folder may be replaced.

    Raises:
        OptionError: a name that cannot be a file's.
        ModelError: it is taken, or the folder cannot be made or written.
    """
    sound = (
        name == name.strip() and name.isprintable() and not name.startswith(".") and len(name.encode()) <= LONGEST_NAME
    )
    if not name or not sound or set(name) & set('/\\:*?"<>|@') or name.endswith(".toml"):
        msg = f"a model needs a name that can be a file's, without / \\ : * ? @ and .toml, got {name!r}"
        raise OptionError(msg)
    own = folder or user_folder()
    if (CARRIED_CARDS / f"{name}.toml").exists():
        msg = f"the name {name!r} is taken by a model that Twinlens carries: choose another"
        raise ModelError(msg)
    if not _card(own, name).exists() and any(card.name == name for card in list_cards(own)):
        msg = f"the name {name!r} is taken by a card of another file name in {own}: choose another"
        raise ModelError(msg)
    if not replace_old and (_card(own, name).exists() or (own / f"{name}.onnx").exists()):
        msg = f"the name {name!r} is taken in {own}: choose another, or say --replace"
        raise ModelError(msg)
    _ready(own)
    return name


def _ready(folder: Path) -> None:
    """Make a folder and see that it can be written, before the work begins.

    Raises:
        ModelError: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        msg = f"cannot write models into {folder}: {error.strerror or error}"
        raise ModelError(msg) from error


def write_model(card: ModelCard, model: bytes, folder: Path | None = None, *, replace_old: bool = False) -> Path:
    """Write a model's file, then its card, which names it by its sha256; return where the card is.

    Args:
        card: whatever it says of files is replaced by this one.
        model: the ONNX file.
        folder: where; made if absent. `user_folder` by default.
        replace_old: put it in the place of a model of the same name.

    Raises:
        OptionError: a name that cannot be a file's.
        ModelError: the name is taken, or the folder cannot be written.
    """
    own = folder or user_folder()
    free_name(card.name, own, replace_old=replace_old)
    file = ModelFile(f"{card.name}.onnx", hashlib.sha256(model).hexdigest(), len(model))
    path = _card(own, card.name)
    write_whole(own / file.name, model)
    write_whole(path, card_text(replace(card, files=(file,), folder=own)).encode())
    read_card(path)
    return path


def card_text(card: ModelCard) -> str:
    """Return a card as TOML; what `read_card` reads back equal."""
    lines = [f"{key} = {quoted(getattr(card, key))}" for key in ("name", "kind")]
    lines += [f"{key} = {quoted(text)}" for key in TEXTS if (text := getattr(card, key))]
    lines += [f"{key} = {value}" for key in ("dim", "parameters") if (value := getattr(card, key))]
    if card.family:
        lines.append(f"family = {quoted(card.family)}")
    if card.golden:
        lines.append(f"golden = {plain(card.golden)}")
    parts = [
        "\n".join([*lines, ""]),
        *map(_file_text, card.files),
        _input_text(card),
        *map(_accuracy_text, card.accuracy),
    ]
    if card.measured is not None:
        parts.append(measured_text(card.measured))
    if card.calibration is not None:
        parts.append(calibration_text(card.calibration))
    return "\n".join(parts)


def _card(folder: Path, name: str) -> Path:
    return folder / f"{name}.toml"


def _file_text(file: ModelFile) -> str:
    url = [f"url = {quoted(file.url)}"] if file.url else []
    head = ["[[files]]", f"name = {quoted(file.name)}", f'sha256 = "{file.sha256}"', f"size_bytes = {file.size_bytes}"]
    return "\n".join([*head, *url, ""])


def _input_text(card: ModelCard) -> str:
    spec = card.input
    output = [f"output = {quoted(spec.output)}"] if spec.output else []
    return _lines("[input]", (f'colour = "{spec.colour}"', f"mean = {spec.mean!r}", f"scale = {spec.scale!r}", *output))


def _accuracy_text(one: Accuracy) -> str:
    figures = [f"{key} = {getattr(one, key):.6g}" for key in ("value", "low", "high")]
    return _lines(
        "[[accuracy]]",
        (f"protocol = {quoted(one.protocol)}", *map(_with_point, figures), f"command = {quoted(one.command)}"),
    )


def _with_point(line: str) -> str:
    return line if set(line.rpartition("=")[2]) & set(".en") else f"{line}.0"


def _lines(head: str, lines: Iterable[str]) -> str:
    return "\n".join([head, *lines, ""])
