"""A service that is killed under load -> what was lost of what it had acknowledged.

    TWINLENS_DATA=../shared/data python benchmarks/service_chaos.py [--kills 50] [--clients 8] [--seed 0] [--minutes M]
        [--write]

`twinlens serve` runs on loopback with an admin key. Clients enrol photos of LFW-a, one by one and several at a time
(where each line of the answer acknowledges one photo), and erase people. At a random moment the server is killed with
signal 9 and started again on the same folder. Then, before anything else happens, everybody who is enrolled is listed
and compared with what was acknowledged: each acknowledged photo is there, whoever was erased is not, and nothing is
there that nobody sent; the call in flight may have happened or not. The audit log must verify and hold the head that
was noted before the kill. The clients then repeat what was in flight under the same Idempotency-Key. At the end the
server is told to stop, and the files are read without it: the gallery's integrity, the chain, and an entry for every
acknowledged request. Exit code 1 where anything differs. Signal 15 to
the benchmark itself: no more kills, the end as usual.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote

from twinlens.datasets.lfw import load_development_unrestricted
from twinlens.evaluate.machine import machine
from twinlens.gallery import SqliteGallery
from twinlens.recognizer.results import Outcome
from twinlens.service.audit_log import AuditLog
from twinlens.service.keys import Keyring

ROOT = Path(__file__).parents[1]
GALLERY = "people"
BULK = (2, 6)  # photos of one bulk request
LIFE = (5, 60)  # photos and erasures the server acknowledges before it is killed, whatever the machine's load
LONGEST_LIFE_S = 20.0
PATIENCE_S = 120.0  # for a start, for an answer
GONE = (ConnectionError, http.client.HTTPException, TimeoutError, socket.timeout)


@dataclass
class Request:
    """Something a client wants done, repeated under the same key until it is answered.

    Attributes:
        kind: ``enrol``, ``bulk`` or ``erase``.
        photos: subjects and photos; of an erasure the subject alone.
        tried: ids of the requests that were sent.
    """

    kind: str
    photos: list[tuple[str, Path | None]]
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    tried: list[str] = field(default_factory=list)


@dataclass
class Book:
    """What was acknowledged.

    Attributes:
        stored: file names of acknowledged photos by subject.
        flying: what each client does not know the end of.
        entries: least number of entries of the audit log by request id.
        counts: of everything.
        found: what differs.
    """

    stored: dict[str, set[str]] = field(default_factory=dict)
    flying: dict[int, Request] = field(default_factory=dict)
    entries: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)

    def acknowledged(self) -> int:
        """How many photos and erasures were answered."""
        return sum(self.counts[name] for name in (*get_args(Outcome), "erased"))


class Server:
    """`twinlens serve` on a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        keyring = Keyring(folder / "keys.db")
        self.key = keyring.create("chaos", ["admin"])[1]
        keyring.close()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it and wait until it is ready; return after how many seconds it was."""
        begun = time.monotonic()
        options = ["--port", str(self.port), "--data-dir", str(self.folder)]
        rates = {"TWINLENS_RATE_PER_S": "100000", "TWINLENS_RATE_BURST": "100000"}
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "twinlens.cli", "serve", *options],
                stdout=log,
                stderr=log,
                env={**os.environ, **rates},
            )
        while time.monotonic() - begun < PATIENCE_S and self._process.poll() is None:
            try:
                if self.ask("GET", "/readyz")[0] == 200:
                    return time.monotonic() - begun
            except GONE:
                time.sleep(0.05)
        raise RuntimeError(f"the server did not start: {(self.folder / 'log').read_text()[-2000:]}")

    def stop(self, kind: signal.Signals) -> int:
        """End it, return its exit code."""
        assert self._process is not None
        self._process.send_signal(kind)
        return self._process.wait(PATIENCE_S)

    @contextmanager
    def asking(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request; the answer is read in the block."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            link.request(method, path, body or None, {"Authorization": f"Bearer {self.key}", **(headers or {})})
            yield link.getresponse()
        finally:
            link.close()

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """Return the status and the answer."""
        with self.asking(method, path, body, headers) as answer:
            return answer.status, json.loads(answer.read() or b"null")

    def subjects(self) -> dict[str, set[str]]:
        """Return the sources of everybody's photos."""
        found: dict[str, set[str]] = {}
        cursor = ""
        while True:
            status, page = self.ask("GET", f"/v1/galleries/{GALLERY}/subjects?limit=1000{cursor}")
            assert status == 200, page
            for subject in page["items"]:
                assert subject["templates"] == len(subject["sources"]), "a photo is there twice, or without its name"
                found[subject["name"]] = {source.rpartition("/")[2] for source in subject["sources"]}
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={quote(page['next_cursor'])}"


