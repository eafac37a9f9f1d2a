"""Workers, wherever they run: what a foreman asks of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from twinlens.errors import TwinlensError
from twinlens.recognizer.collection.looking import Look, Task


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back from a worker: the looks of its oldest batch, or a fault, or that it is ready.

    Attributes:
        worker: its number.
        looks: of its oldest batch; None with a fault, and where it only says that it is ready.
        fault: why the batch was not done; empty without one.
        dead: the worker is gone; its other batches were not begun.
        model: whose vectors it makes, where it says that it is ready.
        refusal: what no other worker would do better: the run must end.
    """

    worker: int
    looks: list[Look] | None = None
    fault: str = ""
    dead: bool = False
    model: str = ""
    refusal: TwinlensError | None = None


@runtime_checkable
class Crew(Protocol):
    """A number of workers, each with networks of its own; every batch given comes back as one `Reply`, in order."""

    @property
    def size(self) -> int:
        """How many workers there may be."""
        ...

    def hire(self) -> int:
        """Start a worker; return its number. It says when it is ready, and may be given work at once."""
        ...

    def give(self, worker: int, tasks: Sequence[Task]) -> None:
        """Give a worker a batch; a worker that is gone says so in `wait`."""
        ...

    def wait(self, timeout_s: float) -> list[Reply]:
        """Return what has come back, as soon as there is something."""
        ...

    def dismiss(self, worker: int) -> None:
        """End a worker at once; nothing more comes back from it."""
        ...

    def close(self) -> None:
        """End all workers."""
        ...
