"""A run at the end of an epoch <-> a file that is whole or not there, and is recognised when it is neither.

The file begins with the sha256 of what follows: PyTorch's own format, read with ``weights_only`` so that nothing in it
is executed.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import CheckpointIO

from twinlens.errors import ModelError
from twinlens.lab.run import write_file

DIGEST_BYTES = 32


class WholeFiles(CheckpointIO):
    """How Lightning writes and reads checkpoints here."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write a checkpoint.

        Raises:
            ModelError: it cannot be written; the one before still stands.
        """
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        payload = buffer.getvalue()
        write_file(Path(path), hashlib.sha256(payload).digest() + payload)

    def load_checkpoint(self, path: Any, map_location: Any | None = None, weights_only: bool | None = None) -> Any:
        """Read a checkpoint.

        Raises:
            ModelError: it is damaged or cannot be read.
        """
        return read_checkpoint(Path(path))

    def remove_checkpoint(self, path: Any) -> None:
        """Delete a checkpoint."""
        Path(path).unlink(missing_ok=True)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint.

    Raises:
        ModelError: it is damaged or cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror or error}"
        raise ModelError(msg) from error
    payload = content[DIGEST_BYTES:]
    if hashlib.sha256(payload).digest() != content[:DIGEST_BYTES]:
        msg = f"{path} is damaged, training cannot go on from it; delete it to begin that run anew"
        raise ModelError(msg)
    checkpoint: dict[str, Any] = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    return checkpoint
