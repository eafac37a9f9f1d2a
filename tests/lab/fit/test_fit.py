"""Heads: better for people who did not train them, or refused; in the graph as in numpy."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from twinlens.embed import OnnxEmbedder, load_embedder
from twinlens.embed.golden import golden_error
from twinlens.errors import CalibrationError, DatasetError, ModelError, OptionError
from twinlens.evaluate.sight import NO_FACE, UNREADABLE
from twinlens.lab.fit.certainty import Certainty
from twinlens.lab.fit.fitting import choose_head, fit, refuse_no_better
from twinlens.lab.fit.graph import OUTPUT, check_base, with_head
from twinlens.lab.fit.head import Head
from twinlens.lab.fit.material import Comparisons, Material, parted
from twinlens.lab.fit.saving import About, save_fit
from twinlens.lab.fit.training import PLANS, train_head
from twinlens.lab.fit.verdict import equal_error, judge
from twinlens.lab.fit.views import LENGTH, MirrorLens
from twinlens.recognizer import Recognizer
from twinlens.runtime import RuntimeOptions, installed_engines, load_network
from twinlens.types import Crop, Image
from twinlens.zoo import ModelCard, find_card, read_card
from twinlens.zoo.card import ModelFile

DIM = 16


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)  # tiny matrices: threads only wait for each other


def people_of(count: int = 80, photos: int = 6, *, nuisance: float, seed: int = 0) -> Material:
    """People in the first half of the numbers, whatever else is on a photo in four numbers of the other half."""
    rng = np.random.default_rng(seed)
    people = np.repeat(np.arange(count), photos)
    vectors = np.zeros((2, people.size, DIM), np.float32)
    vectors[:, :, : DIM // 2] = rng.normal(size=(count, DIM // 2))[people]
    vectors += 0.25 * rng.normal(size=vectors.shape)
    vectors[:, :, DIM // 2 : DIM // 2 + 4] += nuisance * rng.normal(size=(people.size, 4))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    both = np.concatenate(list(vectors), axis=1).astype(np.float32)
    return Material(both, people.astype(np.int64), tuple(f"p{k}" for k in range(count)))


def listed(material: Material, seed: int = 0) -> Material:
    """The same, of unnamed people: every genuine pair and, within couples of people, as many others."""
    rng = np.random.default_rng(seed)
    left, right = np.triu_indices(material.people.size, 1)
    a, b = material.people[left], material.people[right]
    kept = (a == b) | ((a // 2 == b // 2) & (rng.random(a.size) < 0.4))
    pairs = Comparisons(left[kept].astype(np.int64), right[kept].astype(np.int64), (a == b)[kept])
    return dataclasses.replace(material, listed=pairs)


def test_a_head_that_helps_is_found_better_by_others() -> None:
    found = fit(people_of(nuisance=1.5), seed=0)
    assert found.verdict.better
    assert found.verdict.equal.after < 0.9 * found.verdict.equal.before
    assert found.trained + found.verdict.people == 80
    assert found.chosen.plan != "mirror"
    refuse_no_better(found)


@pytest.mark.slow
def test_where_nothing_is_to_be_gained_the_head_is_refused() -> None:
    found = fit(people_of(nuisance=0.0), seed=0)
    assert not found.verdict.better
    with pytest.raises(CalibrationError, match="not better beyond the interval on 20 held-out people"):
        refuse_no_better(found)


def test_pairs_of_unnamed_people_serve_too() -> None:
    """Only the listed pairs train; the head helps other people of the kind, all compared."""
    head = train_head(listed(people_of(nuisance=2.0)), PLANS["free"], seed=0)
    others = people_of(nuisance=2.0, seed=9)
    before, after = (equal_error(others, h, rng=np.random.default_rng(0)) for h in (Head.unchanged(DIM, 2), head))
    assert after < before - 0.01


def test_listed_pairs_alone_judge_unnamed_people() -> None:
    material = listed(people_of(30, nuisance=1.0))
    verdict = judge(material, Head.unchanged(DIM, 2), rng=np.random.default_rng(0), resamples=20)
    assert material.listed is not None
    assert verdict.genuine + verdict.impostors == material.listed.same.size


@pytest.mark.slow
def test_the_same_seed_gives_the_same_head() -> None:
    material = people_of(nuisance=1.0)
    one, other = (train_head(material, PLANS["free"], seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.weight, other.weight)
    assert not np.array_equal(one.weight, train_head(material, PLANS["free"], seed=4).weight)


@pytest.mark.slow
def test_a_held_head_moves_less() -> None:
    material = people_of(nuisance=1.5)
    start = Head.unchanged(DIM, 2).weight
    held, free = (float(((train_head(material, PLANS[n], seed=0).weight - start) ** 2).sum()) for n in ("held", "free"))
    assert 0 < held < free


def unsure(*, lengths: bool) -> Material:
    """People of whom every other photo is blurred: half of its numbers are drawn to a common stranger's."""
    sharp = people_of(nuisance=0.3)
    rng = np.random.default_rng(5)
    blurred = np.arange(sharp.people.size) % 2 == 1
    vectors = sharp.vectors.reshape(-1, 2, DIM).copy()
    noise = rng.normal(size=(int(blurred.sum()), 2, DIM)).astype(np.float32)
    vectors[blurred] += 0.5 * noise
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    long = np.where(blurred, 5.0, 10.0) * rng.uniform(0.9, 1.1, blurred.size)
    return dataclasses.replace(
        sharp, vectors=vectors.reshape(-1, 2 * DIM), lengths=long.astype(np.float32) if lengths else None
    )