def multipart(parts: list[tuple[str, bytes]], boundary: str) -> bytes:
    """Return a body with photos under their names."""
    body = b""
    for name, content in parts:
        head = f'Content-Disposition: form-data; name="photos"; filename="{name}"\r\nContent-Type: image/jpeg'
        body += f"--{boundary}\r\n{head}\r\n\r\n".encode() + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode()


class Client:
    """Enrols and erases people of its own, whom no other client touches."""

    def __init__(self, number: int, server: Server, book: Book, people: dict[str, list[Path]], seed: int) -> None:
        self._number, self._server, self._book = number, server, book
        self._choose = random.Random(f"{seed}-{number}")
        self._photos = [(name, photo) for name, photos in people.items() for photo in photos]
        self._choose.shuffle(self._photos)
        self._people = people

    def work(self, deadline: float) -> None:
        """Ask until the server is gone."""
        try:
            while time.monotonic() < deadline:
                request = self._book.flying.get(self._number) or self._next()
                self._book.flying[self._number] = request
                if self._send(request):
                    del self._book.flying[self._number]
        except GONE:
            self._book.counts["cut off"] += 1

    def _next(self) -> Request:
        dice, mine = self._choose.random(), sorted(self._people.keys() & self._book.stored.keys())
        if not self._photos or (dice < 0.1 and mine):
            name = self._choose.choice(mine)
            return Request("erase", [(name, None)])
        many = 1 if dice < 0.7 else min(self._choose.randint(*BULK), len(self._photos))
        return Request("enrol" if many == 1 else "bulk", [self._photos.pop() for _ in range(many)])

    def _send(self, request: Request) -> bool:
        """Send it; return whether it was answered."""
        request.tried.append(uuid.uuid4().hex)
        headers = {"X-Request-Id": request.tried[-1]}
        if request.kind == "erase":
            return self._erase(request, headers)
        boundary = uuid.uuid4().hex
        headers |= {"Content-Type": f"multipart/form-data; boundary={boundary}", "Idempotency-Key": request.key}
        if request.kind == "enrol":
            return self._enrol(request, headers, boundary)
        return self._enrol_many(request, headers, boundary)

    def _enrol(self, request: Request, headers: dict[str, str], boundary: str) -> bool:
        ((name, photo),) = request.photos
        assert photo is not None
        path = f"/v1/galleries/{GALLERY}/subjects/{quote(name, safe='')}/photos"
        body = multipart([(photo.name, photo.read_bytes())], boundary)
        with self._server.asking("POST", path, body, headers) as answer:
            if answer.status != 200:
                return self._later(answer)
            (report,) = json.loads(answer.read())["reports"]
        self._acknowledged(request, report)
        return True

    def _enrol_many(self, request: Request, headers: dict[str, str], boundary: str) -> bool:
        body = multipart([(f"{name}/{p.name}", p.read_bytes()) for name, p in request.photos if p], boundary)
        headers["Accept"] = "application/x-ndjson"
        with self._server.asking("POST", f"/v1/galleries/{GALLERY}/enrolments", body, headers) as answer:
            if answer.status != 200:
                return self._later(answer)
            for _ in request.photos:  # each line acknowledges a photo, whatever becomes of the rest
                line = answer.readline()
                if not line.endswith(b"\n"):
                    raise ConnectionResetError
                self._acknowledged(request, json.loads(line))
            answer.read()
        return True

    def _acknowledged(self, request: Request, report: dict[str, Any]) -> None:
        if "outcome" not in report:
            raise RuntimeError(f"no report: {report}")
        self._book.counts[report["outcome"]] += 1
        self._book.entries[request.tried[-1]] += len(request.tried) == 1  # a repeated answer was logged before
        if report["outcome"] in ("done", "already enrolled"):
            self._book.stored.setdefault(report["subject"], set()).add(report["source"].rpartition("/")[2])

    def _erase(self, request: Request, headers: dict[str, str]) -> bool:
        name = request.photos[0][0]
        path = f"/v1/galleries/{GALLERY}/subjects/{quote(name, safe='')}"
        with self._server.asking("DELETE", path, headers=headers) as answer:
            if answer.status not in (200, 404):
                return self._later(answer)
            receipt = json.loads(answer.read())
        if answer.status == 404 and len(request.tried) == 1:
            self._book.found.append(f"lost: {name}, to be erased, is not there")
        if answer.status == 200:
            self._book.entries[request.tried[-1]] += 2  # begun, done
            self._book.counts["erased, not proven"] += not receipt["proven"]
        self._book.counts["erased"] += 1
        del self._book.stored[name]
        self._photos = [(name, photo) for photo in self._people[name]] + self._photos
        return True

    def _later(self, answer: http.client.HTTPResponse) -> bool:
        told = answer.read()
        if answer.status not in (409, 503):
            raise RuntimeError(f"{answer.status}: {told!r}")
        self._book.counts[f"answered {answer.status}"] += 1
        time.sleep(0.2)
        return False


