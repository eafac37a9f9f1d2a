"""A real Milvus server, killed and measured -> docs/results/milvus.md.

    python benchmarks/milvus_chaos.py --write

Five parts: signal 9 in the middle of 10,000 enrolments; what reaches the disk before an acknowledgement; what is left on
the disk after a removal; what each consistency level shows; search time and recall beside SQLite in one loop.
Needs Linux, unshare and, for the second part, strace. Some ten minutes.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.milvus_server import MilvusServer  # noqa: E402

from twinlens.errors import GalleryUnavailableError  # noqa: E402
from twinlens.gallery import GalleryOptions, open_gallery  # noqa: E402
from twinlens.gallery.erasure import find_remains, slices_of  # noqa: E402
from twinlens.gallery.milvus_gallery import MilvusGallery  # noqa: E402
from twinlens.protocols import Enrolment, Gallery  # noqa: E402
from twinlens.types import Embedding  # noqa: E402

MODEL, DIM = "benchmark", 128
OUT = ROOT / "docs" / "results" / "milvus.md"


def people(count: int, seed: int) -> list[Enrolment]:
    """Return ``count`` photos, two of each person."""
    drawn = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return [
        Enrolment(f"s{i // 2:06d}", Embedding(vector, MODEL), f"{seed} photo {i}") for i, vector in enumerate(drawn)
    ]


def milvus(server: MilvusServer, name: str, exact_rows: int = 50_000, settings: str = "") -> MilvusGallery:
    """Open a gallery on the server."""
    options = GalleryOptions(busy_timeout_s=60.0, exact_rows=exact_rows)
    gallery = open_gallery(server.url(name, settings), model=MODEL, dim=DIM, options=options)
    assert isinstance(gallery, MilvusGallery)
    return gallery


class Writers:
    """Two threads that enrol everything, each call until it is acknowledged."""

    def __init__(self, server: MilvusServer, photos: list[Enrolment], step: int) -> None:
        self.acknowledged: list[Enrolment] = []
        self.refused: list[float] = []
        self._server, self._photos, self._step = server, photos, step
        self._threads = [threading.Thread(target=self._enrol, args=(part,)) for part in (0, 1)]
        for thread in self._threads:
            thread.start()

    def _enrol(self, part: int) -> None:
        with milvus(self._server, "chaos", settings="?timeout=5") as gallery:
            for at in range(part * self._step, len(self._photos), 2 * self._step):
                self._insist(gallery, self._photos[at : at + self._step])

    def _insist(self, gallery: Gallery, photos: list[Enrolment]) -> None:
        for _ in range(60):
            began = time.monotonic()
            try:
                gallery.add(photos)
            except GalleryUnavailableError:
                self.refused.append(time.monotonic() - began)
                time.sleep(0.5)
                continue
            self.acknowledged.extend(photos)
            return

    def at_work(self) -> bool:
        """Whether not everything is enrolled yet."""
        return any(thread.is_alive() for thread in self._threads)

    def wait_for(self, goal: float) -> None:
        """Wait until so many are acknowledged."""
        while len(self.acknowledged) < goal and self.at_work():
            time.sleep(random.uniform(0.01, 0.1))

    def join(self) -> None:
        """Wait until everything is enrolled."""
        for thread in self._threads:
            thread.join()


def chaos(server: MilvusServer, total: int, kills: int, step: int, seed: int) -> list[str]:
    """Two writers enrol; the server is killed and started again; everything is compared at the end."""
    draw, restarts, checked = random.Random(seed), [], []
    lost: list[str] = []
    with milvus(server, "chaos") as gallery:
        writers = Writers(server, people(total, 1), step)
        for number in range(kills):
            writers.wait_for(total * (number + draw.uniform(0.5, 1.2)) / (kills + 1))
            before = list(writers.acknowledged)
            server.kill()
            began = time.monotonic()
            server.start()
            restarts.append(time.monotonic() - began)
            held = _held(gallery)
            lost += [entry.photo for entry in before if entry.photo not in held]
            checked.append(len(before))
            print(f"kill {number + 1}: {len(before)} acknowledged before, {len(lost)} lost", flush=True)
        writers.join()
        stored = Counter((entry.subject, entry.photo) for entry in gallery.entries())
        vectors = {entry.photo: entry.embedding.vector for entry in gallery.entries()}
        missing = [e for e in writers.acknowledged if not np.array_equal(vectors.get(e.photo, 0), e.embedding.vector)]
        copies = sum(number - 1 for number in stored.values()) + gallery._link.count("") - len(stored)  # noqa: SLF001
        problems = gallery.verify_integrity()
    print(f"missing {len(missing)}, copies {copies}, problems {problems}", flush=True)
    return [
        f"## Killed with signal 9 in the middle of {total:,} enrolments",
        "",
        f"Two writers, calls of {step} templates, each repeated until it is acknowledged (at most 60 times).",
        "",
        f"| kills | {kills} (after {', '.join(map(str, checked))} acknowledged) |",
        "|---|---|",
        f"| acknowledged in the end | {len(writers.acknowledged)} of {total} |",
        f"| **acknowledged and lost or altered** | **{len(lost) + len(missing)}** |",
        f"| **duplicates (rows counted on the server, copies included)** | **{copies}** |",
        f"| calls answered with GalleryUnavailableError | {len(writers.refused)}, the longest after "
        f"{max(writers.refused, default=0.0):.1f} s |",
        f"| restart until healthy | {', '.join(f'{seconds:.1f}' for seconds in restarts)} s |",
        f"| `verify_integrity` afterwards | {'; '.join(problems) or 'sound'} |",
        "",
    ]


def _held(gallery: Gallery) -> set[str]:
    """Return what is stored, as soon as the server answers."""
    for _ in range(20):
        try:
            return {entry.photo for entry in gallery.entries()}
        except GalleryUnavailableError:
            time.sleep(1)
    return {entry.photo for entry in gallery.entries()}


def synced(server: MilvusServer) -> list[str]:
    """Count which files the server syncs for inserts, for marks and for a flush."""
    if shutil.which("strace") is None:
        return ["## What is synced", "", "Not traced: strace is not installed.", ""]
    found: dict[str, Counter[str]] = {}
    with milvus(server, "synced") as gallery:
        link = gallery._link  # noqa: SLF001
        gallery.add(people(2, 9))
        number = iter(range(1_000))

        def inserts() -> None:
            for _ in range(50):
                gallery.add(people(1, 100 + next(number)))

        def marks() -> None:
            for i in range(50):
                link.create_alias(f"synced_{i}")
                link.drop_alias(f"synced_{i}")

        for name, work in (
            ("nothing, 5 s", lambda: time.sleep(5)),
            ("50 acknowledged single enrolments", inserts),
            ("100 changes of aliases", marks),
            ("a flush", link.flush),
        ):
            found[name] = _traced(server, work)
    kinds = sorted({kind for counter in found.values() for kind in counter})
    return [
        "## What is synced to the disk before an acknowledgement",
        "",
        "`strace -f -y -e trace=fsync,fdatasync` on the whole server (embedded log and etcd, local storage):",
        "",
        f"| while it does | {' | '.join(kinds)} |",
        "|---|" + "---|" * len(kinds),
        *(f"| {name} | {' | '.join(str(counter[kind]) for kind in kinds)} |" for name, counter in found.items()),
        "",
    ]


def _traced(server: MilvusServer, work: object) -> Counter[str]:
    assert callable(work)
    pid = _server(server)
    with tempfile.NamedTemporaryFile("r", suffix=".strace") as log:
        command = ["strace", "-f", "-y", "-qq", "-e", "trace=fsync,fdatasync", "-o", log.name, "-p", str(pid)]
        tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        time.sleep(2)
        work()
        time.sleep(1)
        tracer.send_signal(signal.SIGINT)
        tracer.wait(20)
        paths = re.findall(r"sync\(\d+<([^>]*)>", log.read())
    counter = Counter({"etcd": 0, "message log (rocksmq)": 0, "segments": 0})
    for path in paths:
        kind = "etcd" if "etcd" in path else "message log (rocksmq)" if "rocksmq" in path else "segments"
        counter[kind] += 1
    return counter


def remains(server: MilvusServer) -> list[str]:
    """Remove somebody and look for the bytes in the server's own files."""
    with milvus(server, "remains") as gallery:
        photos = people(3_000, 5)
        gallery.add(photos)
        gallery._link.flush()  # noqa: SLF001
        gone = np.stack([photos[0].embedding.vector, photos[1].embedding.vector])
        receipt = gallery.remove("s000000")
        places = [_places(server.folder / "data", gone)]
        gallery.rebuild_index()
        time.sleep(30)
        places.append(_places(server.folder / "data", gone))
    rows = "".join(
        f"| {when} | {', '.join(f'{kind}: {n}' for kind, n in sorted(found.items())) or 'none'} |\n"
        for when, found in zip(("at once", "after flush, compaction and 30 s"), places, strict=True)
    )
    return [
        "## What is left of a removed subject on the server's disk",
        "",
        "Every file of the data folder read for slices of 32 bytes of the two removed vectors. The receipt names "
        f"{len(receipt.remains)} places and is right not to claim more.",
        "",
        "| when | files with a slice |",
        "|---|---|",
        rows,
    ]


