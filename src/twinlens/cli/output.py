"""Results -> stdout, messages and progress -> stderr."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from rich.progress import TaskID

T = TypeVar("T")


def emit(record: Mapping[str, object], text: str, *, as_json: bool) -> None:
    """Print one result: a JSON object on one line, or a line for people."""
    try:
        print(_line(record) if as_json else text, flush=True)
    except BrokenPipeError:  # the reader went away, as in: twinlens ... | head -1; the answer stands all the same
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _line(record: Mapping[str, object]) -> str:
    """Return one line of JSON; bytes of a file's name that are no UTF-8 are escaped, as Python reads them back."""
    line = json.dumps(_plain(record), ensure_ascii=False, allow_nan=False)
    return line.encode("utf-8", "backslashreplace").decode("utf-8")


def note(text: str) -> None:
    """Print a message that is not a result; a message that cannot be shown must not change the result."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def _plain(value: object) -> object:
    """Return only what JSON knows; floats keep six significant digits, and those near 1 what keeps them below it."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return _short(value) if math.isfinite(value) else None
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)


def _short(value: float) -> float:
    short = float(f"{value:.6g}")
    return value if short == 1.0 else short  # a probability is never certainty


def progress(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield the items under a progress bar on stderr, where stderr is a screen."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield from bar.track(items, description=what, total=total)


class Move(Protocol):
    """Moves a progress bar."""

    def __call__(self, done: int, total: int | None, now: str = "", /) -> None:
        """Say how many are done, of how many, and, where it changes, what is being done."""


@contextmanager
def meter(what: str) -> Iterator[Move]:
    """Give a function that moves a progress bar on stderr, where stderr is a screen: (done, of how many)."""
    if not sys.stderr.isatty():
        yield lambda done, total, now="": None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total, now="": bar.update(task, completed=done, total=total, description=now or what)


@contextmanager
def meter_bytes() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that moves a bar for each file on stderr: (file, bytes here, bytes in all).

    Where stderr is no screen, a line a file says that it has begun.
    """
    begun: set[str] = set()

    def say(name: str, _: int, total: int) -> None:
        if name not in begun:
            begun.add(name)
            note(f"fetching {name} ({total / (1 << 20):,.1f} MiB)")

    if not sys.stderr.isatty():
        yield say
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def move(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done, total=total)

        yield move


def counted(number: int, one: str, many: str = "") -> str:
    """Write a count with its noun: 1 photo, 2 photos, 1,000 people (where ``many`` says so)."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percent(rate: float | None) -> str:
    """Write a rate for people: 0.1 %, 1 in 100,000; "unmeasured" where there is none."""
    if rate is None:
        return "unmeasured"
    if rate >= 0.001:
        return f"{rate * 100:.3g} %"
    return f"1 in {round(1 / rate):,}" if rate > 0 else "0"


def likely(probability: float) -> str:
    """Write a probability for people; never quite 0 or 1, because no data could say so."""
    if probability > 0.9999:
        return "over 0.9999"
    return "under 0.0001" if probability < 0.0001 else f"{probability:.4f}"
