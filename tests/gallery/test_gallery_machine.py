"""Any sequence of calls, by two objects on one file, against a dict."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from twinlens.errors import ConflictError, UnknownSubjectError
from twinlens.gallery import Contract, GalleryOptions, SqliteGallery
from twinlens.protocols import Enrolment
from twinlens.types import Embedding

MODEL, DIM = "test-net", 8
OPTIONS = GalleryOptions(busy_timeout_s=5.0, exact_rows=16, snapshot_rows=4, tail_rows=3)
NAMES = st.sampled_from(["ada", "ben", "cleo", "dan"])
WHICH = st.integers(0, 1)


def vector(number: int) -> np.ndarray:
    """A few directions, so that equal scores happen; any two of them are different faces."""
    values = np.random.default_rng(number % 40).standard_normal(DIM).astype(np.float32)
    unit: np.ndarray = values / np.linalg.norm(values)
    return unit


class GalleryMachine(RuleBasedStateMachine):
    """The dict: name -> photo -> vector number; name -> tags."""

    photos = Bundle("photos")

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "faces.db"
        self.galleries = [SqliteGallery(self.path, Contract(MODEL, DIM), OPTIONS) for _ in range(2)]
        self.known: dict[str, dict[str, int]] = {}
        self.tags: dict[str, dict[str, str]] = {}

    def teardown(self) -> None:
        for gallery in self.galleries:
            gallery.close()
        self.folder.cleanup()

    @rule(target=photos, which=WHICH, name=NAMES, number=st.integers(0, 39), many=st.integers(1, 7))
    def enrol(self, which: int, name: str, number: int, many: int) -> tuple[str, str]:
        batch = {f"photo {number + i} of {name}": number + i for i in range(many)}
        mine = self.known.get(name, {})
        enrolments = [Enrolment(name, Embedding(vector(n), MODEL), photo) for photo, n in batch.items()]
        if any(photo in photos for n, photos in self.known.items() if n != name for photo in batch):
            with pytest.raises(ConflictError):  # its holder was renamed
                self.galleries[which].add(enrolments)
            return name, next(iter(batch))
        new = self.galleries[which].add(enrolments)
        assert new == len(set(batch) - set(mine))
        self.known[name] = {**mine, **batch}
        return name, next(iter(batch))

    @rule(which=WHICH, name=NAMES, photo=photos)
    def enrol_again_as_somebody(self, which: int, name: str, photo: tuple[str, str]) -> None:
        holders = {n: photos[photo[1]] for n, photos in self.known.items() if photo[1] in photos}
        if not holders or name in holders:
            return
        number = next(iter(holders.values()))
        with pytest.raises(ConflictError):
            self.galleries[which].add([Enrolment(name, Embedding(vector(number), MODEL), photo[1])])

    @rule(which=WHICH, name=NAMES)
    def remove(self, which: int, name: str) -> None:
        if name not in self.known:
            with pytest.raises(UnknownSubjectError):
                self.galleries[which].remove(name)
            return
        receipt = self.galleries[which].remove(name)
        assert (receipt.templates, receipt.remains) == (len(self.known.pop(name)), ())
        self.tags.pop(name, None)

    @rule(which=WHICH, photo=consumes(photos))
    def remove_photo(self, which: int, photo: tuple[str, str]) -> None:
        name, digest = photo
        if digest not in self.known.get(name, {}):
            with pytest.raises(UnknownSubjectError):
                self.galleries[which].remove_photo(name, digest)
            return
        assert self.galleries[which].remove_photo(name, digest).remains == ()
        del self.known[name][digest]
        if not self.known[name]:
            del self.known[name]
            self.tags.pop(name, None)

    @rule(which=WHICH, old=NAMES, new=NAMES)
    def rename(self, which: int, old: str, new: str) -> None:
        if old not in self.known:
            with pytest.raises(UnknownSubjectError):
                self.galleries[which].rename(old, new)
        elif new != old and new in self.known:
            with pytest.raises(ConflictError):
                self.galleries[which].rename(old, new)
        else:
            self.galleries[which].rename(old, new)
            self.known[new] = self.known.pop(old)
            self.tags[new] = self.tags.pop(old, {})

    @rule(which=WHICH, name=NAMES, value=st.sampled_from(["", "red", "blue"]))
    def tag(self, which: int, name: str, value: str) -> None:
        if name in self.known:
            self.galleries[which].tag(name, {"team": value})
            self.tags[name] = {"team": value} if value else {}

    @rule(which=WHICH)
    def reopen(self, which: int) -> None:
        self.galleries[which].close()
        self.galleries[which] = SqliteGallery(self.path, Contract(MODEL, DIM), OPTIONS)

    @rule(which=WHICH)
    def rebuild(self, which: int) -> None:
        self.galleries[which].rebuild_index()

    @rule(which=WHICH, number=st.integers(0, 60), top=st.integers(1, 5), red=st.booleans(), without=NAMES)
    def search(self, which: int, number: int, top: int, red: bool, without: str) -> None:
        probe = vector(number)
        scores = {
            name: max(float(np.dot(vector(n).astype(float), probe.astype(float))) for n in photos.values())
            for name, photos in self.known.items()
            if name != without and (not red or self.tags.get(name) == {"team": "red"})
        }
        found = self.galleries[which].search(
            [Embedding(probe, MODEL)], top, tags={"team": "red"} if red else None, exclude=[without]
        )[0]
        assert [m.rank for m in found] == list(range(1, len(found) + 1))
        wanted = sorted(scores, key=lambda name: (-round(scores[name], 9), name))[:top]
        assert [m.subject for m in found] == wanted
        assert [m.score for m in found] == pytest.approx([min(1.0, scores[name]) for name in wanted], abs=1e-9)

    @invariant()
    def holds_what_the_dict_holds(self) -> None:
        for gallery in getattr(self, "galleries", []):
            assert {s.name: (s.templates, dict(s.tags)) for s in gallery.subjects()} == {
                name: (len(photos), self.tags.get(name, {})) for name, photos in self.known.items()
            }
            assert gallery.count() == sum(map(len, self.known.values()))
            assert gallery.verify_integrity() == ()


TestGalleryMachine = GalleryMachine.TestCase
TestGalleryMachine.settings = settings(
    max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestGalleryMachine = pytest.mark.slow(TestGalleryMachine)
