"""What others published of detectors, by the measure of Baez 2019: parameters, seconds a photo, mean precision.

Their benchmark: a random tenth of FDDB's photos (the draw is not recorded; the last photo of each list is lost) and
WIDER FACE's validation photos with a face of 24 pixels; seconds are those of the network alone, on a machine that is
not named. So the precision compares with ours as a measure, over other photos; the time does not. SSFD stands in their
table and not in their graph.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Published:
    """One row of their table on one set.

    Attributes:
        detector: as they call it.
        parameters: trainable ones.
        on: key of the set, ``fddb`` or ``wider``.
        seconds: of the network, mean over photos.
        mean_precision: 0 to 1.
    """

    detector: str
    parameters: int
    on: str
    seconds: float
    mean_precision: float


BAEZ = (
    Published("SSFD", 57_177_366, "fddb", 0.6, 0.975),
    Published("SSFD", 57_177_366, "wider", 1.51, 0.9884),
    Published("YOLOv3-face", 61_576_342, "fddb", 1.250, 0.96225),
    Published("YOLOv3-face", 61_576_342, "wider", 1.253, 0.84911),
    Published("Tiny Faces", 28_060_490, "fddb", 6.343, 0.93711),
    Published("Tiny Faces", 28_060_490, "wider", 27.841, 0.86129),
)
