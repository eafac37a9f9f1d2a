"""``twinlens index DIR``: every face of a photo collection, to be searched and grouped."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.exits import Exit
from twinlens.cli.output import counted, emit, note

if TYPE_CHECKING:
    from twinlens.recognizer.collection import Crew, Eyes

_EVERY_S = 30.0  # a line of progress where stderr is no screen
_SAID = {"already enrolled": "unchanged", "still unreadable": "still unreadable (--again tries it)"}
_BROKEN = ("unreadable", "still unreadable")


def index(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of photos.")],
    gallery: Annotated[
        str | None,
        typer.Option(
            "--gallery", "-g", metavar="FILE|URL", help="Default: DIR/.twinlens.db. Not the gallery of people."
        ),
    ] = None,
    model: o.Model = "sface",
    detector: o.DetectorOption = "yunet",
    scales: o.Scales = "multi",
    engine: o.Engine = None,
    precision: o.Precision = "float32",
    processes: Annotated[
        int | None, typer.Option("--processes", metavar="N", min=1, help="Workers; default: one a processor core.")
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", metavar="N", min=1, help="Of each worker.")] = None,
    ray: Annotated[
        str | None,
        typer.Option("--ray", metavar="ADDRESS", help="Workers on a Ray cluster: auto, local, or HOST:PORT."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also photos seen with other settings, and those that could not be read.")
    ] = False,
    forget_missing: Annotated[
        bool,
        typer.Option(
            "--forget-missing",
            help="Erase the faces of photos that are gone, however many: without it not more than 20 % (from 10 on).",
        ),
    ] = False,
    ledger: Annotated[
        Path | None,
        typer.Option("--ledger", metavar="FILE", help="Where to note what was looked at. Default: beside the gallery."),
    ] = None,
    json: o.Json = False,
) -> None:
    """Store every face of every photo below a folder, and follow the folder. Interrupt it at any time, run it again.

    What changed is looked at; moved photos are recognised by their content; faces of photos that are gone are erased.
    Exit code 3: a photo cannot be read, now or when it was looked at last.

    Then: twinlens search FACE --gallery DIR/.twinlens.db, twinlens gallery cluster --gallery DIR/.twinlens.db
    """
    from twinlens.detect import DetectOptions
    from twinlens.recognizer.collection import Eyes, Foreman, IndexOptions, index_collection
    from twinlens.runtime import RuntimeOptions, usable_cores

    place = gallery or str(folder / ".twinlens.db")
    _check_pictures(folder, place)
    workers = processes or usable_cores()
    each = threads or (1 if ray else max(1, usable_cores() // workers))
    runtime = RuntimeOptions(engine=engine, precision=precision, threads=each)
    eyes = Eyes(str(folder.resolve()), detector, model, DetectOptions(scales=scales), runtime)
    counts: dict[str, int] = {}
    with (
        o.open_people(place, model, new=True) as album,
        _crew(eyes, workers, ray, processes) as crew,
        _progress() as moved,
    ):
        options = IndexOptions(ledger, f"{detector} {scales}", again, forget_missing, moved)
        foreman = Foreman(crew, album.model)
        for report in index_collection(folder, album, foreman.work, options):
            counts[report.outcome] = counts.get(report.outcome, 0) + 1
            if report.outcome in _BROKEN:
                note(f"twinlens: {'; '.join(report.reasons)}")
            if json:
                record = {"photo": report.source, "outcome": report.outcome, "faces": list(report.faces)}
                record["reasons"] = list(report.reasons)
                emit(record, "", as_json=True)
        faces = album.count()
    note(f"{_summary(counts)}; {counted(faces, 'face')} in {place}")
    raise typer.Exit(Exit.INPUT if any(counts.get(outcome) for outcome in _BROKEN) else Exit.YES)


def _summary(counts: Mapping[str, int]) -> str:
    """Say what became of the photos; those that were not looked at are unchanged, whether faces are on them or not."""
    said: dict[str, int] = {}
    for outcome, count in counts.items():
        word = _SAID.get(outcome, outcome)
        said[word] = said.get(word, 0) + count
    return ", ".join(f"{count} {word}" for word, count in said.items()) or "no pictures"


def _check_pictures(folder: Path, place: str) -> None:
    """Refuse to make a gallery for a folder without pictures.

    Raises:
        ImageError: no such folder, or nothing in it.
    """
    from twinlens.errors import ImageError
    from twinlens.recognizer.collection.walking import walk

    if Path(place.removeprefix("sqlite:")).exists():
        return  # what is gone is told by the index
    if next(walk(folder), None) is None:
        msg = f"{folder}: no pictures in this folder"
        raise ImageError(msg)


@contextmanager
def _crew(eyes: Eyes, workers: int, ray: str | None, asked: int | None) -> Iterator[Crew]:
    from twinlens.recognizer.collection import ProcessCrew

    crew: Crew
    if ray is None:
        crew = ProcessCrew(eyes, workers)
    else:
        from twinlens.recognizer.collection.cluster import RayCrew

        crew = RayCrew(eyes, ray, asked)
    try:
        yield crew
    finally:
        crew.close()


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Give a function that says how far it is, how fast, and how much longer: a bar, or a line now and then."""
    if not sys.stderr.isatty():
        yield Pace().say
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("indexing"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True, speed_estimate_period=120) as bar:
        task = bar.add_task("indexing", total=None, rate="")
        pace = Pace()

        def move(done: int, total: int) -> None:
            rate = pace.rate(done)
            bar.update(task, completed=done, total=total, rate=f"{rate:.1f} photos/s" if rate else "")

        yield move


class Pace:
    """Photos done -> how many a second, and how much longer."""

    def __init__(self, every_s: float = _EVERY_S) -> None:
        self._begun = self._said = time.monotonic()
        self._every_s = every_s

    def rate(self, done: int) -> float:
        """Return photos a second since the beginning; 0 before the first."""
        return done / max(time.monotonic() - self._begun, 1e-9) if done else 0.0

    def say(self, done: int, total: int) -> None:
        """Print a line, unless one was printed a short while ago."""
        now = time.monotonic()
        if done == 0:
            self._begun = now  # the folder is listed
        if done == 0 or now - self._said < self._every_s:
            return
        self._said = now
        rate = self.rate(done)
        note(
            f"{done:,} of {counted(total, 'photo')}, {rate:.1f} a second, about {_duration((total - done) / rate)} left"
        )


def _duration(seconds: float) -> str:
    """Write a duration for people: 12 s, 3 min, 2 h 05 min."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
