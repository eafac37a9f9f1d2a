"""One subject a face, the most certain first."""

from __future__ import annotations

from hypothesis import given, strategies as st

from twinlens.recognizer.identification import assign
from twinlens.types import Match


def match(subject: str, score: float) -> Match:
    return Match(subject, score, None, 1)


def test_nobody_appears_twice_in_one_photo() -> None:
    found = [[match("a", 0.7), match("b", 0.5)], [match("a", 0.9), match("c", 0.4)]]
    given_ = assign(found, 0.45)
    assert [m.subject if m else None for m in given_] == ["b", "a"]


def test_below_the_threshold_is_unknown() -> None:
    assert assign([[match("a", 0.44)], []], 0.45) == [None, None]


@given(
    st.lists(st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1), max_size=4), max_size=6),
    st.floats(0, 1),
)
def test_always_a_matching_of_accepted_pairs(offers: list[dict[str, float]], threshold: float) -> None:
    found = [[match(s, v) for s, v in sorted(o.items(), key=lambda item: -item[1])] for o in offers]
    given_ = assign(found, threshold)
    names = [m.subject for m in given_ if m]
    assert len(names) == len(set(names))
    assert all(m is None or (m.score >= threshold and m in found[i]) for i, m in enumerate(given_))
    for i, m in enumerate(given_):  # nobody free and good enough was left out
        if m is None:
            assert all(c.score < threshold or c.subject in names for c in found[i])
