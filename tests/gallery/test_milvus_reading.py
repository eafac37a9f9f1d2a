"""A read while subjects are changed: made again until it is whole, and never given away half."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from twinlens.errors import GalleryUnavailableError
from twinlens.gallery.milvus_ledger import Ledger
from twinlens.gallery.milvus_link import MilvusLink
from twinlens.gallery.milvus_marks import Mark


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
