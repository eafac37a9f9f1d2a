"""Links between things -> the groups they form (union-find, Tarjan 1975)."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Groups(Generic[T]):
    """Things that are linked, directly or through others, form one group."""

    def __init__(self) -> None:
        self._parent: dict[T, T] = {}

    def add(self, thing: T) -> None:
        """Make a thing known; it is a group of its own until it is joined."""
        self._parent.setdefault(thing, thing)

    def of(self, thing: T) -> T:
        """Return the member that stands for a thing's group: the one of it that was added first."""
        root = thing
        while self._parent[root] != root:
            root = self._parent[root]
        while self._parent[thing] != root:  # shorten the way for the next time
            self._parent[thing], thing = root, self._parent[thing]
        return root

    def join(self, first: T, second: T) -> None:
        """Make one group of two."""
        self._parent[self.of(second)] = self.of(first)

    def members(self) -> list[list[T]]:
        """Return the groups, each in the order in which its things were added."""
        found: dict[T, list[T]] = {}
        for thing in self._parent:
            found.setdefault(self.of(thing), []).append(thing)
        return list(found.values())