def compare(there: dict[str, set[str]], book: Book) -> list[str]:
    """Return what differs between who is enrolled and what was acknowledged."""
    maybe: dict[str, set[str]] = {}
    erasing: set[str] = set()
    for request in book.flying.values():
        for name, photo in request.photos:
            if photo is None:
                erasing.add(name)
            else:
                maybe.setdefault(name, set()).add(photo.name)
    found: list[str] = []
    for name in sorted({*there, *book.stored}):
        stored, kept = book.stored.get(name, set()), there.get(name, set())
        if name not in there and name in erasing:
            book.counts["in flight, had happened"] += 1
            continue
        found += [f"lost: {photo}" for photo in sorted(stored - kept)]
        extra = kept - stored
        book.counts["in flight, had happened"] += len(extra & maybe.get(name, set()))
        found += [f"resurrected, or never sent: {photo}" for photo in sorted(extra - maybe.get(name, set()))]
    return found


@dataclass
class Chaos:
    """Kills of one server."""

    server: Server
    book: Book
    clients: list[Client]
    choose: random.Random
    head: str = ""
    starts: list[float] = field(default_factory=list)

    def round(self, number: int, *, last: bool) -> None:
        """Let it work for a while, end it, start it again, compare."""
        with ThreadPoolExecutor(len(self.clients)) as pool:
            deadline = time.monotonic() + PATIENCE_S
            working = [pool.submit(client.work, deadline) for client in self.clients]
            self._let_live()
            code = self.server.stop(signal.SIGTERM if last else signal.SIGKILL)
            for client in working:
                client.result()
        if last and code not in (0, -signal.SIGTERM):
            self.book.found.append(f"told to stop, it ended with {code}")
        self.book.counts["in flight"] += sum(len(request.photos) for request in self.book.flying.values())
        self.starts.append(self.server.start())
        self.book.found += [f"round {number}: {text}" for text in compare(self.server.subjects(), self.book)]
        noted = f"?head={self.head}" if self.head else ""
        status, verdict = self.server.ask("GET", f"/v1/audit/verify{noted}")
        if status != 200 or not verdict["sound"]:
            self.book.found.append(f"round {number}: the audit log: {verdict}")
        self.head = verdict.get("head", "")

    def run(self, most: int, minutes: float) -> int:
        """Kill so often, then end it in order; return how often it was killed."""
        kills, over = 0, threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: over.set())  # no more kills, then the end as usual
        until = time.monotonic() + 60 * minutes
        while kills < most and time.monotonic() < until and not over.is_set():
            self.round(kills, last=False)
            kills += 1
            told = f"{kills} kills, {len(self.book.found)} differences: {dict(self.book.counts)}"
            print(told, file=sys.stderr, flush=True)
        self.round(kills, last=True)
        return kills

    def _let_live(self) -> None:
        """Wait for some acknowledgements, and then for a moment more."""
        goal = self.book.acknowledged() + self.choose.randint(*LIFE)
        deadline = time.monotonic() + LONGEST_LIFE_S
        while self.book.acknowledged() < goal and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(self.choose.uniform(0.0, 0.2))

    def end(self) -> int:
        """Stop the server and read its files; return the number of entries in the audit log."""
        self.server.stop(signal.SIGTERM)
        with SqliteGallery(self.server.folder / "galleries" / f"{GALLERY}.db") as gallery:
            there: dict[str, set[str]] = {}
            for entry in gallery.entries():
                there.setdefault(entry.subject, set()).add(entry.source.rpartition("/")[2])
            if any(problem.startswith("erasure") for problem in gallery.verify_integrity()):
                self.book.counts["erasures made up for"] += 1
                gallery.rebuild_index()
            self.book.found += [f"the gallery: {problem}" for problem in gallery.verify_integrity()]
        self.book.found += [f"at the end: {text}" for text in compare(there, self.book)]
        log = AuditLog(self.server.folder / "audit")
        verdict, logged, cursor = log.verify(), Counter[str](), 0
        self.book.found += [f"the audit log: {problem}" for problem in verdict.problems]
        while True:
            entries, after = log.page(cursor, 1000)
            logged.update(entry.request for entry in entries)
            if after is None:
                break
            cursor = after
        log.close()
        self.book.found += [
            f"not in the audit log: {request}"
            for request, least in self.book.entries.items()
            if logged[request] < least
        ]
        return verdict.entries


