"""A gallery follows its folder: a real gallery, a real ledger, eyes that see what a file says."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from tests.recognizer.collection.fake_eyes import DIM, MODEL, look_here, photo, vector_of

from twinlens.errors import GalleryError, GalleryUnavailableError, ImageError, MissingPhotosError
from twinlens.gallery import SqliteGallery, open_gallery
from twinlens.protocols import Gallery
from twinlens.recognizer import EnrolmentReport
from twinlens.recognizer.album import is_face_of_album
from twinlens.recognizer.collection import IndexOptions, Look, Task, index_collection, ledger_path
from twinlens.recognizer.collection.ledger import Ledger


class Album:
    """A folder, its gallery, and how many photos were looked at."""

    def __init__(self, folder: Path, gallery: Gallery) -> None:
        self.folder, self.gallery = folder, gallery
        self.looked: list[str] = []

    def _look(self, tasks: Iterable[Task]) -> Iterator[Look]:
        for look in look_here(tasks):
            if not look.same:
                self.looked.append(look.task.name)
            yield look

    def index(self, **options: object) -> dict[str, list[str]]:
        """Index; return the photos of each outcome."""
        self.looked = []
        outcomes: dict[str, list[str]] = {}
        for report in self.reports(**options):
            outcomes.setdefault(report.outcome, []).append(report.subject)
        return outcomes

    def reports(self, **options: object) -> list[EnrolmentReport]:
        return list(index_collection(self.folder, self.gallery, self._look, IndexOptions(**options)))  # type: ignore[arg-type]

    def faces(self) -> dict[str, str]:
        """Return who each stored face is: the letters of the people, by the face's name."""
        people = {vector_of(letter).tobytes(): letter for letter in "ABCDEFG"}
        return {entry.subject: people[entry.embedding.vector.tobytes()] for entry in self.gallery.entries()}


@pytest.fixture
def album(tmp_path: Path) -> Iterator[Album]:
    folder = tmp_path / "photos"
    photo(folder / "one.jpg", "A")
    photo(folder / "trip" / "two.jpg", "BC")
    photo(folder / "trip" / "none.jpg", "")
    photo(folder / "trip" / "bad.jpg", "unreadable")
    with open_gallery(tmp_path / "album.db", model=MODEL, dim=DIM) as gallery:
        yield Album(folder, gallery)


WHOLE = {"one.jpg#1": "A", "trip/two.jpg#1": "B", "trip/two.jpg#2": "C"}


def test_everything_is_looked_at_once(album: Album) -> None:
    first = album.index()
    assert {k: sorted(v) for k, v in first.items()} == {
        "done": ["one.jpg", "trip/two.jpg"],
        "no face": ["trip/none.jpg"],
        "unreadable": ["trip/bad.jpg"],
    }
    assert album.faces() == WHOLE
    second = album.index()
    assert album.looked == []
    assert {k: len(v) for k, v in second.items()} == {"already enrolled": 2, "unchanged": 1, "still unreadable": 1}


def test_what_cannot_be_read_is_told_until_it_can(album: Album) -> None:
    def told() -> tuple[str, str, str]:
        (bad,) = (report for report in album.reports() if "bad.jpg" in report.subject)
        return bad.outcome, bad.subject, bad.reasons[0]

    assert told()[:2] == ("unreadable", "trip/bad.jpg")
    bad = album.folder / "trip" / "bad.jpg"
    for time in (None, 1, None):  # untouched, another time, untouched
        if time is not None:
            os.utime(bad, ns=(time, time))
        assert told()[:2] == ("still unreadable", "trip/bad.jpg")
    bad.rename(album.folder / "bad.jpg")
    for _ in range(2):
        outcome, subject, reason = told()
        assert (outcome, subject) == ("still unreadable", "bad.jpg")
        assert str(album.folder.resolve() / "bad.jpg") in reason  # the place it has now
    photo(album.folder / "bad.jpg", "D", "mended")
    assert album.index()["done"] == ["bad.jpg"]


def test_reports_name_the_faces_as_they_are_stored(album: Album) -> None:
    def told() -> list[str]:
        return sorted(face for report in album.reports() for face in report.faces)

    assert told() == sorted(album.faces())
    assert told() == sorted(album.faces())
    (album.folder / "trip" / "two.jpg").rename(album.folder / "three.jpg")
    assert told() == sorted(album.faces()) == ["one.jpg#1", "three.jpg#1", "three.jpg#2"]
    os.utime(album.folder / "three.jpg", ns=(1, 1))
    assert told() == sorted(album.faces())


