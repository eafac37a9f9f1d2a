"""What every gallery promises, whatever its engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from twinlens.errors import (
    ConflictError,
    ModelMismatchError,
    OptionError,
    UnknownSubjectError,
)
from twinlens.gallery.registry import SCHEMES, open_gallery
from twinlens.protocols import Enrolment, Gallery
from twinlens.types import Embedding

MODEL, DIM = "test-net", 16


def embeddings(count: int, seed: int = 0) -> list[Embedding]:
    vectors = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [Embedding(vector, MODEL) for vector in vectors]


def near(embedding: Embedding, angle: float = 0.1) -> Embedding:
    """Another vector at this angle (radians)."""
    other = np.roll(embedding.vector, 1)
    other = other - (other @ embedding.vector) * embedding.vector
    vector = np.cos(angle) * embedding.vector + np.sin(angle) * other / np.linalg.norm(other)
    return Embedding(vector.astype(np.float32), MODEL)


def opposite(embedding: Embedding) -> Embedding:
    return Embedding(-embedding.vector, MODEL)


def sqlite_address(request: pytest.FixtureRequest) -> str:
    folder: Path = request.getfixturevalue("tmp_path")
    return f"sqlite:{folder / 'faces.db'}"


def milvus_address(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("milvus_collection"))


# scheme -> how a test makes an address of an empty gallery; a registered engine without an entry fails below
ADDRESSES: dict[str, Callable[[pytest.FixtureRequest], str]] = {"sqlite": sqlite_address, "milvus": milvus_address}
SAME_ENGINE = {"milvus+tls": "milvus"}
REAL_SERVER = {"milvus"}
ON_SERVER = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("milvus")]  # the first installs it
PROVES_ERASURE = {"sqlite"}


def test_every_registered_engine_is_held_to_the_contract() -> None:
    assert set(ADDRESSES) | set(SAME_ENGINE) == set(SCHEMES)


@pytest.fixture(
    params=[pytest.param(name, marks=ON_SERVER if name in REAL_SERVER else []) for name in sorted(ADDRESSES)]
)
def address(request: pytest.FixtureRequest) -> str:
    return ADDRESSES[request.param](request)


@pytest.fixture
def gallery(address: str) -> Iterator[Gallery]:
    opened = open_gallery(address, model=MODEL, dim=DIM)
    yield opened
    opened.close()


def test_empty(gallery: Gallery) -> None:
    assert len(gallery) == gallery.count() == 0
    assert gallery.model == MODEL
    assert gallery.subjects() == []
    assert list(gallery.entries()) == []
    assert gallery.search(embeddings(2), 3) == [[], []]
    assert gallery.search([], 3) == []
    assert gallery.add([]) == 0


def test_search_ranks_subjects_by_their_best_template(gallery: Gallery) -> None:
    probe, other, far = embeddings(3)
    gallery.add(
        [
            Enrolment("ada", opposite(probe), "a1"),
            Enrolment("ada", near(probe, 0.2), "a2"),
            Enrolment("ada", near(probe, 0.3), "a3"),
            Enrolment("ben", near(probe, 0.5), "b1"),
            Enrolment("ben", near(probe, 0.6), "b2"),
            Enrolment("cleo", opposite(near(probe)), "c1"),
        ]
    )
    found = gallery.search([probe, other, far], 2)
    assert [(m.subject, m.rank) for m in found[0]] == [("ada", 1), ("ben", 2)]
    assert [m.score for m in found[0]] == pytest.approx([np.cos(0.2), np.cos(0.5)], abs=1e-6)
    assert all(m.probability is None for m in found[0])
    assert [len(row) for row in found] == [2, 2, 2]
    assert [m.subject for m in gallery.search([probe], 9)[0]] == ["ada", "ben", "cleo"]


def test_equal_scores_are_ordered_by_name(gallery: Gallery) -> None:
    probe = embeddings(1)[0]
    gallery.add(Enrolment(name, probe, f"photo of {name}") for name in ("zoe", "abe", "mia", "bob"))
    assert [m.subject for m in gallery.search([probe], 3)[0]] == ["abe", "bob", "mia"]


def test_filters(gallery: Gallery) -> None:
    faces = embeddings(6)
    gallery.add(Enrolment(f"s{i}", face, f"p{i}") for i, face in enumerate(faces))
    for i in (0, 2, 4):
        gallery.tag(f"s{i}", {"team": "red", "floor": str(i)})
    assert {m.subject for m in gallery.search(faces[:1], 9, tags={"team": "red"})[0]} == {"s0", "s2", "s4"}
    both = {"team": "red", "floor": "2"}
    assert [m.subject for m in gallery.search(faces[:1], 9, tags=both)[0]] == ["s2"]
    assert gallery.search(faces[:1], 9, tags={"team": "blue"}) == [[]]
    assert [s.name for s in gallery.subjects(tags={"team": "red"})] == ["s0", "s2", "s4"]
    left = gallery.search(faces[:1], 9, tags={"team": "red"}, exclude=["s0", "nobody"])[0]
    assert {m.subject for m in left} == {"s2", "s4"}
    gallery.tag("s2", {"team": ""})
    assert {m.subject for m in gallery.search(faces[:1], 9, tags={"team": "red"})[0]} == {"s0", "s4"}
    assert dict(gallery.subjects()[2].tags) == {"floor": "2"}


def test_a_photo_holds_a_face_once(gallery: Gallery) -> None:
    face, stranger = embeddings(2)
    assert gallery.add([Enrolment("ada", face, "group.jpg")]) == 1
    assert gallery.add([Enrolment("ada", face, "group.jpg"), Enrolment("ada", near(face), "group.jpg")]) == 0
    with pytest.raises(ConflictError, match="another face of the same photo"):
        gallery.add([Enrolment("ada", stranger, "group.jpg")])
    with pytest.raises(ConflictError, match="'ada'"):
        gallery.add([Enrolment("ben", near(face), "group.jpg")])
    assert gallery.add([Enrolment("ben", stranger, "group.jpg")]) == 1
    assert gallery.add([Enrolment("ben", face, "another photo")]) == 1
    assert gallery.count() == 3


def test_add_is_all_or_nothing(gallery: Gallery) -> None:
    one, two, three = embeddings(3)
    gallery.add([Enrolment("ada", one, "p1")])
    with pytest.raises(ConflictError):
        gallery.add([Enrolment("ben", two, "p2"), Enrolment("ben", three, "p2")])
    with pytest.raises(ModelMismatchError):
        gallery.add([Enrolment("ben", two, "p2"), Enrolment("ben", Embedding(three.vector, "other"), "p3")])
    with pytest.raises(OptionError):
        gallery.add([Enrolment("ben", two, "p2"), Enrolment(" ", three, "p3")])
    assert [s.name for s in gallery.subjects()] == ["ada"]
    assert gallery.search([two], 5)[0][0].subject == "ada"


def test_templates_and_entries_give_back_what_was_stored(gallery: Gallery) -> None:
    faces = embeddings(3)
    stored = [
        Enrolment("ada", faces[0], "p0", 0.5, "zero.jpg"),
        Enrolment("ben", faces[1], "p1"),
        Enrolment("ada", faces[2], "p2", 0.25),
    ]
    gallery.add(stored)
    assert [(e.subject, e.photo, e.quality, e.source, e.embedding.vector.tolist()) for e in gallery.entries()] == [
        (e.subject, e.photo, e.quality, e.source, e.embedding.vector.tolist()) for e in stored
    ]
    template = gallery.templates("ada")
    assert [e.vector.tolist() for e in template.embeddings] == [f.vector.tolist() for f in (faces[0], faces[2])]
    ada = gallery.subjects()[0]
    assert (ada.name, ada.templates, ada.sources) == ("ada", 2, ("zero.jpg",))
    assert ada.created_at.endswith("+00:00")


def test_remove_gives_a_receipt(gallery: Gallery, address: str) -> None:
    faces = embeddings(4)
    gallery.add(Enrolment(("ada", "ben")[i % 2], face, f"p{i}") for i, face in enumerate(faces))
    receipt = gallery.remove("ada")
    assert (receipt.subject, receipt.templates) == ("ada", 2)
    assert receipt.places_checked
    # an engine that cannot see its own disk says so, and never claims to have proven anything
    assert (receipt.remains == ()) == (address.partition(":")[0] in PROVES_ERASURE)
    assert [m.subject for m in gallery.search(faces, 5)[0]] == ["ben"]
    assert (len(gallery), gallery.count()) == (1, 2)
    with pytest.raises(UnknownSubjectError, match="ada"):
        gallery.templates("ada")
    assert gallery.add([Enrolment("ada", faces[0], "p0")]) == 1


def test_rename_keeps_templates_and_tags(gallery: Gallery) -> None:
    face, other = embeddings(2)
    gallery.add([Enrolment("ada", face, "p0"), Enrolment("ben", other, "p1")])
    gallery.tag("ada", {"team": "red"})
    gallery.rename("ada", "ada lovelace")
    assert gallery.search([face], 1, tags={"team": "red"})[0][0].subject == "ada lovelace"
    with pytest.raises(ConflictError, match="'ben'"):
        gallery.rename("ada lovelace", "ben")
    gallery.rename("ben", "ben")
    assert [s.name for s in gallery.subjects()] == ["ada lovelace", "ben"]


def test_unknown_subjects(gallery: Gallery) -> None:
    for call in (gallery.templates, gallery.remove):
        with pytest.raises(UnknownSubjectError, match="nobody called 'eve'"):
            call("eve")
    with pytest.raises(UnknownSubjectError):
        gallery.rename("eve", "adam")
    with pytest.raises(UnknownSubjectError):
        gallery.tag("eve", {"team": "red"})


def test_another_model_is_refused(gallery: Gallery, address: str) -> None:
    stranger = Embedding(embeddings(1)[0].vector, "other-net")
    with pytest.raises(ModelMismatchError, match="'other-net'"):
        gallery.search([stranger], 1)
    with pytest.raises(ModelMismatchError, match=r"'test-net' \(16-d\)"):
        open_gallery(address, model="other-net", dim=DIM)
    with pytest.raises(ModelMismatchError):
        open_gallery(address, model=MODEL, dim=DIM + 1)


def test_search_needs_a_positive_top(gallery: Gallery) -> None:
    with pytest.raises(OptionError, match="top must be 1 or more"):
        gallery.search(embeddings(1), 0)


def test_one_name_typed_on_two_systems_is_one_subject(gallery: Gallery) -> None:
    composed, decomposed = "Jos\u00e9", "Jose\u0301"
    one, two = embeddings(2)
    gallery.add([Enrolment(composed, one, "p0"), Enrolment(decomposed, two, "p1")])
    assert [(s.name, s.templates) for s in gallery.subjects()] == [(composed, 2)]
    assert gallery.remove(decomposed).templates == 2


def test_another_object_sees_what_was_acknowledged(gallery: Gallery, address: str) -> None:
    other = open_gallery(address, model=MODEL, dim=DIM)
    try:
        one, two = embeddings(2)
        assert other.search([one], 1) == [[]]
        gallery.add([Enrolment("ada", one, "p0")])
        assert other.search([one], 1)[0][0].subject == "ada"
        other.add([Enrolment("ben", two, "p1")])
        gallery.rename("ada", "eve")
        assert [m.subject for m in other.search([one], 2)[0]] == ["eve", "ben"]
        assert gallery.search([two], 1)[0][0].subject == "ben"
        other.remove("eve")
        assert [m.subject for m in gallery.search([one], 2)[0]] == ["ben"]
    finally:
        other.close()
