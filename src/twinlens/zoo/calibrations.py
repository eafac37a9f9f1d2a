"""A user's calibrations: files beside his models, so that a packaged model is calibrated without editing the package.

``<user's models folder>/calibrations/NAME.toml`` holds the name, the model it belongs to (its identity: name and head
of the file's sha256), and the tables of a card. The one that is named like the model is in force without being asked
for. Nothing in such a file is biometric: a few numbers that say how often which similarity occurred.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from twinlens.errors import ModelError, ModelMismatchError, ModelNotFoundError, OptionError
from twinlens.zoo.cabinet import user_folder
from twinlens.zoo.calibration import Calibration
from twinlens.zoo.card import Measurement, ModelCard
from twinlens.zoo.tables import calibration_text, measured_text, quoted, read_tables, write_whole

FOLDER = "calibrations"
OF_THE_CARD = "card"  # asks for what the model's card says, whatever the user saved


@dataclass(frozen=True, slots=True)
class OwnCalibration:
    """One file.

    Attributes:
        name: how it is asked for.
        model: the identity of the embedder whose similarities it reads.
        detector: what found the faces.
        made: UTC date and time, ISO 8601.
        calibration: similarity to probability.
        measured: thresholds; None where the pairs were too few for the default one, so that the card's stay.
    """

    name: str
    model: str
    detector: str
    made: str
    calibration: Calibration
    measured: Measurement | None = None


def calibrations_folder(folder: Path | None = None) -> Path:
    """Return where the files lie.

    Args:
        folder: the user's models folder; `twinlens.zoo.user_folder` by default.
    """
    return (folder or user_folder()) / FOLDER


def list_calibrations(folder: Path | None = None) -> tuple[list[OwnCalibration], list[ModelError]]:
    """Return every sound file by name, and what is wrong with the others."""
    found, faults = [], []
    place = calibrations_folder(folder)
    for path in sorted(place.glob("*.toml")) if place.is_dir() else ():
        try:
            found.append(read_calibration(path))
        except ModelError as error:
            faults.append(error)
    return found, faults


def read_calibration(path: Path) -> OwnCalibration:
    """Read one file.

    Raises:
        ModelError: unreadable or malformed.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        measured, calibration = read_tables(table)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError, ModelError) as error:
        msg = f"cannot read the calibration {path}: {error}"
        raise ModelError(msg) from error
    model, detector, made = (table.get(key) for key in ("model", "detector", "made"))
    if calibration is None or not (isinstance(model, str) and isinstance(detector, str) and isinstance(made, str)):
        msg = f"cannot read the calibration {path}: wanted texts model, detector and made, and a table [calibration]"
        raise ModelError(msg)
    return OwnCalibration(path.stem, model, detector, made, calibration, measured)


def find_calibration(name: str, folder: Path | None = None) -> OwnCalibration:
    """Return the calibration of that name.

    Raises:
        ModelNotFoundError: none of that name; the message lists those that exist.
        ModelError: it cannot be read.
    """
    path = _path(name, folder)
    if path.is_file():
        return read_calibration(path)
    known = ", ".join(own.name for own in list_calibrations(folder)[0]) or "none"
    msg = f"no calibration named {name!r}; known: {known}. Make one: twinlens calibrate FOLDER --save {name}"
    raise ModelNotFoundError(msg)


def check_name(name: str) -> None:
    """Refuse a name that a calibration cannot have, before the work that makes one.

    Raises:
        OptionError: it cannot be a file's, or is ``card``.
    """
    _path(name, None)


def save_calibration(own: OwnCalibration, folder: Path | None = None) -> Path:
    """Write a calibration whole or not at all, in the place of one of the same name; return where.

    Raises:
        OptionError: a name that cannot be a file's, or ``card``.
        ModelError: it cannot be written.
    """
    head = [f"{key} = {quoted(getattr(own, key))}" for key in ("name", "model", "detector", "made")]
    parts = ["\n".join([*head, ""]), calibration_text(own.calibration)]
    if own.measured is not None:
        parts.append(measured_text(own.measured))
    path = _path(own.name, folder)
    write_whole(path, "\n".join(parts).encode())
    return path


def remove_calibration(name: str, folder: Path | None = None) -> Path:
    """Delete a calibration; return where it was.

    Raises:
        ModelNotFoundError: none of that name.
        ModelError: it cannot be deleted.
    """
    path = _path(name, folder)
    if not path.is_file():
        find_calibration(name, folder)
    try:
        path.unlink()
    except OSError as error:
        msg = f"cannot delete {path}: {error.strerror or error}"
        raise ModelError(msg) from error
    return path


def own_calibration(card: ModelCard, name: str | None = None, folder: Path | None = None) -> OwnCalibration | None:
    """Return the user's calibration that is in force for a model; None where the card's own is.

    Args:
        card: the embedder's.
        name: the calibration asked for; None for the one named like the model, if there is one; ``card`` for none.
        folder: the user's models folder.

    Raises:
        ModelNotFoundError: none of that name.
        ModelMismatchError: it was made with another model.
        ModelError: it cannot be read.
    """
    unasked = calibrations_folder(folder) / f"{card.name}.toml"
    if name == OF_THE_CARD or (name is None and not unasked.is_file()):
        return None
    own = read_calibration(unasked) if name is None else find_calibration(name, folder)
    if own.model != card.identity:
        msg = (
            f"the calibration {own.name!r} was made with {own.model!r} and says nothing about {card.identity!r}: "
            f"calibrate again, or remove it: twinlens models forget {own.name}"
        )
        raise ModelMismatchError(msg)
    return own


def calibrated(card: ModelCard, name: str | None = None, folder: Path | None = None) -> ModelCard:
    """Return a model's card with the user's calibration and thresholds in place of its own, as `own_calibration` says.

    Raises:
        ModelError: as `own_calibration`.
    """
    own = own_calibration(card, name, folder)
    if own is None:
        return card
    return replace(card, calibration=own.calibration, measured=own.measured or card.measured)


def _path(name: str, folder: Path | None) -> Path:
    sound = name == name.strip() and name.isprintable() and not name.startswith(".") and len(name.encode()) <= 100
    if not name or not sound or set(name) & set('/\\:*?"<>|') or name == OF_THE_CARD:
        msg = f"a calibration needs a name that can be a file's (and is not {OF_THE_CARD!r}), got {name!r}"
        raise OptionError(msg)
    return calibrations_folder(folder) / f"{name}.toml"
