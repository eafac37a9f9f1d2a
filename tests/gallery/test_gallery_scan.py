"""Candidates against naive loops, exact and by compressed codes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from twinlens.gallery import Contract, GalleryOptions, SqliteGallery
from twinlens.gallery.coded_segment import CodedSegment, calibrated_depth
from twinlens.gallery.codes import Coder, code_bytes, parts_of
from twinlens.gallery.segment import Eligible, Segment, best_rows
from twinlens.protocols import Enrolment
from twinlens.types import Embedding

ROWS, DIM, TOP = 6_000, 32, 10


def people_like(rows: int, seed: int = 0) -> np.ndarray:
    """Vectors with neighbours, as faces have: noise around 1 centre in 20 rows."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((max(1, rows // 20), DIM)).astype(np.float32)
    vectors = centres[np.arange(rows) % len(centres)]
    vectors = vectors + np.float32(0.7) * random.standard_normal((rows, DIM)).astype(np.float32)
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def naive(vectors: np.ndarray, subjects: np.ndarray, probe: np.ndarray, allowed: set[int]) -> list[int]:
    best: dict[int, float] = {}
    for subject, score in zip(subjects.tolist(), (vectors.astype(float) @ probe.astype(float)).tolist(), strict=True):
        if subject in allowed:
            best[subject] = max(score, best.get(subject, -2.0))
    return sorted(best, key=lambda s: -best[s])[:TOP]


def found(segment: Segment, probe: np.ndarray, eligible: Eligible) -> list[int]:
    (got,) = segment.search(probe[None], TOP, eligible)
    order = got.subjects[np.argsort(-got.scores, kind="stable")]
    return list(dict.fromkeys(order.tolist()))[:TOP]


@given(
    st.lists(st.tuples(st.integers(-8, 8), st.integers(1, 6)), max_size=120),
    st.integers(1, 7),
)
def test_best_rows_hold_all_rows_that_may_matter(pairs: list[tuple[int, int]], top: int) -> None:
    scores = np.array([score / 8 for score, _ in pairs], np.float32)
    subjects = np.array([subject for _, subject in pairs], np.int64)
    best = {s: max(scores[subjects == s]) for s in set(subjects.tolist())}
    ranked = sorted(best.values(), reverse=True)
    bound = ranked[min(top, len(ranked)) - 1] if len(ranked) >= top else -np.inf
    wanted = np.flatnonzero(scores >= bound)
    assert best_rows(scores, subjects, top).tolist() == wanted.tolist()


@pytest.fixture(scope="module")
def rows() -> Segment:
    subjects = np.random.default_rng(1).integers(1, 3_000, ROWS)
    return Segment(people_like(ROWS), np.arange(10, 10 + ROWS), subjects)


@pytest.fixture(scope="module")
def coder(rows: Segment) -> Coder:
    return Coder.train(rows.vectors)


@pytest.fixture(params=["exact", "coded"])
def segment(request: pytest.FixtureRequest, rows: Segment, coder: Coder) -> Segment:
    plain = Segment(rows.vectors, rows.templates, rows.subjects.copy())
    if request.param == "exact":
        return plain
    return CodedSegment(plain, coder.encode(plain.vectors), coder, 400)


def everybody(but: int | None = None) -> Eligible:
    allowed = np.ones(3_000, bool)
    allowed[0] = False
    if but is not None:
        allowed[but] = False
    return Eligible(allowed, narrowed=False)


def test_search_equals_the_naive_loop(segment: Segment) -> None:
    for probe in people_like(60, seed=3):
        assert found(segment, probe, everybody()) == naive(
            segment.vectors, segment.subjects, probe, set(range(1, 3_000))
        )


