"""The stages together, on a real photo and real models."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from twinlens.cli.demo_pictures import altered, enlarged
from twinlens.draw import save
from twinlens.errors import CalibrationError, GalleryError, ImageError, ModelMismatchError, NoFaceError, OptionError
from twinlens.image import Source
from twinlens.recognizer import EnrolOptions, Recognizer
from twinlens.score import Policy
from twinlens.types import Image


@pytest.fixture(scope="module")
def recognizer() -> Iterator[Recognizer]:
    with Recognizer.default() as built:
        yield built


@pytest.fixture
def people(tmp_path: Path) -> Iterator[Recognizer]:
    with Recognizer.default(tmp_path / "people.db") as built:
        yield built


@pytest.fixture(scope="module")
def strangers() -> list[Image]:
    return [Image(enlarged(face), f"stranger {i}") for i, face in enumerate(np.asarray(data.lfw_subset())[:12])]


def beside(left: Image, right: Image) -> Image:
    """Put two pictures next to each other."""
    height = max(left.height, right.height)
    parts = [cv2.copyMakeBorder(i.pixels, 0, height - i.height, 0, 0, cv2.BORDER_CONSTANT) for i in (left, right)]
    return Image(np.concatenate(parts, axis=1).astype(np.uint8), "beside")


def test_the_same_person_and_a_stranger(recognizer: Recognizer, astronaut: Image, strangers: list[Image]) -> None:
    yes = recognizer.verify(astronaut, np.ascontiguousarray(astronaut.pixels[:, ::-1]))
    assert yes.accepted
    assert yes.score > 0.9
    assert yes.fmr == pytest.approx(0.001, rel=0.01)
    assert yes.probability is not None
    assert yes.probability > 0.99
    no = recognizer.verify(astronaut, strangers[0])
    assert not no.accepted
    assert no.score < no.threshold
    assert no.probability is not None
    assert no.probability < 0.5


def test_verify_is_symmetric_and_repeatable(recognizer: Recognizer, astronaut: Image, strangers: list[Image]) -> None:
    assert recognizer.verify(astronaut, strangers[0]) == recognizer.verify(strangers[0], astronaut)


def test_a_stricter_target_asks_for_more(recognizer: Recognizer, astronaut: Image) -> None:
    loose = recognizer.verify(astronaut, astronaut, policy=Policy(target_fmr=0.01))
    strict = recognizer.verify(astronaut, astronaut, policy=Policy(target_fmr=0.00001))
    assert loose.threshold < strict.threshold
    with pytest.raises(CalibrationError, match="no threshold for FMR"):
        recognizer.verify(astronaut, astronaut, policy=Policy(target_fmr=1e-9))


def test_nobody_and_unreadable_photos_are_named(recognizer: Recognizer, astronaut: Image, tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    save(Image(np.full((200, 200, 3), 127, np.uint8)), blank)
    with pytest.raises(NoFaceError, match=r"blank\.png: no face found"):
        recognizer.verify(astronaut, blank)
    with pytest.raises(ImageError, match=r"absent\.jpg"):
        recognizer.verify(tmp_path / "absent.jpg", astronaut)


def test_one_photo_is_enough(people: Recognizer, astronaut: Image, strangers: list[Image]) -> None:
    (report,) = people.enrol("Eileen Collins", astronaut)
    assert report.outcome == "done"
    for what, copy in altered(astronaut.pixels).items():
        found = people.identify(copy)
        assert [answer.subject for answer in found] == ["Eileen Collins"], what
    for stranger in strangers:
        assert all(answer.subject is None for answer in people.identify(stranger))


def test_unknown_has_candidates_and_a_bar(people: Recognizer, astronaut: Image, strangers: list[Image]) -> None:
    people.enrol("Eileen Collins", astronaut)
    (answer, *_) = people.identify(strangers[0])
    assert answer.match is None
    assert answer.candidates[0].subject == "Eileen Collins"
    assert answer.candidates[0].score < answer.bar.threshold
    assert answer.bar.fpir == pytest.approx(0.01, rel=0.01)


def test_an_empty_gallery_knows_nobody(people: Recognizer, astronaut: Image) -> None:
    (answer,) = people.identify(astronaut)
    assert answer.subject is None
    assert "the gallery is empty" in answer.reasons


def test_reports_say_why(people: Recognizer, astronaut: Image, strangers: list[Image], tmp_path: Path) -> None:
    text = tmp_path / "notes.jpg"
    text.write_text("not a picture")
    dark = Image((astronaut.pixels * 0.05).astype(np.uint8), "dark")
    photos: list[Source] = [
        astronaut,
        astronaut,
        text,
        np.zeros((64, 64, 3), np.uint8),
        dark,
        beside(astronaut, astronaut),
    ]
    reports = people.enrol("Eileen Collins", photos)
    outcomes = [report.outcome for report in reports]
    assert outcomes[:4] == ["done", "already enrolled", "unreadable", "no face"]
    assert outcomes[4] in ("poor quality", "no face")
    assert outcomes[5] == "several faces"
    assert all(report.reasons for report in reports[2:])
    assert len(people.gallery.templates("Eileen Collins").embeddings) == 1


def test_a_second_name_for_one_face_is_a_conflict(people: Recognizer, astronaut: Image) -> None:
    people.enrol("Eileen Collins", astronaut)
    mirrored = np.ascontiguousarray(astronaut.pixels[:, ::-1])
    (report,) = people.enrol("Somebody Else", mirrored)
    assert (report.outcome, report.conflict) == ("conflict", "Eileen Collins")
    assert len(people.gallery) == 1
    (forced,) = people.enrol("Somebody Else", mirrored, options=EnrolOptions(accept_conflict=True))
    assert forced.outcome == "done"


def test_nobody_is_in_a_photo_twice(people: Recognizer, astronaut: Image) -> None:
    people.enrol("Eileen Collins", astronaut)
    found = people.identify(beside(astronaut, Image(np.ascontiguousarray(astronaut.pixels[:, ::-1]))))
    assert sorted(answer.subject or "" for answer in found) == ["", "Eileen Collins"]
    (left_out,) = [answer for answer in found if answer.subject is None]
    assert any("another, more alike face" in reason for reason in left_out.reasons)


def test_tags_narrow_the_search(people: Recognizer, astronaut: Image) -> None:
    people.enrol("Eileen Collins", astronaut, tags={"team": "nasa"})
    assert people.identify(astronaut, tags={"team": "nasa"})[0].subject == "Eileen Collins"
    assert people.identify(astronaut, tags={"team": "esa"})[0].subject is None
    assert [m.subject for m in people.search(astronaut, tags={"team": "nasa"})] == ["Eileen Collins"]


def test_removed_people_are_unknown(people: Recognizer, astronaut: Image) -> None:
    people.enrol("Eileen Collins", astronaut)
    receipt = people.gallery.remove("Eileen Collins")
    assert receipt.remains == ()
    assert people.identify(astronaut)[0].subject is None


def test_index_resumes_and_clusters(tmp_path: Path, astronaut: Image, strangers: list[Image]) -> None:
    album = tmp_path / "album"
    for name, copy in altered(astronaut.pixels).items():
        if name != "small (128 px)":
            save(Image(copy), album / f"{name.replace(' ', '_').replace('%', '')}.png")
    for number, stranger in enumerate(strangers[:4]):
        save(stranger, album / "others" / f"{number}.png")
    with Recognizer.default(tmp_path / "album.db") as recognizer:
        first = list(recognizer.index(album))
        assert {report.outcome for report in first} <= {"done", "no face"}
        again = list(recognizer.index(album))
        assert [r.outcome for r in again].count("already enrolled") == [r.outcome for r in first].count("done")
        clusters = recognizer.cluster()
        assert len(clusters[0].members) == 7
        assert not any("others" in member for member in clusters[0].members)
        best = recognizer.search(astronaut, top=3)
        assert all("others" not in match.subject for match in best)


def test_galleries_of_other_models_are_refused(people: Recognizer, astronaut: Image, tmp_path: Path) -> None:
    people.enrol("Eileen Collins", astronaut)
    people.close()
    with pytest.raises(ModelMismatchError):
        Recognizer.default(tmp_path / "people.db", flip=True)


def test_without_a_gallery_there_is_no_identification(recognizer: Recognizer, astronaut: Image) -> None:
    with pytest.raises(GalleryError, match="has no gallery"):
        recognizer.identify(astronaut)


def test_options_are_checked(people: Recognizer, astronaut: Image) -> None:
    with pytest.raises(OptionError, match="top must be 1"):
        people.search(astronaut, top=0)
    with pytest.raises(OptionError, match="needs a name"):
        people.enrol("  ", astronaut)


def test_eight_threads_answer_as_one(recognizer: Recognizer, astronaut: Image, strangers: list[Image]) -> None:
    pairs = [(astronaut, other) for other in strangers[:8]] + [(astronaut, astronaut)]
    alone = [recognizer.verify(*pair) for pair in pairs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda pair: recognizer.verify(*pair), pairs * 2))
    assert together == alone * 2


def test_a_stream_keeps_the_order_and_says_what_failed(
    recognizer: Recognizer, strangers: list[Image], tmp_path: Path
) -> None:
    (tmp_path / "empty.jpg").touch()
    sources: list[Source] = [strangers[0], tmp_path / "empty.jpg", *strangers[1:6]]
    examined = list(recognizer.examine_all(sources))
    assert [e.source for e in examined] == [
        strangers[0].source,
        str(tmp_path / "empty.jpg"),
        *(s.source for s in strangers[1:6]),
    ]
    assert isinstance(examined[1].error, ImageError)
    assert [e.error for e in examined[2:]] == [None] * 5


def test_somebody_else_under_the_same_name_is_refused(
    people: Recognizer, astronaut: Image, strangers: list[Image]
) -> None:
    rules = EnrolOptions(accept_poor=True)
    reports = people.enrol("Eileen Collins", [astronaut, strangers[0]], options=rules)
    assert [r.outcome for r in reports] == ["done", "unlike"]
    assert "somebody else?" in reports[1].reasons[0]
    forced = people.enrol("Eileen Collins", strangers[0], options=EnrolOptions(accept_poor=True, accept_conflict=True))
    assert forced[0].outcome == "done"


def test_an_index_follows_its_folder(tmp_path: Path, astronaut: Image, strangers: list[Image]) -> None:
    album = tmp_path / "album"
    save(astronaut, album / "a.png")
    save(strangers[0], album / "b.png")
    with Recognizer.default(tmp_path / "album.db") as recognizer:
        assert [r.outcome for r in recognizer.index(album)] == ["done", "done"]
        before = recognizer.search(astronaut)[0]
        assert (before.subject, before.score > 0.9) == ("a.png#1", True)
        save(strangers[1], album / "a.png")  # another picture under the same name
        (album / "b.png").unlink()
        assert sorted(r.outcome for r in recognizer.index(album)) == ["done", "removed"]
        assert recognizer.search(astronaut)[0].score < 0.5
        assert [s.name for s in recognizer.gallery.subjects()] == ["a.png#1"]


def test_a_name_that_cannot_be_stored_does_not_end_an_index(tmp_path: Path, astronaut: Image) -> None:
    album = tmp_path / "album"
    save(astronaut, album / "a\nb.png")
    save(Image(np.ascontiguousarray(astronaut.pixels[:, ::-1])), album / "c.png")
    with Recognizer.default(tmp_path / "album.db") as recognizer:
        assert [r.outcome for r in recognizer.index(album)] == ["unreadable", "done"]


def test_a_closed_recognizer_says_so(astronaut: Image) -> None:
    recognizer = Recognizer.default()
    recognizer.close()
    with pytest.raises(OptionError, match="was closed"):
        recognizer.verify(astronaut, astronaut)
