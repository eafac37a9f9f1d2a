"""The service against the library it stands on: verifications a second and CPU time for each, by number of clients.

    python benchmarks/service_load.py [--seconds 20] [--soak 120] [--write]

The library verifies in a process of its own, called by one thread and by as many as there are cores; then the service
does, asked by 1, 8 and 64 clients on loopback, with micro-batching and without, and at last by 64 for two minutes. One
client waits for each answer, so it is set beside one caller, and more clients beside callers on all cores. On a busy
machine the wall clock says little; CPU time of the serving process does. Clients run on the same cores and are not
counted in it, but they take their share of the wall clock. The photo is the astronaut of scikit-image
(NASA, public domain), 250 pixels wide as those of LFW.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image as Pillow
from skimage import data

from twinlens.evaluate.machine import machine
from twinlens.recognizer import Recognizer

TABLE = Path(__file__).parents[1] / "docs" / "results" / "service-load.md"
MARK = "xyzzy"


@dataclass(frozen=True)
class Row:
    """What one way of asking gave."""

    what: str
    clients: int
    per_s: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float
    refused: int
    errors: int
    mib_before: float
    mib: float


def photo() -> bytes:
    """Return the file of a photo."""
    file = io.BytesIO()
    Pillow.fromarray(data.astronaut()).resize((250, 250)).save(file, "JPEG", quality=92)
    return file.getvalue()


def measure(
    what: str, clients: int, seconds: float, process: psutil.Process, ask: Callable[[], Callable[[], int]]
) -> Row:
    """Ask from several threads for some time; each thread makes its own asker."""
    times: list[float] = []
    statuses: list[int] = []
    stop = threading.Event()

    def run() -> None:
        one = ask()
        while not stop.is_set():
            begun = time.perf_counter()
            status = one()
            if status == 200:
                times.append(1000 * (time.perf_counter() - begun))
            statuses.append(status)
            if status == 503:
                time.sleep(0.2)

    threads = [threading.Thread(target=run) for _ in range(clients)]
    mib_before = process.memory_info().rss / 2**20
    before, begun = sum(process.cpu_times()[:2]), time.perf_counter()
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    lasted, spent = time.perf_counter() - begun, sum(process.cpu_times()[:2]) - before
    done = max(len(times), 1)
    p50, p99 = np.percentile(times or [np.nan], [50, 99]).tolist()
    errors = sum(status not in {200, 503} for status in statuses)
    mib = process.memory_info().rss / 2**20
    return Row(
        what, clients, len(times) / lasted, 1000 * spent / done, p50, p99, statuses.count(503), errors, mib_before, mib
    )


def library(seconds: float) -> None:
    """Measure the library; to be run in a process of its own, prints its rows as JSON."""
    picture, cores = photo(), len(os.sched_getaffinity(0))
    with Recognizer.default() as recognizer:

        def ask() -> Callable[[], int]:
            return lambda: 200 if recognizer.verify(picture, picture).accepted else 0

        measure("", cores, 2, psutil.Process(), ask)  # warm up
        rows = [measure("library", count, seconds, psutil.Process(), ask) for count in (1, cores)]
    print(json.dumps([row.__dict__ for row in rows]))


@contextmanager
def service(folder: Path, **told: str) -> Iterator[tuple[psutil.Process, int]]:
    """Run the service; give its process and port."""
    environment = {**os.environ, "TWINLENS_RATE_PER_S": "1e6", "TWINLENS_RATE_BURST": "1000000", **told}
    command = [sys.executable, "-m", "twinlens.cli", "serve", "--port", "0", "--data-dir", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        found = re.search(r":(\d+)/", process.stderr.readline())
        assert found is not None
        threading.Thread(target=process.stderr.read, daemon=True).start()
        try:
            port = int(found[1])
            while not ready(port):
                time.sleep(0.2)
            yield psutil.Process(process.pid), port
        finally:
            process.terminate()
            process.wait(30)


def ready(port: int) -> bool:
    """Return whether the service answers."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False


def asker(port: int, body: bytes) -> Callable[[], Callable[[], int]]:
    """Return what makes a client, with a connection of its own."""

    def ask() -> Callable[[], int]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Content-Type": f"multipart/form-data; boundary={MARK}"}

        def one() -> int:
            connection.request("POST", "/v1/verify", body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status

        return one

    return ask


def body_of(picture: bytes) -> bytes:
    """Return a request's body."""
    head = '--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="a.jpg"\r\n\r\n'
    parts = [head.format(mark=MARK, name=name).encode() + picture + b"\r\n" for name in ("left", "right")]
    return b"".join(parts) + f"--{MARK}--\r\n".encode()


def table(rows: list[Row]) -> str:
    """Return the rows as Markdown; the first two are the library's."""
    lines = [
        "| | clients | a second | of the library | CPU ms each | library's CPU / this | p50 ms | p99 ms | 503 | errors | "
        "MiB before, after |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        beside = rows[0] if row.clients == 1 else rows[1]
        lines.append(
            f"| {row.what} | {row.clients} | {row.per_s:.1f} | {row.per_s / beside.per_s:.2f} | {row.cpu_ms:.1f} | "
            f"{beside.cpu_ms / row.cpu_ms:.2f} | {row.p50_ms:.0f} | {row.p99_ms:.0f} | {row.refused} | {row.errors} | "
            f"{row.mib_before:.0f}, {row.mib:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the table where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--soak", type=float, default=120.0, help="seconds of the last row, 64 clients; 0: none")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--library", action="store_true", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.library:
        library(told.seconds)
        return
    command = [sys.executable, __file__, "--library", "--seconds", str(told.seconds)]
    found: list[dict[str, Any]] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    rows = [Row(**row) for row in found]
    body = body_of(photo())
    for batching in ("true", "false"):
        what = f"service, micro-batching {'on' if batching == 'true' else 'off'}"
        with (
            tempfile.TemporaryDirectory() as folder,
            service(Path(folder), TWINLENS_MICRO_BATCHING=batching) as (process, port),
        ):
            measure("", 2, 2, process, asker(port, body))  # warm up
            rows += [measure(what, count, told.seconds, process, asker(port, body)) for count in told.clients]
    if told.soak > 0:
        with tempfile.TemporaryDirectory() as folder, service(Path(folder)) as (process, port):
            measure("", 64, 10, process, asker(port, body))  # warm up
            rows.append(measure(f"service, {told.soak:.0f} seconds", 64, told.soak, process, asker(port, body)))
    load = ", ".join(f"{value:.0f}" for value in os.getloadavg())
    text = f"{machine()}; load {load} at the end.\n\n{table(rows)}\n"
    print(text)
    if told.write:
        TABLE.write_text(
            f"# The service under load\n\n`python benchmarks/service_load.py --write`\n\n{text}", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