def _places(folder: Path, vectors: np.ndarray) -> Counter[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    found = find_remains(files, slices_of(vectors))
    return Counter("message log" if "rocksmq" in str(path) else path.relative_to(folder).parts[0] for path in found)


def consistency(server: MilvusServer) -> list[str]:
    """Delete and insert 100 rows and look at once, at each level."""
    lines = [
        "## What a reader sees at once",
        "",
        "100 rows deleted, 100 inserted, each looked for directly afterwards by the client that wrote them:",
        "",
        "| level | of 100 deleted still found | of 100 inserted found |",
        "|---|---|---|",
    ]
    with milvus(server, "levels") as gallery:
        link = gallery._link  # noqa: SLF001
        gallery.add(people(2_000, 6))
        rows = link.query('pk != ""', ("*",), 1_000)
        for number, level in enumerate(("Eventually", "Bounded", "Session", "Strong")):
            part = rows[number * 200 : number * 200 + 100]
            keys = [row["pk"] for row in part]
            condition = "pk in [" + ", ".join(f'"{key}"' for key in keys) + "]"

            def seen(condition: str = condition, level: str = level) -> int:
                found = link._client.query(  # noqa: SLF001
                    link.collection, filter=condition, output_fields=["pk"], consistency_level=level, limit=1_000
                )
                return len(found)

            link.delete(keys)
            deleted = seen()
            time.sleep(1)
            link.insert([dict(row) for row in part])
            lines.append(f"| {level} | {deleted} | {seen()} |")
    return [*lines, "", "A gallery reads with Strong and nothing else.", ""]


def searches(server: MilvusServer, sizes: list[int]) -> list[str]:
    """Search both engines."""
    lines = [
        "## Search beside SQLite",
        "",
        "60 searches for the ten best subjects, one after the other; recall of the ten best subjects over 64 probes. "
        "The server's `proxy.timeTickInterval` is 20 ms: a strongly consistent read waits for the next, so with the "
        "default of 200 ms each search takes up to some 400 ms longer. Vectors without structure, hard for a graph.",
        "",
        "| templates | index | wall, ms: SQLite / Milvus | processor, ms: SQLite / Milvus | ratio | Milvus, batch of "
        "64: wall / processor, ms each | recall@10 |",
        "|---|---|---|---|---|---|---|",
    ]
    probes = [entry.embedding for entry in people(64, 99)]
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            photos = people(size, 7)
            matrix = np.stack([entry.embedding.vector for entry in photos]).astype(np.float64)
            small = open_gallery(Path(folder) / f"{size}.db", model=MODEL, dim=DIM)
            large = milvus(server, f"size{size}")
            for gallery in (small, large):
                for at in range(0, size, 10_000):
                    gallery.add(photos[at : at + 10_000])
            for graph in (False, True) if size >= 50_000 else (False,):
                if graph:
                    large.close()
                    large = milvus(server, f"size{size}", exact_rows=1_000)
                    large.rebuild_index()
                depth = large._link.facts()["properties"].get("twinlens.depth", "0")  # noqa: SLF001
                kind = f"HNSW, depth {depth}" if depth != "0" else "exact" + ", the graph being refused" * graph
                lines.append(_timed(small, large, probes, matrix, _server(server), f"| {size:,} | {kind}"))
                print(lines[-1], flush=True)
            small.close()
            large.close()
    return [*lines, ""]


def _cpu_ms(pid: int) -> float:
    """Return what a process has used, milliseconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return 1_000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _server(server: MilvusServer) -> int:
    (pid,) = [p for p in server.pids() if Path(f"/proc/{p}/comm").read_text().strip() == "milvus"]
    return pid


def _spent(search: Callable[[], object], rounds: int, pid: int | None, idle: float) -> tuple[float, float]:
    """Return median wall and mean processor milliseconds of a search; the server's idle share is taken off."""
    walls, began, used = [], time.perf_counter(), time.process_time()
    before = _cpu_ms(pid) if pid else 0.0
    for _ in range(rounds):
        start = time.perf_counter()
        search()
        walls.append(1_000 * (time.perf_counter() - start))
    spent = 1_000 * (time.process_time() - used)
    if pid:
        spent += max(0.0, _cpu_ms(pid) - before - idle * (time.perf_counter() - began))
    return median(walls), spent / rounds


def _timed(
    small: Gallery, large: MilvusGallery, probes: list[Embedding], matrix: np.ndarray, pid: int, head: str
) -> str:
    before = _cpu_ms(pid)
    time.sleep(5)
    idle = (_cpu_ms(pid) - before) / 5
    turn = iter(range(10_000))
    own_wall, own_cpu = _spent(lambda: small.search([probes[next(turn) % 64]], 10), 60, None, 0)
    wall, cpu = _spent(lambda: large.search([probes[next(turn) % 64]], 10), 60, pid, idle)
    batch_wall, batch_cpu = (value / len(probes) for value in _spent(lambda: large.search(probes, 10), 5, pid, idle))
    hits = wanted = 0
    for probe, matches in zip(probes, large.search(probes, 10), strict=True):
        scores = matrix @ probe.vector.astype(np.float64)
        best = np.maximum(scores[0::2], scores[1::2])
        names = {f"s{i:06d}" for i in np.argsort(-best)[:10]}
        hits, wanted = hits + len(names & {m.subject for m in matches}), wanted + len(names)
    return (
        f"{head} | {own_wall:.1f} / {wall:.0f} | {own_cpu:.2f} / {cpu:.1f} | {cpu / own_cpu:.0f} | "
        f"{batch_wall:.1f} / {batch_cpu:.2f} | {hits / wanted:.4f} |"
    )


def main() -> None:
    """Run the parts asked for; with ``--write`` those replace their sections of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--total", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--step", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1_000, 10_000, 50_000])
    parser.add_argument("--parts", nargs="*", default=["chaos", "synced", "remains", "consistency", "search"])
    given = parser.parse_args()
    parts: dict[str, tuple[int, Callable[[MilvusServer], list[str]]]] = {
        "chaos": (20, lambda server: chaos(server, given.total, given.kills, given.step, given.seed)),
        "synced": (20, synced),
        "remains": (20, remains),
        "consistency": (200, consistency),
        "search": (20, lambda server: searches(server, given.sizes)),
    }
    for name in given.parts:
        tick_ms, work = parts[name]
        load = os.getloadavg()[0]
        folder = Path(tempfile.mkdtemp(prefix="twinlens-milvus-"))
        server = MilvusServer(folder, tick_ms=tick_ms)
        try:
            lines = work(server)
        finally:
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)
        text = "\n".join([*lines, f"*{name}: load of the two cores {load:.0f} at the start.*", ""])
        print(text, flush=True)
        if given.write:
            _put(text)


def _put(section: str) -> None:
    """Put a section into the page, in place of the one of the same heading."""
    head = "\n".join(
        [
            "# A gallery on a real Milvus server",
            "",
            f"Milvus 2.3.5 standalone (embedded etcd and message log, local disk) on loopback, {os.cpu_count()} cores "
            f"shared with much other work; Python {platform.python_version()}. Wall times are upper bounds; processor "
            "times are those of client and server together. 128-d vectors, two photos a person, seeds in the script.",
            "",
            "    python benchmarks/milvus_chaos.py --write       # or some of: --parts chaos synced remains ...",
            "",
        ]
    )
    held = OUT.read_text(encoding="utf-8").split("\n## ")[1:] if OUT.exists() else []
    sections = {text.partition("\n")[0]: "## " + text.strip() + "\n" for text in held}
    sections[section.partition("\n")[0].removeprefix("## ")] = section.strip() + "\n"
    OUT.write_text("\n".join([head, *sections.values()]), encoding="utf-8")


if __name__ == "__main__":
    main()
