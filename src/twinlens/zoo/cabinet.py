"""A model's name -> its card and checked files: those carried in the package, then the user's folder."""

from __future__ import annotations

import difflib
import hashlib
import os
from pathlib import Path

import platformdirs

from twinlens.errors import ChecksumError, ModelError, ModelNotFoundError
from twinlens.zoo.card import ModelCard, ModelFile, read_card

CARRIED_CARDS = Path(__file__).parent / "cards"
CARRIED_WEIGHTS = Path(__file__).parent / "weights"
# a StringStringEntryProto with the key "location" (onnx.proto, TensorProto.external_data)
EXTERNAL_WEIGHTS = b"\x0a\x08location\x12"
DEFAULT_EMBEDDER = "sface"
DEFAULT_DETECTOR = "yunet"


def user_folder() -> Path:
    """Return the user's models folder: ``$TWINLENS_HOME/models`` or in the platform's data folder."""
    home = os.environ.get("TWINLENS_HOME")
    return (Path(home) if home else Path(platformdirs.user_data_dir("twinlens", appauthor=False))) / "models"


def list_cards(folder: Path | None = None) -> list[ModelCard]:
    """Return every sound card, the carried ones first, each group by name; see `faulty_cards` for the others.

    Args:
        folder: the user's folder; `user_folder` by default.
    """
    return _sorted_cards(folder or user_folder())[0]


def faulty_cards(folder: Path | None = None) -> list[ModelError]:
    """Return what is wrong with cards of the user's folder: malformed, or a name that is taken."""
    return _sorted_cards(folder or user_folder())[1]


def _sorted_cards(own: Path) -> tuple[list[ModelCard], list[ModelError]]:
    cards = [read_card(path) for path in sorted(CARRIED_CARDS.glob("*.toml"))]
    faults: list[ModelError] = []
    taken = {card.name for card in cards}
    for path in sorted(own.glob("*.toml")) if own.is_dir() else ():
        try:
            card = read_card(path)
        except ModelError as error:
            faults.append(error)
            continue
        if card.name in taken:
            faults.append(ModelError(f"the card {path} is named {card.name!r}, which is taken: give it another name"))
            continue
        taken.add(card.name)
        cards.append(card)
    return cards, faults


def find_card(name: str, folder: Path | None = None) -> ModelCard:
    """Return the card of that name, or read it where the name is a path to a card.

    Raises:
        ModelNotFoundError: no such name; the message lists those that exist.
    """
    if name.endswith(".toml"):
        if not Path(name).is_file():
            msg = f"no model card at {name}"
            raise ModelNotFoundError(msg)
        return read_card(Path(name))
    carried = CARRIED_CARDS / f"{name}.toml"
    if Path(name).name == name and carried.is_file():
        return read_card(carried)
    cards = {card.name: card for card in list_cards(folder)}
    if name not in cards:
        near = difflib.get_close_matches(name, cards, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        msg = (
            f"no model named {name!r}{hint}; known: {', '.join(cards)}. "
            f"Your own cards and files go to {folder or user_folder()}"
            + "".join(f"; {fault}" for fault in faulty_cards(folder))
        )
        raise ModelNotFoundError(msg)
    return cards[name]


def locate(card: ModelCard, file: ModelFile, folder: Path | None = None) -> Path:
    """Return where a card's file lies: in the package, beside the card, or in the user's folder.

    Raises:
        ModelNotFoundError: nowhere; the message says where to put it.
    """
    places = (CARRIED_WEIGHTS, card.folder, folder or user_folder())
    for place in places:
        if (place / file.name).is_file():
            return place / file.name
    how = f"run: twinlens models fetch {card.name}" if file.url else f"put it into {places[-1]}"
    msg = f"model {card.name!r} needs {file.name} ({file.size_bytes:,} bytes), which is not here: {how}"
    raise ModelNotFoundError(msg)


def sha256_of(path: Path) -> str:
    """Return a file's sha256 in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def checked_paths(card: ModelCard, folder: Path | None = None) -> list[Path]:
    """Return the paths of a card's files after checking each sha256.

    Raises:
        ModelNotFoundError: a file is not on this machine.
        ChecksumError: a file is not the one the card describes.
    """
    paths = []
    for file in card.files:
        path = locate(card, file, folder)
        found = sha256_of(path)
        if found != file.sha256:
            msg = (
                f"{path} is not the file that the card of {card.name!r} describes: sha256 {found}, wanted "
                f"{file.sha256}. Replace the file, or write a card of its own"
            )
            raise ChecksumError(msg)
        if EXTERNAL_WEIGHTS in path.read_bytes():
            msg = f"{path} keeps weights in another file, which no sha256 covers: save the model as one file"
            raise ChecksumError(msg)
        paths.append(path)
    return paths