def test_of_unsure_photos_less_likeness_is_asked() -> None:
    """Where short vectors are unlike their mates, the exponent is above 0 and other people are told apart better."""
    head = train_head(unsure(lengths=True), PLANS["certainty"], seed=0)
    assert head.certainty is not None
    assert head.certainty.exponent > 0.1
    assert head.dim == DIM + 1
    fresh = unsure(lengths=True)
    with_it, without = (
        equal_error(fresh, one, rng=np.random.default_rng(1))
        for one in (head, dataclasses.replace(head, certainty=None))
    )
    assert with_it < 0.97 * without
    short, long = head.certainty.column(np.array([5.0, 10.0], np.float32))[:, 0]
    assert short > long


def test_lengths_that_say_nothing_are_left_out() -> None:
    assert train_head(unsure(lengths=False), PLANS["certainty"], seed=0).certainty is None
    alike = dataclasses.replace(unsure(lengths=True), lengths=np.full(480, 7.0, np.float32))
    assert train_head(alike, PLANS["certainty"], seed=0).certainty is None
    backwards = unsure(lengths=True)
    assert backwards.lengths is not None
    backwards = dataclasses.replace(backwards, lengths=1 / backwards.lengths)
    assert train_head(backwards, PLANS["certainty"], seed=0).certainty is None


def test_photos_beyond_those_of_training_gain_nothing_by_it() -> None:
    rule = Certainty(1.0, middle=10.0, lowest=5.0, highest=20.0, least=4.0)
    found = rule.column(np.array([0.01, 3.9, 4.0, 5.0, 10.0, 20.0, 900.0], np.float32))[:, 0]
    np.testing.assert_allclose(found, [0.5, 0.5, 1.0, 1.0, 0.5, 0.25, 0.25], rtol=1e-6)


def test_a_head_that_needs_lengths_says_so() -> None:
    head = some_head(DIM, 2, 0, certainty=RULES[1])
    with pytest.raises(OptionError, match="give lengths"):
        head.apply(np.ones((1, 2 * DIM), np.float32))
    assert not head.apply(np.zeros((1, 2 * DIM), np.float32), np.ones(1, np.float32)).any()
    for wrong in ({"exponent": 0.0}, {"middle": np.nan}, {"lowest": 30.0}, {"least": 6.0}):
        with pytest.raises(OptionError, match="astray"):
            dataclasses.replace(Certainty(1.0, 10.0, 5.0, 20.0), **wrong)


