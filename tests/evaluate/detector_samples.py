"""What the tests of the detector benchmark stand on: photos of the astronaut with boxes, and looks made up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from twinlens.draw import save
from twinlens.evaluate.detector_records import DetectorBenchmark
from twinlens.evaluate.detectors import Occasion, summarise
from twinlens.evaluate.looks import Look, PhotoLooks, Setting
from twinlens.evaluate.scenes import ALL, Scene, SceneSet
from twinlens.types import Image
from twinlens.zoo import find_card

FACE = (175, 60, 100, 130)  # left, top, width, height, as a person would draw it
SINGLE, TINY = Setting(find_card("yunet"), "single"), Setting(find_card("yunet"), "tiny")
OCCASION = Occasion("twinlens benchmark detectors", 0.6, "a machine", "2026-01-02T03:04:05+00:00")


def write_folder(folder: Path, astronaut: Image, photos: int) -> Path:
    """Write so many photos and ``boxes.txt``; every third shows nobody."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(photos):
        name = f"{number:03}.jpg"
        empty = number % 3 == 2
        save(Image(np.full((200, 200, 3), 90, np.uint8)) if empty else astronaut, folder / name)
        lines += [name, "0"] if empty else [name, "1", " ".join(map(str, FACE))]
    (folder / "boxes.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def rows(*boxes: Sequence[float]) -> np.ndarray:
    return np.array(boxes, np.float32).reshape(-1, 4)


def look(boxes: Sequence[Sequence[float]], *, scores: Sequence[float] = (), ms: float = 10.0) -> Look:
    """A look that reports all of its boxes."""
    sure = np.array(scores or [0.9] * len(boxes), np.float32)
    return Look(rows(*boxes), sure, rows(*boxes), ms / 500, ms / 1000)


def scene(name: str, *faces: Sequence[float]) -> Scene:
    return Scene(name, Path(name), rows(*faces), {ALL: np.ones(len(faces), bool)})


def own(*scenes: Scene) -> SceneSet:
    return SceneSet("own-mine", "mine", (ALL,), scenes, 24.0, "my own")


def seen(name: str, looks: Mapping[str, Look]) -> PhotoLooks:
    return PhotoLooks(name, (400, 300), "", looks)


def benchmark(scenes: SceneSet, photos: Sequence[PhotoLooks], *settings: Setting) -> DetectorBenchmark:
    return summarise(scenes, settings or (SINGLE, TINY), photos, occasion=OCCASION, rng=np.random.default_rng(0))


def sample(key: str = "wider") -> DetectorBenchmark:
    """Two settings on four photos: the second finds more and takes five times as long."""
    faces = [(20.0 + 60 * i, 30.0, 60.0 + 60 * i, 80.0) for i in range(4)]
    scenes = own(*(scene(f"{i}.jpg", *faces) for i in range(4)))
    photos = [
        seen(s.name, {SINGLE.label: look(faces[: 1 + i // 2], ms=10 + i), TINY.label: look(faces, ms=50 + 5 * i)})
        for i, s in enumerate(scenes.scenes)
    ]
    named = SceneSet(key, key, scenes.levels, scenes.scenes, scenes.least_side_px, scenes.terms)
    return benchmark(named, photos)
