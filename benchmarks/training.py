"""Images a second of the lab against a plain PyTorch loop on the same recipe, in one run, in alternating rounds.

    TWINLENS_DATA=../shared/data python benchmarks/training.py --rounds 5 --pairs 384 --threads 2

The plain loop decodes each JPEG when it is needed, in every epoch; resizes and distorts picture by picture; and sends
the left and the right pictures through the network one after the other, in float32. The lab does what `twinlens train`
does. Both train the same network with the same loss, penalty, optimizer and batch on the same pairs.

Writes docs/results/training.md; ``--quick`` prints it only.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import psutil
import torch

from twinlens.datasets.place import data_root
from twinlens.datasets.records import Pair
from twinlens.datasets.registry import open_dataset
from twinlens.lab.batch import Batch
from twinlens.lab.environment import has_bfloat16, processor
from twinlens.lab.objectives import build_objective
from twinlens.lab.optimizers import build_optimizer
from twinlens.lab.penalty import penalty
from twinlens.lab.reading import read_recipe, recipe_of, table_of
from twinlens.lab.recipe import Part, Recipe
from twinlens.lab.run import Limits, Outcome
from twinlens.lab.siamese import build_siamese
from twinlens.lab.streams import stream
from twinlens.lab.train import train

PAGE = Path(__file__).parents[1] / "docs" / "results" / "training.md"
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Case:
    """A recipe that both sides train.

    Attributes:
        title: of its row.
        recipe: as the plain loop trains it; the lab also tries bfloat16.
    """

    title: str
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Cost:
    """What an epoch takes.

    Attributes:
        wall: seconds.
        processor: seconds of all threads together: what other programs cannot disturb much.
    """

    wall: float
    processor: float


def cases() -> list[Case]:
    """Return 003 as it was published, and distorted; and a network of ours on small pictures."""
    plain = read_recipe("003", ["training.patience=0"])
    distorted = replace(plain, augment=(Part("koch-affine", {"copies": 0}),))
    cut = read_recipe("003", ["training.patience=0", "data.size=64", "data.centre=130"])
    small = replace(
        cut, trunk=Part("residual", {"width": 16, "dim": 128}), head=Part("weighted-l1"), augment=distorted.augment
    )
    return [
        Case("003 as published (125 px, no distortion)", plain),
        Case("003 with affine distortions", distorted),
        Case("residual network of 64 px, affine distortions", small),
    ]


class PlainLoop:
    """What one writes first: a picture at a time, a tower at a time."""

    def __init__(self, recipe: Recipe, pairs: list[Pair]) -> None:
        self.recipe, self.pairs = recipe, pairs
        self.siamese = build_siamese(recipe, generator=stream(0, "weights"))
        self.objective = build_objective(recipe, self.siamese.trunk.dim, 0, generator=stream(0, "objective"))
        self.optimizer = build_optimizer(self.siamese, self.objective, recipe.optimizer)
        self.rng = np.random.default_rng(0)

    def picture(self, path: Path) -> np.ndarray:
        """Decode, cut, resize, distort and scale one photo."""
        plan = self.recipe.data
        pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if plan.centre:
            edge = (pixels.shape[0] - plan.centre) // 2
            pixels = pixels[edge : edge + plan.centre, edge : edge + plan.centre]
        pixels = cv2.resize(pixels, (plan.size, plan.size), interpolation=cv2.INTER_LINEAR)
        if self.recipe.augment:
            pixels = self.distorted(pixels)
        return pixels.astype(np.float32)[None] / 255

    def distorted(self, pixels: np.ndarray) -> np.ndarray:
        """Turn, shear, scale and shift by Koch's ranges, each with probability 1/2."""
        draw = lambda neutral, low, high: self.rng.uniform(low, high) if self.rng.random() < 0.5 else neutral  # noqa: E731
        angle = np.deg2rad(draw(0, -10, 10))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        sheared = np.array([[1, draw(0, -0.3, 0.3)], [draw(0, -0.3, 0.3), 1]])
        linear = turn @ sheared @ np.diag([draw(1, 0.8, 1.2), draw(1, 0.8, 1.2)])
        middle = np.full(2, pixels.shape[0] / 2)
        shift = middle - linear @ middle + [draw(0, -2, 2), draw(0, -2, 2)]
        return cv2.warpAffine(pixels, np.c_[linear, shift], pixels.shape[::-1], borderMode=cv2.BORDER_REPLICATE)

    def epoch(self) -> Cost:
        """Train for an epoch."""
        began, used = time.perf_counter(), time.process_time()
        self.siamese.train()
        order = self.rng.permutation(len(self.pairs))
        for start in range(0, len(order), self.recipe.batch.size):
            some = [self.pairs[at] for at in order[start : start + self.recipe.batch.size]]
            left = torch.from_numpy(np.stack([self.picture(pair.first.path) for pair in some]))
            right = torch.from_numpy(np.stack([self.picture(pair.second.path) for pair in some]))
            same = torch.tensor([pair.same for pair in some])
            embeddings = torch.cat([self.siamese.embed(left), self.siamese.embed(right)])
            at = torch.arange(len(some))
            batch = Batch.of_pairs(left, at, at + len(some), same)
            loss = self.objective(self.siamese, embeddings, batch) + penalty(self.siamese, self.recipe.training)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        return Cost(time.perf_counter() - began, time.process_time() - used)


