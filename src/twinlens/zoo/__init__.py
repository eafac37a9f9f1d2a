"""A model's name -> its card and its file."""

from twinlens.zoo.cabinet import (
    DEFAULT_DETECTOR,
    DEFAULT_EMBEDDER,
    checked_paths,
    faulty_cards,
    find_card,
    list_cards,
    locate,
    sha256_of,
    user_folder,
)
from twinlens.zoo.card import (
    Accuracy,
    InputSpec,
    Measurement,
    ModelCard,
    ModelFile,
    OperatingPoint,
    read_card,
)

__all__ = [
    "DEFAULT_DETECTOR",
    "DEFAULT_EMBEDDER",
    "Accuracy",
    "InputSpec",
    "Measurement",
    "ModelCard",
    "ModelFile",
    "OperatingPoint",
    "checked_paths",
    "faulty_cards",
    "find_card",
    "list_cards",
    "locate",
    "read_card",
    "sha256_of",
    "user_folder",
]
