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
from twinlens.zoo.calibration import EVEN, Calibration
from twinlens.zoo.calibrations import (
    OwnCalibration,
    calibrated,
    find_calibration,
    list_calibrations,
    own_calibration,
    remove_calibration,
    save_calibration,
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
from twinlens.zoo.tables import write_tables

__all__ = [
    "DEFAULT_DETECTOR",
    "DEFAULT_EMBEDDER",
    "EVEN",
    "Accuracy",
    "Calibration",
    "InputSpec",
    "Measurement",
    "ModelCard",
    "ModelFile",
    "OperatingPoint",
    "OwnCalibration",
    "calibrated",
    "checked_paths",
    "faulty_cards",
    "find_calibration",
    "find_card",
    "list_calibrations",
    "list_cards",
    "locate",
    "own_calibration",
    "read_card",
    "remove_calibration",
    "save_calibration",
    "sha256_of",
    "user_folder",
    "write_tables",
]
