"""Parts of data -> Leakage: what training or choosing has already seen of those who are tested.

From certain to probable: the same name, the same file, the same bytes, the same pixels, the same picture changed, the
same face. Each kind tells only what the ones before it have not told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import combinations
from types import MappingProxyType
from typing import Literal

from twinlens.datasets.records import Split
from twinlens.evaluate.leakage.entries import Entries, Link, Wording, entries_of, pairwise_links, tell
from twinlens.evaluate.leakage.faces import Likeness, check_faces
from twinlens.evaluate.leakage.files import Contents, look_into, tell_contents
from twinlens.evaluate.leakage.findings import SHOWN, Example, Finding, Leakage, Place, Thing, counted, said
from twinlens.evaluate.leakage.listed import check_pairs
from twinlens.evaluate.leakage.names import akin_names, is_name, person_key, same_names

Depth = Literal["full", "names"]
Progress = Callable[[int, int], None]

FILE = Wording("file", "photo is listed", "photos are listed")


def check_leakage(
    parts: Mapping[str, Split],
    *,
    across: bool = False,
    depth: Depth = "full",
    listed: Mapping[str, Collection[str]] = MappingProxyType({}),
    likeness: Likeness | None = None,
    progress: Progress | None = None,
) -> Leakage:
    """Look for what parts share.

    Args:
        parts: by name; at least one.
        across: the parts are of different data sets, where numbers in place of names mean different people.
        depth: ``names`` looks at names and lists alone and opens no photo.
        listed: of a part, whom its makers' lists name, with or without photos here.
        likeness: embeddings, for people who occur under two names.
        progress: called with (done, of how many), starting anew for each kind of work.
    """
    entries = entries_of(parts, across=across)
    findings = [*_people(parts, listed, across=across), *tell(_listed_twice(entries), entries, FILE)]
    contents = look_into(entries.paths, progress) if depth == "full" else Contents()
    findings += tell_contents(contents, entries) if depth == "full" else []
    findings += check_pairs(parts, contents)
    if likeness is not None and len(parts) > 1:
        findings.append(check_faces(entries, likeness, progress))
    return Leakage(
        tuple(_placed(finding) for finding in findings),
        (*contents.unchecked, *_unread(depth), *_nameless(parts, across=across)),
        {name: split.counts.people for name, split in parts.items()},
        dict(entries.holds),
    )


def _placed(finding: Finding) -> Finding:
    """Return a finding whose text says where."""
    if not finding.found or not finding.places:
        return finding
    text = f"{finding.text}: {said(finding.places)}"
    return Finding(finding.kind, finding.inside, finding.level, finding.found, text, finding.places, finding.examples)


def _people(parts: Mapping[str, Split], listed: Mapping[str, Collection[str]], *, across: bool) -> list[Finding]:
    """Return people of one name in two parts, and people whose names are nearly one."""
    people = {name: split.people for name, split in parts.items()}
    places: list[Place] = []
    shared: dict[str, Example] = {}
    akin: list[Example] = []
    for first, second in combinations(parts, 2):
        same = same_names(people[first], people[second], across=across)
        places += [Place(first, second, len(same), len(people[first]), len(people[second]))] if same else []
        for mine, theirs in same:
            note = "" if mine == theirs else f"written {theirs}"
            shared.setdefault(person_key(mine), Example(Thing(first, mine), Thing(second, theirs), note=note))
        akin += [
            Example(Thing(first, mine), Thing(second, theirs), note="perhaps one person")
            for mine, theirs in akin_names(people[first], people[second])
        ]
    places.sort(key=lambda place: -place.found)
    total, examples = len(shared), tuple(shared.values())[:SHOWN]
    text = f"{counted(total, 'person is', 'people are')} in two parts by name"
    found = [Finding("person", False, "leak", total, text, tuple(places), examples)] if total else []
    if not found and len(parts) > 1:
        found.append(Finding("person", False, "clean", 0, "nobody is in two parts by name"))
    if akin:
        text = f"{counted(len(akin), 'person')} may be in two parts: the same words in another order, or fewer of them"
        found.append(Finding("person", False, "note", len(akin), text, (), tuple(akin[:SHOWN])))
    return [*found, *_only_listed(people, listed, across=across)]


def _only_listed(
    people: Mapping[str, Collection[str]], listed: Mapping[str, Collection[str]], *, across: bool
) -> list[Finding]:
    """Return people of one name of whom a data set's lists speak, but of whom it has no photo here."""
    everyone = {name: {*own, *listed.get(name, ())} for name, own in people.items()}
    places, examples = [], []
    for first, second in combinations(people, 2):
        here = same_names(people[first], people[second], across=across)
        absent = sorted({*same_names(everyone[first], everyone[second], across=across)} - {*here})
        examples += [Example(Thing(first, mine), Thing(second, theirs)) for mine, theirs in absent]
        if absent:
            places.append(Place(first, second, len(absent), len(everyone[first]), len(everyone[second])))
    if not examples:
        return []
    text = f"{counted(len(examples), 'person')} in two parts by the makers' lists, without a photo here in one of them"
    return [Finding("person", False, "note", len(examples), text, tuple(places), tuple(examples[:SHOWN]))]


def _listed_twice(entries: Entries) -> list[Link]:
    return pairwise_links(group for group in entries.by_path().values() if len(group) > 1)


def _unread(depth: Depth) -> list[str]:
    return ["photos were not opened: copies were not looked for"] if depth == "names" else []


def _nameless(parts: Mapping[str, Split], *, across: bool) -> list[str]:
    """Say of which parts the subjects are numbers."""
    if not across:
        return []
    nameless = [name for name, split in parts.items() if not any(map(is_name, split.people))]
    return [f"{name} gives its people numbers, not names: they are not compared by name" for name in nameless]