class Apart:
    """A plain loop in a process of its own, so that nothing which the lab sets helps it or stands in its way."""

    def __init__(self, recipe: Recipe, pairs: list[Pair], threads: int) -> None:
        self.pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        self.pool.submit(_begin, table_of(recipe), pairs, threads).result()

    def epoch(self) -> Cost:
        """Train for an epoch."""
        return self.pool.submit(_epoch).result()


_LOOPS: list[PlainLoop] = []  # of the process apart


def _begin(table: dict[str, object], pairs: list[Pair], threads: int) -> None:
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    _LOOPS[:] = [PlainLoop(recipe_of(table), pairs)]


def _epoch() -> Cost:
    return _LOOPS[0].epoch()


def rows_of(outcome: Outcome) -> list[dict[str, float]]:
    """Return the figures of a run's epochs."""
    lines = (outcome.folder / "metrics.csv").read_text(encoding="utf-8").splitlines()
    names = lines[0].split(",")
    return [{n: float(v) for n, v in zip(names, line.split(","), strict=True) if v} for line in lines[1:]]


class Lab:
    """The lab, asked for a few epochs at a time."""

    def __init__(self, root: Path, folder: Path, cache: Path) -> None:
        self.root, self.folder, self.cache = root, folder, cache

    def run(self, recipe: Recipe, *, epochs: int, pairs: int | None, test: bool = False) -> Outcome:
        """Train in a new folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        limits = Limits(epochs=epochs, train_pairs=pairs, test=test, panels=False)
        return train(recipe, self.root, self.folder, progress=False, limits=limits, cache=self.cache)

    def epoch(self, recipe: Recipe, pairs: int | None) -> Cost:
        """Return the cost of the second epoch, validation left out."""
        row = rows_of(self.run(recipe, epochs=2, pairs=pairs))[1]
        return Cost(row["train_seconds"], row["processor_seconds"])


def compare(case: Case, lab: Lab, *, rounds: int, pairs: int) -> list[str]:
    """Return the rows of a case."""
    dataset = open_dataset(case.recipe.data.dataset, lab.root)
    listed = list(dataset.split("train").pairs)
    chosen = [Pair(a.first, a.second, a.same, {}) for a in listed]
    some = [chosen[at] for at in np.random.default_rng(0).permutation(len(listed))[:pairs]]
    loop = Apart(case.recipe, some, torch.get_num_threads())
    ways = {"float32": case.recipe}
    if has_bfloat16():
        ways["bfloat16"] = replace(case.recipe, training=replace(case.recipe.training, precision="bfloat16"))
    plain: list[Cost] = []
    ours: dict[str, list[Cost]] = {name: [] for name in ways}
    loop.epoch()  # to be warm, as the lab's first epoch of each round is not counted either
    for _ in range(rounds):
        plain.append(loop.epoch())
        for name, recipe in ways.items():
            ours[name].append(lab.epoch(recipe, pairs))
    rows = [_row(case.title, "plain loop, float32", plain, plain, pairs)]
    return rows + [_row("", f"the lab, {name}", plain, costs, pairs) for name, costs in ours.items()]


def _row(title: str, way: str, plain: list[Cost], costs: list[Cost], pairs: int) -> str:
    """Return images a second and times the plain loop, by the clock and by processor time."""
    cells = []
    for kind in ("wall", "processor"):
        theirs, mine = ([getattr(cost, kind) for cost in side] for side in (plain, costs))
        ratios = [a / b for a, b in zip(theirs, mine, strict=True)]
        cells.append(f"{2 * pairs / median(mine):,.0f}")
        cells.append("1" if plain is costs else f"**{median(ratios):.1f}** ({min(ratios):.1f} to {max(ratios):.1f})")
    return f"| {title} | {way} | {' | '.join(cells)} |"


def linear(recipe: Recipe, lab: Lab, sizes: list[int]) -> list[str]:
    """Return seconds of an epoch by pairs."""
    rows = []
    for pairs in sizes:
        seconds = min(lab.epoch(recipe, pairs).processor for _ in range(2))
        rows.append(f"| {pairs:,} | {seconds:.2f} | {seconds / pairs * 1000:.2f} |")
    return rows


def memory(recipe: Recipe, lab: Lab, epochs: int) -> list[str]:
    """Return the process's memory while epochs go by."""
    process, samples, over = psutil.Process(), {}, threading.Event()
    metrics = lab.folder / "metrics.csv"

    def watch() -> None:
        while not over.wait(0.05):
            try:
                done = len(metrics.read_text(encoding="utf-8").splitlines()) - 1
            except OSError:
                continue
            samples[done] = max(samples.get(done, 0), process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    shutil.rmtree(lab.folder, ignore_errors=True)
    watcher.start()
    lab.run(recipe, epochs=epochs, pairs=200)
    over.set()
    watcher.join()
    shown = sorted({1, 2, 3, 5, 10, 15, 20, epochs - 1} & samples.keys())
    return [f"| {at} | {samples[at] / MIB:,.0f} |" for at in shown]


def whole(lab: Lab) -> list[str]:
    """Train and evaluate 003 as it is, in both precisions."""
    rows = []
    for precision in ("float32", "bfloat16") if has_bfloat16() else ("float32",):
        recipe = read_recipe("003", [f"training.precision={precision}"])
        shutil.rmtree(lab.folder, ignore_errors=True)
        began, used = time.perf_counter(), _cpu()
        outcome = train(recipe, lab.root, lab.folder, progress=False, cache=lab.cache)
        wall, used = time.perf_counter() - began, _cpu() - used
        assert outcome.test is not None
        rows.append(
            f"| {precision} | {outcome.epochs} | {wall:,.0f} | {used:,.0f} | {used / 2:,.0f} | "
            f"{outcome.test.accuracy:.1%} ({outcome.test.interval[0]:.1%} to {outcome.test.interval[1]:.1%}) |"
        )
    return rows


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of few pairs, printed only")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=384)
    parser.add_argument("--no-whole", action="store_true", help="leave the whole recipe out")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of both sides")
    parser.add_argument("--cache", type=Path, default=None)
    words = parser.parse_args()
    rounds, pairs = (1, 128) if words.quick else (words.rounds, words.pairs)
    load = os.getloadavg()[0]
    torch.set_num_threads(words.threads)
    cv2.setNumThreads(words.threads)
    with tempfile.TemporaryDirectory() as place:
        lab = Lab(data_root(os.environ), Path(place) / "run", words.cache or Path(place) / "cache")
        rows = [row for case in cases() for row in compare(case, lab, rounds=rounds, pairs=pairs)]
        distorted = cases()[1].recipe
        sizes = linear(distorted, lab, [128, 256] if words.quick else [128, 256, 512, 1024, 1478])
        rss = memory(cases()[2].recipe, lab, 6 if words.quick else 24)
        complete = [] if words.quick or words.no_whole else whole(lab)
    page = f"""# How fast the lab trains

    TWINLENS_DATA=../shared/data python benchmarks/training.py --rounds 5 --pairs 384 --threads {torch.get_num_threads()}

{processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, PyTorch {torch.__version__}; other programs were running: the load was {load:.1f} when it
began and {os.getloadavg()[0]:.1f} when it ended. Both sides of a round follow each other at once; ratios are taken by round.

## Images a second

The plain loop decodes each JPEG in every epoch, distorts picture by picture, and runs both towers one after the other
in float32. Median of {rounds} alternating rounds of {pairs} pairs; two images a pair on both sides.

| recipe | way | images a second | times the plain loop (by round) | images a processor second | times the plain loop (by round) |
|---|---|---|---|---|---|
{chr(10).join(rows)}

The target was 3. What is left in the lab's time is nearly all convolution: without data, distortions and Lightning, the
residual network's own steps take 0.55 of the 0.59 ms (profiled once, bfloat16). Distorting costs the lab about 0.15 ms a
picture of 125 px, about what the plain loop pays with OpenCV.

## Processor seconds of an epoch by pairs (003 with distortions, float32)

| pairs | processor seconds | ms a pair |
|---|---|---|
{chr(10).join(sizes)}

## Memory while epochs go by (residual network, 200 pairs an epoch)

| epochs done | resident, MiB |
|---|---|
{chr(10).join(rss)}
"""
    if complete:
        page += f"""
## A whole recipe of 003, trained and evaluated

`twinlens train 003`, early stopping as published. The target was five minutes on two cores.

| precision | epochs | seconds | processor seconds | half of them | test accuracy (95 %) |
|---|---|---|---|---|---|
{chr(10).join(complete)}
"""
    print(page)
    if not words.quick:
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