def test_only_what_changed_is_looked_at(album: Album) -> None:
    album.index()
    photo(album.folder / "one.jpg", "DE", "another picture")
    photo(album.folder / "trip" / "none.jpg", "F", "somebody came")
    photo(album.folder / "new.jpg", "G")
    (album.folder / "trip" / "two.jpg").unlink()
    found = album.index()
    assert sorted(album.looked) == ["new.jpg", "one.jpg", "trip/none.jpg"]
    assert found["removed"] == ["trip/two.jpg"]
    assert album.faces() == {"one.jpg#1": "D", "one.jpg#2": "E", "trip/none.jpg#1": "F", "new.jpg#1": "G"}


def test_moved_photos_are_known_by_their_content(album: Album) -> None:
    album.index()
    (album.folder / "trip").rename(album.folder / "Italy 2019")
    found = album.index()
    assert album.looked == []
    assert sorted(found["moved"]) == ["Italy 2019/none.jpg", "Italy 2019/two.jpg"]
    assert found["still unreadable"] == ["Italy 2019/bad.jpg"]
    assert "removed" not in found
    assert album.faces() == {"one.jpg#1": "A", "Italy 2019/two.jpg#1": "B", "Italy 2019/two.jpg#2": "C"}
    assert all(is_face_of_album(entry) for entry in album.gallery.entries())
    assert {k: len(v) for k, v in album.index().items()} == {
        "already enrolled": 2,
        "unchanged": 1,
        "still unreadable": 1,
    }


def test_a_photo_moved_over_another_takes_its_place(album: Album) -> None:
    album.index()
    (album.folder / "trip" / "two.jpg").replace(album.folder / "one.jpg")
    assert album.index()["moved"] == ["one.jpg"]
    assert album.faces() == {"one.jpg#1": "B", "one.jpg#2": "C"}
    assert album.looked == []


def test_of_two_copies_of_a_moved_photo_one_is_looked_at(album: Album) -> None:
    album.index()
    shutil.copy2(album.folder / "trip" / "two.jpg", album.folder / "x.jpg")
    shutil.move(album.folder / "trip" / "two.jpg", album.folder / "y.jpg")
    found = album.index()
    assert (len(found["moved"]), len(found["done"]), len(album.looked)) == (1, 1, 1)
    assert sorted(album.faces().values()) == ["A", "B", "B", "C", "C"]


def test_exchanged_names_are_looked_at(album: Album) -> None:
    album.index()
    one, two, aside = album.folder / "one.jpg", album.folder / "trip" / "two.jpg", album.folder / "aside.jpg"
    one.rename(aside)
    two.rename(one)
    aside.rename(two)
    album.index()
    assert album.faces() == {"one.jpg#1": "B", "one.jpg#2": "C", "trip/two.jpg#1": "A"}


def test_a_new_time_alone_is_no_new_photo(album: Album) -> None:
    album.index()
    os.utime(album.folder / "one.jpg", ns=(1, 1))
    assert len(album.index()["already enrolled"]) == 2
    assert album.looked == []
    assert len(album.index()["already enrolled"]) == 2


def test_a_face_that_a_person_removed_stays_away(album: Album) -> None:
    album.index()
    album.gallery.remove("trip/two.jpg#1")
    assert "done" not in album.index()
    assert album.faces() == {"one.jpg#1": "A", "trip/two.jpg#2": "C"}


def test_a_face_that_a_person_named_goes_with_its_photo(album: Album) -> None:
    album.index()
    album.gallery.rename("trip/two.jpg#1", "Anna")
    (album.folder / "trip" / "two.jpg").rename(album.folder / "three.jpg")
    assert album.index()["moved"] == ["three.jpg"]
    assert album.faces() == {"one.jpg#1": "A", "Anna": "B", "three.jpg#2": "C"}
    (album.folder / "three.jpg").unlink()
    album.index()
    assert album.faces() == {"one.jpg#1": "A"}


