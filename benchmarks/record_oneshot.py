"""Finished runs of the record -> docs/results/record-oneshot.md: 20-way one-shot, and the mean accuracy by drawing people.

    for s in 0 1 2; do twinlens train record-unrestricted --set training.seed=$s --set data.split_seed=$s --out runs/record/unrestricted-s$s; done
    for s in 0 1 2; do twinlens train record-restricted --set training.seed=$s --set data.split_seed=$s --out runs/record/restricted-s$s; done
    TWINLENS_DATA=../shared/data python benchmarks/record_oneshot.py --resume FILE --write

Runs of one track are folders that differ in ``-s0``, ``-s1`` alone. Runs that describe a photo alike do so once; what they
saw is kept below ``--work``; what the default recognizer saw is kept in ``--resume``. Stopped, the same command goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional

from twinlens.datasets.pairing import by_person
from twinlens.datasets.place import data_root
from twinlens.datasets.records import Photo, Split
from twinlens.datasets.registry import open_dataset
from twinlens.evaluate.lenses import PixelLens
from twinlens.evaluate.memory import ResumeFile
from twinlens.evaluate.sight import see
from twinlens.image import load_image
from twinlens.lab.cache import small_picture
from twinlens.lab.environment import processor
from twinlens.lab.fit.views import MirrorLens
from twinlens.lab.heads import Head
from twinlens.lab.heads.cohort_cosine import CohortCosine
from twinlens.lab.heap import keep_freed_memory
from twinlens.lab.networks.fused import Fused, Member
from twinlens.lab.networks.resampling import grey
from twinlens.lab.networks.trunk import Trunk
from twinlens.lab.projection import Projected, project
from twinlens.lab.recipe import DataPlan, Recipe
from twinlens.lab.run import WEIGHTS_FILE, Outcome, load_run, read_outcome
from twinlens.lab.scaling import scaled, unit
from twinlens.lab.siamese import Siamese
from twinlens.metrics.oneshot import oneshot_hits
from twinlens.recognizer import Recognizer
from twinlens.runtime import RuntimeOptions

PAGE = Path(__file__).parents[1] / "docs" / "results" / "record-oneshot.md"
SEED = 2015
WAYS = 20
EACH = 4  # photos of a person of LFW, drawn by seed: of famous ones there are dozens
EPISODES = 2000  # behind an accuracy
DRAWS, DRAWN_EPISODES = 1000, 20  # behind an interval: people are drawn, then as many trials as Koch has
PEOPLE_DRAWS = 4000  # behind the interval of a mean accuracy
CHUNK, BATCH = 256, 32  # photos kept together; described together
SIDE, SEEN = 250, 140  # of LFW-a; of its centre that the record's recipes see
Vectors = dict[Path, np.ndarray]
Places = np.ndarray  # (episodes, ways, 2): gallery and probe of each person


@dataclass(frozen=True)
class Run:
    """A finished run."""

    folder: Path
    recipe: Recipe
    siamese: Siamese
    outcome: Outcome
    digest: str

    @classmethod
    def read(cls, folder: Path) -> Run:
        """Read it."""
        recipe, siamese = load_run(folder)
        digest = hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()[:24]
        return cls(folder, recipe, siamese, read_outcome(folder), digest)


class Described:
    """A batch of pictures; what describes it alike in several runs does so once."""

    def __init__(self, pictures: torch.Tensor) -> None:
        self.pictures = unit(pictures)
        self.known: dict[str, torch.Tensor] = {}

    def by(self, run: Run) -> torch.Tensor:
        """Return a run's embeddings."""
        trunk = run.siamese.trunk
        if not isinstance(trunk, Fused):
            seen = scaled(self.pictures, run.recipe.data.scale)
            embeddings = run.siamese.embed(seen)
            return embeddings + run.siamese.embed(seen.flip(-1)) if run.recipe.training.flip_test else embeddings
        names = [str(name) for name in run.recipe.trunk.options["members"]]
        parts = [self._member(name, member) for name, member in zip(names, trunk.members, strict=True)]  # type: ignore[arg-type]
        return torch.cat([part * weight**0.5 for part, weight in zip(parts, trunk.weights, strict=True)], dim=1)

    def _member(self, name: str, member: Member) -> torch.Tensor:
        """Return what `Member.forward` does."""
        trunk = member.trunk
        if not isinstance(trunk, Projected) or next(trunk.trunk.parameters(), None) is not None:
            return member(self.pictures)
        whole, surveyed = torch.zeros(()), _digest(trunk.trunk)
        for flip in (False, True)[: 1 + member.flip]:
            key = f"{name} {surveyed} {flip}"
            if key not in self.known:
                seen = scaled(member.look(grey(self.pictures) if member.grey else self.pictures), member.scale)
                self.known[key] = trunk.trunk.representation(seen.flip(-1) if flip else seen).float()
            whole = whole + project(trunk, trunk.pieced(self.known[key]))
        return functional.normalize(whole, dim=1)


