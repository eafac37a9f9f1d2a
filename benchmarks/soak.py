"""Memory over thousands of verifications: the slope of the resident set, with its interval.

    python benchmarks/soak.py [--count 5000]

Photos of changing sizes are verified from files, two at a time, after a warm-up of a fifth of the count. The slope is a
least-squares line through samples of the resident set; its 95 % interval comes from blocks of samples, which follow
each other too closely to be taken as independent.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
from pathlib import Path

import cv2
import numpy as np
import psutil
from skimage import data

from twinlens.draw import save
from twinlens.evaluate.machine import machine
from twinlens.recognizer import Recognizer
from twinlens.types import Image

SAMPLES = 200
BLOCKS = 20


def photos(folder: Path) -> list[Path]:
    """Write the astronaut in twelve sizes and three file formats."""
    picture = np.asarray(data.astronaut(), np.uint8)
    paths = []
    for number, side in enumerate(range(160, 1360, 100)):
        path = folder / f"{side}{('.jpg', '.png', '.webp')[number % 3]}"
        save(Image(np.asarray(cv2.resize(picture, (side, side)), np.uint8)), path)
        paths.append(path)
    return paths


def resident_kib(process: psutil.Process) -> float:
    """Return the resident set."""
    gc.collect()
    return float(process.memory_info().rss) / 1024


def slope(samples: np.ndarray, per: float) -> tuple[float, float, float]:
    """Return KiB a thousand verifications: estimate, low, high (bootstrap over blocks of samples)."""
    positions = np.arange(len(samples)) * per / 1000
    fit = float(np.polyfit(positions, samples, 1)[0])
    residuals = samples - np.polyval(np.polyfit(positions, samples, 1), positions)
    blocks = np.array_split(residuals, BLOCKS)
    generator = np.random.default_rng(0)
    found = []
    for _ in range(2000):
        drawn = np.concatenate([blocks[i] for i in generator.integers(0, len(blocks), len(blocks))])
        drawn = np.resize(drawn, len(samples))
        found.append(np.polyfit(positions, np.polyval(np.polyfit(positions, samples, 1), positions) + drawn, 1)[0])
    low, high = np.percentile(found, [2.5, 97.5])
    return fit, float(low), float(high)


def soak(count: int, folder: Path) -> np.ndarray:
    """Verify ``count`` pairs of files and return samples of the resident set in KiB."""
    paths = photos(folder)
    process = psutil.Process()
    samples = []
    with Recognizer.default() as recognizer:
        for turn in range(-count // 5, count):
            recognizer.verify(paths[turn % len(paths)], paths[(turn * 5 + 1) % len(paths)])
            if turn >= 0 and turn % max(count // SAMPLES, 1) == 0:
                samples.append(resident_kib(process))
    return np.array(samples)


def main() -> None:
    """Print the slope."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=5000)
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as folder:
        samples = soak(count, Path(folder))
    estimate, low, high = slope(samples, max(count // SAMPLES, 1))
    print(machine())
    first, last = samples[0] / 1024, samples[-1] / 1024
    print(f"{count} verifications: resident set {first:.1f} MiB at first, {last:.1f} MiB at last")
    print(f"slope {estimate:.0f} KiB a thousand (95 % interval {low:.0f} to {high:.0f})")
    flat = low <= 0 <= high or abs(estimate) * count / 1000 < 0.01 * samples[0]
    print("flat within noise" if flat else "GROWING")
    raise SystemExit(0 if flat else 1)


if __name__ == "__main__":
    main()
