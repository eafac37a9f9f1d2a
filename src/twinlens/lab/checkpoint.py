"""A run at the end of an epoch <-> a file that is whole or not there, and is recognised when it is neither.

The file begins with the sha256 of what follows: PyTorch's own format, read with ``weights_only`` so that nothing in it
is executed.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

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

        def written(file: BinaryIO) -> None:
            file.write(bytes(DIGEST_BYTES))
            payload = Payload(file)
            try:
                torch.save(checkpoint, cast("IO[bytes]", payload))
            except RuntimeError as error:  # PyTorch's writer hides what the file said
                raise payload.fault or error from error
            file.seek(0)
            file.write(payload.hash.digest())

        write_file(Path(path), written)

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
        with path.open("rb") as file:
            digest = file.read(DIGEST_BYTES)
            whole = hashlib.file_digest(file, "sha256").digest() == digest
            if whole:
                checkpoint: dict[str, Any] = torch.load(
                    cast("IO[bytes]", Payload(file)), map_location="cpu", weights_only=True
                )
                return checkpoint
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror or error}"
        raise ModelError(msg) from error
    msg = f"{path} is damaged, training cannot go on from it; delete it to begin that run anew"
    raise ModelError(msg)


class Payload(io.RawIOBase):
    """The part of a file behind its digest, as a file of its own; nothing is held in memory.

    Attributes:
        hash: of what was written.
        fault: why it could not be written, if so.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.hash = hashlib.sha256()
        self.fault: OSError | None = None
        self._file = file
        self._file.seek(DIGEST_BYTES)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Write at the end."""
        self.hash.update(data)
        try:
            return self._file.write(data)
        except OSError as error:
            self.fault = error
            raise

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer."""
        read = self._file.read(len(buffer))
        buffer[: len(read)] = read
        return len(read)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place of the payload."""
        return self._file.seek(offset + (DIGEST_BYTES if whence == io.SEEK_SET else 0), whence) - DIGEST_BYTES

    def tell(self) -> int:
        """Return the place in the payload."""
        return self._file.tell() - DIGEST_BYTES
