"""A run's folder: what was asked, what came of it, and the weights.

    recipe.toml             every value of the recipe, defaults written out
    environment.json        git commit, seeds, hash of the data, versions, processor
    metrics.csv             one line an epoch; tensorboard/ holds the same
    checkpoint              of a run that is not finished: what `twinlens train --resume` goes on from
    weights.safetensors     the kept epoch's
    outcome.json            figures of the kept weights; written last, so it says that the run is finished
    curves.png, panels/     pictures of them

Every file is written beside its place and then moved, so a full disk or a kill leaves the one before.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import tomli_w
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from twinlens.errors import ModelError, ModelNotFoundError, RecipeError
from twinlens.lab.reading import read_recipe, table_of
from twinlens.lab.recipe import Recipe
from twinlens.lab.scoring import Result
from twinlens.lab.siamese import Siamese, unfilled_siamese

RECIPE_FILE = "recipe.toml"
ENVIRONMENT_FILE = "environment.json"
METRICS_FILE = "metrics.csv"
CHECKPOINT_FILE = "checkpoint"
WEIGHTS_FILE = "weights.safetensors"
OUTCOME_FILE = "outcome.json"
CURVES_FILE = "curves.png"
PANELS_FOLDER = "panels"
TENSORBOARD_FOLDER = "tensorboard"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use; sizes below the recipe's mark its outcome.

    Attributes:
        epochs: at most so many, whatever the recipe says.
        seconds: of training; it ends with the step in which they are over.
        train_pairs: of the listed training pairs, drawn by seed.
        test: touch the test part at the end.
        panels: draw pairs as pictures into the folder.
        processes: that train together, each with its share of every step (Lightning's DDP).
        threads: of each process; one is quickest where other programs keep the processor busy. None for PyTorch's own
            choice. Another number may give other last bits.
    """

    epochs: int | None = None
    seconds: float | None = None
    train_pairs: int | None = None
    test: bool = True
    panels: bool = True
    processes: int = 1
    threads: int | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "seconds", "train_pairs", "processes", "threads"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                msg = f"limits.{name} is above 0, got {value}"
                raise RecipeError(msg)

    @property
    def sizes(self) -> dict[str, float]:
        """The sizes that are set, by name."""
        named = {"epochs": self.epochs, "seconds": self.seconds, "train_pairs": self.train_pairs}
        return {name: value for name, value in named.items() if value is not None}


