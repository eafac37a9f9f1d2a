"""Whatever the data set, thresholds never come from the people they are tested on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st
from tests.evaluate.people import folder_of, paired, photo, ten_folds, two_parts

from twinlens.datasets.records import Dataset, Pair, Split
from twinlens.errors import DatasetError
from twinlens.evaluate.plan import make_plan
from twinlens.evaluate.quick import quick_look


@pytest.mark.parametrize("dataset", [two_parts(), ten_folds(), folder_of(12, 3)])
@pytest.mark.parametrize("all_pairs", [False, True])
def test_nobody_chooses_and_is_tested(dataset: Dataset, all_pairs: bool) -> None:
    for round_ in make_plan(dataset, all_pairs=all_pairs).rounds:
        assert round_.choose is not None
        assert not round_.choose.people & round_.test.people


@settings(max_examples=20)
@given(st.integers(10, 40), st.integers(0, 5))
def test_a_folder_of_people_is_divided_by_person(people: int, seed: int) -> None:
    (round_,) = make_plan(folder_of(people, 2), seed=seed).rounds
    assert round_.choose is not None
    assert round_.choose.people.isdisjoint(round_.test.people)
    assert len(round_.choose.people | round_.test.people) == people


def test_a_list_of_pairs_is_divided_into_folds_that_share_nobody_and_test_every_pair_once() -> None:
    whole = Dataset("pairs", two_parts().root, {"all": paired(range(200), 60, name="all")})
    plan = make_plan(whole)
    tested = [pair for round_ in plan.rounds for pair in round_.test.pairs]
    assert plan.folds
    assert sorted(map(str, tested)) == sorted(map(str, whole.split("all").pairs))
    for round_ in plan.rounds:
        assert round_.choose is not None
        assert not round_.choose.people & round_.test.people


def test_each_fold_is_tested_with_what_the_nine_others_chose() -> None:
    plan = make_plan(ten_folds())
    assert [round_.test.name for round_ in plan.rounds] == [f"{n:02d}" for n in range(1, 11)]
    for round_ in plan.rounds:
        assert round_.choose is not None
        assert len(round_.choose.pairs) == 9 * len(round_.test.pairs)


def test_with_the_cards_thresholds_everybody_is_tested() -> None:
    (round_,) = make_plan(folder_of(4, 3), card_thresholds=True).rounds
    assert round_.choose is None
    assert len(round_.test.people) == 4


def test_the_validation_part_chooses_where_there_is_one() -> None:
    dataset = two_parts()
    splits = {**dataset.splits, "validation": paired(range(200, 230), 20, name="validation")}
    plan = make_plan(Dataset("three", dataset.root, splits))
    assert plan.rounds[0].choose is not None
    assert plan.rounds[0].choose.name == "validation"


def test_too_few_people_to_divide_are_refused_with_what_to_do() -> None:
    with pytest.raises(DatasetError, match=r"5 people.*--thresholds card"):
        make_plan(folder_of(5, 4))


def test_one_photo_a_person_makes_no_genuine_pairs() -> None:
    with pytest.raises(DatasetError, match="no pairs of both kinds"):
        make_plan(folder_of(12, 1))


def test_a_part_of_one_kind_of_pair_is_refused() -> None:
    dataset = two_parts()
    same = tuple(pair for pair in dataset.split("test").pairs if pair.same)
    with pytest.raises(DatasetError, match=r"'test'.*both kinds"):
        make_plan(Dataset("half", dataset.root, {**dataset.splits, "test": Split.of_pairs("test", same)}))


def test_a_quick_look_keeps_both_kinds_of_pairs() -> None:
    small = quick_look(two_parts(), 5).split("test").counts
    assert (small.same, small.different) == (5, 5)
    assert quick_look(folder_of(12, 3), 4).split("all").counts.people == 4


def test_pairs_that_tie_everybody_together_are_refused_by_that_reason() -> None:
    """Twenty people, each paired with the next: no fold of them shares nobody with the others."""
    ring = [(photo(n, 1), photo((n + 1) % 20, 1), False) for n in range(20)]
    own = [(photo(n, 1), photo(n, 2), True) for n in range(20)]
    split = Split.of_pairs("all", [Pair(a, b, same=same) for a, b, same in [*ring, *own]])
    whole = Dataset("pairs", two_parts().root, {"all": split})
    with pytest.raises(DatasetError, match=r"tie 20 of 20 people together.*--all-pairs.*--thresholds card"):
        make_plan(whole)
    with pytest.raises(DatasetError, match=r"share nobody: take the thresholds of the model's card"):
        make_plan(replace(whole, inferred_people=True))
    assert make_plan(whole, all_pairs=True).rounds
    assert make_plan(whole, card_thresholds=True).rounds
