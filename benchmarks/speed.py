"""Speed of the recognizer as ratios in one run: the engine, verify, a folder, imports, the first answer.

    python benchmarks/speed.py [--photos DIR] [--count 500] [--rounds 7]

Every figure is a ratio to a reference measured in the same run, in turns, so that other work on the machine weighs on
both alike; the median of the rounds is reported, with the least and the largest. Without a folder of photos (default:
$TWINLENS_DATA/lfw/lfw2) altered copies of scikit-image's astronaut are written to a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from twinlens.detect.yunet import YuNet
from twinlens.draw import save
from twinlens.embed import OnnxEmbedder
from twinlens.evaluate.machine import machine
from twinlens.image import list_pictures
from twinlens.protocols import Network
from twinlens.recognizer import Recognizer
from twinlens.recognizer.choice import main_face
from twinlens.runtime import RuntimeOptions, installed_engines, load_network, usable_cores
from twinlens.types import Crop, Image
from twinlens.zoo import checked_paths, find_card

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio over rounds."""

    median: float
    least: float
    largest: float

    def __str__(self) -> str:
        return f"{self.median:.3f} ({self.least:.3f} to {self.largest:.3f})"


def ratio(work: Work, reference: Work, rounds: int) -> Ratio:
    """Time both in turns and return work / reference."""
    work(), reference()
    found = []
    for turn in range(rounds):
        times = {}
        for job in (work, reference) if turn % 2 else (reference, work):
            start = time.perf_counter()
            job()
            times[job] = time.perf_counter() - start
        found.append(times[work] / times[reference])
    return Ratio(float(np.median(found)), min(found), max(found))


def blob(crop: Crop) -> np.ndarray:
    """Return a crop as SFace's input (1, 3, 112, 112) float32."""
    return np.ascontiguousarray(crop.pixels.transpose(2, 0, 1)[None].astype(np.float32))


def engines(crops: list[Crop], rounds: int) -> list[str]:
    """Compare engines and precisions with ONNX Runtime float32, all on one thread."""
    (path,) = checked_paths(find_card("sface"))
    blobs = [blob(crop) for crop in crops[:32]]
    reference = load_network(path, RuntimeOptions(engine="onnxruntime", threads=1))
    wanted = np.concatenate([reference.run(b)["fc1"] for b in blobs])
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    lines = ["| engine | precision | time / ONNX Runtime float32 | least cosine to it |", "|---|---|---|---|"]
    for engine in installed_engines():
        for precision in ("float32", "bfloat16") if engine == "openvino" else ("float32",):
            network = load_network(path, RuntimeOptions(engine=engine, precision=precision, threads=1))
            found = np.concatenate([network.run(b)["fc1"] for b in blobs])
            found /= np.linalg.norm(found, axis=1, keepdims=True)
            cosine = float((found * wanted).sum(1).min())
            time_ratio = ratio(
                lambda n=network: [n.run(b) for b in blobs], lambda: [reference.run(b) for b in blobs], rounds
            )
            lines.append(f"| {engine} | {precision} | {time_ratio} | {cosine:.7f} |")
    return lines


class Recorder:
    """A network that remembers what it was fed."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.fed: list[np.ndarray] = []

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Pass on to the network."""
        self.fed.append(batch.copy())
        return self.network.run(batch)


