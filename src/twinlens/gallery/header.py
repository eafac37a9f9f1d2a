"""Header file -> what the side files hold; whatever is odd about it reads as "nothing"."""

from __future__ import annotations

import dataclasses
import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

FORMAT = 1
NAME = "header.json"


@dataclass(frozen=True, slots=True)
class Header:
    """State of the side files.

    Attributes:
        gallery: uuid of the gallery they belong to.
        model: whose vectors.
        dim: numbers in a vector.
        generation: number of the folder that holds the rows.
        rows: rows in it, removed ones included; bytes behind them do not count.
        through_template: every template up to this id is in the rows, or was removed.
        through_removal: removals up to this number are overwritten.
        trained_rows: rows when the codebook was learnt; 0 without codes.
        depth: candidates to compare exactly; 0 without codes.
        codebook_crc: CRC-32 of the codebook file.
    """

    gallery: str
    model: str
    dim: int
    generation: int
    rows: int
    through_template: int
    through_removal: int
    trained_rows: int = 0
    depth: int = 0
    codebook_crc: int = 0


def fsync_folder(folder: Path) -> None:
    """Make names in a folder survive a power cut (POSIX)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _checksum(facts: dict[str, object]) -> int:
    return zlib.crc32(json.dumps(facts, sort_keys=True).encode())


def write_header(folder: Path, header: Header) -> None:
    """Replace the header atomically."""
    facts = {"format": FORMAT, **dataclasses.asdict(header)}
    draft = folder / f"{NAME}.tmp"
    with draft.open("w", encoding="utf-8") as file:
        json.dump({**facts, "crc": _checksum(facts)}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / NAME)
    fsync_folder(folder)


def read_header(folder: Path) -> Header | None:
    """Return the header; None where it is missing, damaged or of another format."""
    try:
        facts = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if facts.pop("crc") != _checksum(facts) or facts.pop("format") != FORMAT:
            return None
        header = Header(**facts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return header if min(header.rows, header.generation, header.through_template) >= 0 else None