def test_buried_rows_are_not_found(segment: Segment) -> None:
    probe = segment.vectors[5].copy()
    first = found(segment, probe, everybody())[0]
    gone = segment.templates[segment.subjects == first]
    assert segment.bury(np.append(gone, 10**9)) == gone.size
    assert segment.bury(gone) == 0
    assert first not in found(segment, probe, everybody())
    segment.bury(segment.templates[: ROWS // 2])  # enough to pack the codes anew
    left = set(segment.subjects[ROWS // 2 :].tolist()) - {0}
    assert found(segment, probe, everybody()) == naive(segment.vectors, segment.subjects, probe, left)


def test_excluded_subjects_are_not_found(segment: Segment) -> None:
    probe = people_like(1, seed=4)[0]
    best = found(segment, probe, everybody())[0]
    assert found(segment, probe, everybody(but=best)) == naive(
        segment.vectors, segment.subjects, probe, set(range(1, 3_000)) - {best}
    )


@pytest.mark.parametrize("one_in", [2, 3, 300])
def test_filters_keep_full_recall(segment: Segment, one_in: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinlens.gallery.coded_segment._SUBSET_ROWS", 200)  # of 12,500: the set is small
    allowed = np.arange(3_000) % one_in == 1
    for probe in people_like(30, seed=5):
        got = found(segment, probe, Eligible(allowed, narrowed=True))
        assert got == naive(segment.vectors, segment.subjects, probe, set(np.flatnonzero(allowed).tolist()))


def test_a_subject_with_most_templates_does_not_hide_the_others(rows: Segment, coder: Coder) -> None:
    crowd = rows.subjects.copy()
    near = np.argsort(-(rows.vectors @ rows.vectors[0]))[:3_000]
    crowd[near] = 1
    plain = Segment(rows.vectors, rows.templates, crowd)
    coded = CodedSegment(plain, coder.encode(plain.vectors), coder, 400)
    wanted = naive(plain.vectors, crowd, plain.vectors[0], set(range(1, 3_000)))
    assert len(wanted) == TOP
    assert found(coded, plain.vectors[0], everybody()) == wanted


def test_calibration_finds_a_depth_and_refuses_useless_codes(rows: Segment, coder: Coder) -> None:
    codes = coder.encode(rows.vectors)
    assert calibrated_depth(rows.vectors, coder, codes) in (400, 800, 1_600)
    noise = np.random.default_rng(0).integers(0, 256, (60_000, code_bytes(DIM)), np.uint8)
    assert calibrated_depth(people_like(60_000), coder, noise) == 0


def test_a_codebook_is_learnt_on_one_thread(rows: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    """On many, a busy machine takes minutes for a third of a second of work."""
    import faiss

    before = faiss.omp_get_max_threads()
    used: list[int] = []
    train = faiss.ProductQuantizer.train

    def noted(quantizer: faiss.ProductQuantizer, sample: np.ndarray) -> None:
        used.append(faiss.omp_get_max_threads())
        train(quantizer, sample)

    monkeypatch.setattr(faiss.ProductQuantizer, "train", noted)
    try:
        faiss.omp_set_num_threads(3)
        Coder.train(rows.vectors)
        assert (used, faiss.omp_get_max_threads()) == ([1], 3)
    finally:
        faiss.omp_set_num_threads(before)


def test_a_codebook_survives_its_file(coder: Coder) -> None:
    again = Coder(DIM, np.frombuffer(coder.centroids.astype("<f4").tobytes(), "<f4"))
    vectors = people_like(500, seed=9)
    assert np.array_equal(again.encode(vectors), coder.encode(vectors))


@pytest.mark.parametrize(("dim", "parts"), [(128, 64), (256, 128), (512, 128), (64, 32), (6, 0), (7, 0), (3, 0)])
def test_how_vectors_are_cut(dim: int, parts: int) -> None:
    assert parts_of(dim) == parts
    assert parts == 0 or (dim % parts == 0 and parts % 2 == 0)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000))
def test_more_ties_than_were_asked_for_are_settled_by_name(seed: int) -> None:
    names = np.random.default_rng(seed).permutation(40)
    probe = np.zeros(DIM, np.float32)
    probe[0] = 1.0
    with (
        tempfile.TemporaryDirectory() as folder,
        SqliteGallery(Path(folder) / "ties.db", Contract("net", DIM)) as gallery,
    ):
        gallery.add(Enrolment(f"n{name:02d}", Embedding(probe, "net"), f"photo {name}") for name in names)
        assert [m.subject for m in gallery.search([Embedding(probe, "net")], 3)[0]] == ["n00", "n01", "n02"]


@pytest.mark.slow
def test_large_gallery_answers_like_the_exact_scan(
    path: Path, reopen: Callable[..., SqliteGallery], tmp_path: Path
) -> None:
    vectors = people_like(8_000)
    stored = [
        Enrolment(f"s{i // 2:05d}", Embedding(vector, "test-net"), f"photo {i}") for i, vector in enumerate(vectors)
    ]
    probes = [Embedding(vector, "test-net") for vector in people_like(100, seed=8)]
    with reopen(GalleryOptions(exact_rows=1_000)) as gallery:
        gallery.add(stored)
    gallery = reopen(GalleryOptions(exact_rows=1_000))
    assert (path.with_name("faces.db.index") / "g000001" / "codes.u8").stat().st_size == 8_000 * DIM // 4
    with SqliteGallery(tmp_path / "exact.db", Contract("test-net", DIM), GalleryOptions(snapshot_rows=10**9)) as exact:
        exact.add(stored)
        for name in ("s00007", "s03000"):
            assert gallery.remove(name).remains == exact.remove(name).remains == ()
        assert gallery.search(probes, TOP) == exact.search(probes, TOP)
