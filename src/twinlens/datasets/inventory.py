"""The data root -> which of the known sets and protocols are here, and what the others lack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from twinlens.datasets.registry import DATASETS, Need
from twinlens.datasets.sources import SOURCES

# Photos with boxes around their faces, for detectors: not pairs, so not among the protocols of the registry.
BOXED: Mapping[str, tuple[str, tuple[Need, ...]]] = MappingProxyType(
    {
        "wider": (
            "WIDER FACE validation, for detectors",
            (
                ("WIDER_val/images/*/*.jpg",),
                ("wider_face_split/wider_face_val_bbx_gt.txt",),
                ("ground_truth/wider_face_val.mat",),
            ),
        ),
        "fddb": (
            "FDDB, for detectors: ten folds of ellipses",
            (("FDDB-folds/FDDB-fold-10-ellipseList.txt",), ("originalPics/2002", "2002")),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Stock:
    """A protocol.

    Attributes:
        name: as a command takes it.
        about: one line for people.
        missing: what it lacks, as patterns below the set's folder; empty where it is here.
        begun: whether anything of it is here.
    """

    name: str
    about: str
    missing: tuple[str, ...]
    begun: bool


@dataclass(frozen=True, slots=True)
class Shelf:
    """A data set and its protocols.

    Attributes:
        name: as ``data fetch`` takes it.
        folder: where it lies, or would.
        terms: what the owners allow, in short.
        download_bytes: of the files that can be fetched; 0 where there are none. Unpublished sizes count as 0.
        fetchable: whether any file can be fetched.
        by_hand: what else is needed, and from where; empty where nothing is.
        protocols: what can be done with it.
    """

    name: str
    folder: Path
    terms: str
    download_bytes: int
    fetchable: bool
    by_hand: str
    protocols: tuple[Stock, ...]

    @property
    def state(self) -> str:
        """``here``, ``partly`` (some files are lacking) or ``absent``."""
        if not any(stock.missing for stock in self.protocols):
            return "here"
        return "partly" if any(stock.begun for stock in self.protocols) else "absent"


def take_stock(data_root: Path) -> tuple[Shelf, ...]:
    """Return every known data set with what is here of it; no file is opened."""
    shelves = []
    for name, source in SOURCES.items():
        folder = data_root / source.folder
        known = [(key, entry.about, entry.needs) for key, entry in DATASETS.items() if entry.folder == source.folder]
        if name in BOXED:
            known.append((name, *BOXED[name]))
        stocks = tuple(_stock(folder, *one) for one in known)
        size = sum(file.size_bytes for file in source.files)
        shelves.append(Shelf(name, folder, source.terms, size, bool(source.files), source.by_hand, stocks))
    return tuple(shelves)


def _stock(folder: Path, name: str, about: str, needs: tuple[Need, ...]) -> Stock:
    missing = tuple(need[0] for need in needs if not any(_any(folder, pattern) for pattern in need))
    return Stock(name, about, missing, begun=len(missing) < len(needs))


def _any(folder: Path, pattern: str) -> bool:
    return folder.is_dir() and next(folder.glob(pattern), None) is not None
