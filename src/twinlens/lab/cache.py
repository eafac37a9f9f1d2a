"""Photos on disk -> one block of small uint8 pictures, decoded once and mapped into memory ever after.

A block is a file: a header of one line of JSON padded to 4,096 bytes, then the pixels (n, channels, size, size) with
nothing between. Its name is a hash of the photos' contents and of how they are cut, so a photo that changes makes
another block. It is written under another name and moved into place; a block whose checksum is wrong is made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import platformdirs
from numpy.typing import NDArray

from twinlens.errors import DatasetError, ImageError
from twinlens.image import load_image
from twinlens.lab.recipe import DataPlan

FORMAT = "twinlens pictures 1"
HEADER = 4096
CHUNK = 256  # photos in work at once
ABANDONED_S = 86_400.0  # a half-written block of this age belongs to nobody

Progress = Callable[[int, int], None]
Pictures = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Small pictures of some photos.

    Attributes:
        pictures: (n, channels, size, size), mapped from disk; writing to it changes memory alone.
        digest: sha256 over the contents of the photos' files, in order: what was trained on.
        decoded: photos decoded to make it; 0 where it was found.
    """

    pictures: Pictures
    digest: str
    decoded: int


def default_cache(environment: Mapping[str, str]) -> Path:
    """Return ``lab`` in ``$TWINLENS_HOME/cache`` or in the user's cache folder of the platform.

    Args:
        environment: usually ``os.environ``.
    """
    if home := environment.get("TWINLENS_HOME"):
        return Path(home).expanduser() / "cache" / "lab"
    return Path(platformdirs.user_cache_dir("twinlens", appauthor=False)) / "lab"


def open_block(paths: Sequence[Path], plan: DataPlan, folder: Path, *, progress: Progress | None = None) -> Block:
    """Return the photos' pictures, decoding them if no block holds them.

    Args:
        paths: the photos.
        plan: colour, size, cut and way of resizing.
        folder: where blocks lie; made if absent.
        progress: called with (photos decoded, photos in all).

    Raises:
        DatasetError: a photo is absent or cannot be read, or the block cannot be written.
    """
    digest = _contents(paths)
    shape = (len(paths), plan.channels, plan.size, plan.size)
    way = [FORMAT, digest, plan.colour, plan.size, plan.centre, plan.down, plan.resample]
    way += [plan.share] if plan.share != 1 else []
    path = folder / f"{hashlib.sha256(json.dumps(way).encode()).hexdigest()[:32]}.pictures"
    found = _mapped(path, shape)
    if found is not None:
        return Block(found, digest, 0)
    try:
        _write(path, shape, _small(paths, plan, progress))
    except OSError as error:
        msg = (
            f"cannot keep {len(paths):,} decoded photos ({np.prod(shape) / 2**20:,.0f} MiB) in {folder}: "
            f"{error.strerror or error}; free some space or name another folder for the cache"
        )
        raise DatasetError(msg) from error
    written = _mapped(path, shape)
    if written is None:
        msg = f"{path} cannot be read back as it was written; the disk loses data"
        raise DatasetError(msg)
    return Block(written, digest, len(paths))


def small_picture(path: Path, plan: DataPlan) -> Pictures:
    """Decode, cut and resize one photo: (channels, size, size).

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        pixels = load_image(path).pixels
    except ImageError as error:
        msg = f"a photo of the data set cannot be used: {error}"
        raise DatasetError(msg) from error
    left, top, width, height = cut_of(pixels.shape[1], pixels.shape[0], plan)
    pixels = pixels[top : top + height, left : left + width]
    if plan.colour == "grey":
        pixels = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    way = cv2.INTER_LINEAR if plan.resample == "bilinear" else cv2.INTER_AREA
    small = cv2.resize(pixels, (plan.size, plan.size), interpolation=way)
    return np.ascontiguousarray(small.reshape(plan.size, plan.size, plan.channels).transpose(2, 0, 1))


def cut_of(width: int, height: int, plan: DataPlan) -> tuple[int, int, int, int]:
    """Return what is kept of a photo: left, top, width, height in its pixels."""
    if plan.centre:
        side = min(plan.centre, height, width)
        return (width - side) // 2, min(max((height - side) // 2 + plan.down, 0), height - side), side, side
    wide, high = (max(round(side * plan.share), 1) for side in (width, height))
    return (width - wide) // 2, (height - high) // 2, wide, high


def _contents(paths: Sequence[Path]) -> str:
    """Return one hash of all files."""
    with ThreadPoolExecutor(_workers()) as pool:
        whole = hashlib.sha256()
        for part in pool.map(_sha256, paths, chunksize=CHUNK):
            whole.update(part)
    return whole.hexdigest()


def _sha256(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        msg = f"a photo of the data set cannot be read: {path}: {error.strerror or error}"
        raise DatasetError(msg) from error


def _small(paths: Sequence[Path], plan: DataPlan, progress: Progress | None) -> Iterator[Pictures]:
    with ThreadPoolExecutor(_workers()) as pool:
        for start in range(0, len(paths), CHUNK):
            chunk = paths[start : start + CHUNK]
            yield np.stack(list(pool.map(lambda path: small_picture(path, plan), chunk)))
            if progress is not None:
                progress(start + len(chunk), len(paths))


def _write(path: Path, shape: tuple[int, ...], chunks: Iterator[Pictures]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(b" " * HEADER)
            checksum = 0
            for chunk in chunks:
                file.write(chunk.data)
                checksum = zlib.crc32(chunk.data, checksum)
            file.seek(0)
            line = json.dumps({"format": FORMAT, "shape": list(shape), "crc32": checksum})
            file.write(line.encode().ljust(HEADER - 1) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink(missing_ok=True)
        raise


def _sweep(folder: Path) -> None:
    """Remove what killed runs left half-written long ago."""
    for part in folder.glob("*.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > ABANDONED_S:
                part.unlink()


def _mapped(path: Path, shape: tuple[int, ...]) -> Pictures | None:
    """Return the block's pictures if it is there, whole and right."""
    try:
        with path.open("rb") as file:
            header: dict[str, Any] = json.loads(file.read(HEADER))
        if header.get("format") != FORMAT or header.get("shape") != list(shape):
            return None
        if path.stat().st_size != HEADER + int(np.prod(shape)):
            return None
        block = np.memmap(path, np.uint8, "c", HEADER, shape)
    except (OSError, ValueError, AttributeError):
        return None
    return np.asarray(block) if zlib.crc32(block.data) == header.get("crc32") else None


def _workers() -> int:
    return min(os.cpu_count() or 1, 8)
