"""Parts of data -> Leakage: what training or choosing has already seen of those who are tested.

From certain to probable: the same name, the same file, the same bytes, the same pixels, the same picture changed, the
same face. Each kind tells only what the ones before it have not told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from twinlens.datasets.records import Split
from twinlens.evaluate.leakage.copies import find_copies
from twinlens.evaluate.leakage.entries import Entries, Link, Wording, entries_of, pairwise_links, tell
from twinlens.evaluate.leakage.faces import Likeness, check_faces
from twinlens.evaluate.leakage.findings import SHOWN, Example, Finding, Leakage, Place, Thing, said
from twinlens.evaluate.leakage.identical import identical_files
from twinlens.evaluate.leakage.listed import check_pairs
from twinlens.evaluate.leakage.names import akin_names, is_name, person_key, same_names

Depth = Literal["full", "names"]
Progress = Callable[[int, int], None]

FILE = Wording("file", "photo is listed", "photos are listed")
BYTES = Wording("bytes", "photo has a byte-identical file", "photos have byte-identical files")
PIXELS = Wording(
    "pixels", "photo has another file with identical pixels", "photos have other files with identical pixels"
)
COPY = Wording("copy", "photo has a nearly identical one", "photos have nearly identical ones")


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
    unchecked: list[str] = []
    content: dict[Path, Path] = {}
    if depth == "full":
        found, content, missing = _files(entries, progress)
        findings += found
        unchecked += missing
    else:
        unchecked.append("photos were not opened: copies were not looked for")
    findings += check_pairs(parts, content)
    if likeness is not None and len(parts) > 1:
        findings.append(check_faces(entries, likeness, progress))
    return Leakage(
        tuple(_placed(finding) for finding in findings),
        tuple(unchecked + _nameless(parts, across=across)),
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
    text = f"{total:,} {'person is' if total == 1 else 'people are'} in two parts by name"
    found = [Finding("person", False, "leak", total, text, tuple(places), examples)] if total else []
    if not found and len(parts) > 1:
        found.append(Finding("person", False, "clean", 0, "nobody is in two parts by name"))
    if akin:
        text = f"{len(akin):,} more may be: their names differ in the order of the words, or in what is between"
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
    text = f"{len(examples):,} more have one name in the lists, but no photo of them is here"
    return [Finding("person", False, "note", len(examples), text, tuple(places), tuple(examples[:SHOWN]))]


def _listed_twice(entries: Entries) -> list[Link]:
    return pairwise_links(group for group in entries.by_path().values() if len(group) > 1)


def _files(entries: Entries, progress: Progress | None) -> tuple[list[Finding], dict[Path, Path], list[str]]:
    """Return what the photos themselves say, which files hold the same bytes, and what could not be looked at."""
    paths = entries.paths
    there = [path for path in paths if _is_there(path)]
    missing = []
    if len(there) < len(paths):
        missing.append(f"{len(paths) - len(there):,} of {len(paths):,} photos are not on disk: only their names are")
    if not there:
        return [], {}, missing
    groups = identical_files(there)
    content = {path: group[0] for group in groups for path in group}
    by_path = entries.by_path()
    different = [path for path in there if content.get(path, path) == path]
    copies = find_copies(different, progress)
    links = {copy: _links([[copy.first, copy.second]], by_path)[0] for copy in copies.found}
    same = [link for copy, link in links.items() if copy.pixels]
    changed = [
        Link(link.first, link.second, copy.alike, "mirrored" if copy.mirrored else "")
        for copy, link in links.items()
        if not copy.pixels
    ]
    findings = [
        *tell(_links(groups, by_path), entries, BYTES),
        *tell(same, entries, PIXELS),
        *tell(changed, entries, COPY),
    ]
    return findings, content, [*missing, *copies.notes]


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _links(groups: Sequence[Sequence[Path]], by_path: Mapping[Path, Sequence[int]]) -> list[Link]:
    """Link the files of each group, each at the first place where it is listed."""
    return pairwise_links(sorted(by_path[path][0] for path in group) for group in groups)


def _nameless(parts: Mapping[str, Split], *, across: bool) -> list[str]:
    """Say of which parts the subjects are numbers."""
    if not across:
        return []
    nameless = [name for name, split in parts.items() if not any(map(is_name, split.people))]
    return [f"{name} gives its people numbers, not names: they are not compared by name" for name in nameless]
