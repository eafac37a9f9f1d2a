"""A removal on a Milvus server -> its receipt: what is known, and what only the server's storage knows."""

from __future__ import annotations

from twinlens.protocols import Erasure

_NOT_SEEN = "cannot be seen from here"


def receipt(place: str, name: str, templates: int, deleted: bool) -> Erasure:
    """Say what is known of a removal: rows are gone for every reader; bytes are the server's business.

    Args:
        place: the collection's address, without secrets.
        name: who was removed.
        templates: how many vectors.
        deleted: False where rows are hidden, and the next writer deletes them.
    """
    remains = [
        f"{place}: segments on the server's storage, until it has compacted them and freed the old files "
        f"(dataCoord.gc, by default hours later); {_NOT_SEEN}",
        f"{place}: the server's message log, until its retention ends (by default days); {_NOT_SEEN}",
    ]
    if not deleted:
        remains.insert(0, f"{place}: rows, hidden from every reader; the next writer deletes them")
    return Erasure(name, templates, (f"{place}: rows, strongly consistent query",), tuple(remains))
