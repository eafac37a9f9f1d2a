"""What a benchmark of detectors found -> plain values, the same after a round trip through JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from twinlens.errors import DatasetError
from twinlens.evaluate.score_records import Figure
from twinlens.evaluate.storage import made, plain

KIND = "twinlens detector benchmark"
FORMAT = 1
PRECISION, RECALL = "precision", "recall"  # at the user's bar, by the rules of the set
MEAN_PRECISION = "mean precision (Baez)"
MEAN_RECALL = "its recall"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a photo costs one thread, decoding left out.

    Attributes:
        wall_ms: by the clock, mean over photos.
        cpu_ms: processor time, mean over photos.
        ratio: processor time in all over the reference's; on a busy machine this is what can be believed.
    """

    wall_ms: float
    cpu_ms: float
    ratio: Figure


@dataclass(frozen=True, slots=True)
class SettingResult:
    """One detector at one choice of scales.

    Attributes:
        detector: its name.
        scales: single, multi or tiny.
        model: name and head of the sha256 of its first file.
        parameters: of all its networks; 0 where its card does not say.
        main: the figure that stands for its quality on this set, by name.
        figures: quality, each with its interval by drawing photos.
        gains: what it has more of the main figures than the reference, on the same photos; empty for the reference.
        silent: photos with faces in which nothing was reported: each counts 100 % in Baez's mean precision.
        cost: time.
    """

    detector: str
    scales: str
    model: str
    parameters: int
    main: str
    figures: tuple[Figure, ...]
    gains: tuple[Figure, ...]
    silent: int
    cost: Cost

    @property
    def label(self) -> str:
        """``yunet single``."""
        return f"{self.detector} {self.scales}"

    def figure(self, name: str) -> Figure:
        """Return the figure of that name.

        Raises:
            KeyError: there is none.
        """
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class DetectorBenchmark:
    """Detectors on one data set.

    Attributes:
        key: of the set: ``wider``, ``fddb``, ``own-...``.
        title: of the set, for people.
        quick: only a part of the set was looked at.
        photos: looked at.
        faces: annotated in them.
        counted: how many of them count, at each level.
        unreadable: photos that could not be decoded; nothing is found in them.
        bar: the score from which on a face is reported, the default of the program.
        reference: the setting that times and gains are given against.
        settings: in the order they were asked for.
        terms: of the data.
        notes: what is peculiar to this copy.
        machine: where it ran.
        command: the exact command.
        made: UTC date and time, ISO 8601.
        version: of Twinlens.
    """

    key: str
    title: str
    quick: bool
    photos: int
    faces: int
    counted: tuple[tuple[str, int], ...]
    unreadable: tuple[str, ...]
    bar: float
    reference: str
    settings: tuple[SettingResult, ...]
    terms: str
    notes: tuple[str, ...]
    machine: str
    command: str
    made: str
    version: str


def benchmark_text(benchmark: DetectorBenchmark) -> str:
    """Return it as JSON text."""
    record = {"kind": KIND, "format": FORMAT, **plain(asdict(benchmark))}
    return json.dumps(record, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def read_benchmark(path: Path) -> DetectorBenchmark:
    """Read it from its JSON file.

    Raises:
        DatasetError: absent, of another kind or format, or damaged.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        msg = f"cannot read the benchmark {path}: {error}"
        raise DatasetError(msg) from error
    if not isinstance(record, dict) or (record.get("kind"), record.get("format")) != (KIND, FORMAT):
        msg = f"{path} is not a benchmark of detectors of format {FORMAT}: run twinlens benchmark detectors --out again"
        raise DatasetError(msg)
    content = {name: value for name, value in record.items() if name not in {"kind", "format"}}
    try:
        found: DetectorBenchmark = made(content, DetectorBenchmark, "benchmark")
    except (TypeError, ValueError, KeyError) as error:
        msg = f"{path} is a damaged benchmark: {error}"
        raise DatasetError(msg) from error
    return found
