"""A real Milvus server for tests and benchmarks: installed once into a cache, run where nobody else can reach it.

Milvus listens on all interfaces whatever its settings say. So it runs in a network namespace of its own (``unshare
-n``), and a relay in that namespace serves a socket that was opened outside, on loopback.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

REQUIREMENTS = ("milvus[client]==2.3.5", "setuptools<80")
INSTALL_S = 400
START_S = 120


class NoServerError(Exception):
    """It cannot be installed or started here; the text says why."""


def cache_folder() -> Path:
    """Return where the environment with the server's package is kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "twinlens-tests" / "milvus-2.3.5"


def _quietly(command: list[str], timeout_s: float) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=timeout_s)
    except (OSError, subprocess.SubprocessError) as error:
        words = getattr(error, "stderr", "") or str(error)
        msg = f"{' '.join(command[:3])} ...: {str(words).strip()[-200:]}"
        raise NoServerError(msg) from error


def install() -> Path:
    """Return the Python of an environment with the server, made where there is none; safe side by side.

    Raises:
        NoServerError: the package cannot be had here.
    """
    import fcntl

    if sys.platform != "linux" or shutil.which("unshare") is None:
        msg = "the server needs Linux and unshare"
        raise NoServerError(msg)
    _quietly([*namespace(), "true"], 20)
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    python, done = folder / "venv" / "bin" / "python", folder / "installed"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            _quietly([sys.executable, "-m", "venv", "--clear", str(folder / "venv")], 120)
            _quietly([str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS], INSTALL_S)
            done.touch()
    return python


def namespace() -> list[str]:
    """Return the command that runs another one without a network."""
    return ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]


class MilvusServer:
    """A server on loopback with its data in a folder; may be killed and started again.

    Args:
        folder: for settings, logs and data.
        tick_ms: how often the server tells its parts the time; a strongly consistent read waits for the next one
            (its default is 200).
        settings: of the server, by the names that its package has for them.
    """

    def __init__(self, folder: Path, *, tick_ms: int = 200, settings: Mapping[str, object] | None = None) -> None:
        python = install()
        self.folder = folder
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        here = Path(__file__).with_name("milvus_house.py")
        words = [str(here), str(folder), str(self._socket.fileno()), str(tick_ms)]
        words += [f"{key}={value}" for key, value in (settings or {}).items()]
        with (folder / "house.log").open("wb") as log:
            self._house = subprocess.Popen(
                [*namespace(), str(python), *words],
                pass_fds=[self._socket.fileno()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def url(self, collection: str, settings: str = "") -> str:
        """Return the address of a gallery on it."""
        return f"milvus://127.0.0.1:{self.port}/{collection}{settings}"

    def _wait(self) -> None:
        timer = threading.Timer(START_S, self._house.kill)
        timer.start()
        try:
            assert self._house.stdout is not None
            if (line := self._house.stdout.readline().strip()) != "ready":
                tail = (self.folder / "house.log").read_text(errors="replace")[-300:]
                msg = f"the server did not start: {line} {tail}"
                raise NoServerError(msg)
        finally:
            timer.cancel()

    def _tell(self, word: str) -> None:
        assert self._house.stdin is not None
        self._house.stdin.write(word + "\n")
        self._house.stdin.flush()

    def kill(self) -> None:
        """Kill the server with signal 9; return when it is dead."""
        self._tell("kill")
        assert self._house.stdout is not None
        assert self._house.stdout.readline().strip() == "dead"

    def start(self) -> None:
        """Start it again on the same data; return when it is healthy."""
        self._tell("start")
        self._wait()

    def pids(self) -> list[int]:
        """Return the processes of the server."""
        found = subprocess.run(["pgrep", "-s", str(self._house.pid)], capture_output=True, text=True, check=False)
        return [int(pid) for pid in found.stdout.split()]

    def stop(self) -> None:
        """Stop it, for good."""
        with suppress(OSError, ValueError):
            self._tell("stop")
        try:
            self._house.wait(20)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._house.pid, signal.SIGKILL)
            self._house.wait(20)
        for pipe in (self._house.stdin, self._house.stdout):
            with suppress(OSError, ValueError):
                if pipe is not None:
                    pipe.close()
        self._socket.close()


def loopback_only(port: int) -> bool:
    """Return whether everything that listens on this port does so on 127.0.0.1, as ``ss`` sees it."""
    listed = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True, check=True).stdout
    places = [line.split()[3] for line in listed.splitlines()]
    mine = [place for place in places if place.endswith(f":{port}")]
    return mine == [f"127.0.0.1:{port}"]
