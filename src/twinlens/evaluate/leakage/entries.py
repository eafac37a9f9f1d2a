"""Parts -> their photos in one row of numbers, so that whatever is found twice can be told with part and person."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from twinlens.datasets.groups import Groups
from twinlens.datasets.records import Photo, Split
from twinlens.evaluate.leakage.findings import SHOWN, Example, Finding, Kind, Level, Thing, pairs_of_parts, places_of
from twinlens.evaluate.leakage.names import is_name, person_key


@dataclass(frozen=True, slots=True)
class Link:
    """Two photos that are one.

    Attributes:
        first: an entry's number.
        second: a later one's.
        alike: how sure that is, 0 to 1; None for certain.
        note: what is special.
    """

    first: int
    second: int
    alike: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Every photo of every part; one that two parts use has two entries.

    Attributes:
        photos: in the parts' order.
        parts: the name of each entry's part.
        holds: photos of each part.
        shown: how each photo is called.
        across: the parts are of different data sets.
    """

    photos: tuple[Photo, ...]
    parts: tuple[str, ...]
    holds: Mapping[str, int]
    shown: tuple[str, ...]
    across: bool

    @property
    def paths(self) -> list[Path]:
        """Every file, once."""
        return list(dict.fromkeys(photo.path for photo in self.photos))

    def by_path(self) -> dict[Path, list[int]]:
        """Return the entries of each file."""
        found: dict[Path, list[int]] = {}
        for number, photo in enumerate(self.photos):
            found.setdefault(photo.path, []).append(number)
        return found

    def thing(self, number: int) -> Thing:
        """Return an entry as it is told."""
        return Thing(self.parts[number], self.photos[number].subject, self.shown[number])

    def people(self) -> list[str]:
        """Return of each entry what is equal for one person; numbers mean nothing beyond their own data set."""
        named = [photo.subject for photo in self.photos]
        return [
            f"{part}\0{name}" if self.across and not is_name(name) else person_key(name)
            for part, name in zip(self.parts, named, strict=True)
        ]


def entries_of(parts: Mapping[str, Split], *, across: bool) -> Entries:
    """Put the photos of all parts into one row."""
    listed = [(name, photo) for name, split in parts.items() for photo in dict.fromkeys(split.photos)]
    folders = {name: common_folder(p.path for p in split.photos) for name, split in parts.items()}
    whole = None if across else common_folder(photo.path for _, photo in listed)
    shown = tuple(below(photo.path, folders[name] if across else whole) for name, photo in listed)
    holds = {name: split.counts.photos for name, split in parts.items()}
    return Entries(tuple(photo for _, photo in listed), tuple(name for name, _ in listed), holds, shown, across)


def common_folder(paths: Iterable[Path]) -> Path | None:
    """Return the deepest folder that holds all of these files; None where there is none."""
    folders = {path.parent for path in paths}
    try:
        return Path(os.path.commonpath(folders)) if folders else None
    except ValueError:  # absolute and relative paths, or two drives
        return None


def below(path: Path, folder: Path | None) -> str:
    """Return a photo's place below a folder; at least its own folder's name stays."""
    if folder is None or path.parent == folder:
        return "/".join(path.parts[-2:])
    return path.relative_to(folder).as_posix()


def pairwise_links(groups: Iterable[Sequence[int]], *, note: str = "") -> list[Link]:
    """Link each group's first entry with all others, and so all of them."""
    return [Link(group[0], other, note=note) for group in groups for other in group[1:]]


@dataclass(frozen=True, slots=True)
class Wording:
    """How one kind of copy is told.

    Attributes:
        kind: of finding.
        one: ``photo is``.
        many: ``photos are``.
    """

    kind: Kind
    one: str
    many: str


def tell(links: Sequence[Link], entries: Entries, wording: Wording) -> list[Finding]:
    """Return what links say: between parts, inside a part within one person, and under two names.

    A group of photos that are one counts once, wherever its members lie.
    """
    groups: Groups[int] = Groups()
    for link in links:
        groups.add(link.first)
        groups.add(link.second)
        groups.join(link.first, link.second)
    people = entries.people()
    between: list[tuple[str, str]] = []
    inside: list[tuple[str, str]] = []
    twice: list[tuple[str, str]] = []
    totals = [0, 0, 0]
    for members in groups.members():
        by_part: dict[str, set[str]] = {}
        counts: dict[str, int] = {}
        for number in sorted(members):
            by_part.setdefault(entries.parts[number], set()).add(people[number])
            counts[entries.parts[number]] = counts.get(entries.parts[number], 0) + 1
        between += pairs_of_parts(by_part)
        doubled = [(part, part) for part, count in counts.items() if count > 1 and len(by_part[part]) == 1]
        named = [(part, part) for part, owners in by_part.items() if len(owners) > 1]
        inside += doubled
        twice += named
        totals = [a + bool(b) for a, b in zip(totals, (len(by_part) > 1, doubled, named), strict=True)]
    told = [
        _finding(wording, "between", totals[0], between, links, entries),
        _finding(wording, "within one person", totals[1], inside, links, entries),
        _finding(wording, "under two names", totals[2], twice, links, entries),
    ]
    return [one for one in told if one.found or (not one.inside and len(entries.holds) > 1)]


def _finding(
    wording: Wording,
    where: str,
    total: int,
    places: Sequence[tuple[str, str]],
    links: Sequence[Link],
    entries: Entries,
) -> Finding:
    level: Level = "clean" if not total else "leak" if where == "between" else "note"
    place = "in two parts" if where == "between" else f"twice inside a part, {where}"
    subject = f"{total:,} {wording.one if total == 1 else wording.many}" if total else f"no {wording.one}"
    kind: Kind = "label" if where == "under two names" else wording.kind
    chosen = [link for link in links if _where(link, entries) == where]
    chosen.sort(key=lambda link: (-2.0 if link.alike is None else -link.alike, link.first, link.second))
    examples = tuple(
        Example(entries.thing(link.first), entries.thing(link.second), link.alike, _note(link, entries))
        for link in chosen[:SHOWN]
    )
    return Finding(
        kind, where != "between", level, total, f"{subject} {place}", places_of(places, entries.holds), examples
    )


def _where(link: Link, entries: Entries) -> str:
    if entries.parts[link.first] != entries.parts[link.second]:
        return "between"
    first, second = (entries.photos[number].subject for number in (link.first, link.second))
    return "within one person" if person_key(first) == person_key(second) else "under two names"


def _note(link: Link, entries: Entries) -> str:
    first, second = (entries.photos[number].subject for number in (link.first, link.second))
    other = [] if person_key(first) == person_key(second) else [f"said to be {first} and {second}"]
    return ", ".join([*([link.note] if link.note else []), *other])