def _digest(trunk: Trunk) -> str:
    """Return what a description depends on: a mixture is another in every run, a pattern is the same."""
    kept = trunk.state_dict().values()
    return hashlib.sha256(b"".join(one.numpy().tobytes() for one in kept)).hexdigest()


@torch.no_grad()
def embedded(runs: Sequence[Run], paths: Sequence[Path], names: Sequence[str], work: Path) -> dict[str, Vectors]:
    """Return each run's unit embeddings of photos; what is there already is not made again."""
    work.mkdir(parents=True, exist_ok=True)
    found: dict[str, Vectors] = {run.digest: {} for run in runs}
    for start in range(0, len(paths), CHUNK):
        some = list(paths[start : start + CHUNK])
        what = hashlib.sha256("\n".join(names[start : start + CHUNK]).encode()).hexdigest()[:24]
        files = {run.digest: work / f"{run.digest}-{what}.npy" for run in runs}
        waiting = [run for run in runs if not files[run.digest].exists()]
        groups: dict[DataPlan, list[Run]] = {}
        for run in waiting:  # runs that see the same pictures, whoever trains and validates
            plan = run.recipe.data
            seen = DataPlan(
                "", colour=plan.colour, size=plan.size, centre=plan.centre, down=plan.down, share=plan.share
            )
            groups.setdefault(replace(seen, resample=plan.resample), []).append(run)
        for plan, group in groups.items():
            _describe(group, some, plan, files)
        for digest, file in files.items():
            found[digest].update(zip(some, np.load(file), strict=True))
    return found


def _describe(runs: Sequence[Run], paths: Sequence[Path], plan: DataPlan, files: dict[str, Path]) -> None:
    begun = time.process_time()
    parts: dict[str, list[torch.Tensor]] = {run.digest: [] for run in runs}
    for start in range(0, len(paths), BATCH):
        pictures = torch.from_numpy(np.stack([small_picture(path, plan) for path in paths[start : start + BATCH]]))
        described = Described(pictures)
        for run in runs:
            parts[run.digest].append(functional.normalize(described.by(run).float(), dim=1))
    for digest, some in parts.items():
        beside = files[digest].with_suffix(".part.npy")
        np.save(beside, torch.cat(some).numpy())
        beside.replace(files[digest])
    print(f"{len(paths)} photos, {len(runs)} runs: {time.process_time() - begun:.0f} processor seconds", flush=True)


def several(photos: Sequence[Photo]) -> list[Photo]:
    """Return photos of people with two or more, at most `EACH` of one."""
    rng, kept = np.random.default_rng(SEED), []
    for _, owned in sorted(by_person(photos).items()):
        if len(owned) > 1:
            kept += [owned[at] for at in sorted(rng.permutation(len(owned))[:EACH])]
    return kept


