"""A gallery copied into another one: equal in the end, resumable, never mixed with something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from twinlens.errors import GalleryError, ModelMismatchError, OptionError
from twinlens.gallery import checksum_of, copy_gallery, copying, open_gallery
from twinlens.protocols import Enrolment, Gallery

MODEL, DIM = "test-net", 32
Make = Callable[..., list[Enrolment]]


@pytest.fixture
def source(tmp_path: Path, enrolments: Make) -> Iterator[Gallery]:
    with open_gallery(tmp_path / "source.db", model=MODEL, dim=DIM) as gallery:
        gallery.add(enrolments(60))
        gallery.tag("s0003", {"team": "red"})
        yield gallery


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Gallery]:
    with open_gallery(tmp_path / "target.db", model=MODEL, dim=DIM) as gallery:
        yield gallery


def test_a_copy_is_equal(source: Gallery, target: Gallery) -> None:
    told: list[tuple[str, int, int]] = []
    copied = copy_gallery(source, target, lambda *moved: told.append(moved))
    assert (copied.subjects, copied.templates, copied.added) == (30, 60, 60)
    assert told == [("reading", 0, 60), ("copying", 60, 60), ("comparing", 0, 60)]
    assert checksum_of(source) == checksum_of(target) == (60, copied.checksum)
    assert source.subjects() == target.subjects()
    assert copy_gallery(source, target).added == 0


def test_an_interrupted_copy_goes_on(source: Gallery, target: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_CHUNK", 7)

    def interrupt(stage: str, done: int, total: int) -> None:
        if stage == "copying" and done >= 28:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_gallery(source, target, interrupt)
    assert target.count() == 28
    assert copy_gallery(source, target).added == 32
    assert checksum_of(source) == checksum_of(target)


def test_a_target_with_something_else_is_refused(source: Gallery, target: Gallery, enrolments: Make) -> None:
    target.add(enrolments(1, seed=3))
    with pytest.raises(GalleryError, match=r"the target holds something else, for instance 's0000' \(0.jpg\)"):
        copy_gallery(source, target)
    assert target.count() == 1


def test_other_tags_in_the_target_are_noticed(source: Gallery, target: Gallery) -> None:
    copy_gallery(source, target)
    target.tag("s0004", {"team": "blue"})
    with pytest.raises(GalleryError, match="the copy is not equal"):
        copy_gallery(source, target)


def test_odd_pairs_are_refused(source: Gallery, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="into itself"):
        copy_gallery(source, source)
    with open_gallery(tmp_path / "b.db", model="other-net", dim=DIM) as other:
        with pytest.raises(ModelMismatchError):
            copy_gallery(source, other)
        assert other.count() == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.xdist_group("milvus")
def test_to_a_milvus_server_and_back(source: Gallery, milvus_collection: str, tmp_path: Path) -> None:
    with open_gallery(milvus_collection, model=MODEL, dim=DIM) as there:
        assert copy_gallery(source, there).added == 60
        with open_gallery(tmp_path / "back.db", model=MODEL, dim=DIM) as back:
            assert copy_gallery(there, back).added == 60
            assert checksum_of(source) == checksum_of(there) == checksum_of(back)
