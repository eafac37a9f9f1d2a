"""Why an answer is what it is: real photo and models, networks whose answer is known, cards with known points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from twinlens.cli.demo_pictures import enlarged
from twinlens.detect import build_detector
from twinlens.embed import load_embedder
from twinlens.errors import ImageError, NoFaceError
from twinlens.recognizer import Explanation, OcclusionOptions, Recognizer
from twinlens.recognizer.explanation import REGIONS, rarity
from twinlens.recognizer.occlusion import importance, occluded
from twinlens.runtime import RuntimeOptions
from twinlens.score import Policy
from twinlens.types import CROP_SIZE, Crop, Embedding, Image
from twinlens.zoo import Measurement, checked_paths, find_card
from twinlens.zoo.card import OperatingPoint

COARSE = OcclusionOptions(patch=56, stride=28)
ONE_PLACE = OcclusionOptions(patch=112, stride=112)  # where the map does not matter
MEASURED = Measurement(
    "p",
    "c",
    1000,
    1000,
    100,
    (OperatingPoint(0.1, 0.2, 0.0), OperatingPoint(0.01, 0.3, 0.1), OperatingPoint(0.001, 0.5, 0.2)),
)


class Recording:
    """An embedder in front of another, which notes how many crops come at once, or cuts them into other batches."""

    def __init__(self, batch: int | None = None) -> None:
        self._inner = load_embedder("sface", RuntimeOptions())
        self._batch = batch
        self.sizes: list[int] = []
        self.model, self.dim = self._inner.model, self._inner.dim

    def embed(self, crops: Sequence[Crop]) -> list[Embedding]:
        self.sizes.append(len(crops))
        step = self._batch or max(len(crops), 1)
        return [one for i in range(0, len(crops), step) for one in self._inner.embed(crops[i : i + step])]


@pytest.fixture(scope="module")
def recognizer() -> Iterator[Recognizer]:
    with Recognizer.default() as built:
        yield built


@pytest.fixture(scope="module")
def stranger() -> Image:
    return Image(enlarged(np.asarray(data.lfw_subset())[0]), "stranger")


@pytest.fixture(scope="module")
def mirrored(astronaut: Image) -> Image:
    return Image(np.ascontiguousarray(astronaut.pixels[:, ::-1]), "mirrored")


@pytest.fixture(scope="module")
def explained(recognizer: Recognizer, astronaut: Image, stranger: Image) -> Explanation:
    return recognizer.explain(astronaut, stranger, options=COARSE)


def test_the_decision_is_that_of_verify(
    recognizer: Recognizer, explained: Explanation, astronaut: Image, stranger: Image
) -> None:
    assert explained.decision == recognizer.verify(astronaut, stranger)
    assert [photo.source for photo in explained.photos] == ["astronaut", "stranger"]
    assert explained.left.portrait.quality.score > 0.8
    assert not explained.left.impostors


def test_each_map_compares_its_own_copies_with_the_other_photo(recognizer: Recognizer, explained: Explanation) -> None:
    for mine, other in (explained.photos, explained.photos[::-1]):
        copies = [recognizer.embedder.embed([copy])[0] for copy in occluded(mine.portrait.crop, COARSE)]
        found = importance(mine.portrait.embedding, copies, other.portrait.embedding, COARSE)
        np.testing.assert_allclose(mine.importance, found, atol=1e-5)
    assert np.abs(explained.left.importance - explained.right.importance).max() > 0.01


def test_swapped_photos_have_the_same_maps(
    recognizer: Recognizer, explained: Explanation, astronaut: Image, stranger: Image
) -> None:
    swapped = recognizer.explain(stranger, astronaut, options=COARSE)
    np.testing.assert_array_equal(swapped.right.importance, explained.left.importance)
    np.testing.assert_array_equal(swapped.left.importance, explained.right.importance)
    assert swapped.decision == explained.decision


def test_a_photo_with_itself_rests_on_the_face(recognizer: Recognizer, astronaut: Image) -> None:
    found = recognizer.explain(astronaut, astronaut, options=OcclusionOptions(patch=32, stride=16))
    assert (found.left.importance >= -1e-6).all()  # nothing can be more alike than the same
    inner = found.left.importance[32:96, 24:88].mean()
    assert inner > 3 * found.left.importance[:, :8].mean()
    np.testing.assert_array_equal(found.left.importance, found.right.importance)


@pytest.mark.slow
def test_batches_do_not_change_the_map(explained: Explanation, astronaut: Image, stranger: Image) -> None:
    detector = build_detector("yunet", checked_paths(find_card("yunet")))
    odd, usual = Recording(batch=3), Recording()
    for embedder in (odd, usual):
        with Recognizer(detector, embedder, find_card("sface"), threads=1) as built:
            found = built.explain(astronaut, stranger, options=COARSE)
        np.testing.assert_allclose(found.left.importance, explained.left.importance, atol=1e-5)
    assert max(usual.sizes) <= 32
    assert sum(usual.sizes) == 2 + 2 * len(COARSE.places)


def test_progress_rises_to_the_end(recognizer: Recognizer, astronaut: Image, mirrored: Image) -> None:
    seen: list[tuple[int, int]] = []
    recognizer.explain(astronaut, mirrored, options=COARSE, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (50, 50)
    assert seen == sorted(seen)
    assert len(seen) == 2


def test_regions_lie_in_the_crop_and_the_strongest_comes_first(explained: Explanation) -> None:
    counted = np.zeros((CROP_SIZE, CROP_SIZE), int)
    for place in REGIONS.values():
        counted[place] += 1
    assert sum((place[0].stop - place[0].start) * (place[1].stop - place[1].start) for place in REGIONS.values()) == (
        counted.sum()
    )  # none reaches over the edge
    regions = explained.left.regions
    assert set(regions) == set(REGIONS)
    sizes = [abs(value) for value in regions.values()]
    assert sizes == sorted(sizes, reverse=True)
    assert regions["nose"] == pytest.approx(float(explained.left.importance[58:82, 44:68].mean()))


@pytest.mark.parametrize(
    ("score", "fmr", "bound"),
    [
        (0.9, 0.001, "at most"),
        (0.5, 0.001, "at"),
        (0.3, 0.01, "at"),
        (0.25, 0.0316, "at"),
        (0.2, 0.1, "at"),
        (0.1, 0.1, "at least"),
    ],
)
def test_a_score_beyond_the_measurement_is_a_bound(score: float, fmr: float, bound: str) -> None:
    rate, how = rarity(MEASURED, score)
    assert rate == pytest.approx(fmr, rel=0.01)
    assert how == bound


def test_what_nobody_measured_has_no_rate() -> None:
    assert rarity(None, 0.5) == (None, "at")


def test_neighbours_are_named(tmp_path: Path, astronaut: Image, mirrored: Image) -> None:
    faces = [Image(enlarged(face), f"{i}") for i, face in enumerate(np.asarray(data.lfw_subset())[:6])]
    with Recognizer.default(tmp_path / "people.db") as people:
        alone = people.explain(astronaut, mirrored, options=ONE_PLACE)  # an empty gallery names nobody
        assert (alone.left.known, alone.left.impostors) == (None, ())
        for face in faces:
            people.enrol(f"stranger {face.source}", face)
        unknown = people.explain(astronaut, mirrored, options=ONE_PLACE)
        assert unknown.left.known is None
        expected = people.search(astronaut, top=3)
        assert [m.subject for m in unknown.left.impostors] == [m.subject for m in expected]
        people.enrol("Eileen Collins", astronaut)
        known = people.explain(astronaut, faces[0], options=ONE_PLACE)
        assert known.left.known is not None
        assert (known.left.known.subject, known.left.known.rank) == ("Eileen Collins", 1)
        assert known.left.known.probability is not None
        assert "Eileen Collins" not in [m.subject for m in known.left.impostors]
        assert len(known.left.impostors) == 3
        scores = [m.score for m in known.left.impostors]
        assert scores == sorted(scores, reverse=True)


def test_examined_photos_and_another_bar_are_taken(recognizer: Recognizer, astronaut: Image, mirrored: Image) -> None:
    from twinlens.score import verification_bar

    pair = recognizer.examine_pair(astronaut, mirrored)
    strict = verification_bar(recognizer.card, Policy(threshold=0.99))
    found = recognizer.explain(*pair, bar=strict, options=ONE_PLACE)
    assert not found.decision.accepted
    assert found.left.portrait is pair[0].portraits[0]
    assert (found.fmr, found.bound) == (1e-6, "at most")


def test_nobody_and_unreadable_photos_are_named(recognizer: Recognizer, astronaut: Image, tmp_path: Path) -> None:
    blank = Image(np.full((200, 200, 3), 127, np.uint8), "blank")
    with pytest.raises(NoFaceError, match="blank: no face found"):
        recognizer.explain(astronaut, blank)
    with pytest.raises(NoFaceError, match="blank: no face found"):
        recognizer.explain(recognizer.examine(blank), astronaut)
    with pytest.raises(ImageError, match=r"absent\.jpg"):
        recognizer.explain(tmp_path / "absent.jpg", astronaut)