QUICK = Limits(epochs=2, train_pairs=200)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run.

    Attributes:
        recipe: what was run.
        folder: where.
        epochs: trained.
        kept_epoch: whose weights are kept, counted from 1.
        seconds: of training and validation, all sittings together.
        images_per_second: pictures through the network while training, without validation.
        parameters: that train.
        collapse: in words, how the network collapsed; empty where it did not.
        threshold_from: ``validation`` or ``half``.
        train: on the training pairs; None where none are listed.
        validation: on the validation part; None where there is none.
        test: on the test part; None where there is none or it was not touched.
        limits: sizes below the recipe's; empty for none.
        notes: what a reader must know.
    """

    recipe: Recipe
    folder: Path
    epochs: int
    kept_epoch: int
    seconds: float
    images_per_second: float
    parameters: int
    collapse: str
    threshold_from: str
    train: Result | None
    validation: Result | None
    test: Result | None
    limits: Mapping[str, float]
    notes: tuple[str, ...]

    @property
    def collapsed(self) -> bool:
        """Whether the network says nothing any more."""
        return bool(self.collapse)

    def record(self) -> dict[str, Any]:
        """Return everything but recipe and folder as plain values."""
        plain = {name: getattr(self, name) for name in Outcome.__dataclass_fields__ if name not in {"recipe", "folder"}}
        for name in ("train", "validation", "test"):
            plain[name] = None if plain[name] is None else asdict(plain[name])
        return plain | {"collapsed": self.collapsed, "limits": dict(self.limits), "notes": list(self.notes)}


def write_file(path: Path, content: bytes | Callable[[BinaryIO], None]) -> None:
    """Write a file beside its place, then move it there.

    Args:
        path: its place; the folder is made if absent.
        content: what it holds, or what writes it.

    Raises:
        ModelError: it cannot be written; what stood there before still does.
    """
    name = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                content(file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        with suppress(OSError):
            Path(name or path.parent / ".nothing").unlink(missing_ok=True)
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: OSError) -> ModelError:
    return ModelError(
        f"cannot write {path}: {error.strerror or error}; what was written before is intact: free some space, then "
        "the same command with --resume goes on from the last epoch kept"
    )


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write a JSON file; see `write_file`."""
    write_file(path, (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())


def write_recipe(folder: Path, recipe: Recipe) -> None:
    """Write ``recipe.toml``; see `write_file`."""
    write_file(folder / RECIPE_FILE, tomli_w.dumps(table_of(recipe)).encode())


def write_outcome(outcome: Outcome) -> None:
    """Write ``outcome.json``; see `write_file`."""
    write_json(outcome.folder / OUTCOME_FILE, outcome.record())


def read_outcome(folder: Path) -> Outcome:
    """Read what came of a finished run.

    Raises:
        ModelNotFoundError: no finished run there.
        ModelError: it cannot be read.
    """
    try:
        plain: dict[str, Any] = json.loads((folder / OUTCOME_FILE).read_text(encoding="utf-8"))
        plain.pop("collapsed")
        for name in ("train", "validation", "test"):
            if plain[name] is not None:
                plain[name]["interval"] = tuple(plain[name]["interval"])
                plain[name] = Result(**plain[name])
        plain["notes"] = tuple(plain["notes"])
        return Outcome(recipe=read_recipe(folder / RECIPE_FILE), folder=folder, **plain)
    except (FileNotFoundError, NotADirectoryError) as error:
        msg = f"{folder} holds no finished run ({OUTCOME_FILE} is not there); train it, or go on with --resume"
        raise ModelNotFoundError(msg) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"{folder / OUTCOME_FILE} cannot be read: {error}; train again into another folder"
        raise ModelError(msg) from error


def cut_otherwise(folder: Path, train_pairs: int | None) -> bool:
    """Return whether the run in a folder says that it was begun with another number of training pairs."""
    try:
        plain = json.loads((folder / ENVIRONMENT_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(plain, dict) and "train_pairs" in plain and plain["train_pairs"] != train_pairs


def write_weights(path: Path, state: Mapping[str, Tensor], recipe: Recipe) -> None:
    """Write weights as safetensors; see `write_file`."""
    plain = {key: value.detach().cpu().contiguous() for key, value in state.items()}
    write_file(path, save(plain, metadata={"recipe": recipe.name}))


def load_run(folder: Path) -> tuple[Recipe, Siamese]:
    """Return a run's recipe and its network with the kept weights, in the state of use.

    Raises:
        ModelNotFoundError: no weights there.
        ModelError: they are damaged, or of another shape than the recipe's network.
        RecipeError: the recipe cannot be read.
    """
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        msg = (
            f"{folder} holds no weights ({WEIGHTS_FILE} is not there): go on with an unfinished run (--resume), or "
            "train it again in another folder"
        )
        raise ModelNotFoundError(msg)
    recipe = read_recipe(folder / RECIPE_FILE)
    siamese = unfilled_siamese(recipe)
    try:
        state = load(path.read_bytes())
    except (OSError, SafetensorError, ValueError) as error:
        msg = f"{path} is damaged: {error}; train the run again"
        raise ModelError(msg) from error
    fit_weights(siamese, {k.removeprefix("siamese."): v for k, v in state.items() if k.startswith("siamese.")}, path)
    return recipe, siamese.eval()


def fit_weights(siamese: Siamese, state: Mapping[str, Tensor], path: Path) -> None:
    """Load weights into a network.

    Raises:
        ModelError: naming the first tensor that is absent, unknown or of another shape.
    """
    wanted = siamese.state_dict()
    for key in {**wanted, **state}:
        have, want = (tuple(one[key].shape) if key in one else None for one in (state, wanted))
        if have != want:
            said = " has no place in" if want is None else f" is {list(want)} in"
            got = "is not in the file" if have is None else f"is {list(have)} in the file"
            msg = f"{path}: weights of another shape: {key}{said} the recipe's network and {got}"
            raise ModelError(msg)
    siamese.load_state_dict(dict(state))
