"""Data sets and detectors -> results in a folder: JSON, tables and graphs; a killed run goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twinlens.errors import OptionError
from twinlens.evaluate.detector_records import DetectorBenchmark, benchmark_text
from twinlens.evaluate.detector_tables import markdown
from twinlens.evaluate.detectors import Occasion, summarise
from twinlens.evaluate.journal import Journal
from twinlens.evaluate.looks import LEAST_SCORE, PhotoLooks, Setting, Watch
from twinlens.evaluate.scenes import SceneSet
from twinlens.version import __version__

Progress = Callable[[int, int], None]
PAGE = "README.md"


def run(
    scenes: SceneSet,
    settings: Sequence[Setting],
    *,
    occasion: Occasion,
    rng: np.random.Generator,
    out: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> DetectorBenchmark:
    """Show every photo to every setting, and return the figures.

    Args:
        scenes: the photos.
        settings: who looks; the first is the reference.
        occasion: of the run.
        rng: draws photos for the intervals.
        out: a folder that keeps what was seen in each photo, for ``resume``; None keeps nothing.
        resume: go on with what the folder holds.
        progress: called with (photos done, photos in all).

    Raises:
        OptionError: the folder holds an unfinished run, or one of another question.
        DatasetError: what the folder holds is damaged.
        CalibrationError: nothing can be counted.
        ModelError: a detector cannot be loaded, or fails.
    """
    watch = Watch(settings, bar=occasion.bar)
    if out is None:
        photos: list[PhotoLooks] = []
        _look(watch, scenes, photos.append, progress, done=frozenset())
        return summarise(scenes, settings, photos, occasion=occasion, rng=rng)
    kept, result = journal_path(out, scenes.key), out / f"{scenes.key}.json"
    if kept.exists() and not result.exists() and not resume:
        msg = f"{kept} is of a run that did not end: go on with --resume, remove it, or name another folder"
        raise OptionError(msg)
    with Journal(kept, _question(scenes, settings, occasion), resume=resume) as journal:
        result.unlink(missing_ok=True)
        done = frozenset(photo.name for photo in journal.photos())
        _look(watch, scenes, journal.add, progress, done=done)
        seen = {photo.name: photo for photo in journal.photos()}
    photos = [seen[scene.name] for scene in scenes.scenes]
    return summarise(scenes, settings, photos, occasion=occasion, rng=rng)


def journal_path(out: Path, key: str) -> Path:
    """Return where what was seen in each photo of a set is kept."""
    return out / f"looks-{key}.jsonl"


def save(benchmarks: Sequence[DetectorBenchmark], out: Path) -> list[Path]:
    """Write the results of all sets: JSON, a page, and the two graphs as SVG and PNG; return the files.

    Raises:
        OSError: the folder cannot be written.
    """
    from twinlens.evaluate.plots.bubble import mean_precision_graph, quality_graph  # noqa: PLC0415 - matplotlib
    from twinlens.evaluate.plots.ink import drawing, write  # noqa: PLC0415

    out.mkdir(parents=True, exist_ok=True)
    files = []
    with drawing():
        graphs = (quality_graph(benchmarks), mean_precision_graph(benchmarks))
    for graph in graphs:
        for kind in ("svg", "png"):
            files.append(out / f"{graph.name}.{kind}")
            write(graph, files[-1])
    page = markdown(benchmarks, [(f"{graph.name}.svg", f"{graph.reading} {graph.summary}") for graph in graphs])
    files.append(out / PAGE)
    files[-1].write_text(page, encoding="utf-8")
    for benchmark in benchmarks:  # last: a result that is there says that the run came to its end
        files.append(out / f"{benchmark.key}.json")
        files[-1].write_text(benchmark_text(benchmark), encoding="utf-8")
    return files


def _look(
    watch: Watch,
    scenes: SceneSet,
    keep: Callable[[PhotoLooks], None],
    progress: Progress | None,
    *,
    done: frozenset[str],
) -> None:
    left = [(place, scene) for place, scene in enumerate(scenes.scenes) if scene.name not in done]
    for number, photo in enumerate(watch.look(left), start=len(scenes.scenes) - len(left) + 1):
        keep(photo)
        if progress is not None:
            progress(number, len(scenes.scenes))


def _question(scenes: SceneSet, settings: Sequence[Setting], occasion: Occasion) -> dict[str, Any]:
    """Return what makes two runs the same, under the names that a message calls them by."""
    return {
        "data set": scenes.title,
        "choice of photos": scenes.digest,
        "choice of detectors": [f"{setting.label} {setting.card.identity}" for setting in settings],
        "scores": [LEAST_SCORE, occasion.bar],
        "machine": occasion.machine,
        "version": __version__,
    }
