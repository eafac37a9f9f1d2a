"""A read while subjects are changed: made again until it is whole, and never given away half."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from twinlens.errors import GalleryUnavailableError
from twinlens.gallery.milvus_ledger import Ledger, Transaction
from twinlens.gallery.milvus_link import MilvusLink
from twinlens.gallery.milvus_marks import Mark, View
from twinlens.gallery.milvus_rows import KEY_DIGITS


class Busy(MilvusLink):
    """A server whose marks change at every look, so many times."""

    def __init__(self, changes: int, timeout_s: float) -> None:
        self.left = changes
        self.collection = "people"
        self.address: Any = SimpleNamespace(timeout_s=timeout_s)

    def aliases(self, *, once: bool = False) -> list[str]:
        self.left -= 1
        return [Mark("q", self.left, 2**31).alias(self.collection)] if self.left > 0 else []


def test_a_read_is_made_again_until_nothing_changed() -> None:
    server = Busy(40, timeout_s=60)
    found, view = Ledger(server).read(lambda view: server.left)
    assert found <= 0
    assert not view.changes


def test_a_read_that_never_is_whole_is_refused() -> None:
    with pytest.raises(GalleryUnavailableError, match="being changed all the time"):
        Ledger(Busy(10**9, timeout_s=0.05)).read(lambda view: None)


class Server(MilvusLink):
    """A server that knows its aliases, and holds no rows."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.collection = "people"
        self.address: Any = SimpleNamespace(timeout_s=10, flush=False)

    def aliases(self, *, once: bool = False) -> list[str]:
        return sorted(self.names)

    def create_alias(self, alias: str) -> None:
        self.names.add(alias)

    def drop_alias(self, alias: str) -> None:
        self.names.discard(alias)

    def query(self, condition: str, fields: Sequence[str], limit: int = 0) -> list[dict[str, Any]]:
        return []


def remove(server: Server) -> None:
    """Make a change from its beginning to its end."""
    with Ledger(server).writing(1, changing=True) as change:
        change.replace("0" * KEY_DIGITS, [])


def test_a_change_that_begins_and_ends_within_a_read_is_noticed() -> None:
    server, reads = Server(), 0

    def work(view: View) -> int:
        nonlocal reads
        reads += 1
        if reads <= 2:
            remove(server)
        return reads

    found, view = Ledger(server).read(work)
    assert (found, reads) == (3, 3)
    assert (view.hidden, view.replaced, view.condition()) == (frozenset(), {}, "")
    assert (len(server.names), Ledger(server).marks()) == (1, set())  # of all changes only the last one stays marked


def test_a_change_that_another_finishes_is_noticed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "end", lambda self: None)  # it dies after its commit
        remove(server)
    (broken,) = {mark.batch for mark in Ledger(server).marks()}
    monkeypatch.setattr(Ledger, "_stale", lambda self, mark: mark.batch == broken)  # its lease ran out
    with Ledger(server).writing(1):
        pass
    assert Ledger(server).marks() == set()
    assert Ledger(server).view().changes == {("d", broken)}
