"""Video: how much identifying people costs beside decoding and detection, and how often tracks are right.

    python benchmarks/video.py [--rounds 5] [--films 100]

Cost: a film of 640 x 480 at 25 frames a second, ten seconds, with one face and with five, that move. The reference
decodes the film and looks for faces in the same frames on the same threads, measured in turns in one run.

Tracks (where $TWINLENS_DATA/lfw is): each film shows two pairs of photos of the development test. On the left the
second photo of somebody enrolled from the first is replaced, by a hard cut after two seconds, by a stranger's; on the
right the second photo of somebody else is hidden for 0.64 s, longer than a face is waited for. Both move, turn, change
their size and brightness, under noise. Photos with bystanders are left out.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

from twinlens.cli.demo_pictures import enlarged
from twinlens.datasets.lfw import load_development
from twinlens.datasets.records import Pair
from twinlens.evaluate.machine import machine
from twinlens.image import load_image
from twinlens.recognizer import Recognizer
from twinlens.video import Film, Track, VideoOptions, identify_video

Pixels = NDArray[np.uint8]
WIDTH, HEIGHT, FPS = 640, 480, 25
SECONDS = 10
CUT, HIDDEN = 50, range(40, 56)  # frames
SIDES = ["before", "after"]  # of the cut


def write(path: Path, pictures: Iterator[Pixels]) -> Path:
    """Write RGB pictures as MPEG-4."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), FPS, (WIDTH, HEIGHT))
    for picture in pictures:
        writer.write(np.ascontiguousarray(picture[..., ::-1]))
    writer.release()
    return path


def put(picture: Pixels, head: Pixels, left: int, top: int) -> None:
    """Lay a head on a picture, inside of it."""
    side = head.shape[0]
    left, top = int(np.clip(left, 0, WIDTH - side)), int(np.clip(top, 0, HEIGHT - side))
    picture[top : top + side, left : left + side] = head


def crowd(faces: int) -> Iterator[Pixels]:
    """Yield the astronaut, and strangers around her, on the move."""
    strangers = np.asarray(data.lfw_subset())[:100]
    heads = [np.asarray(data.astronaut(), np.uint8)[0:260, 90:350]] + [enlarged(strangers[k]) for k in range(faces - 1)]
    heads = [np.asarray(cv2.resize(head, (180, 180), interpolation=cv2.INTER_AREA), np.uint8) for head in heads]
    places = [(20, 30), (240, 30), (440, 30), (120, 260), (360, 260)]
    for k in range(SECONDS * FPS):
        picture = np.full((HEIGHT, WIDTH, 3), (90, 110, 120), np.uint8)
        for head, (left, top) in zip(heads, places, strict=False):
            put(picture, head, left + round(15 * np.sin(k / 9)), top + round(10 * np.sin(k / 7)))
        yield picture


def plain(recognizer: Recognizer, film: Path, every: int) -> None:
    """Decode and detect, nothing else."""
    with Film(film) as opened:
        images = (frame.image for frame in opened.frames(every))
        for _ in recognizer.apply(lambda image: recognizer.detector.detect([image]), images):
            pass


