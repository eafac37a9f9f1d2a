"""The whole check on made-up parts: each kind of leak by itself, and a clean one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.leakage.photos import cut, mirrored, save, scene, split

from twinlens.datasets.records import Pair, Photo, Split
from twinlens.evaluate.leakage import Finding, Leakage, Likeness, check_leakage
from twinlens.evaluate.leakage.cautions import cautions_of

NOWHERE = Path("/nowhere")


def finding(leakage: Leakage, kind: str, *, inside: bool = False) -> Finding:
    """Return the one finding of a kind."""
    (found,) = [one for one in leakage.findings if one.kind == kind and one.inside == inside and one.found]
    return found


@pytest.fixture
def two_clean_parts(tmp_path: Path) -> dict[str, Split]:
    """Return two parts of two people each, two photos a person."""
    parts = {}
    for number, name in enumerate(("train", "test")):
        people = {
            f"{name} person {'ab'[who]}": [
                save(tmp_path / name / f"{who}" / f"{shot}.jpg", scene(100 * number + 10 * who + shot))
                for shot in range(2)
            ]
            for who in range(2)
        }
        parts[name] = split(name, people)
    return parts


def with_photo(parts: Mapping[str, Split], name: str, subject: str, path: Path) -> dict[str, Split]:
    """Return the parts with one more photo in one of them."""
    old = parts[name]
    return {**parts, name: Split(name, (*old.photos, Photo(subject, path)), old.pairs)}


def test_clean_parts_are_clean(two_clean_parts: dict[str, Split]) -> None:
    found = check_leakage(two_clean_parts)
    assert (found.leaks, found.unchecked) == ((), ())
    assert not any(one.found for one in found.findings)
    assert (found.people, found.photos) == ({"train": 2, "test": 2}, {"train": 4, "test": 4})
    assert [caution.level for caution in cautions_of(found)] == ["clean"]


def test_a_person_in_two_parts(two_clean_parts: dict[str, Split], tmp_path: Path) -> None:
    parts = with_photo(two_clean_parts, "test", "Train-Person_A", save(tmp_path / "new.jpg", scene(55)))
    person = finding(check_leakage(parts), "person")
    assert (person.level, person.found) == ("leak", 1)
    assert (person.places[0].first_holds, person.places[0].second_holds) == (2, 3)
    assert str(person.examples[0]) == "train: train person a = test: Train-Person_A (written Train-Person_A)"


def test_one_file_in_two_parts(two_clean_parts: dict[str, Split]) -> None:
    shared = two_clean_parts["train"].photos[0]
    found = check_leakage(with_photo(two_clean_parts, "test", shared.subject, shared.path))
    assert {one.kind for one in found.leaks} == {"person", "file"}
    assert str(finding(found, "file").examples[0]) == "train: train/0/0.jpg = test: train/0/0.jpg"


def test_one_file_under_two_names(two_clean_parts: dict[str, Split]) -> None:
    shared = two_clean_parts["train"].photos[0]
    found = check_leakage(with_photo(two_clean_parts, "train", "train person b", shared.path))
    label = finding(found, "label", inside=True)
    assert (label.level, label.found, found.leaks) == ("note", 1, ())
    assert label.examples[0].note == "said to be train person a and train person b"


def test_identical_bytes_between_parts_and_inside_one(two_clean_parts: dict[str, Split], tmp_path: Path) -> None:
    photo = two_clean_parts["train"].photos[0]
    other = tmp_path / "test" / "copy.jpg"
    other.write_bytes(photo.path.read_bytes())
    found = check_leakage(with_photo(two_clean_parts, "test", "test person a", other))
    assert [one.kind for one in found.leaks] == ["bytes"]
    assert found.leaks[0].examples[0].note == "said to be train person a and test person a"
    found = check_leakage(with_photo(two_clean_parts, "train", photo.subject, other))
    assert found.leaks == ()
    assert finding(found, "bytes", inside=True).text.endswith("within one person: 1 of 5 in train")


@pytest.mark.parametrize(("name", "kind"), [("copy.bmp", "pixels"), ("copy.jpg", "copy")])
def test_the_same_pixels_and_nearly_the_same(
    two_clean_parts: dict[str, Split], tmp_path: Path, name: str, kind: str
) -> None:
    first = save(tmp_path / "train" / "first.png", scene(77))
    parts = with_photo(two_clean_parts, "train", "train person a", first)
    second = save(tmp_path / "test" / name, scene(77) if kind == "pixels" else cut(0.95)(mirrored(scene(77))))
    found = check_leakage(with_photo(parts, "test", "test person a", second))
    assert [one.kind for one in found.leaks] == [kind]
    if kind == "copy":
        assert found.leaks[0].examples[0].note == "mirrored, said to be train person a and test person a"
        assert 0.85 <= (found.leaks[0].examples[0].alike or 0) <= 1


def test_a_group_of_copies_counts_once(two_clean_parts: dict[str, Split], tmp_path: Path) -> None:
    photo = two_clean_parts["train"].photos[0]
    parts: Mapping[str, Split] = two_clean_parts
    for number in range(3):
        other = tmp_path / f"{number}.jpg"
        other.write_bytes(photo.path.read_bytes())
        parts = with_photo(parts, "test", "test person a", other)
    found = check_leakage(parts)
    assert finding(found, "bytes").found == 1
    assert finding(found, "bytes", inside=True).found == 1


def test_numbers_of_two_data_sets_are_different_people(tmp_path: Path) -> None:
    parts = {
        name: split(name, {"s1": [tmp_path / name / "1.jpg"], "Ann Lee": [tmp_path / name / "2.jpg"]})
        for name in ("one", "other")
    }
    assert finding(check_leakage(parts, depth="names"), "person").found == 2
    across = check_leakage(parts, across=True, depth="names")
    assert finding(across, "person").found == 1
    numbered = {name: split(name, {"s1": [tmp_path / name / "1.jpg"]}) for name in ("one", "other")}
    said = check_leakage(numbered, across=True, depth="names")
    assert said.leaks == ()
    assert sum("numbers, not names" in reason for reason in said.unchecked) == 2


def test_people_of_whom_only_lists_speak(tmp_path: Path) -> None:
    parts = {"here": split("here", {"Ann": [tmp_path / "a"]}), "there": split("there", {"Bob": [tmp_path / "b"]})}
    found = check_leakage(parts, across=True, depth="names", listed={"there": {"ann", "Bob", "Cid"}})
    assert found.leaks == ()
    (note,) = [one for one in found.findings if one.kind == "person" and one.level == "note"]
    assert (note.found, [str(one) for one in note.examples]) == (1, ["here: Ann = there: ann"])


def test_photos_that_are_not_there_break_nothing(tmp_path: Path) -> None:
    there = save(tmp_path / "a.jpg", scene(0))
    parts = {"train": split("train", {"a": [there, tmp_path / "gone.jpg"]}), "test": split("test", {"b": [NOWHERE]})}
    found = check_leakage(parts)
    assert found.unchecked == ("2 of 3 photos are not on disk: only their names are",)
    assert check_leakage({"train": split("train", {})}).leaks == ()


def pair(first: Photo, second: Photo) -> Pair:
    return Pair(first, second, same=first.subject == second.subject)


def test_pairs_listed_twice_in_two_parts_and_with_both_answers(two_clean_parts: dict[str, Split]) -> None:
    a, b, c, d = two_clean_parts["train"].photos
    other_b = Photo("somebody else", b.path)
    train = (pair(a, b), pair(b, a), pair(a, c), pair(a, other_b))
    test = (pair(c, a), pair(c, d))
    parts = {"train": Split.of_pairs("train", train), "test": Split.of_pairs("test", test)}
    found = check_leakage(parts, depth="names")
    assert (finding(found, "pair").found, finding(found, "pair").level) == (1, "leak")
    assert (finding(found, "pair", inside=True).found, finding(found, "pair", inside=True).level) == (1, "note")
    labels = [one for one in found.findings if one.kind == "label" and one.found]
    assert [one.found for one in labels] == [1, 1]  # one photo under two names, one pair with both answers
    assert labels[1].examples[0].note == "said to be the same, then different"


def test_pairs_of_identical_files_are_one_pair(two_clean_parts: dict[str, Split], tmp_path: Path) -> None:
    a, b, _, _ = two_clean_parts["train"].photos
    again = Photo(b.subject, tmp_path / "again.jpg")
    again.path.write_bytes(b.path.read_bytes())
    parts = {"train": Split.of_pairs("train", (pair(a, b), pair(a, again)))}
    assert "1 of them under other file names" in finding(check_leakage(parts), "pair", inside=True).text
    assert not any(one.found for one in check_leakage(parts, depth="names").findings)


def test_pairs_of_a_photo_and_its_copy_are_said(two_clean_parts: dict[str, Split], tmp_path: Path) -> None:
    a, _, c, _ = two_clean_parts["train"].photos
    same, small = (Photo(a.subject, tmp_path / name) for name in ("same.jpg", "small.jpg"))
    same.path.write_bytes(a.path.read_bytes())
    save(small.path, cut(0.95)(scene(0)), quality=80)
    wrong = Photo("somebody else", small.path)
    one = {"train": Split.of_pairs("train", (pair(a, same), pair(a, small), pair(a, c)))}
    easy = finding(check_leakage(one), "pair", inside=True)
    assert easy.text.startswith("2 pairs compare a photo with a copy of it")
    assert easy.examples[0].alike is None
    assert 0.85 <= (easy.examples[1].alike or 0) < 1
    two = check_leakage({"train": Split.of_pairs("train", (pair(a, wrong), pair(a, c)))})
    texts = [one.text for one in two.findings if one.kind == "label" and one.found]
    assert any(text.startswith("1 pair of two people compares a photo with a copy of it") for text in texts)


def faces(parts: Mapping[str, Split], rng: np.random.Generator) -> dict[Path, np.ndarray]:
    drawn = {photo.path: rng.normal(size=32) for part in parts.values() for photo in part.photos}
    return {path: (v / np.linalg.norm(v)).astype(np.float32) for path, v in drawn.items()}


def crowd(name: str, people: int, photos: int = 3) -> Split:
    return split(
        name, {f"{name}{who}": [NOWHERE / f"{name}{who}" / f"{n}.jpg" for n in range(photos)] for who in range(people)}
    )


@pytest.mark.parametrize("shared", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_faces_are_counted_as_by_a_plain_loop(shared: int) -> None:
    parts = {"train": crowd("train", 700, 2), "test": crowd("test", 20), "more": crowd("more", 10)}
    if shared:  # a person and a photo in two parts are told elsewhere
        parts["more"] = Split(
            "more", (*parts["more"].photos, parts["test"].photos[0], Photo("test1", NOWHERE / "x.jpg"))
        )
    vectors = faces(parts, np.random.default_rng(3))
    del vectors[parts["test"].photos[5].path]
    entries = [(part, p) for part, one in parts.items() for p in one.photos if p.path in vectors]
    order = {name: place for place, name in enumerate(parts)}
    pairs = [
        (float(vectors[p.path] @ vectors[q.path]), p, q)
        for one, p in entries
        for other, q in entries
        if order[one] < order[other] and p.subject != q.subject and p.path != q.path
    ]
    expected = sorted((one for one in pairs if one[0] >= 0.5), key=lambda one: -one[0])
    moves: list[tuple[int, int]] = []
    found = check_leakage(
        parts, likeness=Likeness(vectors, 0.5, 0.001, "made-up"), progress=lambda a, b: moves.append((a, b))
    )
    face = finding(found, "face")
    assert face.found == len(expected)
    assert f"{len(pairs):,} comparisons" in face.text
    assert f"{0.001 * len(pairs):,.1f} are expected by chance" in face.text
    assert face.examples[0].alike == pytest.approx(expected[0][0], abs=1e-6)
    assert {face.examples[0].first.subject, face.examples[0].second.subject} == {p.subject for p in expected[0][1:]}
    assert moves[-1] == (len(entries), len(entries))


def test_a_person_under_two_names_comes_first_and_many_are_a_leak() -> None:
    rng = np.random.default_rng(5)
    parts = {"train": crowd("train", 30), "test": crowd("test", 30)}
    vectors = faces(parts, rng)
    chance = check_leakage(parts, likeness=Likeness(vectors, 0.55, 0.001, "made-up"))
    for number in range(3):
        source = vectors[NOWHERE / "train7" / "0.jpg"]
        near = source + rng.normal(size=32).astype(np.float32) * 0.03
        vectors[NOWHERE / "test9" / f"{number}.jpg"] = near / np.linalg.norm(near)
    found = check_leakage(parts, likeness=Likeness(vectors, 0.55, 0.001, "made-up"))
    first = finding(found, "face").examples[0]
    assert (first.first.subject, first.second.subject) == ("train7", "test9")
    assert first.note == "train7 and test9, 3 pairs of photos"
    for who in range(30):
        for n in range(3):
            vectors[NOWHERE / f"test{who}" / f"{n}.jpg"] = vectors[NOWHERE / f"train{who}" / f"{n}.jpg"]
    many = check_leakage(parts, likeness=Likeness(vectors, 0.55, 0.001, "made-up"))
    assert finding(many, "face").level == "leak"
    assert all(one.level != "leak" for one in chance.findings)


def test_a_result_is_plain_json(two_clean_parts: dict[str, Split]) -> None:
    shared = two_clean_parts["train"].photos[0]
    found = check_leakage(with_photo(two_clean_parts, "test", shared.subject, shared.path))
    assert json.loads(json.dumps(asdict(found)))["findings"][0]["kind"] == "person"


def test_what_shares_files_is_not_said_to_share_no_picture(two_clean_parts: dict[str, Split]) -> None:
    one, other = two_clean_parts.values()
    copied = other.photos[0].path
    copied.write_bytes(one.photos[0].path.read_bytes())
    said = {caution.level: caution.text for caution in cautions_of(check_leakage(two_clean_parts))}
    assert "byte-identical" in said["leak"]
    assert "no name" in said["clean"]
    assert "picture" not in said["clean"]
