"""A crew of actors on a Ray cluster: a foreman's work on many machines.

Every machine needs this package, the same models, and the folder of photos under the same path; ray wants the same
Python and ray everywhere, and its cluster's token (``RAY_AUTH_TOKEN``, docs/deployment.md). The gallery and the
ledger are written by the one process that asked. Ray: Moritz et al. 2018, https://docs.ray.io.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from twinlens.errors import ModelError, OptionError, TwinlensError
from twinlens.recognizer.collection.crew import Reply
from twinlens.recognizer.collection.looking import Look, Looker, Opener, Task

_LOOPBACK = ("local", "127.")  # and localhost
_KNOCK_S = 5.0


class _Actor:
    """What runs on the cluster, one a processor."""

    def __init__(self, opener: Opener) -> None:
        self._looker: Looker = opener.open()

    def model(self) -> str:
        """Say whose vectors it makes."""
        return self._looker.model

    def look(self, tasks: list[Task]) -> list[Look]:
        """Look at some photos."""
        return self._looker.look(tasks)


class RayCrew:
    """Actors on a Ray cluster.

    Args:
        opener: what each makes its eyes of.
        address: ``auto`` for the cluster that this machine belongs to, ``local`` for one made here for this run,
            HOST:PORT of a cluster's head seen from one of its machines, or ``ray://HOST:PORT`` from outside.
        size: how many actors; None for one a processor of the cluster.

    Raises:
        OptionError: the package ray is not installed, or nothing answers at the address.
    """

    def __init__(self, opener: Opener, address: str, size: int | None = None) -> None:
        if find_spec("ray") is None:
            msg = "indexing on a cluster needs ray: pip install 'twinlens[distributed]'"
            raise OptionError(msg)
        # read when ray is imported: nothing leaves the house, and what is local listens on loopback alone (otherwise
        # ray puts the machine's outer address in its place, where it would run anybody's code)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        if address.startswith(_LOOPBACK):
            os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        import ray  # noqa: PLC0415 - an extra, and seconds to import

        self._ray = ray
        self._opener = opener
        self._actors: dict[int, Any] = {}
        self._pending: dict[int, deque[Any]] = {}  # references, in the order of the work; the first says "ready"
        self._ready: set[int] = set()
        self._held: dict[int, list[list[Task]]] = {}  # batches of actors that have not said "ready" yet
        self._hired = 0
        self._ours = not ray.is_initialized()
        if self._ours:
            self._join(address, size)
        self._size = size or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def _join(self, address: str, size: int | None) -> None:
        _knock(address)
        local = {"num_cpus": size, "include_dashboard": False}
        try:
            self._ray.init(
                address=address,
                log_to_driver=False,
                logging_level=logging.ERROR,
                **(local if address == "local" else {}),
            )
        except (ConnectionError, RuntimeError, ValueError, TimeoutError, self._ray.exceptions.RayError) as error:
            raise _absent(address, error) from error
        # ray tells of dead workers on stdout, where results go, and has no setting for it; deaths are reported here
        self._ray._private.worker._worker_logs_enabled = False  # noqa: SLF001

    @property
    def size(self) -> int:
        """How many actors there may be."""
        return self._size

    def hire(self) -> int:
        """Start an actor; return its number. Where the cluster has no processor free, it waits for one."""
        self._hired += 1
        remote = self._ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(_Actor)
        actor = remote.remote(self._opener)
        self._actors[self._hired] = actor
        self._pending[self._hired] = deque([actor.model.remote()])
        self._held[self._hired] = []
        return self._hired

    def give(self, worker: int, tasks: Sequence[Task]) -> None:
        """Give an actor a batch; not before it is ready, as one that dies of it takes an answer on its way along."""
        if worker in self._ready:
            self._pending[worker].append(self._actors[worker].look.remote(list(tasks)))
        else:
            self._held[worker].append(list(tasks))

    def wait(self, timeout_s: float) -> list[Reply]:
        """Return what has come back."""
        owners = {pending[0]: number for number, pending in self._pending.items() if pending}
        if not owners:
            return []
        done, _ = self._ray.wait(list(owners), num_returns=1, timeout=timeout_s)
        return [self._received(owners[reference], reference) for reference in done]

    def _received(self, number: int, reference: Any) -> Reply:
        try:
            came = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            return self._failed(number, error)
        except self._ray.exceptions.RayError as error:
            self.dismiss(number)
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            return Reply(number, fault=f"its actor ended: {said}", dead=True)
        self._pending[number].popleft()
        if number in self._ready:
            return Reply(number, looks=came)
        self._ready.add(number)
        for tasks in self._held.pop(number):
            self.give(number, tasks)
        return Reply(number, model=came)

    def _failed(self, number: int, error: Exception) -> Reply:
        """Tell an error of ours, which ends the run, from a fault that costs a photo."""
        cause = getattr(error, "cause", None)
        if isinstance(cause, TwinlensError):
            return Reply(number, refusal=cause)
        if number not in self._ready:
            return Reply(number, refusal=ModelError(f"a worker on the cluster cannot start: {cause or error}"))
        self._pending[number].popleft()
        return Reply(number, fault=f"{type(cause or error).__name__}: {cause or error}")

    def dismiss(self, worker: int) -> None:
        """End an actor at once."""
        self._pending.pop(worker, None)
        self._held.pop(worker, None)
        self._ready.discard(worker)
        self._ray.kill(self._actors.pop(worker))

    def close(self) -> None:
        """End all actors, and leave the cluster where it was joined for this crew."""
        for number in list(self._actors):
            self.dismiss(number)
        if self._ours:
            self._ray.shutdown()


def _knock(address: str) -> None:
    """Find out in seconds that nobody is there; ray itself takes minutes.

    Raises:
        OptionError: no address, or nothing answers.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if address in ("auto", "local"):
        return
    if not (host and colon and port.isdecimal()):
        raise _absent(address, ValueError("not HOST:PORT"))
    try:
        socket.create_connection((host, int(port)), timeout=_KNOCK_S).close()
    except (OSError, OverflowError) as error:
        raise _absent(address, error) from error


def _absent(address: str, error: Exception) -> OptionError:
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return OptionError(
        f"no Ray cluster at {address!r}: {said}. Use auto, local or HOST:PORT; start one: ray start --head"
    )
