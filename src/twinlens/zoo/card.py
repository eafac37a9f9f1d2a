"""TOML file -> ModelCard: what a model is, where it comes from, what it was measured to do.

After "Model Cards for Model Reporting" (Mitchell et al. 2019). A figure that nobody measured is absent.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from twinlens.errors import ModelError
from twinlens.zoo.calibration import Calibration

Kind = Literal["embedder", "detector"]
SHA256_LENGTH = 64
T = TypeVar("T")
_PLAIN: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float, int)}


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model: its name beside the card or in the user's folder, its size and its sha256."""

    name: str
    sha256: str
    size_bytes: int
    url: str = ""

    def __post_init__(self) -> None:
        if Path(self.name).name != self.name or self.name.startswith("."):
            msg = f"a card names files without folders, got {self.name!r}"
            raise ModelError(msg)
        if len(self.sha256) != SHA256_LENGTH or set(self.sha256) - set("0123456789abcdef"):
            msg = f"{self.name}: sha256 must be 64 lower-case hexadecimal digits, got {self.sha256!r}"
            raise ModelError(msg)


@dataclass(frozen=True, slots=True)
class InputSpec:
    """How a crop becomes the network's input: ``(pixel - mean) * scale``, channels first."""

    colour: Literal["rgb", "bgr"] = "rgb"
    mean: float = 0.0
    scale: float = 1.0
    output: str = ""  # the output's name; empty where there is only one


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """One measured threshold.

    Attributes:
        fmr: false match rate, 0 to 1: impostor comparisons at or above the threshold.
        threshold: similarity.
        fnmr: false non-match rate at that threshold, 0 to 1.
    """

    fmr: float
    threshold: float
    fnmr: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """Operating points and where they come from, the highest FMR first."""

    protocol: str
    command: str
    impostors: int
    genuine: int
    people: int
    points: tuple[OperatingPoint, ...]

    def __post_init__(self) -> None:
        for point in self.points:
            if not (0 < point.fmr <= 1 and -1 <= point.threshold <= 1 and 0 <= point.fnmr <= 1):
                msg = f"rates lie between 0 and 1 and thresholds between -1 and 1, got {point}"
                raise ModelError(msg)
        if not self.points:
            msg = "a measurement needs at least one operating point"
            raise ModelError(msg)
        for looser, stricter in zip(self.points, self.points[1:], strict=False):
            if not (looser.fmr > stricter.fmr and looser.threshold <= stricter.threshold):
                msg = f"operating points must fall in FMR and rise in threshold, got {looser} before {stricter}"
                raise ModelError(msg)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """One published or measured accuracy, with its 95 % interval."""

    protocol: str
    value: float
    low: float
    high: float
    command: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model, described.

    Attributes:
        name: how it is called on the command line; every embedding carries it.
        kind: ``embedder`` or ``detector``.
        summary: one line.
        files: what must be on disk.
        dim: numbers in an embedding; 0 for a detector.
        input: how pixels are fed.
        licence_code: SPDX name of the licence of the code that made it.
        licence_weights: SPDX name of the licence of the weights.
        training_data: what it was trained on, as far as it is documented.
        source: where the files come from.
        provenance: how the files here were made from the source's.
        family: for a detector: the key of its adapter, where that is not its name.
        parameters: learned numbers in all its files (weights and biases, no scales of a quantisation); 0 where nobody
            counted.
        golden: the first numbers of the reference implementation's embedding of `embed.golden_crop`; an engine that
            answers otherwise is not to be trusted.
        accuracy: measured on whole protocols.
        measured: thresholds and error rates; None where nobody measured them.
        calibration: how a similarity becomes a probability; None where nobody calibrated the model.
        folder: where the card was read from.
    """

    name: str
    kind: Kind
    summary: str
    files: tuple[ModelFile, ...]
    dim: int = 0
    input: InputSpec = field(default_factory=InputSpec)
    licence_code: str = "unknown"
    licence_weights: str = "unknown"
    training_data: str = "not documented"
    source: str = ""
    provenance: str = ""
    family: str = ""
    parameters: int = 0
    golden: tuple[float, ...] = ()
    accuracy: tuple[Accuracy, ...] = ()
    measured: Measurement | None = None
    calibration: Calibration | None = None
    folder: Path = Path()

    @property
    def identity(self) -> str:
        """Name and the head of the first file's sha256: what an embedding carries.

        Another file under the same name is another model, and its vectors cannot be compared.
        """
        return f"{self.name}@{self.files[0].sha256[:8]}"

    def __post_init__(self) -> None:
        if not self.name or self.name != self.name.strip() or "/" in self.name:
            msg = f"a card needs a name without slashes, got {self.name!r}"
            raise ModelError(msg)
        if self.kind == "embedder" and self.dim < 1:
            msg = f"{self.name}: an embedder's card needs dim, the length of its vectors"
            raise ModelError(msg)
        if self.parameters < 0:
            msg = f"{self.name}: parameters must be 0 or more, got {self.parameters}"
            raise ModelError(msg)
        if len(self.golden) > self.dim:
            msg = f"{self.name}: golden must be at most dim numbers, got {len(self.golden)}"
            raise ModelError(msg)
        if not self.files:
            msg = f"{self.name}: a card needs at least one file"
            raise ModelError(msg)


def read_card(path: Path) -> ModelCard:
    """Read and check one card.

    Raises:
        ModelError: unreadable, not TOML, a key that does not exist, or a value that cannot be.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        msg = f"cannot read the model card {path}: {error}"
        raise ModelError(msg) from error
    try:
        return _card(table, path.parent)
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        msg = f"the model card {path} is malformed: {error}"
        raise ModelError(msg) from error
    except ModelError as error:
        msg = f"the model card {path} is malformed: {error}"
        raise ModelError(msg) from error


