"""When two names are one, and what is no name at all."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, strategies as st

from twinlens.evaluate.leakage.names import akin_names, is_name, name_key, person_key, same_names

LETTERS = st.text(st.characters(categories=["Lu", "Ll"], max_codepoint=0x17F), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("George_W_Bush", "george w. bush"),
        ("José Luis Rodríguez", "Jose_Luis_Rodriguez"),
        ("Choi_Sung-hong", "choi sung hong"),
        ("O'Brien, Pat", "obrien pat"),
        ("Lech Wałęsa", "Lech_Walesa"),
        ("Søren", "soren"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER A}nn", "ann"),
        ("Strauß", "STRAUSS"),
        ("  Ann   Lee ", "Ann_Lee"),
    ],
)
def test_one_name_however_it_is_written(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Ann Lee", "Anna Lee"), ("Ann", "Ann Lee"), ("王伟", "王芳"), ("!!!", "???"), ("A B", "AB")]
)
def test_two_names_stay_two(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@given(st.lists(LETTERS, min_size=1, max_size=4), st.sampled_from([" ", "_", "-", ". ", "  "]))
def test_case_accents_and_separators_do_not_count(words: list[str], separator: str) -> None:
    plain = " ".join(words)
    assert name_key(separator.join(words)) == name_key(plain)
    assert name_key(unicodedata.normalize("NFD", plain)) == name_key(plain)
    assert name_key(name_key(plain)) == name_key(plain)


@pytest.mark.parametrize("label", ["s1", "001", "person 3", "/photos/a.jpg", "..", "", "n000012"])
def test_numbers_and_paths_are_not_names(label: str) -> None:
    assert not is_name(label)
    assert person_key(label) == label


def test_numbers_mean_the_same_only_within_a_data_set() -> None:
    assert same_names({"s1", "Ann Lee"}, {"s1", "ann_lee"}, across=True) == [("Ann Lee", "ann_lee")]
    assert same_names({"s1", "Ann Lee"}, {"s1", "ann_lee"}, across=False) == [("Ann Lee", "ann_lee"), ("s1", "s1")]


def test_names_that_are_nearly_one_are_said_but_not_counted_as_one() -> None:
    first, second = {"Choi_Sung-hong", "Robin_Williams", "Ann"}, {"Sung_Hong_Choi", "Robin M Williams", "Ann"}
    assert akin_names(first, second) == [("Choi_Sung-hong", "Sung_Hong_Choi"), ("Robin_Williams", "Robin M Williams")]
    assert same_names(first, second, across=True) == [("Ann", "Ann")]
