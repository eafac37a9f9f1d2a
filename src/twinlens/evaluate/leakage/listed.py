"""Listed pairs -> those listed twice, in one part or in two, and those whose answers contradict one another.

Pairs are compared by what their photos hold: two pairs of byte-identical files are one pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from twinlens.datasets.records import Pair, Split
from twinlens.evaluate.leakage.entries import below, common_folder
from twinlens.evaluate.leakage.files import Contents
from twinlens.evaluate.leakage.findings import SHOWN, Example, Finding, Kind, Thing, counted, pairs_of_parts, places_of

Key = frozenset[Path]


@dataclass(frozen=True, slots=True)
class _Listing:
    part: str
    pair: Pair


def check_pairs(parts: Mapping[str, Split], contents: Contents) -> list[Finding]:
    """Return what is wrong with the lists.

    Args:
        parts: by name.
        contents: of the photos' files, as far as they were read.
    """
    listed: dict[Key, list[_Listing]] = {}
    for name, split in parts.items():
        for pair in split.pairs:
            key = frozenset(contents.first(photo.path) for photo in (pair.first, pair.second))
            listed.setdefault(key, []).append(_Listing(name, pair))
    if not listed:
        return []
    folder = common_folder(photo.path for split in parts.values() for photo in split.photos)
    holds = {name: len(split.pairs) for name, split in parts.items()}
    repeated = {key: group for key, group in listed.items() if len(group) > 1}
    return [
        _between(repeated, holds, folder),
        _inside(repeated, holds, folder),
        _contradicting(repeated, holds, folder),
        *_with_itself(parts, contents, holds, folder),
    ]


def _between(repeated: Mapping[Key, list[_Listing]], holds: Mapping[str, int], folder: Path | None) -> Finding:
    groups = [group for group in repeated.values() if len({one.part for one in group}) > 1]
    places = [pair for group in groups for pair in pairs_of_parts(dict.fromkeys(one.part for one in group))]
    examples = [_example(group[0], next(one for one in group if one.part != group[0].part), folder) for group in groups]
    text = f"{counted(len(groups), 'pair is')} listed in two parts" if groups else "no pair is listed in two parts"
    return Finding(
        "pair",
        False,
        "leak" if groups else "clean",
        len(groups),
        text,
        places_of(places, holds),
        tuple(examples[:SHOWN]),
    )


def _inside(repeated: Mapping[Key, list[_Listing]], holds: Mapping[str, int], folder: Path | None) -> Finding:
    found: list[tuple[str, str]] = []
    examples: list[Example] = []
    other_files = 0
    for group in repeated.values():
        first: dict[tuple[str, bool], _Listing] = {}
        for one in group:
            before = first.setdefault((one.part, one.pair.same), one)
            if before is not one:
                found.append((one.part, one.part))
                other = _files(before.pair) != _files(one.pair)
                other_files += other
                examples.append(_example(before, one, folder, "byte-identical photos" if other else ""))
    if not found:
        return Finding("pair", True, "clean", 0, "no pair is listed twice in a part")
    text = f"{counted(len(found), 'pair is')} listed twice in a part"
    if other_files:
        text += f" ({other_files:,} of them under other file names: their photos are byte-identical)"
    return Finding("pair", True, "note", len(found), text, places_of(found, holds), tuple(examples[:SHOWN]))


def _contradicting(repeated: Mapping[Key, list[_Listing]], holds: Mapping[str, int], folder: Path | None) -> Finding:
    found: list[tuple[str, str]] = []
    examples: list[Example] = []
    for group in repeated.values():
        same = next((one for one in group if one.pair.same), None)
        different = next((one for one in group if not one.pair.same), None)
        if same is not None and different is not None:
            first, second = sorted((same, different), key=group.index)
            found.append((first.part, second.part))
            answers = ["the same" if one.pair.same else "different" for one in (first, second)]
            examples.append(_example(first, second, folder, f"said to be {answers[0]}, then {answers[1]}"))
    if not found:
        return Finding("label", True, "clean", 0, "no pair is listed with both answers")
    text = f"{counted(len(found), 'pair is')} listed with both answers, of which one is wrong"
    return Finding("label", True, "note", len(found), text, places_of(found, holds), tuple(examples[:SHOWN]))


def _with_itself(
    parts: Mapping[str, Split], contents: Contents, holds: Mapping[str, int], folder: Path | None
) -> list[Finding]:
    """Return pairs whose two photos are one picture: a network has nothing to answer there."""
    alike = {frozenset((copy.first, copy.second)): copy.alike for copy in contents.copies}
    told: dict[bool, list[tuple[float, _Listing]]] = {True: [], False: []}
    for name, split in parts.items():
        for pair in split.pairs:
            key = frozenset((contents.first(pair.first.path), contents.first(pair.second.path)))
            if len(key) == 1 or key in alike:
                told[pair.same].append((alike.get(key, 1.0), _Listing(name, pair)))
    findings = []
    kinds: tuple[tuple[bool, Kind, str], ...] = (
        (True, "pair", "compares a photo with a copy of it: too easy a question"),
        (False, "label", "of two people compares a photo with a copy of it: a name is wrong"),
    )
    for same, kind, text in kinds:
        found = sorted(told[same], key=lambda one: -one[0])
        if found:
            examples = tuple(_copied(one, alike, folder) for alike, one in found[:SHOWN])
            places = places_of([(one.part, one.part) for _, one in found], holds)
            verb = text if len(found) == 1 else text.replace("compares a photo", "compare a photo")
            said = f"{counted(len(found), 'pair')} {verb}"
            findings.append(Finding(kind, True, "note", len(found), said, places, examples))
    return findings


def _copied(one: _Listing, alike: float, folder: Path | None) -> Example:
    first, second = (
        Thing(one.part, photo.subject, below(photo.path, folder)) for photo in (one.pair.first, one.pair.second)
    )
    return Example(first, second, None if alike == 1.0 else alike)


def _files(pair: Pair) -> Key:
    return frozenset((pair.first.path, pair.second.path))


def _example(first: _Listing, second: _Listing, folder: Path | None, note: str = "") -> Example:
    return Example(_thing(first, folder), _thing(second, folder), note=note)


def _thing(one: _Listing, folder: Path | None) -> Thing:
    photos = (one.pair.first, one.pair.second)
    subjects = dict.fromkeys(photo.subject for photo in photos)
    return Thing(one.part, " and ".join(subjects), " with ".join(below(photo.path, folder) for photo in photos))
