"""A name or a folder -> photos with what a detector must find in them, whoever drew the boxes.

WIDER FACE counts a face at three levels; FDDB draws ellipses, whose boxes are Baez's (2019): the smallest upright ones
around them, cut at the picture; one's own photos come with ``boxes.txt``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float32, Float64

from twinlens.datasets.boxed import BOXES, load_boxed
from twinlens.datasets.fddb import FACES, PHOTOS, TERMS, load_fddb
from twinlens.datasets.wider import LEVELS, PHOTOS as WIDER_PHOTOS, read_wider
from twinlens.errors import DatasetError, OptionError
from twinlens.metrics.mean_precision import LEAST_SIDE_PX

ALL = "all"


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One photo and what is in it.

    Attributes:
        name: below the data set's folder; no two are the same.
        path: the file.
        boxes: left, top, right, bottom of every face, pixels.
        counted: for each level, which of them must be found.
        ellipses: (major, minor, angle_rad, x, y) of every face where the set draws ellipses, else None.
    """

    name: str
    path: Path
    boxes: Float32[np.ndarray, "faces 4"]
    counted: Mapping[str, Bool[np.ndarray, " faces"]]
    ellipses: Float64[np.ndarray, "faces 5"] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SceneSet:
    """A data set for detectors.

    Attributes:
        key: short, as in the names of files: ``wider``, ``fddb`` or that of the folder.
        title: for people.
        levels: the sets of faces that are counted, the easiest first.
        scenes: every photo.
        least_side_px: faces below count in Baez's mean precision as he let them count: not on WIDER FACE.
        terms: what the owners allow.
        notes: what is peculiar to this copy.
        quick: only a part is looked at.
    """

    key: str
    title: str
    levels: tuple[str, ...]
    scenes: tuple[Scene, ...]
    least_side_px: float
    terms: str
    notes: tuple[str, ...] = ()
    quick: bool = False

    @property
    def elliptic(self) -> bool:
        """Whether faces are ellipses."""
        return self.scenes[0].ellipses is not None

    @property
    def digest(self) -> str:
        """Sha256 of names and annotations: another digest is another question."""
        found = hashlib.sha256()
        for scene in self.scenes:
            found.update(scene.name.encode() + b"\0" + scene.boxes.tobytes())
            found.update(b"".join(scene.counted[level].tobytes() for level in self.levels))
        return found.hexdigest()

    def part(self, photos: int) -> SceneSet:
        """Return about so many photos, evenly spread over the set, marked as a part of it.

        Raises:
            OptionError: fewer than one.
        """
        if photos < 1:
            msg = f"wanted at least one photo to look at, got {photos}"
            raise OptionError(msg)
        if photos >= len(self.scenes):
            return self
        chosen = np.linspace(0, len(self.scenes) - 1, photos).round().astype(int)
        return replace(self, scenes=tuple(self.scenes[i] for i in np.unique(chosen)), quick=True)


def open_scenes(name: str, data_root: Path) -> SceneSet:
    """Load WIDER FACE or FDDB by name, or a folder: a copy of either, or photos with ``boxes.txt``.

    Args:
        name: ``wider``, ``fddb`` or a folder.
        data_root: where the named sets lie.

    Raises:
        OptionError: neither a name nor a folder.
        DatasetError: it is absent, incomplete or malformed.
    """
    root = data_root / name if name in SETS else Path(name).expanduser()
    if name not in SETS and not root.is_dir():
        msg = f"wanted {' or '.join(SETS)} or a folder of photos with {BOXES}, got {name!r}, which is none"
        raise OptionError(msg)
    if name in SETS and not root.is_dir():
        msg = f"no {name} in {data_root} (TWINLENS_DATA): see twinlens data fetch {name}, or give its folder"
        raise DatasetError(msg)
    found = SETS[name](root) if name in SETS else _kind(root)(root)
    if not found.scenes:
        msg = f"{root} lists no photos: nothing can be measured"
        raise DatasetError(msg)
    return found


def _kind(root: Path) -> Callable[[Path], SceneSet]:
    if (root / "wider_face_split").is_dir():
        return _wider
    return _fddb if (root / "FDDB-folds").is_dir() else _own


def _wider(root: Path) -> SceneSet:
    photos = read_wider(root)
    part = "" if len(photos) >= WIDER_PHOTOS else f"; {len(photos)} of its {WIDER_PHOTOS:,} photos"
    note = "figures do not compare with those published for the whole set" if part else ""
    scenes = tuple(Scene(f"{p.event}/{p.path.name}", p.path, p.boxes, p.counted) for p in photos)
    return SceneSet(
        "wider",
        f"WIDER FACE validation{part}",
        LEVELS,
        scenes,
        LEAST_SIDE_PX,
        "CC BY-NC-ND 4.0 (Yang, Luo, Loy and Tang 2016)",
        (note,) if note else (),
    )


def _fddb(root: Path) -> SceneSet:
    photos = load_fddb(root)
    faces = sum(len(photo.faces) for photo in photos)
    whole = (len(photos), faces) == (PHOTOS, FACES)
    note = f"this copy holds {len(photos):,} photos and {faces:,} faces, the published one {PHOTOS:,} and {FACES:,}"
    scenes = tuple(Scene(p.name, p.path, p.boxes(), _every(len(p.faces)), p.ellipses) for p in photos)
    return SceneSet("fddb", "FDDB", (ALL,), scenes, 0.0, TERMS, () if whole else (note,))


def _own(root: Path) -> SceneSet:
    scenes = tuple(Scene(p.name, p.path, p.boxes, _every(len(p.boxes))) for p in load_boxed(root))
    name = root.resolve().name
    key = "".join(c if c.isalnum() or c in "-_" else "-" for c in name)
    return SceneSet(f"own-{key}", name, (ALL,), scenes, LEAST_SIDE_PX, "your own photos")


def _every(faces: int) -> Mapping[str, Bool[np.ndarray, " faces"]]:
    return {ALL: np.ones(faces, np.bool_)}


SETS: Mapping[str, Callable[[Path], SceneSet]] = MappingProxyType({"wider": _wider, "fddb": _fddb})
