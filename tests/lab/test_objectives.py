"""Losses against plain loops, PyTorch's own and pytorch-metric-learning's; both conventions of labels by name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_metric_learning import losses
from tests.lab.parts import Table, a_recipe, seeded
from torch import Tensor, nn

from twinlens.errors import RecipeError
from twinlens.lab.batch import Batch
from twinlens.lab.objectives import OBJECTIVES, Objective, build_objective
from twinlens.lab.recipe import Recipe
from twinlens.lab.siamese import Siamese, build_siamese

PADDED = {"name": "padded", "filters": [1], "dense": [4], "dim": 6}
PEOPLE = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
SAME = torch.tensor([True, False, True, False, True])


def a_batch() -> Batch:
    left, right = torch.tensor([0, 0, 2, 3, 4]), torch.tensor([1, 2, 3, 7, 5])
    triplets = torch.tensor([[0, 1, 2], [3, 2, 7], [4, 5, 0]])
    return Batch(torch.zeros(8, 1, 16, 16), PEOPLE, left, right, SAME, triplets)


def vectors() -> Tensor:
    return torch.randn(8, 6, generator=seeded(5))


def recipe_of_loss(name: str, head: str = "cosine", head_options: Table | None = None, **others: Any) -> Recipe:
    miner = others.pop("miner", {"name": "none"})
    options = head_options or {}
    return a_recipe(PADDED, {"name": head, **options}, {"name": name, **others}, size=16, miner=miner)


def built(
    name: str, head: str = "cosine", head_options: Table | None = None, **others: Any
) -> tuple[Siamese, Objective]:
    recipe = recipe_of_loss(name, head, head_options, **others)
    return build_siamese(recipe, generator=seeded()).eval(), build_objective(recipe, 6, 4, generator=seeded())


def cost(name: str, head: str = "cosine", head_options: Table | None = None, **others: Any) -> float:
    siamese, objective = built(name, head, head_options, **others)
    return float(objective(siamese, vectors(), a_batch()).item())


@pytest.mark.parametrize("says", ["same", "different"])
def test_bce_in_both_conventions(says: str) -> None:
    siamese, objective = built("bce", "weighted-l1", {"says": says, "init": "koch"})
    batch, embeddings = a_batch(), vectors()
    raw = siamese.head(embeddings[batch.left], embeddings[batch.right]).tolist()
    total = 0.0
    for value, same in zip(raw, SAME.tolist(), strict=True):
        label = int(same) if says == "same" else int(not same)  # 000 and 003: 1 = same; 004: 1 = different
        p = 1 / (1 + math.exp(-value))
        total += -label * math.log(p) - (1 - label) * math.log(1 - p)
    assert objective(siamese, embeddings, batch).item() == pytest.approx(total / 5, abs=1e-5)


@pytest.mark.parametrize(("margin", "halves"), [(0.5, True), (0.5, False), (4.0, True)])
def test_contrastive_in_both_conventions(margin: float, halves: bool) -> None:
    batch, embeddings = a_batch(), vectors().numpy().astype(np.float64)
    report, harveyslash = 0.0, 0.0
    for left, right, same in zip(batch.left.tolist(), batch.right.tolist(), SAME.tolist(), strict=True):
        distance = math.sqrt(sum((embeddings[left] - embeddings[right]) ** 2))
        one_is_same = int(same)
        report += one_is_same / 2 * distance**2 + (1 - one_is_same) / 2 * max(margin - distance, 0) ** 2
        one_is_different = int(not same)
        harveyslash += (1 - one_is_different) * distance**2 + one_is_different * max(margin - distance, 0) ** 2
    wanted = (report if halves else harveyslash) / 5
    assert cost("contrastive", "euclidean", margin=margin, halves=halves) == pytest.approx(wanted, rel=1e-5)


def test_the_margin_of_the_loss_is_where_a_distance_decides() -> None:
    assert built("contrastive", "euclidean", margin=0.5)[0].head.half == -0.5
    assert built("contrastive", "euclidean")[0].head.half == -1.0
    assert built("contrastive", "euclidean", {"threshold": 0.3}, margin=2.0)[0].head.half == -0.3
    assert built("bce", "weighted-l1")[0].head.half == 0.5


@pytest.mark.parametrize("head", ["cosine", "euclidean"])
def test_cosine_embedding_is_pytorch_s(head: str) -> None:
    batch, embeddings = a_batch(), vectors()
    label = torch.where(SAME, 1, -1)
    theirs = nn.CosineEmbeddingLoss(margin=0.1)(embeddings[batch.left], embeddings[batch.right], label)
    assert cost("cosine-embedding", head, margin=0.1) == pytest.approx(theirs.item(), abs=1e-6)


def test_cross_entropy_is_pytorch_s_with_class_1_same_and_bce_is_the_same_loss() -> None:
    siamese, objective = built("cross-entropy", "decision", {"hidden": [5]})
    batch, embeddings = a_batch(), vectors()
    logits = siamese.head(embeddings[batch.left], embeddings[batch.right])
    theirs = nn.CrossEntropyLoss()(logits, SAME.long()).item()
    assert objective(siamese, embeddings, batch).item() == pytest.approx(theirs, abs=1e-6)
    assert cost("bce", "decision", {"hidden": [5]}) == pytest.approx(theirs, abs=1e-6)
    assert cost("cross-entropy", "weighted-l1") == pytest.approx(cost("bce", "weighted-l1"), abs=1e-6)


def test_triplets_are_pytorch_s() -> None:
    batch, embeddings = a_batch(), vectors()
    anchors, positives, negatives = embeddings[batch.triplets].unbind(1)
    theirs = nn.TripletMarginLoss(margin=1.0, eps=0)(anchors, positives, negatives).item()
    assert cost("triplet", distance="euclidean") == pytest.approx(theirs, abs=1e-5)
    unit = [nn.functional.normalize(one) for one in (anchors, positives, negatives)]
    theirs = nn.TripletMarginLoss(margin=1.0, eps=0)(*unit).item()
    assert cost("triplet") == pytest.approx(theirs, abs=1e-5)
    assert cost("triplet", "euclidean", {"unit_length": True}, distance="head") == pytest.approx(theirs, abs=1e-5)
    squared = cost("triplet", distance="squared", margin=0.0)
    assert squared == pytest.approx(2 * cost("triplet", distance="cosine", margin=0.0), abs=1e-5)


def test_batch_hard_in_a_loop() -> None:
    x = vectors().numpy().astype(np.float64)
    total = 0.0
    for anchor in range(8):
        near = [math.dist(x[anchor], x[other]) for other in range(8) if PEOPLE[other] != PEOPLE[anchor]]
        far = [
            math.dist(x[anchor], x[other]) for other in range(8) if PEOPLE[other] == PEOPLE[anchor] and other != anchor
        ]
        total += max(0.0, max(far) - min(near) + 0.7)
    wanted = pytest.approx(total / 8, abs=1e-5)
    assert cost("batch-hard-triplet", margin=0.7, distance="euclidean") == wanted
    miner = {"name": "batch-hard", "distance": "euclidean"}
    assert cost("triplet", margin=0.7, distance="euclidean", miner=miner) == wanted


def test_semi_hard_in_a_loop() -> None:
    x = nn.functional.normalize(vectors()).numpy().astype(np.float64)
    costs = []
    for a, p, n in np.ndindex(8, 8, 8):
        if a != p and PEOPLE[a] == PEOPLE[p] and PEOPLE[a] != PEOPLE[n]:
            near, far = math.dist(x[a], x[p]), math.dist(x[a], x[n])
            if near < far <= near + 0.3:
                costs.append(near - far + 0.3)
    assert len(costs) > 3
    assert cost("semi-hard-triplet", margin=0.3) == pytest.approx(np.mean(costs), abs=1e-5)


def test_mined_pairs_reach_a_loss_on_pairs() -> None:
    siamese, objective = built("contrastive", "euclidean", miner={"name": "batch-hard", "distance": "euclidean"})
    assert objective.needs == "people"
    x, costs = vectors().numpy().astype(np.float64), []
    for a in range(8):
        costs.append(math.dist(x[a], x[a ^ 1]) ** 2)
        costs.append(max(0.0, 1 - min(math.dist(x[a], x[n]) for n in range(8) if n // 2 != a // 2)) ** 2)
    wanted = pytest.approx(np.mean(costs) / 2, rel=1e-5)
    assert objective(siamese, vectors(), a_batch()).item() == wanted


def test_supervised_contrastive_in_a_loop() -> None:
    x = nn.functional.normalize(vectors()).numpy().astype(np.float64)
    total = 0.0
    for a in range(8):
        others = [o for o in range(8) if o != a]
        below = sum(math.exp(x[a] @ x[o] / 0.2) for o in others)
        total -= math.log(math.exp(x[a] @ x[a ^ 1] / 0.2) / below)
    assert cost("supcon", temperature=0.2) == pytest.approx(total / 8, abs=1e-4)


def test_multi_similarity_in_a_loop() -> None:
    x = nn.functional.normalize(vectors()).numpy().astype(np.float64)
    total = 0.0
    for a in range(8):
        negatives = sum(math.exp(20 * (x[a] @ x[n] - 0.5)) for n in range(8) if n // 2 != a // 2)
        total += math.log(1 + math.exp(-2 * (x[a] @ x[a ^ 1] - 0.5))) / 2 + math.log(1 + negatives) / 20
    assert cost("multi-similarity", beta=20.0) == pytest.approx(total / 8, abs=1e-4)


@pytest.mark.parametrize("name", ["arcface", "cosface", "subcenter-arcface"])
def test_margins_in_a_loop(name: str) -> None:
    margins = {"arcface": 28.6, "cosface": 0.35, "subcenter-arcface": 28.6}
    siamese, objective = built(name, scale=16.0)
    (centres,) = objective.parameters()
    x = nn.functional.normalize(vectors()).numpy().astype(np.float64)
    c = nn.functional.normalize(centres.detach().T).numpy().astype(np.float64)
    total = 0.0
    for at, person in enumerate(PEOPLE.tolist()):
        cosines = (c @ x[at]).reshape(4, -1).max(1)
        if name == "cosface":
            cosines[person] -= margins[name]
        else:
            cosines[person] = math.cos(math.acos(cosines[person]) + math.radians(margins[name]))
        total -= math.log(math.exp(16 * cosines[person]) / sum(np.exp(16 * cosines)))
    assert objective(siamese, vectors(), a_batch()).item() == pytest.approx(total / 8, abs=1e-4)


def test_ours_on_every_triplet_is_pytorch_metric_learning_s() -> None:
    siamese, objective = built("triplet", distance="euclidean", margin=0.5, mean="nonzero")
    every = [t for t in np.ndindex(8, 8, 8) if t[0] != t[1] and t[0] // 2 == t[1] // 2 and t[0] // 2 != t[2] // 2]
    batch = a_batch()
    batch = Batch(batch.pictures, PEOPLE, batch.left, batch.right, SAME, torch.tensor(every))
    from pytorch_metric_learning.distances import LpDistance

    theirs = losses.TripletMarginLoss(0.5, distance=LpDistance(normalize_embeddings=False))(vectors(), PEOPLE)
    assert objective(siamese, vectors(), batch).item() == pytest.approx(theirs.item(), abs=1e-5)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradients_are_those_of_differences(name: str) -> None:
    head = "euclidean" if "contrastive" in name else "cosine"
    options: Any = {"scale": 8.0} if name.endswith("face") else {}
    siamese, objective = built(name, head, **options)
    embeddings = vectors().requires_grad_()
    objective(siamese, embeddings, a_batch()).backward()
    assert embeddings.grad is not None
    step = torch.randn(8, 6, generator=seeded(9)) * 2e-3
    with torch.no_grad():
        risen, fallen = (objective(siamese, embeddings + way * step, a_batch()).item() for way in (1, -1))
    assert risen - fallen == pytest.approx(2 * float((embeddings.grad * step).sum()), rel=0.03, abs=2e-5)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_order_of_a_batch_does_not_matter_and_bf16_is_widened(name: str) -> None:
    siamese, objective = built(name, "euclidean")
    batch, embeddings = a_batch(), vectors()
    turned, pairs = torch.randperm(8, generator=seeded(2)), torch.randperm(5, generator=seeded(3))
    place = turned.argsort()
    other = Batch(
        batch.pictures,
        PEOPLE[turned],
        place[batch.left][pairs],
        place[batch.right][pairs],
        SAME[pairs],
        place[batch.triplets].flip(0),
    )
    loss = objective(siamese, embeddings, batch)
    assert objective(siamese, embeddings[turned], other).allclose(loss, atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        low = objective(siamese, embeddings.bfloat16(), batch)
    assert low.dtype == torch.float32
    assert low.allclose(objective(siamese, embeddings.bfloat16().float(), batch))


@pytest.mark.parametrize(
    ("loss", "head", "options", "message"),
    [
        ("bcf", "cosine", {}, "no loss 'bcf'; did you mean 'bce'"),
        ("supcon", "weighted-l1", {}, "head 'weighted-l1' would stay as it was drawn: take cosine or euclidean"),
        ("triplet", "decision", {}, r"or loss\.distance = 'head'"),
        ("contrastive", "euclidean", {"margn": 1.0}, r"no key 'loss\.margn'; did you mean 'margin'"),
        ("bce", "cosine", {"miner": {"name": "hard"}}, "no miner 'hard'"),
    ],
)
def test_what_does_not_go_together_is_said(loss: str, head: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        build_objective(recipe_of_loss(loss, head, **options), 6, 4, generator=seeded())


def test_a_batch_that_lacks_what_is_needed_is_refused() -> None:
    batch = Batch.of_people(torch.zeros(8, 1, 16, 16), PEOPLE)
    for name, message in (("bce", "the batch lists none"), ("triplet", "looks at triplets")):
        siamese, objective = built(name)
        with pytest.raises(RecipeError, match=message):
            objective(siamese, vectors(), batch)
    pairs = a_batch()
    siamese, objective = built("supcon")
    with pytest.raises(RecipeError, match=r"data\.labels = 'names'"):
        objective(siamese, vectors(), Batch.of_pairs(pairs.pictures, pairs.left, pairs.right, pairs.same))
    with pytest.raises(RecipeError, match="centre for each person and needs at least 2, got 0"):
        build_objective(recipe_of_loss("arcface"), 6, 0, generator=seeded())


def test_what_each_loss_needs() -> None:
    needs = {name: built(name)[1].needs for name in OBJECTIVES}
    assert {name for name, need in needs.items() if need == "pairs"} == {
        "bce",
        "cross-entropy",
        "contrastive",
        "cosine-embedding",
    }
    assert needs["triplet"] == "triplets"
    assert needs["batch-hard-triplet"] == needs["arcface"] == "people"