def people_of(data: Path, clients: int, choose: random.Random) -> list[dict[str, list[Path]]]:
    """Return LFW-a's people with their photos, dealt out to the clients."""
    split = load_development_unrestricted(data / "lfw")
    people: dict[str, list[Path]] = {}
    for part in ("train", "test"):
        for photo in split.split(part).photos:
            people.setdefault(photo.subject, []).append(photo.path)
    names = sorted(people)
    choose.shuffle(names)
    return [{name: people[name][:4] for name in names[number::clients]} for number in range(clients)]


def table(chaos: Chaos, kills: int, entries: int) -> str:
    """Return the result as Markdown."""
    counts, starts = chaos.book.counts, sorted(chaos.starts)
    known = ("done", "already enrolled")
    refused = {name: n for name, n in counts.items() if name in get_args(Outcome) and name not in known}
    rows = [
        ("kills with signal 9, then one signal 15", f"{kills}"),
        ("clients", f"{len(chaos.clients)}"),
        ("photos acknowledged as enrolled", f"{counts['done']:,}"),
        ("photos refused with a report", ", ".join(f"{n:,} {name}" for name, n in sorted(refused.items())) or "0"),
        ("people erased with a receipt", f"{counts['erased']:,}, not proven: {counts['erased, not proven']}"),
        ("photos and erasures in flight when killed", f"{counts['in flight']:,}"),
        ("of these had happened unacknowledged", f"{counts['in flight, had happened']:,}"),
        ("repeated and found enrolled already", f"{counts['already enrolled']:,}"),
        ("answers 409 and 503", f"{counts['answered 409']:,} and {counts['answered 503']:,}"),
        ("people enrolled at the end", f"{len(chaos.book.stored):,}"),
        ("entries of the audit log", f"{entries:,}"),
        ("seconds from start to ready: median, longest", f"{starts[len(starts) // 2]:.1f}, {starts[-1]:.1f}"),
        ("lost, resurrected, not logged, chain broken, index differs", f"**{len(chaos.book.found)}**"),
    ]
    return "\n".join(f"| {name} | {text} |" for name, text in [("", ""), ("---", "---"), *rows])


def main() -> int:
    """Kill, compare, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=120.0, help="after which no more kills are begun")
    parser.add_argument("--folder", type=Path, help="where the service keeps its files; a temporary one by default")
    parser.add_argument("--write", action="store_true", help="write docs/results/service-chaos.md")
    arguments = parser.parse_args()
    data = Path(os.environ["TWINLENS_DATA"])
    choose = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        server, book = Server(Path(folder)), Book()
        people = people_of(data, arguments.clients, choose)
        clients = [Client(n, server, book, own, arguments.seed) for n, own in enumerate(people)]
        chaos = Chaos(server, book, clients, choose)
        try:
            server.start()
            status, told = server.ask(
                "POST",
                "/v1/galleries",
                json.dumps({"name": GALLERY, "kind": "people"}).encode(),
                {"Content-Type": "application/json"},
            )
            assert status in (200, 201), told
            kills = chaos.run(arguments.kills, arguments.minutes)
            entries = chaos.end()
        except BaseException:
            print((Path(folder) / "log").read_text()[-4000:], file=sys.stderr)
            server.stop(signal.SIGKILL)
            raise
    text = table(chaos, kills, entries)
    print(f"{machine()}\n\n{text}")
    print("\n".join(chaos.book.found), file=sys.stderr)
    if arguments.write:
        options = f"--kills {arguments.kills} --clients {arguments.clients} --seed {arguments.seed}"
        head = (
            f"# A service that is killed under load\n\nMade by `python benchmarks/service_chaos.py {options} --write`"
        )
        head += f" with LFW-a in `TWINLENS_DATA`. {machine()}.\n\n{WHAT}\n\n"
        (ROOT / "docs/results/service-chaos.md").write_text(f"{head}{text}\n")
    return 1 if chaos.book.found else 0


WHAT = (
    "`twinlens serve` enrols photos of LFW-a for clients on loopback, one by one and several at a time, and erases "
    "people. It is killed at a random moment (after 5 to 60 photos and erasures), started again on the same folder, and compared "
    "with what it had acknowledged before anything else happens; the head of the audit log that was noted before the "
    "kill must be in it. Then the clients repeat what was in flight under the same Idempotency-Key. At the end the "
    "files are read without the server. A kill of the process is not a power cut: what the disk itself forgets is not "
    "tested here."
)

if __name__ == "__main__":
    sys.exit(main())
