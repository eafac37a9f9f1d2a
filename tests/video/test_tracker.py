"""Sightings -> stretches, on made-up boxes: what the real scenes cannot say exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from twinlens.recognizer import Sighting
from twinlens.types import Box, Crop, Face, Quality
from twinlens.video import VideoOptions
from twinlens.video.samples import FIRST_STRETCH_S, SPARE, Sample, Samples
from twinlens.video.tracker import THUMB_SIDE, Look, Stretch, Tracker, thumb

Place = tuple[float, float, int, float]  # left, top, who it looks like, confidence
SIDE = 40.0
FACES = np.linalg.qr(np.random.default_rng(3).normal(size=(THUMB_SIDE**2, 4)))[0].T.astype(np.float32)


def sighting(left: float, top: float, score: float, quality: float = 0.8) -> Sighting:
    box = Box(np.array([left, top, left + SIDE, top + SIDE], np.float32))
    face = Face(box, np.zeros((5, 2), np.float32), score)
    return Sighting(face, Crop(np.zeros((112, 112, 3), np.uint8)), Quality(quality))


def look(number: int, places: Sequence[Place]) -> Look:
    """Ten looks a second, two frames apart."""
    seen = [sighting(left, top, score) for left, top, _, score in places]
    return Look(2 * number, number / 10, seen, [FACES[who] for _, _, who, _ in places])


def follow(looks: Sequence[Sequence[Place]], options: VideoOptions | None = None) -> list[Stretch]:
    tracker = Tracker(options or VideoOptions())
    ended = [stretch for number, places in enumerate(looks) for stretch in tracker.update(look(number, places))]
    return sorted(ended + tracker.finish(), key=lambda s: s.number)


def test_two_people_pass_each_other() -> None:
    """Their paths cross; at the crossing only one of them is seen."""
    looks: list[list[Place]] = []
    for k in range(21):
        left: Place = (10.0 + 15 * k, 100.0, 0, 0.9)
        right: Place = (310.0 - 15 * k, 110.0, 1, 0.9)
        looks.append([left] if k in (9, 10, 11) else [left, right])
    one, other = follow(looks)
    assert (len(one.trail), len(other.trail)) == (21, 18)
    for stretch, start in ((one, 10.0), (other, 310.0)):
        face = stretch.trail.face_at(0)
        assert face is not None
        assert float(face.box.xyxy[0]) == start
    last = other.trail.face_at(40)
    assert last is not None
    assert float(last.box.xyxy[0]) == 10.0


def test_an_unsure_face_continues_a_track_but_begins_none() -> None:
    looks: list[list[Place]] = [[(10.0, 10.0, 0, 0.62), (200.0, 10.0, 1, 0.9 if k != 3 else 0.62)] for k in range(6)]
    (only,) = follow(looks)
    assert len(only.trail) == 6
    first = only.trail.face_at(0)
    assert first is not None
    assert float(first.box.xyxy[0]) == 200.0


@pytest.mark.parametrize(("gap", "stretches"), [(4, 1), (5, 2)])
def test_a_face_is_expected_for_lost_s(gap: int, stretches: int) -> None:
    seen: list[Place] = [(100.0, 100.0, 0, 0.9)]
    looks = [seen] * 3 + [[]] * gap + [seen] * 3
    assert len(follow(looks, VideoOptions(lost_s=0.5))) == stretches


def test_the_place_is_foretold_from_the_motion() -> None:
    """It goes on behind a pillar, and comes out where it should: five times its width from where it vanished."""
    looks: list[list[Place]] = [[(60.0 * k, 100.0, 0, 0.9)] if not 4 <= k < 8 else [] for k in range(12)]
    (only,) = follow(looks)
    assert len(only.trail) == 8


def test_a_sudden_change_ends_a_stretch_and_the_next_one_follows_it() -> None:
    looks: list[list[Place]] = [[(100.0, 100.0, 0 if k < 4 else 1, 0.9)] for k in range(8)]
    one, other = follow(looks)
    assert (one.trail.last_frame, other.trail.first_frame) == (6, 8)
    assert one.follows is None
    assert other.follows == one.number


def test_the_order_of_sightings_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    looks: list[list[Place]] = []
    for k in range(15):
        drift = float(3 * k)
        looks.append([(40.0 + drift, 50.0, 0, 0.9), (150.0 - drift, 60.0, 1, 0.9), (90.0, 150.0 + drift, 2, 0.8)])
    straight = follow(looks)
    shuffled = follow([[places[int(i)] for i in rng.permutation(3)] for places in looks])

    def ways(stretches: list[Stretch]) -> set[tuple[float, float, int]]:
        faces = [(s.trail.face_at(0), s.trail.face_at(28), len(s.trail)) for s in stretches]
        return {(float(a.box.xyxy[0]), float(b.box.xyxy[0]), n) for a, b, n in faces if a and b}

    assert ways(straight) == ways(shuffled)
    assert len(straight) == 3


def test_a_thumb_forgets_brightness_and_contrast_and_remembers_the_face() -> None:
    rng = np.random.default_rng(1)

    def crop(scale: float, shift: float, pixels: NDArray[np.floating]) -> Crop:
        return Crop(np.repeat(np.clip(pixels * scale + shift, 0, 255).astype(np.uint8)[..., None], 3, axis=2))

    one, other = (np.kron(rng.uniform(60, 190, (14, 14)), np.ones((8, 8))) for _ in range(2))
    assert float(thumb(crop(1, 0, one)) @ thumb(crop(0.5, 80, one))) > 0.99
    assert abs(float(thumb(crop(1, 0, one)) @ thumb(crop(1, 0, other)))) < 0.4
    assert float(np.linalg.norm(thumb(crop(0, 7, one)))) == 0.0


def offered(count: int, wanted: int, quality: NDArray[np.float64]) -> list[Sample]:
    samples = Samples(wanted)
    for k in range(count):
        samples.offer(Sample(k, k / 10, sighting(0.0, 0.0, 0.9, float(quality[k]))))
        assert samples.held <= SPARE * wanted
    return samples.chosen()


@pytest.mark.parametrize("count", [1, 3, 7, 40, 1000])
def test_samples_are_few_good_and_spread(count: int) -> None:
    quality = np.random.default_rng(count).uniform(0, 1, count)
    chosen = offered(count, 5, quality)
    frames = [sample.frame for sample in chosen]
    assert frames == sorted(set(frames))
    assert int(np.argmax(quality)) in frames
    stretches = int((count - 1) / 10 / FIRST_STRETCH_S) + 1
    assert len(frames) == min(5, stretches)
    if count >= 40:
        widest = max(np.diff([0, *frames, count]))
        assert widest < 0.55 * count
        fifths = [float(part.max()) for part in np.array_split(quality, 5)]
        assert float(np.mean(quality[frames])) > np.mean(fifths) - 0.1


def test_the_later_half_has_samples_although_it_is_poorer() -> None:
    quality = np.where(np.arange(100) < 50, 0.9, 0.1) + np.linspace(0, 0.01, 100)
    frames = [sample.frame for sample in offered(100, 5, quality)]
    assert sum(frame >= 50 for frame in frames) >= 2
