"""A file of pretrained weights, or ``imagenet`` -> tensors by name, checked and put into a trunk.

Files are safetensors, or state dicts of PyTorch, read with ``weights_only``: nothing in them runs. ``imagenet`` is the
published file of a trunk in the user's models folder; it is fetched where it has an address, and checked by sha256.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from twinlens.datasets.fetch import download
from twinlens.datasets.sources import Source
from twinlens.errors import ChecksumError, DatasetError, ModelError, ModelNotFoundError
from twinlens.zoo.cabinet import sha256_of, user_folder

IMAGENET = "imagenet"
ADVICE = "give trunk.weights a file of this trunk, or leave it empty to draw them"


@dataclass(frozen=True, slots=True)
class Published:
    """Weights that somebody published for a trunk.

    Attributes:
        files: name on disk -> sha256, or how it begins where its owners publish no more; any of them will do.
        urls: addresses of the first file; empty where only a package carries it.
        how: what a person does who is not on a network.
    """

    files: Mapping[str, str]
    urls: tuple[str, ...]
    how: str


def published_weights(published: Published, *, folder: Path | None = None) -> Path:
    """Return where the published file lies, after fetching it if need be.

    Raises:
        ModelNotFoundError: it is not here and cannot be fetched; the message says how to get it.
        ChecksumError: it is here and not the file that was published.
    """
    folder = folder or user_folder()
    for name, wanted in published.files.items():
        path = folder / name
        if not path.is_file():
            continue
        if not (found := sha256_of(path)).startswith(wanted):
            msg = f"{path} is not the published file: sha256 {found}, wanted {wanted}. Delete it; {published.how}"
            raise ChecksumError(msg)
        return path
    name, wanted = next(iter(published.files.items()))
    if not published.urls:
        msg = f"{name} is not in {folder}: {published.how}"
        raise ModelNotFoundError(msg)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return download(Source(name, published.urls, wanted), folder)
    except (DatasetError, OSError) as error:
        msg = f"{name} is not in {folder} and cannot be fetched ({error}): {published.how}"
        raise ModelNotFoundError(msg) from error


def find_weights(given: str, published: Published) -> Path:
    """Return the path of weights: the published file for ``imagenet``, or a file here or in the models folder.

    Raises:
        ModelNotFoundError: no such file.
        ChecksumError: the published file is another one.
    """
    if given == IMAGENET:
        return published_weights(published)
    for path in (Path(given).expanduser(), user_folder() / given):
        if path.is_file():
            return path
    msg = f"no weights at {given}, nor in {user_folder()}: give a .safetensors or .pth file, or {IMAGENET!r}"
    raise ModelNotFoundError(msg)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a file of weights.

    Raises:
        ModelError: it is not one; nothing in it is run.
    """
    from safetensors import SafetensorError  # noqa: PLC0415
    from safetensors.torch import load_file  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of PyTorch about old pickles: what it cannot read is said below
            state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        msg = f"{path} holds no weights that can be read safely: {reason}"
        raise ModelError(msg) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        msg = f"{path} is no state dict of tensors: save model.state_dict(), not the model"
        raise ModelError(msg)
    return state


def load_weights(
    trunk: nn.Module, path: Path, *, parts: tuple[str, ...], renamed: Callable[[str], str] = lambda name: name
) -> None:
    """Copy the weights of a file into parts of a trunk. A grey trunk takes the sum over a colour file's channels.

    Args:
        trunk: its parameters and statistics.
        path: of the file.
        parts: beginnings of the names that have to be in the file; others keep what they have.
        renamed: turns a name of the file into one of the trunk.

    Raises:
        ModelError: a name is missing or a shape differs; the trunk may then be half loaded.
    """
    state = {renamed(name): value for name, value in read_weights(path).items()}
    for name, target in trunk.state_dict().items():
        if not name.startswith(parts) or name.endswith("num_batches_tracked"):
            continue
        if name not in state:
            msg = f"{path} lacks {name}: these are weights of another network; {ADVICE}"
            raise ModelError(msg)
        value = state[name]
        if target.ndim == 4 and target.shape[1] == 1 and value.ndim == 4 and value.shape[1] == 3:
            value = value.sum(1, keepdim=True)  # what a grey picture in three channels would give
        if value.shape != target.shape:
            shapes = f"{tuple(value.shape)}, wanted {tuple(target.shape)}"
            msg = f"{path}: {name} is {shapes}: these are weights of another network, or of other options; {ADVICE}"
            raise ModelError(msg)
        target.copy_(value)
