"""Generation folder -> rows on disk: vectors, ids and codes in plain little-endian arrays.

Rows are only ever appended, and zeroed in place when their template is removed. A folder is kept from deletion by a
shared lock for as long as a process maps it.
"""

from __future__ import annotations

import os
import weakref
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from twinlens.gallery.coded_segment import CodedSegment
from twinlens.gallery.codes import Coder, code_bytes
from twinlens.gallery.header import Header, fsync_folder
from twinlens.gallery.locks import exclusive, hold_shared
from twinlens.gallery.reading import TemplateRows
from twinlens.gallery.segment import Segment

VECTORS, KEYS, CODES, CODEBOOK, IN_USE = "vectors.f32", "rows.i64", "codes.u8", "codebook.f32", "in-use"
_KEY = np.dtype("<i8")
_FLOAT = np.dtype("<f4")
_KEY_BYTES = 2 * _KEY.itemsize  # template id, subject id
_WIPE = 1 << 20


def _sync_write(path: Path, at: int, data: bytes) -> None:
    """Write at an offset and wait for the disk."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        file.seek(at)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def overwrite(path: Path, start: int = 0) -> None:
    """Fill a file with zeros from ``start`` on, then cut that part off."""
    size = path.stat().st_size
    if size > start:
        with path.open("r+b") as file:
            file.seek(start)
            for at in range(start, size, _WIPE):
                file.write(bytes(min(_WIPE, size - at)))
            file.flush()
            os.fsync(file.fileno())
            file.truncate(start)


@dataclass(frozen=True, slots=True)
class Generation:
    """One folder of rows."""

    folder: Path
    dim: int

    def widths(self, *, coded: bool) -> dict[str, int]:
        """Return the bytes a row takes, by file."""
        widths = {VECTORS: self.dim * _FLOAT.itemsize, KEYS: _KEY_BYTES}
        return {**widths, CODES: code_bytes(self.dim)} if coded else widths

    def create(self) -> None:
        """Make the folder, empty."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        fsync_folder(self.folder.parent)

    def trim(self, rows: int, *, coded: bool) -> None:
        """Erase what an interrupted writer left behind the last row.

        Raises:
            OSError: a file is missing.
        """
        for name, width in self.widths(coded=coded).items():
            overwrite(self.folder / name, rows * width)

    def append(self, rows: int, new: TemplateRows, coder: Coder | None) -> None:
        """Write rows behind the first ``rows``; they count once the header says so."""
        keys = np.stack([new.ids, new.subjects], axis=1).astype(_KEY)
        _sync_write(self.folder / VECTORS, rows * self.dim * _FLOAT.itemsize, new.vectors.astype(_FLOAT).tobytes())
        _sync_write(self.folder / KEYS, rows * _KEY_BYTES, keys.tobytes())
        if coder is not None:
            _sync_write(self.folder / CODES, rows * code_bytes(self.dim), coder.encode(new.vectors).tobytes())

    def write_codes(self, coder: Coder, codes: UInt8[np.ndarray, "rows bytes"]) -> int:
        """Write codebook and codes; return the codebook's CRC-32."""
        book = coder.centroids.astype(_FLOAT).tobytes()
        _sync_write(self.folder / CODEBOOK, 0, book)
        _sync_write(self.folder / CODES, 0, codes.tobytes())
        return zlib.crc32(book)

    def keys(self, rows: int | None = None) -> Int64[np.ndarray, "rows 2"]:
        """Return template id and subject id of each row (0 where removed)."""
        count = -1 if rows is None else 2 * rows
        flat = np.fromfile(self.folder / KEYS, _KEY, count)
        return flat[: flat.size // 2 * 2].reshape(-1, 2).astype(np.int64, copy=False)

    def vectors(self, rows: int) -> Float32[np.ndarray, "rows dim"]:
        """Map the vectors, read only."""
        return np.asarray(np.memmap(self.folder / VECTORS, _FLOAT, "r", shape=(rows, self.dim)))

    def coder(self, header: Header) -> Coder | None:
        """Return the codebook; None where there is none or it is damaged."""
        if not header.depth:
            return None
        book = (self.folder / CODEBOOK).read_bytes()
        return Coder(self.dim, np.frombuffer(book, _FLOAT)) if zlib.crc32(book) == header.codebook_crc else None

    def load(self, header: Header) -> Segment | None:
        """Map the rows; None where a file is missing, short or contradicts the header."""
        held = None
        with suppress(OSError, ValueError):
            held = hold_shared(self.folder / IN_USE)
            segment = self._map(header)
            if held is not None and segment is not None:
                weakref.finalize(segment, os.close, held)
                return segment
        if held is not None:
            os.close(held)
        return None

    def _map(self, header: Header) -> Segment | None:
        for name, width in self.widths(coded=header.depth > 0).items():
            if (self.folder / name).stat().st_size < header.rows * width:
                return None
        keys = self.keys(header.rows)
        ids, subjects = keys[:, 0].copy(), keys[:, 1].copy()
        if (np.diff(ids) <= 0).any() or ids[-1] > header.through_template or subjects.min() < 0:
            return None
        plain = Segment(self.vectors(header.rows), ids, subjects)
        if not header.depth:
            return plain
        coder = self.coder(header)
        if coder is None:
            return None
        shape = (header.rows, code_bytes(self.dim))
        codes = np.memmap(self.folder / CODES, np.uint8, "r", shape=shape)
        return CodedSegment(plain, np.asarray(codes), coder, header.depth)

    def codes_of(self, templates: Int64[np.ndarray, " removed"]) -> list[bytes]:
        """Return the codes of templates that were not erased yet."""
        if not (self.folder / CODES).exists():
            return []
        rows = np.flatnonzero(np.isin(self.keys()[:, 0], templates))
        width = code_bytes(self.dim)
        with (self.folder / CODES).open("rb") as file:
            found = []
            for row in rows.tolist():
                file.seek(row * width)
                found.append(file.read(width))
        return [code for code in found if any(code)]

    def templates_with_code(self, code: bytes) -> list[int]:
        """Return the ids of the templates that have this code here, removed or not."""
        if not (self.folder / CODES).exists():
            return []
        codes = np.fromfile(self.folder / CODES, np.uint8).reshape(-1, len(code))
        rows = np.flatnonzero((codes == np.frombuffer(code, np.uint8)).all(axis=1))
        ids = self.keys()[:, 0]
        found: list[int] = ids[rows[rows < ids.size]].tolist()
        return found

    def erase(self, templates: Int64[np.ndarray, " removed"]) -> None:
        """Overwrite vectors and codes of removed templates with zeros and wait for the disk."""
        keys = self.keys()
        rows = np.flatnonzero(np.isin(keys[:, 0], templates))
        coded = (self.folder / CODES).exists()
        for name, width in self.widths(coded=coded).items():
            path = self.folder / name
            size = path.stat().st_size
            with path.open("r+b") as file:
                for row in rows.tolist():
                    if row * width < size:
                        file.seek(row * width)
                        file.write(keys[row, :1].astype(_KEY).tobytes() + bytes(8) if name == KEYS else bytes(width))
                file.flush()
                os.fsync(file.fileno())

    def discard(self) -> bool:
        """Overwrite and delete the folder, unless a process maps it; return whether it is gone."""
        if not self.folder.is_dir():
            return True
        with exclusive(self.folder / IN_USE, 0.0) as free:
            if not free:
                return False
            for path in self.folder.iterdir():
                if path.is_file() and path.name != IN_USE:
                    overwrite(path)
                    path.unlink()
        with suppress(OSError):
            (self.folder / IN_USE).unlink()
            self.folder.rmdir()
        return not self.folder.is_dir()