def test_nobody_is_in_both_parts_and_pairs_keep_people_together() -> None:
    numbered = dataclasses.replace(people_of(nuisance=0.5), lengths=np.arange(480, dtype=np.float32))
    for material in (numbered, listed(numbered)):
        kept, out = parted(material, 0.25, rng=np.random.default_rng(0))
        assert not set(kept.names) & set(out.names)
        assert set(kept.names) | set(out.names) == set(material.names)
        assert len(out.names) == 20
        for part in (kept, out):
            names = np.array([material.names[k] for k in material.people])
            rows = np.isin(names, part.names)
            np.testing.assert_array_equal(part.vectors, material.vectors[rows])
            assert material.lengths is not None
            np.testing.assert_array_equal(part.lengths, material.lengths[rows])
            assert [part.names[k] for k in part.people] == names[rows].tolist()
        if material.listed is not None and kept.listed is not None and out.listed is not None:
            assert kept.listed.same.size + out.listed.same.size == material.listed.same.size
            for part in (kept, out):
                assert part.listed is not None
                same = part.people[part.listed.left] == part.people[part.listed.right]
                np.testing.assert_array_equal(same, part.listed.same)


def test_error_rates_equal_plain_counting() -> None:
    """A loop over thresholds, each person's genuine pairs weighing 1 together, however many photos there are."""
    full = people_of(12, 5, nuisance=1.0)
    kept = np.random.default_rng(4).random(full.people.size) < 0.7
    material = listed(Material(full.vectors[kept], full.people[kept], full.names))
    verdict = judge(material, Head.unchanged(DIM, 2), rng=np.random.default_rng(0), resamples=20)
    pairs = material.listed
    assert pairs is not None
    who = material.people[pairs.left]
    mates = np.bincount(who[pairs.same], minlength=12)
    assert len(set(mates[mates > 0])) > 1
    for compared, vectors in (
        (verdict.equal.before, material.vectors[:, :DIM]),
        (verdict.equal.after, Head.unchanged(DIM, 2).apply(material.vectors)),
    ):
        scores = np.einsum("ij,ij->i", vectors[pairs.left], vectors[pairs.right])
        genuine, impostor, weights = scores[pairs.same], scores[~pairs.same], 1 / mates[who[pairs.same]]
        rates = [(weights[genuine <= t].sum() / weights.sum(), (impostor > t).mean()) for t in np.sort(scores)]
        fnmr, fmr = next(rate for rate in rates if rate[0] >= rate[1])
        assert compared == pytest.approx((fnmr + fmr) / 2, abs=1e-9)


def test_unchanged_heads_change_nothing() -> None:
    material = people_of(5, 3, nuisance=0.5)
    np.testing.assert_allclose(
        Head.unchanged(DIM, 1).apply(np.ascontiguousarray(material.vectors[:, :DIM])),
        material.vectors[:, :DIM],
        atol=1e-6,
    )
    mean = material.vectors[:, :DIM] + material.vectors[:, DIM:]
    wanted = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    np.testing.assert_allclose(Head.unchanged(DIM, 2).apply(material.vectors), wanted, atol=1e-6)
    assert not Head.unchanged(DIM, 2).apply(np.zeros((1, 2 * DIM), np.float32)).any()


def test_impossible_heads_are_refused() -> None:
    plain = Head.unchanged(DIM, 2)
    with pytest.raises(OptionError, match="1 or 2 views"):
        dataclasses.replace(plain, views=3)
    with pytest.raises(OptionError, match="astray"):
        dataclasses.replace(plain, bias=np.full(DIM, np.nan, np.float32))


def some_head(dim: int, views: int, hidden: int, seed: int = 0, certainty: Certainty | None = None) -> Head:
    rng = np.random.default_rng(seed)
    shapes = {"weight": (dim * views, dim), "bias": (dim,), "into": (dim * views, hidden), "into_bias": (hidden,)}
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return Head(views, **arrays, out=rng.normal(size=(hidden, dim)).astype(np.float32), certainty=certainty)


