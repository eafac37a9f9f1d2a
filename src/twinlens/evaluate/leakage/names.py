"""Names as data sets write them -> one key a person: case, accents and separators do not count.

Matching Unicode letters without their marks: Unicode Standard Annex 15 (NFKD), case folding section 3.13. A label with
a digit in it (``s1``, ``person 3``) or a path is a number, not a name: it says nothing outside of its own data set.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping

# Latin letters that do not decompose into a letter and a mark
_WHOLE = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "ß": "ss",
    }
)
_WORD = re.compile(r"\w+")


def words_of(name: str) -> tuple[str, ...]:
    """Return a name's words in lower case without accents: ``José_Luis-Ruiz`` and ``jose luis ruiz`` are alike."""
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter)).translate(_WHOLE)
    return tuple(_WORD.findall(re.sub("['\N{RIGHT SINGLE QUOTATION MARK}`]", "", bare).replace("_", " ")))


def name_key(name: str) -> str:
    """Return what is equal for one name however it is written; a name of no letters at all stays as it is."""
    return " ".join(words_of(name)) or name


def is_name(name: str) -> bool:
    """Return whether this names a person beyond its own data set."""
    return bool(words_of(name)) and not any(c.isdigit() or c in "/\\" for c in name)


def person_key(name: str) -> str:
    """Return what is equal for one person within a data set: numbers and paths are compared as they are."""
    return name_key(name) if is_name(name) else name


def same_names(first: Collection[str], second: Collection[str], *, across: bool) -> list[tuple[str, str]]:
    """Return people of two parts who have one name, as each part writes it, by alphabet.

    Args:
        first: subjects of a part.
        second: of another.
        across: the parts are of different data sets, where numbers mean different people.
    """
    theirs = _keyed(second, across=across)
    return sorted((name, theirs[key]) for key, name in _keyed(first, across=across).items() if key in theirs)


def akin_names(first: Collection[str], second: Collection[str]) -> list[tuple[str, str]]:
    """Return people who may be one: the words in another order (``Choi_Sung-hong``), or words between left out.

    They may as well be two people (``George Bush``, ``George W Bush``); a reader decides.
    """
    near: dict[tuple[str, ...], list[str]] = {}
    for name in second:
        for sign in _signs(name):
            near.setdefault(sign, []).append(name)
    found = {(mine, theirs) for mine in first for sign in _signs(mine) for theirs in near.get(sign, [])}
    return sorted((mine, theirs) for mine, theirs in found if name_key(mine) != name_key(theirs))


def _signs(name: str) -> list[tuple[str, ...]]:
    """Return what is equal for names that are nearly one."""
    words = words_of(name)
    if not is_name(name) or len(words) < 2:
        return []
    return [("in any order", *sorted(words)), ("first and last", words[0], words[-1])]


def _keyed(names: Collection[str], *, across: bool) -> Mapping[str, str]:
    return {person_key(name): name for name in sorted(names) if is_name(name) or not across}
