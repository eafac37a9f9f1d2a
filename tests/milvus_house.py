"""Runs Milvus and a relay to it, inside a network namespace without any network but loopback.

Started by `milvus_server` with the server's own Python (``milvus`` can be imported, Twinlens cannot):
``milvus_house.py FOLDER SOCKET TICK_MS [KEY=VALUE...]``. Commands on stdin, answers on stdout. Ends with its parent.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from contextlib import suppress
from pathlib import Path

_PORT, _HEALTH = 19530, 9091
_START_S = 100


def _prepare(folder: Path, tick_ms: int, settings: list[str]) -> dict[str, str]:
    from milvus import MilvusServer, _initialize_data_files  # type: ignore[import-not-found]

    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    server = MilvusServer()
    server.set_base_dir(str(folder))
    for room in ("rootCoord", "proxy", "queryCoord", "queryNode", "indexCoord", "indexNode", "dataCoord", "dataNode"):
        server.config.set(f"{room}.ip", "127.0.0.1")
    server.config.set("proxy.timeTickInterval", tick_ms)
    for setting in settings:
        key, _, text = setting.partition("=")
        kind = server.config.get_type(key)
        server.config.set(key, text == "True" if kind is bool else kind(text))
    server.config.resolve()
    _initialize_data_files(str(folder))
    programs = str(folder / "bin")
    own = {"DEPLOY_MODE": "STANDALONE", "METRICS_PORT": str(_HEALTH), "MILVUS_RUN_DIR": str(folder / "run")}
    return {**os.environ, **own, "LD_LIBRARY_PATH": programs}


class House:
    """The server's process and what is needed to run it."""

    def __init__(self, folder: Path, tick_ms: int, settings: list[str]) -> None:
        self._folder = folder
        self._environment = _prepare(folder, tick_ms, settings)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start it; wait until it is healthy."""
        with (self._folder / "milvus.log").open("ab") as log:
            command = [str(self._folder / "bin" / "milvus"), "run", "standalone"]
            self._process = subprocess.Popen(command, cwd=self._folder, env=self._environment, stdout=log, stderr=log)
        for _ in range(_START_S * 5):
            with suppress(OSError):
                url = f"http://127.0.0.1:{_HEALTH}/healthz"
                with urllib.request.urlopen(url, timeout=5) as answer:
                    if b"OK" in answer.read():
                        return "ready"
            try:
                return f"ended with {self._process.wait(0.2)}"
            except subprocess.TimeoutExpired:
                continue
        return "not healthy in time"

    def kill(self, number: signal.Signals = signal.SIGKILL) -> str:
        """End it."""
        if self._process is not None:
            self._process.send_signal(number)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        return "dead"


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 18):
            writer.write(data)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.close()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        inner = await asyncio.open_connection("127.0.0.1", _PORT)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_pump(reader, inner[1]), _pump(inner[0], writer))


async def _serve(outside: socket.socket) -> None:
    server = await asyncio.start_server(_relay, sock=outside)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve until told to stop, or until the parent is gone."""
    folder, descriptor, tick_ms, *settings = sys.argv[1:]
    house = House(Path(folder), int(tick_ms), settings)
    outside = socket.socket(fileno=int(descriptor))
    threading.Thread(target=lambda: asyncio.run(_serve(outside)), daemon=True).start()
    sys.stdout.write(house.start() + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        word = line.strip()
        if word == "stop":
            break
        sys.stdout.write((house.start() if word == "start" else house.kill()) + "\n")
        sys.stdout.flush()
    house.kill(signal.SIGTERM)


if __name__ == "__main__":
    main()