def test_what_is_behind_a_closed_door_stays(album: Album, monkeypatch: pytest.MonkeyPatch) -> None:
    album.index()
    scan = os.scandir

    def refuse(path: str | Path) -> object:
        if str(path).endswith("trip"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    with monkeypatch.context() as patch:  # tests run as root, whom no permission stops
        patch.setattr(os, "scandir", refuse)
        found = album.reports()
    assert [(r.outcome, r.subject) for r in found] == [("already enrolled", "one.jpg"), ("unreadable", "trip")]
    assert "stays" in found[1].reasons[0]
    assert album.faces() == WHOLE
    assert len(album.index()["already enrolled"]) == 2


def test_a_disk_that_is_not_mounted_erases_nothing(album: Album) -> None:
    album.index()
    shutil.rmtree(album.folder)
    album.folder.mkdir()
    with pytest.raises(MissingPhotosError, match=r"^4 of the 4 photos .* --forget-missing"):
        album.index()
    album.folder.rmdir()
    with pytest.raises(MissingPhotosError, match="not there itself"):
        album.index()
    assert album.faces() == WHOLE
    assert len(album.index(forget_missing=True)["removed"]) == 4
    assert album.faces() == {}
    with pytest.raises(ImageError, match="cannot be listed"):
        album.index()


def test_many_photos_that_are_gone_at_once_stay(album: Album) -> None:
    for number in range(36):
        photo(album.folder / "disk" / f"{number:02}.jpg", "", f"{number}")
    photo(album.folder / "disk" / "anna.jpg", "D")
    album.index()
    shutil.move(album.folder / "disk", album.folder.parent / "elsewhere")
    photo(album.folder / "new.jpg", "E")
    with pytest.raises(MissingPhotosError, match=r"^36 of the 41 photos") as early:  # one may have become new.jpg
        album.index()
    assert ("not mounted" in str(early.value), album.looked) == (True, [])
    for number in range(37):
        photo(album.folder / "more" / f"{number:02}.jpg", "", f"more {number}")
    with pytest.raises(MissingPhotosError, match=r"^37 of the 41 photos"):  # known once all are looked at
        album.index()
    assert album.faces() == {**WHOLE, "disk/anna.jpg#1": "D", "new.jpg#1": "E"}
    shutil.move(album.folder.parent / "elsewhere", album.folder / "another name")
    assert len(album.index()["moved"]) == 37  # nothing of it is gone
    assert "another name/anna.jpg#1" in album.faces()
    shutil.rmtree(album.folder / "another name")
    assert len(album.index(forget_missing=True)["removed"]) == 37
    assert album.faces() == {**WHOLE, "new.jpg#1": "E"}


@pytest.mark.parametrize(
    ("known", "gone", "refused"), [(40, 9, False), (50, 10, False), (49, 10, True), (50, 11, True)]
)
def test_how_many_may_go_unasked(album: Album, known: int, gone: int, refused: bool) -> None:
    for number in range(known - 4):
        photo(album.folder / f"{number:02}.jpg", "", f"{number}")
    album.index()
    for number in range(gone):
        (album.folder / f"{number:02}.jpg").unlink()
    if refused:
        with pytest.raises(MissingPhotosError, match=f"^{gone} of the {known}"):
            album.index()
    else:
        assert len(album.index()["removed"]) == gone


def test_two_names_that_are_one_in_a_gallery(album: Album) -> None:
    for form in ("NFC", "NFD"):
        photo(album.folder / f"{unicodedata.normalize(form, 'é')}.jpg", "D", form)
    for looked in ([2, 1], [0, 1]):
        found = album.reports()
        clash = [r for r in found if "cannot tell its name" in "".join(r.reasons)]
        assert [len(clash), len(album.gallery.templates("é.jpg#1").embeddings)] == [1, 1], looked


def test_names_that_cannot_be_stored_are_remembered(album: Album) -> None:
    photo(album.folder / "a\nb.jpg", "A")
    photo(album.folder / os.fsdecode(b"\xff.jpg"), "A")
    reasons = [r.reasons[0] for r in album.reports() if r.outcome == "unreadable"]
    assert sum("name cannot be stored" in reason for reason in reasons) == 2
    assert "unreadable" not in album.index()
    assert album.faces() == WHOLE


def test_again_looks_at_what_failed_and_at_other_settings(album: Album) -> None:
    album.index(settings="yunet multi")
    album.index(settings="yunet multi", again=True)
    assert album.looked == ["trip/bad.jpg"]
    assert album.index(settings="yunet tiny").keys() == {"already enrolled", "unchanged", "still unreadable"}
    album.index(settings="yunet tiny", again=True)
    assert len(album.looked) == 4
    assert album.faces() == WHOLE


def test_two_folders_in_one_gallery(album: Album, tmp_path: Path) -> None:
    album.index()
    other = Album(tmp_path / "others", album.gallery)
    photo(other.folder / "three.jpg", "D")
    photo(other.folder / "one.jpg", "E")
    found = other.index()
    assert (found["done"], found["unreadable"]) == (["three.jpg"], ["one.jpg"])
    assert other.faces() == {**WHOLE, "three.jpg#1": "D"}
    assert album.index().keys() == {"already enrolled", "unchanged", "still unreadable"}


def test_a_lost_ledger_is_made_from_the_gallery(album: Album) -> None:
    album.index()
    ledger_path(album.gallery, album.folder).unlink()
    found = album.index()
    assert sorted(album.looked) == ["trip/bad.jpg", "trip/none.jpg"]  # of these a gallery knows nothing
    assert len(found["already enrolled"]) == 2
    assert album.faces() == WHOLE


def test_a_ledger_of_another_gallery_is_not_believed(album: Album, tmp_path: Path) -> None:
    album.index()
    ledger = ledger_path(album.gallery, album.folder)
    with open_gallery(tmp_path / "new.db", model=MODEL, dim=DIM) as gallery:
        anew = Album(album.folder, gallery)
        assert len(anew.index(ledger=ledger)["done"]) == 2
        assert anew.faces() == WHOLE


def test_one_index_at_a_time(album: Album) -> None:
    path = ledger_path(album.gallery, album.folder)
    with Ledger(path, album.folder), pytest.raises(GalleryUnavailableError, match="another index is at work"):
        album.index()
    album.index()


@pytest.mark.parametrize(("content", "said"), [(b"no database" * 99, "damaged"), (b"", None)])
def test_odd_ledgers(album: Album, content: bytes, said: str | None) -> None:
    ledger_path(album.gallery, album.folder).write_bytes(content)
    if said is None:
        assert len(album.index()["done"]) == 2
        return
    with pytest.raises(GalleryError, match=said):
        album.index()


def test_progress_counts_what_is_looked_at(album: Album) -> None:
    told: list[tuple[int, int]] = []
    album.index(progress=lambda done, total: told.append((done, total)))
    assert (told[0], told[-1]) == ((0, 4), (4, 4))
    album.index(progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (0, 0)


@pytest.mark.parametrize("step", ["intend", "write", "forget", "move"])
@pytest.mark.parametrize("then", ["again", "changed", "gone"])
def test_a_stop_at_any_step_is_made_up_for(album: Album, step: str, then: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gallery has done its part, the ledger could not write: what a kill between the two leaves."""
    photo(album.folder / "sub" / "other.jpg", "G")
    album.index()
    photo(album.folder / "one.jpg", "D", "changed")
    photo(album.folder / "new.jpg", "E")
    (album.folder / "trip" / "two.jpg").rename(album.folder / "moved.jpg")
    (album.folder / "sub" / "other.jpg").unlink()
    for name in ("first", "second"):
        with monkeypatch.context() as patch:
            patch.setattr(Ledger, step, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                album.index()
        if then == "changed":
            photo(album.folder / "new.jpg", "FA", name)
        if then == "gone":
            (album.folder / "new.jpg").unlink(missing_ok=True)
            (album.folder / "moved.jpg").unlink(missing_ok=True)
            break
    album.index()
    people = Counter(album.faces().values())
    wanted = {"again": "DEBC", "changed": "DFABC", "gone": "D"}[then]
    assert people == Counter(wanted), (step, then)
    assert album.index().keys() == {"already enrolled", "unchanged", "still unreadable"}


def test_the_ledger_is_for_its_owner_alone(album: Album) -> None:
    album.index()
    path = ledger_path(album.gallery, album.folder)
    assert isinstance(album.gallery, SqliteGallery)
    assert path == album.gallery.path.with_name("album.db.seen")
    assert path.stat().st_mode & 0o777 == 0o600