def placed(photos: Sequence[Photo], aligned: Sequence[Photo], folder: Path) -> tuple[list[Photo], str]:
    """Write AT&T's photos as LFW-a would have them: one scale and one shift for all, at which the mean pictures agree.

    Nobody's name, no label and no face detector is used; what lies outside of the photo repeats its edge.
    """
    wanted = np.mean([_plain(photo.path) for photo in aligned], axis=0)
    edge = (SIDE - SEEN) // 2
    centre = wanted[edge:-edge, edge:-edge].ravel()
    pixels = [_plain(photo.path) for photo in photos]
    mean = np.mean(pixels, axis=0)
    best, way, at = -1.0, np.eye(2, 3), (1.0, 0)
    for scale in np.arange(0.9, 2.01, 0.05):
        for down in range(-40, 41, 4):
            tried = _way(mean.shape, scale, down)
            shown = _moved(mean, tried)[edge:-edge, edge:-edge].ravel()
            likeness = float(np.corrcoef(centre, shown)[0, 1])
            if likeness > best:
                best, way, at = likeness, tried, (float(scale), down)
    made = []
    for photo, seen in zip(photos, pixels, strict=True):
        path = folder / f"{photo.subject}-{photo.path.stem}.png"
        cv2.imwrite(str(path), _moved(seen, way).round().astype(np.uint8))
        made.append(replace(photo, path=path))
    return (
        made,
        f"{at[0]:.2f} times as large, {abs(at[1])} pixels {'down' if at[1] > 0 else 'up'}, correlation {best:.2f}",
    )


