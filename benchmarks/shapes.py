"""Pictures of one number of pixels in many shapes -> processor time to decode them and to look for faces.

    python benchmarks/shapes.py [--megapixels 40] [--scales multi]

Noise, one thread. A picture that costs much more than a photo of as many pixels would be a way to keep a service busy.
"""

from __future__ import annotations

import argparse
import io
import resource

import numpy as np
from PIL import Image as Pillow

from twinlens.detect import DetectOptions
from twinlens.evaluate.machine import machine
from twinlens.image import load_image
from twinlens.recognizer import Recognizer
from twinlens.runtime import RuntimeOptions

SIDES = (100_000, 400_000, 1_000_000, 4_000_000)  # the longer one of a strip; of the last but ten rows are left
RATIO = 4 / 3  # of a photo


def cpu_s() -> float:
    """Return the processor time that this process has used, seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure each shape, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=40.0)
    parser.add_argument("--scales", choices=("single", "multi", "tiny"), default="multi")
    arguments = parser.parse_args()
    pixels = arguments.megapixels * 1e6
    width = round((pixels * RATIO) ** 0.5)
    shapes = [(width, round(pixels / width)), *((side, max(round(pixels / side), 1)) for side in SIDES)]
    generator = np.random.default_rng(0)
    print(f"{machine()}\n\n| picture | decoding, s | detection ({arguments.scales}), s |\n| --- | --- | --- |")
    options = DetectOptions(scales=arguments.scales)
    with Recognizer.default(detect=options, runtime=RuntimeOptions(threads=1)) as recognizer:
        recognizer.detector.detect([load_image(generator.integers(0, 256, (480, 640, 3), np.uint8))])  # it is ready
        for columns, rows in shapes:
            file = io.BytesIO()
            noise = generator.integers(0, 4, (rows, columns, 3), np.uint8) * np.uint8(80)
            Pillow.fromarray(noise).save(file, "PNG", compress_level=1)
            begun = cpu_s()
            image = load_image(file.getvalue())
            decoded = cpu_s()
            recognizer.detector.detect([image])
            print(f"| {columns:,} x {rows:,} | {decoded - begun:.2f} | {cpu_s() - decoded:.2f} |", flush=True)


if __name__ == "__main__":
    main()