def little_base(path: Path) -> Path:
    """Write a network: differences between a crop's left and right half, and its channels, to DIM numbers."""
    rng = np.random.default_rng(1)
    weight = (rng.normal(size=(3 * 14 * 14, DIM)) / 255).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["data"], ["pooled"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["answer"]),
    ]
    graph = helper.make_graph(
        nodes,
        "base",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["batch", 3, 112, 112])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["batch", DIM])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


RULES = (None, Certainty(0.7, middle=40.0, lowest=36.0, highest=45.0, least=35.0))
KINDS = ((1, 0, None), (2, 5, None), (2, 0, None), (1, 5, RULES[1]), (2, 0, RULES[1]))


@pytest.mark.parametrize(("engine", "kind"), list(itertools.product(installed_engines(), KINDS)))
def test_the_graph_answers_as_numpy_does(tmp_path: Path, engine: str, kind: tuple[int, int, Certainty | None]) -> None:
    views, hidden, rule = kind
    base = little_base(tmp_path / "base.onnx")
    head = some_head(DIM, views, hidden, certainty=rule)
    (tmp_path / "fitted.onnx").write_bytes(with_head(base, head))
    options = RuntimeOptions(engine=engine)  # type: ignore[arg-type]
    plain, fitted = (load_network(tmp_path / f"{name}.onnx", options) for name in ("base", "fitted"))
    rng = np.random.default_rng(2)
    for count in (1, 5):
        faint = np.linspace(0.7, 1, count)[:, None, None, None]
        crops = (faint * rng.uniform(0, 255, (count, 3, 112, 112))).astype(np.float32)
        vectors, lengths = [], []
        for part in (crops, np.ascontiguousarray(crops[..., ::-1]))[:views]:
            answer = plain.run(part)["answer"]
            lengths.append(np.linalg.norm(answer, axis=1))
            vectors.append(answer / lengths[-1][:, None])
        found = fitted.run(crops)[OUTPUT]
        found = found / np.linalg.norm(found, axis=1, keepdims=True)
        mean = np.prod(lengths, axis=0) ** (1 / views)
        if rule is not None and count > 1:  # neither end, nor the middle alone, is tried
            assert mean.min() < rule.least < rule.middle < rule.highest < mean.max()
            assert ((mean > rule.least) & (mean < rule.highest)).any()
        np.testing.assert_allclose(found, head.apply(np.concatenate(vectors, axis=1), mean), atol=1e-5)


def test_a_head_on_a_head_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fitted.onnx").write_bytes(with_head(little_base(tmp_path / "base.onnx"), some_head(DIM, 2, 0)))
    with pytest.raises(ModelError, match="fit on the model under it"):
        check_base(tmp_path / "fitted.onnx", output=OUTPUT)


@pytest.mark.slow
def test_lengths_can_be_left_out_of_all_plans() -> None:
    chosen = choose_head(unsure(lengths=True), seed=0, certainty=False)
    assert chosen.head.certainty is None
    assert set(chosen.rates) == {"mirror", "held", "free"}


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_bytes(b"not a network at all")
    with pytest.raises(ModelError, match="wanted an ONNX file"):
        with_head(tmp_path / "text.onnx", some_head(DIM, 2, 0))
    with pytest.raises(ModelError, match="the output 'other'"):
        with_head(little_base(tmp_path / "base.onnx"), some_head(DIM, 2, 0), output="other")


@pytest.mark.slow
def test_a_saved_fit_is_a_model_that_every_engine_answers_alike(tmp_path: Path) -> None:
    """On the real default model: the card's golden values are made by its own file and numpy."""
    dim = 128
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(40), 4)
    vectors = np.repeat(rng.normal(size=(40, dim)), 4, axis=0) + 0.7 * rng.normal(size=(160, dim))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    found = fit(Material(np.tile(vectors, 2), people, tuple(map(str, range(40)))), seed=0)
    found = dataclasses.replace(found, chosen=dataclasses.replace(found.chosen, head=some_head(dim, 2, 0)))
    about = About("mine", "forty people", "", "twinlens fit")
    path = save_fit(found, find_card("sface"), about, tmp_path)
    card = read_card(path)
    assert card.name == "mine"
    assert "forty people" in card.training_data
    for engine in installed_engines():
        error = golden_error(load_embedder(str(path), RuntimeOptions(engine=engine)))
        assert error is not None
        assert error < 1e-4
    with pytest.raises(ModelError, match="taken"):
        save_fit(found, find_card("sface"), about, tmp_path)
    save_fit(found, find_card("sface"), about, tmp_path, replace_old=True)


