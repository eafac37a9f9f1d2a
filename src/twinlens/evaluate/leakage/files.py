"""Files of photos -> those of the same bytes, of the same pixels, and those that are nearly the same picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from twinlens.evaluate.leakage.copies import Copy, find_copies
from twinlens.evaluate.leakage.entries import Entries, Link, Wording, pairwise_links, tell
from twinlens.evaluate.leakage.findings import Finding
from twinlens.evaluate.leakage.identical import identical_files

Progress = Callable[[int, int], None]

BYTES = Wording("bytes", "photo has a byte-identical file", "photos have byte-identical files")
PIXELS = Wording(
    "pixels", "photo has another file with identical pixels", "photos have other files with identical pixels"
)
COPY = Wording("copy", "photo has a nearly identical one", "photos have nearly identical ones")


@dataclass(frozen=True, slots=True)
class Contents:
    """What files hold.

    Attributes:
        groups: of files of the same bytes.
        copies: files that are copies, one of each group.
        unchecked: what could not be looked at.
    """

    groups: tuple[tuple[Path, ...], ...] = ()
    copies: tuple[Copy, ...] = ()
    unchecked: tuple[str, ...] = ()
    _first: Mapping[Path, Path] = field(init=False, default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        first = {path: group[0] for group in self.groups for path in group}
        object.__setattr__(self, "_first", MappingProxyType(first))

    def first(self, path: Path) -> Path:
        """Return the file that stands for all files of these bytes."""
        return self._first.get(path, path)


def look_into(paths: Sequence[Path], progress: Progress | None = None) -> Contents:
    """Read files and compare them.

    Args:
        paths: each once; those that are not there are left out.
        progress: called with (done, of how many), anew for reading and for comparing.
    """
    there = [path for path in paths if _is_there(path)]
    unchecked = []
    if len(there) < len(paths):
        unchecked.append(f"{len(paths) - len(there):,} of {len(paths):,} photos are not on disk: only their names are")
    groups = tuple(map(tuple, identical_files(there)))
    others = {path for group in groups for path in group[1:]}
    found = find_copies([path for path in there if path not in others], progress)
    return Contents(groups, found.found, (*unchecked, *found.notes))


def tell_contents(contents: Contents, entries: Entries) -> list[Finding]:
    """Return what the files say of parts and people."""
    by_path = entries.by_path()

    def links(groups: Sequence[Sequence[Path]]) -> list[Link]:
        return pairwise_links(sorted(by_path[path][0] for path in group) for group in groups)

    same = [(copy.first, copy.second) for copy in contents.copies if copy.pixels]
    changed = [copy for copy in contents.copies if not copy.pixels]
    told = [
        Link(link.first, link.second, copy.alike, "mirrored" if copy.mirrored else "")
        for copy, link in zip(changed, links([(copy.first, copy.second) for copy in changed]), strict=True)
    ]
    return [
        *tell(links(contents.groups), entries, BYTES),
        *tell(links(same), entries, PIXELS),
        *tell(told, entries, COPY),
    ]


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