def _plain(path: Path) -> np.ndarray:
    return cv2.cvtColor(load_image(path).pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _way(shape: tuple[int, ...], scale: float, down: int) -> np.ndarray:
    height, width = shape
    return np.array([[scale, 0, (SIDE - scale * width) / 2], [0, scale, (SIDE - scale * height) / 2 + down]])


def _moved(pixels: np.ndarray, way: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(pixels, way, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def episodes(photos: Sequence[Photo], count: int, rng: np.random.Generator, times: np.ndarray | None = None) -> Places:
    """Draw episodes as places of photos; people as often as ``times`` says."""
    owned = list(by_person([replace(photo, path=Path(str(at))) for at, photo in enumerate(photos)]).values())
    rows = [np.array([int(photo.path.name) for photo in some]) for some in owned]
    chances = None if times is None else times / times.sum()
    found = np.empty((count, WAYS, 2), np.int64)
    for number in range(count):
        for place, who in enumerate(rng.choice(len(rows), size=WAYS, replace=False, p=chances)):
            found[number, place] = rng.choice(rows[who], size=2, replace=False)
    return found


def hits(similarity: np.ndarray, places: Places) -> np.ndarray:
    """Return which probes are recognised."""
    gallery, probes = places[:, :, 0], places[:, :, 1]
    return oneshot_hits(similarity[probes[:, :, None], gallery[:, None, :]])


def one_shot(photos: Sequence[Photo], answers: dict[str, list[np.ndarray]]) -> list[str]:
    """Return a row for each system: its accuracy, by drawing people and trials, and against the first and the last one.

    Args:
        photos: of people with two or more.
        answers: similarities of all photos with all, one matrix for each seed of a system.
    """
    rng = np.random.default_rng(SEED)
    plain = episodes(photos, EPISODES, rng)
    people = len({photo.subject for photo in photos})
    drawn: dict[str, list[float]] = {name: [] for name in answers}
    for _ in range(DRAWS):
        times = np.zeros(people, np.int64)
        while np.count_nonzero(times) < WAYS:  # once in some hundred draws of forty people
            times = np.bincount(rng.integers(people, size=people), minlength=people)
        places = episodes(photos, DRAWN_EPISODES, rng, times)
        for name, some in answers.items():
            drawn[name].append(float(np.mean([hits(one, places).mean() for one in some])))
    rows, ends = [], [next(iter(answers)), list(answers)[-1]]
    for name, some in answers.items():
        each = [float(hits(one, plain).mean()) for one in some]
        low, high = np.quantile(drawn[name], [0.025, 0.975])
        against = []
        for end in ends:
            gap = 100 * np.quantile(np.subtract(drawn[name], drawn[end]), [0.025, 0.975])
            points = 100 * (float(np.mean(each)) - _mean(answers[end], plain))
            against.append("" if name == end else f"{points:+.1f} ({gap[0]:+.1f} to {gap[1]:+.1f})")
        seeds = ", ".join(f"{value:.1%}" for value in each) if len(each) > 1 else ""
        rows.append(f"| {name} | **{np.mean(each):.1%}** ({low:.1%} to {high:.1%}) | {seeds} | {' | '.join(against)} |")
    return rows


def _mean(some: Sequence[np.ndarray], places: Places) -> float:
    return float(np.mean([hits(one, places).mean() for one in some]))


def accuracy(name: str, runs: Sequence[Run], split: Split, vectors: dict[str, Vectors]) -> str:
    """Return the row of a track's mean accuracy on the listed pairs, each run at its own threshold."""
    same = np.array([pair.same for pair in split.pairs])
    right = []
    for run in runs:
        assert run.outcome.test is not None
        mine = vectors[run.digest]
        sides = zip(*((mine[pair.first.path], mine[pair.second.path]) for pair in split.pairs), strict=True)
        left, right_hand = (torch.from_numpy(np.stack(side)) for side in sides)
        scores = run.siamese.similarity(left, right_hand).numpy()
        right.append((scores >= run.outcome.test.threshold) == same)
        assert abs(right[-1].mean() - run.outcome.test.accuracy) < 2.5e-3, (right[-1].mean(), run.outcome.test.accuracy)
    _, ends = np.unique([[pair.first.subject, pair.second.subject] for pair in split.pairs], return_inverse=True)
    ends, answers = ends.reshape(-1, 2), np.array(right, np.float64)
    rng, people, means, with_runs = np.random.default_rng(SEED), int(ends.max()) + 1, [], []
    for _ in range(PEOPLE_DRAWS):
        times = np.bincount(rng.integers(people, size=people), minlength=people)
        weight = np.where(same, times[ends[:, 0]], times[ends[:, 0]] * times[ends[:, 1]])
        each = answers @ weight / weight.sum()
        means.append(each.mean())
        with_runs.append(each[rng.integers(len(each), size=len(each))].mean())
    said = [
        f"{low:.1%} to {high:.1%}" for low, high in (np.quantile(some, [0.025, 0.975]) for some in (means, with_runs))
    ]
    seeds = ", ".join(f"{run.mean():.1%}" for run in answers)
    return f"| {name} | {seeds} | **{answers.mean():.1%}** | {said[0]} | {said[1]} |"


def tracks(folders: Sequence[Path]) -> dict[str, list[Run]]:
    """Return finished runs by what is before ``-s0``."""
    found: dict[str, list[Run]] = {}
    for folder in sorted(folders):
        found.setdefault(folder.name.rpartition("-s")[0] or folder.name, []).append(Run.read(folder))
    return found


def matrix(vectors: Vectors, photos: Sequence[Photo], head: Head | None = None) -> np.ndarray:
    """Return all similarities; cosines, or what a head with strangers makes of them."""
    rows = np.stack([vectors[photo.path] for photo in photos]).astype(np.float32)
    cosines = rows @ rows.T
    if not isinstance(head, CohortCosine):
        return cosines
    mean, spread = (side.numpy() for side in head.strangers(torch.from_numpy(rows)))
    views = (cosines - mean[:, None]) / spread[:, None]
    return (views + views.T) / 2


def outsiders(photos: Sequence[Photo], resume: Path | None) -> dict[str, tuple[Vectors, str]]:
    """Return what pixels and the default recognizer see, and how many photos without a face there are."""
    found = {}
    with ExitStack() as stack:
        recognizer = stack.enter_context(Recognizer.default(runtime=RuntimeOptions(threads=1)))
        lens = MirrorLens(recognizer, detector="yunet, scales multi", engine="openvino, float32")
        memory = stack.enter_context(ResumeFile(resume, lens.system)) if resume else None
        seen = see(photos, lens, memory=memory)
    half = seen.vectors.shape[1] // 2  # the crop alone; its mirror image lies behind it
    for name, one, width in (
        ("default", seen, half),
        ("pixels", see(photos, PixelLens()), None),
    ):
        rows = one.vectors[:, :width] * np.float32(np.sqrt(2) if width else 1)
        missed = len(one.photos) - int(one.found.sum())
        found[name] = (
            {photo.path: row for photo, row in zip(one.photos, rows, strict=True)},
            f"{missed} of {len(one.photos)}",
        )
    return found


def main() -> None:
    """Print the page, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="*", help="folders of finished runs; all of runs/record if none")
    parser.add_argument("--work", type=Path, default=Path("runs/record-oneshot"), help="keeps embeddings")
    parser.add_argument("--resume", type=Path, help="keeps what the default recognizer saw; holds templates")
    parser.add_argument("--write", action="store_true")
    words = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    root = data_root(os.environ)
    folders = words.runs or [file.parent for file in Path("runs/record").glob("*restricted-s*/outcome.json")]
    known = tracks(folders)
    runs = [run for some in known.values() for run in some]
    lfw, names = open_dataset("lfw-dev", root), open_dataset("lfw-dev-unrestricted", root)
    faces = {"LFW": several(names.split("test").photos), "AT&T": list(open_dataset("orl", root).photos)}
    pairs = lfw.split("test")
    of_lfw = list(dict.fromkeys(photo.path for photo in (*pairs.photos, *faces["LFW"])))
    vectors = embedded(runs, of_lfw, [path.name for path in of_lfw], words.work)
    with tempfile.TemporaryDirectory() as folder:
        aligned = names.split("train").photos[::17]
        moved, how = placed(faces["AT&T"], aligned, Path(folder))
        there = embedded(
            runs, [photo.path for photo in moved], [f"{how} {photo.path.name}" for photo in moved], words.work
        )
    outside = outsiders([*faces["LFW"], *faces["AT&T"]], words.resume)
    tables = {}
    for place, photos in faces.items():
        own = photos if place == "LFW" else moved
        source = vectors if place == "LFW" else there
        answers = {"default recognizer (outside data)": [matrix(outside["default"][0], photos)]}
        answers |= {
            f"{name}, from scratch": [matrix(source[run.digest], own, run.siamese.head) for run in some]
            for name, some in known.items()
        }
        answers["pixels, 24x24"] = [matrix(outside["pixels"][0], photos)]
        tables[place] = "\n".join(one_shot(photos, answers))
    counts = {place: (len({p.subject for p in photos}), len(photos)) for place, photos in faces.items()}
    rows = "\n".join(accuracy(name, some, pairs, vectors) for name, some in known.items())
    page = f"""# One-shot, and the mean of the record by drawing people

    TWINLENS_DATA=../shared/data python benchmarks/record_oneshot.py --resume FILE --write

{processor()}, one thread, PyTorch {torch.__version__}. Runs: {", ".join(run.folder.name for run in runs)}; nothing is trained, chosen or fitted here.

20-way one-shot (Koch 2015, section 4.3): twenty people nobody trained on, one photo of each is known, another asks; chance is 5 %.
An accuracy is the share of {EPISODES * WAYS:,} trials in {EPISODES:,} episodes drawn by seed, the same for every system; for the record the mean over its runs. Intervals
of 95 %: people drawn with replacement {DRAWS:,} times, each time {DRAWN_EPISODES * WAYS} trials among them, so both who is there and which photos are
asked vary. Differences are taken draw by draw.

The default recognizer looks for the face, aligns it and carries a network trained on outside data; photos without a face ({outside["default"][1]}) count as
mistakes. Pixels and the record see whole photos.

## LFW's test people ({counts["LFW"][0]} with two photos or more, {counts["LFW"][1]:,} photos: at most {EACH} of each)

| system | accuracy | each seed | points against the default | against pixels |
| --- | ---: | --- | ---: | ---: |
{tables["LFW"]}

## AT&T ({counts["AT&T"][0]} people, {counts["AT&T"][1]} photos)

| system | accuracy | each seed | points against the default | against pixels |
| --- | ---: | --- | ---: | ---: |
{tables["AT&T"]}

The record learned from LFW-a, whose faces are cut and aligned otherwise. AT&T's photos are brought there by one scale and one shift for
all of them, those at which their mean picture looks most like that of LFW's training people ({how}); no label and no detector is used. Heads
are not aligned there, light and background are the studio's, and bare pixels do well; what was learned of press photos holds all the same.

## The mean accuracy on LFW's 1,000 test pairs

| track | each run | mean | 95 %, people drawn | 95 %, people and runs drawn |
| --- | --- | ---: | --- | --- |
{rows}

Each run at the threshold of its own validation people. People are drawn {PEOPLE_DRAWS:,} times, a pair counts as often as its people together; that answers
for other people and these runs. Drawing the runs as well answers for another set of as many seeds (other validation people, thresholds and
weights); a bootstrap of three runs knows at most two thirds of their variance, so that column is a lower bound of the width.
"""
    print(page)
    if words.write:
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
