"""Requests that are made up from the service's own OpenAPI -> how many, what was answered, and whether any was a 5xx.

    python benchmarks/service_fuzz.py [--seconds 600] [--seed N] [--schemathesis PATH] [--write]

`twinlens serve` runs on loopback on a temporary folder with a gallery of people and an album in it. Schemathesis makes
up requests, sound and unsound ones, from `/openapi.json`, and checks each answer: no 5xx, only the statuses, media types
and fields that are declared. The statuses are counted in the service's own log. At the end the service must be ready and
its audit log whole. Exit code 1 where anything is wrong.

Schemathesis is no dependency of Twinlens; give it an environment of its own:

    python -m venv fuzz && fuzz/bin/pip install schemathesis
    python benchmarks/service_fuzz.py --schemathesis fuzz/bin/schemathesis
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
from PIL import Image as Pillow
from skimage import data

from twinlens.evaluate.machine import machine

PAGE = Path(__file__).parents[1] / "docs" / "results" / "service-fuzz.md"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
PATIENCE_S = 600.0  # for a start; a busy machine takes minutes
ENVIRONMENT = {"TWINLENS_RATE_PER_S": "100000", "TWINLENS_RATE_BURST": "100000"}  # else most answers were 429


@dataclass(frozen=True)
class Fuzzed:
    """What a run gave.

    Attributes:
        version: of Schemathesis.
        seed: of its random choices.
        generated: test cases.
        passed: of them.
        ended: its exit code.
        output: what it printed.
    """

    version: str
    seed: str
    generated: int
    passed: int
    ended: int
    output: str


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Run the service; give its address. What it logs is in ``folder/log``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "twinlens.cli", "serve", "--port", str(port), "--data-dir", str(folder / "data")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, env={**os.environ, **ENVIRONMENT})
        try:
            _wait(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(httpx2.HTTPError):
            if httpx2.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        time.sleep(0.2)
    sys.exit("the service did not become ready")


def furnish(url: str) -> None:
    """Make what the examples of the schema name: a gallery with somebody in it, and an album."""
    file = io.BytesIO()
    Pillow.fromarray(data.astronaut()).save(file, "JPEG")
    with httpx2.Client(base_url=url, timeout=60) as client:
        for name, kind in (("staff", "people"), ("holiday", "album")):
            client.post("/v1/galleries", json={"name": name, "kind": kind}).raise_for_status()
        path = "/v1/galleries/staff/subjects/Ada Lovelace/photos"
        client.post(path, files={"photos": ("ada.jpg", file.getvalue())}).raise_for_status()


def fuzz(program: str, url: str, folder: Path, seconds: int, seed: int | None) -> Fuzzed:
    """Let Schemathesis ask for so long."""
    command = [program, "run", f"{url}/openapi.json", "--max-time", str(seconds), "--checks", CHECKS]
    command += [] if seed is None else ["--seed", str(seed)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=seconds + 2 * PATIENCE_S
    )
    counts = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    version = re.search(r"Schemathesis v(\S+)", done.stdout)
    used = re.search(r"Seed: (\d+)", done.stdout)
    return Fuzzed(
        version[1] if version else "?",
        used[1] if used else "?",
        int(counts[1]) if counts else 0,
        int(counts[2]) if counts else 0,
        done.returncode,
        done.stdout + done.stderr,
    )


def answered(log: Path) -> tuple[Counter[int], Counter[str]]:
    """Return how often each status was answered, and the routes of those of 500 and above."""
    statuses: Counter[int] = Counter()
    faults: Counter[str] = Counter()
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        with suppress(ValueError):
            told = json.loads(line)
            if "status" in told:
                statuses[int(told["status"])] += 1
                if int(told["status"]) >= 500:
                    faults[f"{told['status']} {told['method']} {told['route']}"] += 1
    return statuses, faults


def table(found: Fuzzed, statuses: Counter[int], faults: Counter[str], whole: bool) -> str:
    """Return the figures."""
    told = ", ".join(f"{count:,} {status}" for status, count in sorted(statuses.items()))
    rows = [
        ("", ""),
        ("---", "---"),
        ("test cases made up", f"{found.generated:,}"),
        ("of them as the schema says", f"{found.passed:,}"),
        ("answers by status", told),
        ("answers of 500 and above", "; ".join(f"{n} {what}" for what, n in faults.items()) or "**0**"),
        ("ready afterwards, audit log whole", "yes" if whole else "**no**"),
        ("Schemathesis, its seed", f"{found.version}, {found.seed}"),
    ]
    return "\n".join(f"| {name} | {text} |" for name, text in rows)


def main() -> int:
    """Serve, ask, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--schemathesis", default=shutil.which("schemathesis"), help="the program")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    arguments = parser.parse_args()
    if not arguments.schemathesis:
        sys.exit("no schemathesis: python -m venv fuzz && fuzz/bin/pip install schemathesis, then --schemathesis PATH")
    program = str(Path(arguments.schemathesis).absolute())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with served(folder) as url:
            furnish(url)
            found = fuzz(program, url, folder, arguments.seconds, arguments.seed)
            ready = httpx2.get(f"{url}/readyz", timeout=60).status_code == 200
            sound = httpx2.get(f"{url}/v1/audit/verify", timeout=600).json()["sound"] is True
        statuses, faults = answered(folder / "log")
    text = table(found, statuses, faults, ready and sound)
    print(f"{machine()}\n\n{text}")
    right = found.ended == 0 and found.generated > 0 and not faults and ready and sound
    if not right:
        print(found.output[-20_000:], file=sys.stderr)
    if arguments.write:
        head = (
            f"# Made-up requests\n\nMade by `python benchmarks/service_fuzz.py --seconds {arguments.seconds} --write`"
        )
        PAGE.write_text(f"{head}. {machine()}.\n\n{WHAT}\n\n{text}\n", encoding="utf-8")
    return 0 if right else 1


WHAT = (
    "`twinlens serve` on loopback, without keys and without a limit on the rate, with a gallery of one person and an "
    "empty album. Schemathesis makes up requests from `/openapi.json`, sound and unsound ones, and checks each answer: no "
    "5xx, only declared statuses, media types and fields. It makes up no photos, so what lies behind a decoded photo "
    "is reached by the examples alone; the tests of `tests/service` do that. Statuses are those of the service's log."
)

if __name__ == "__main__":
    sys.exit(main())