@dataclass(frozen=True, slots=True)
class Bench:
    """A recognizer and its two networks, bare."""

    recognizer: Recognizer
    detector: Network
    embedder: Network

    def ready(self, source: Image | Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return what the recognizer feeds its detector and its embedder for a photo."""
        looks, faces = Recorder(self.detector), Recorder(self.embedder)
        recognizer = Recognizer(YuNet(looks), OnnxEmbedder(self.recognizer.card, faces), self.recognizer.card)
        with recognizer:
            list(recognizer.examine_all([source], main_face))
        return looks.fed, faces.fed

    def bare(self, ready: tuple[list[np.ndarray], list[np.ndarray]]) -> None:
        """Run only the networks."""
        for look in ready[0]:
            self.detector.run(look)
        for face in ready[1]:
            self.embedder.run(face)


def bench(threads: int) -> Bench:
    """Load the default models, with their networks at hand."""
    card, options = find_card("sface"), RuntimeOptions(threads=threads)
    detector = load_network(checked_paths(find_card("yunet"))[0], options)
    embedder = load_network(checked_paths(card)[0], options)
    recognizer = Recognizer(YuNet(detector), OnnxEmbedder(card, embedder), card, threads=threads)
    return Bench(recognizer, detector, embedder)


def verify_ratios(images: list[Image], rounds: int) -> list[str]:
    """Compare `Recognizer.verify` on decoded photos with the bare networks, on one thread and on all."""
    lines = ["| threads | verify / bare networks |", "|---|---|"]
    for threads in sorted({1, usable_cores()}):
        place = bench(threads)
        ready = [place.ready(image) for image in images]

        with place.recognizer, ThreadPoolExecutor(threads) as pool:
            networks = partial(_pairs_bare, place, ready, pool)
            whole = partial(_pairs_whole, place.recognizer, images)
            lines.append(f"| {threads} | {ratio(whole, networks, rounds)} |")
    return lines


def _pairs_bare(place: Bench, ready: list, pool: ThreadPoolExecutor) -> None:
    for i in range(0, len(ready) - 1, 2):
        list(pool.map(place.bare, ready[i : i + 2]))


def _pairs_whole(recognizer: Recognizer, images: list[Image]) -> None:
    for i in range(0, len(images) - 1, 2):
        recognizer.verify(images[i], images[i + 1])


def folder_ratio(paths: list[Path], rounds: int) -> list[str]:
    """Compare a folder of files with the bare networks on ready inputs, both on all cores."""
    place = bench(usable_cores())
    ready = [place.ready(path) for path in paths]
    with place.recognizer, ThreadPoolExecutor(usable_cores()) as pool:
        found = ratio(
            lambda: list(pool.map(place.bare, ready)),
            lambda: list(place.recognizer.examine_all(paths, main_face)),
            rounds,
        )
    return [f"throughput of {len(paths)} photo files / bare networks fed with ready inputs: {found}"]


def starts(pair: tuple[Path, Path], rounds: int) -> list[str]:
    """Time imports and the command line's first answer in processes of their own."""

    def run(*arguments: str) -> Work:
        return lambda: subprocess.run([sys.executable, *arguments], check=False, capture_output=True, timeout=60)

    nothing = run("-c", "pass")
    first = run("-m", "twinlens.cli", "verify", *map(str, pair))
    models = run("-c", "from twinlens import Recognizer; Recognizer.default()")
    code = "import time; t = time.perf_counter(); import twinlens; print(time.perf_counter() - t)"
    seconds = [
        float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout) for _ in range(9)
    ]
    return [
        f"import twinlens: {min(seconds):.3f} to {max(seconds):.3f} s in {len(seconds)} processes",
        f"verify on the command line / a process that only loads the models: {ratio(first, models, rounds)}",
        f"verify on the command line / an empty Python process: {ratio(first, nothing, rounds)}",
    ]


def astronauts(folder: Path, count: int) -> list[Path]:
    """Write altered copies of a real photo."""
    from skimage import data  # noqa: PLC0415 - an extra, only where no photos are given

    generator = np.random.default_rng(0)
    photo = np.asarray(data.astronaut(), np.uint8)[20:270, 100:350]
    for number in range(count):
        noise = generator.normal(scale=6, size=photo.shape)
        save(Image(np.clip(photo + noise, 0, 255).astype(np.uint8)), folder / f"{number:04}.jpg")
    return list_pictures(folder)


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    named = os.environ.get("TWINLENS_DATA")
    folder = arguments.photos or (Path(named) / "lfw" / "lfw2" if named else None)
    with tempfile.TemporaryDirectory() as scratch:
        everything = list_pictures(folder) if folder else astronauts(Path(scratch), arguments.count)
        step = max(len(everything) // arguments.count, 1)
        paths = everything[::step][: arguments.count]
        with Recognizer.default() as recognizer:
            faces = [e for e in recognizer.examine_all(paths[:40], main_face) if e.image and e.portraits]
        images = [e.image for e in faces if e.image][:20]
        print(f"{machine()}\n{len(paths)} photos, {arguments.rounds} rounds; median (least to largest)\n")
        for lines in (
            engines([e.portraits[0].crop for e in faces], arguments.rounds),
            verify_ratios(images, arguments.rounds),
            folder_ratio(paths, max(arguments.rounds // 2, 3)),
            starts((paths[0], paths[1]), arguments.rounds),
        ):
            print("\n".join(lines) + "\n", flush=True)


if __name__ == "__main__":
    main()