def _card(table: dict[str, Any], folder: Path) -> ModelCard:
    known = {f.name for f in fields(ModelCard)} - {"folder"}
    unknown = sorted(set(table) - known)
    if unknown:
        msg = f"unknown keys {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        raise ModelError(msg)
    if table.get("kind") not in get_args(Kind):
        msg = f"kind must be {' or '.join(get_args(Kind))}, got {table.get('kind')!r}"
        raise ModelError(msg)
    values = dict(table)
    values["files"] = tuple(_typed(ModelFile, f) for f in table["files"])
    values["input"] = _typed(InputSpec, table.get("input", {}))
    values["golden"] = tuple(map(float, table.get("golden", ())))
    if not all(map(math.isfinite, values["golden"])):
        msg = "golden must be finite"
        raise ModelError(msg)
    values["accuracy"] = tuple(_typed(Accuracy, a) for a in table.get("accuracy", ()))
    if "measured" in table:
        values["measured"] = measurement_of(table["measured"])
    if "calibration" in table:
        values["calibration"] = calibration_of(table["calibration"])
    return _typed(ModelCard, {**values, "folder": folder})


def measurement_of(table: Mapping[str, Any]) -> Measurement:
    """Make a measurement of the values of a ``[measured]`` table.

    Raises:
        ModelError: values that cannot be; also TypeError, KeyError and ValueError for such a table.
    """
    return _typed(Measurement, {**table, "points": tuple(_typed(OperatingPoint, p) for p in table["points"])})


def calibration_of(table: Mapping[str, Any]) -> Calibration:
    """Make a calibration of the values of a ``[calibration]`` table.

    Raises:
        ModelError: values that cannot be; also TypeError, KeyError and ValueError for such a table.
    """
    values = dict(table)
    values["weights"] = tuple(map(float, table.get("weights", ())))
    values["knots"] = tuple((float(place), float(llr)) for place, llr in table.get("knots", ()))
    return _typed(Calibration, values)


def _typed(kind: type[T], values: Mapping[str, Any]) -> T:
    """Make a dataclass of TOML values, refusing those of another type and numbers that are not finite."""
    wanted = {f.name: _PLAIN[f.type] for f in fields(kind) if f.type in _PLAIN}  # type: ignore[arg-type]
    for name, types in wanted.items():
        value = values.get(name)
        if name not in values:
            continue
        if not isinstance(value, types) or isinstance(value, bool):
            msg = f"{name} must be {' or '.join(t.__name__ for t in types)}, got {value!r}"
            raise ModelError(msg)
        if isinstance(value, float) and not math.isfinite(value):
            msg = f"{name} must be finite, got {value}"
            raise ModelError(msg)
    return kind(**values)