def test_wrong_preprocessing_would_be_seen(tmp_path: Path) -> None:
    """A base that wants -1 to 1 keeps its [input] table under the head: crop and mirror image both pass through it."""
    base = little_base(tmp_path / "base.onnx")
    head = some_head(DIM, 2, 0)
    (tmp_path / "fitted.onnx").write_bytes(with_head(base, head))
    spec = dataclasses.replace(find_card("sface").input, mean=127.5, scale=1 / 127.5, colour="bgr", output="")
    file = ModelFile("base.onnx", "0" * 64, 1)
    card = ModelCard("b", "embedder", "", (file,), DIM, spec)
    rng = np.random.default_rng(3)
    crop = Crop(rng.integers(0, 256, (112, 112, 3), np.uint8))
    mirrored = Crop(np.ascontiguousarray(crop.pixels[:, ::-1]))
    plain = OnnxEmbedder(card, load_network(base))
    fitted = OnnxEmbedder(card, load_network(tmp_path / "fitted.onnx"))
    both = np.concatenate([one.vector for one in plain.embed([crop, mirrored])])[None]
    np.testing.assert_allclose(fitted.embed([crop])[0].vector, head.apply(both)[0], atol=1e-5)


def test_the_lens_sees_both_sides_and_how_sure_the_network_is(tmp_path: Path, astronaut: Image) -> None:
    photos = [tmp_path / name for name in ("face.png", "nobody.png", "broken.png")]
    PIL.Image.fromarray(np.asarray(astronaut.pixels)).save(photos[0])
    PIL.Image.new("RGB", (200, 200), "grey").save(photos[1])
    photos[2].write_bytes(b"no picture")
    with Recognizer.default() as recognizer:
        seen = MirrorLens(recognizer, detector="d", engine="e").look(photos)
        portrait = recognizer.examine(photos[0]).portraits[0]
        embedder = recognizer.embedder
        assert isinstance(embedder, OnnxEmbedder)
        sides = [portrait.crop, Crop(np.ascontiguousarray(portrait.crop.pixels[:, ::-1]))]
        vectors = np.concatenate([one.vector for one in embedder.embed(sides)]) / np.sqrt(2)
        lengths = np.linalg.norm(embedder.answers(sides), axis=1)
    assert seen[0].vector is not None
    np.testing.assert_allclose(seen[0].vector, vectors, atol=1e-5)
    assert seen[0].measures[LENGTH] == pytest.approx(np.sqrt(lengths[0] * lengths[1]), rel=1e-4)
    assert [view.vector for view in seen[1:]] == [None, None]
    assert seen[1].fault == NO_FACE
    assert seen[2].fault.startswith(UNREADABLE)


def test_too_few_people_are_refused(tmp_path: Path) -> None:
    from twinlens.datasets.records import Dataset, Photo, Split
    from twinlens.evaluate.sight import Seen
    from twinlens.lab.fit.material import material_of

    photos = tuple(Photo(f"p{k // 2}", tmp_path / f"{k}.jpg") for k in range(12))
    seen = Seen(
        photos,
        {photo: row for row, photo in enumerate(photos)},
        np.ones((12, 4), np.float32),
        np.ones(12, np.bool_),
        ("",) * 12,
        {},
        0.0,
        0.0,
        12,
    )
    with pytest.raises(DatasetError, match=r"at least 20 people with two photos or more .* got 5 "):
        material_of(Dataset("few", tmp_path, {"all": Split("all", photos)}), seen, without=["p3"])