def clocked(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall and processor seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def cost(folder: Path, rounds: int) -> list[str]:
    """Time films with one and with five faces."""
    lines = [
        "| faces | frames looked at | real-time factor | decoding and detection alone | ratio | of processor time |",
        "|---|---|---|---|---|---|",
    ]
    with Recognizer.default(folder / "people.db") as recognizer:
        recognizer.enrol("Eileen Collins", np.asarray(data.astronaut(), np.uint8))
        for faces in (1, 5):
            film = write(folder / f"{faces}.mp4", crowd(faces))
            for every in (VideoOptions().stride(FPS), 1):
                whole = partial(identify_video, recognizer, film, VideoOptions(every=every))
                watched = whole()
                assert len(watched.tracks) == faces, [t.spans for t in watched.tracks]
                seen = in_turns(whole, partial(plain, recognizer, film, every), rounds)
                factor, alone = np.median(seen[:, :, 0], axis=0) / SECONDS
                wall, cpu = np.median(seen[:, 0] / seen[:, 1], axis=0)
                looks = f"{watched.looks} of {SECONDS * FPS}"
                lines.append(f"| {faces} | {looks} | {factor:.3f} | {alone:.3f} | {wall:.2f} | {cpu:.2f} |")
    return lines


def in_turns(one: Callable[[], object], other: Callable[[], object], rounds: int) -> NDArray[np.float64]:
    """Return times: round, job, wall or processor."""
    times = np.empty((rounds, 2, 2))
    for turn in range(rounds):
        for job in (0, 1) if turn % 2 else (1, 0):
            times[turn, job] = clocked((one, other)[job])
    return times


def moved(head: Pixels, k: int, rng: np.random.Generator) -> Pixels:
    """Return a head turned by up to 6 degrees, scaled by up to 8 %, in another light, under noise."""
    turn = cv2.getRotationMatrix2D((head.shape[1] / 2, head.shape[0] / 2), 6 * np.sin(k / 7), 1 + 0.08 * np.sin(k / 11))
    turned = cv2.warpAffine(head, turn, head.shape[1::-1], borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    return np.clip(turned * (1 + 0.15 * np.sin(k / 9)) + rng.normal(0, 4, turned.shape), 0, 255).astype(np.uint8)


def scene(left: tuple[Pixels, Pixels], right: Pixels, rng: np.random.Generator) -> Iterator[Pixels]:
    """Yield four seconds: a cut on the left, somebody hidden on the right."""
    for k in range(2 * CUT):
        picture = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
        put(picture, moved(left[k >= CUT], k, rng), 20 + k // 2, 100 + round(10 * np.sin(k / 6)))
        if k not in HIDDEN:
            put(picture, moved(right, k + 50, rng), 380 - k, 60 + k)
        yield picture


def tracks(folder: Path, root: Path, films: int) -> list[str]:
    """Count what became of the three people of each film."""
    rng = np.random.default_rng(0)
    counts: Counter[str] = Counter()
    with Recognizer.default(folder / "lfw.db") as recognizer:
        pairs = _pairs(recognizer, root)
        films = min(films, len(pairs) // 3)
        for k in range(films):
            one, other, stranger = pairs[3 * k : 3 * k + 3]
            for pair in (one, other):
                recognizer.enrol(pair.first.subject, pair.first.path)
            heads = [_head(pair.second.path) for pair in (one, stranger, other)]
            film = write(folder / "film.mp4", scene((heads[0], heads[1]), heads[2], rng))
            found = identify_video(recognizer, film).tracks
            left = [track for track in found if _column(track) < WIDTH / 2 - 40]
            right = [track for track in found if track not in left]
            before = [track for track in left if _side(track) == "before"]
            counts["a track of its own before the cut and one after it"] += [_side(t) for t in left] == SIDES
            counts["one track through the gap"] += len(right) == 1 and len(right[0].spans) == 2
            counts["the person before the cut named"] += any(t.subject == one.first.subject for t in before)
            counts["the person on the right named"] += any(t.subject == other.first.subject for t in right)
            counts["a stranger named"] += any(t.subject for t in left if _side(t) != "before")
            counts["somebody enrolled named wrongly"] += any(
                t.subject != one.first.subject for t in before if t.subject
            )
    return [f"* {what}: {counts[what]} of {films} films" for what in counts]


def _pairs(recognizer: Recognizer, root: Path) -> list[Pair]:
    """Return one genuine pair a person, of photos that show nobody else."""
    genuine = {pair.first.subject: pair for pair in load_development(root).split("test").pairs if pair.same}
    photos = [photo.path for pair in genuine.values() for photo in (pair.first, pair.second)]
    faces = [len(examined.portraits) for examined in recognizer.examine_all(photos)]
    return [pair for k, pair in enumerate(genuine.values()) if faces[2 * k] == faces[2 * k + 1] == 1]


def _head(path: Path) -> Pixels:
    return np.asarray(cv2.resize(load_image(path).pixels, (240, 240), interpolation=cv2.INTER_CUBIC), np.uint8)


def _column(track: Track) -> float:
    return float(track.portrait.face.box.xyxy[[0, 2]].mean())


def _side(track: Track) -> str:
    cut_s = CUT / FPS
    return "before" if track.end_s < cut_s + 0.4 else "after" if track.start_s > cut_s - 0.4 else "across"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--films", type=int, default=100)
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        print("\n".join(cost(Path(folder), options.rounds)))
        root = os.environ.get("TWINLENS_DATA")
        if root and options.films:
            print("\n".join(tracks(Path(folder), Path(root) / "lfw", options.films)))


if __name__ == "__main__":
    main()
