"""Collection -> the index of its vectors: exact for small ones, a graph above, its recall measured.

The server says an index is finished while searches still miss a fifth of what they should find: what it finds is
compared with an exact scan after loading, before a depth is written down for everybody.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from jaxtyping import Float32

from twinlens.errors import GalleryError, GalleryUnavailableError
from twinlens.gallery.milvus_link import LOAD_S, MilvusLink, Record

EXACT, GRAPH = "FLAT", "HNSW"
RECALL = 0.995  # of the ten nearest
DEPTH_KEY = "twinlens.depth"
_GRAPH = {"M": 24, "efConstruction": 200}
_DEPTHS = (128, 256, 512, 1_024, 2_048)
_PROBES = 64
_NEAREST = 10
_NOISE = 0.5  # length of what is added to a stored vector, so that a probe is no stored one
_POLL_S = 0.5


def settings_of(facts: Record, limit: int) -> Mapping[str, int]:
    """Return how deep a search must go.

    Args:
        facts: what the server says of the collection.
        limit: results wanted; a graph must be searched at least that deep.
    """
    depth = str(facts.get("properties", {}).get(DEPTH_KEY, ""))
    return {"ef": max(limit, int(depth))} if depth.isdigit() and int(depth) else {}


class _Truth:
    """The exact nearest of some probes, found in one pass over all vectors."""

    def __init__(self, dim: int) -> None:
        noise = np.random.default_rng(0)
        self._noise = noise.standard_normal((_PROBES, dim)).astype(np.float32) * np.float32(_NOISE / np.sqrt(dim))
        self.probes = np.zeros((0, dim), np.float32)
        self._keys: list[str] = []
        self._vectors: list[np.ndarray] = []

    def nearest(self, rows: Iterable[tuple[str, Float32[np.ndarray, " dim"]]]) -> list[set[str]]:
        """Return the keys of the nearest of each probe; the probes are made of the first rows."""
        scores = np.zeros((0, 0), np.float32)
        keys: list[str] = []
        chunk_keys: list[str] = []
        chunk: list[np.ndarray] = []

        def merge() -> None:
            nonlocal scores, keys
            matrix = np.stack(chunk)
            if not len(self.probes):
                taken = matrix[:_PROBES] + self._noise[: len(matrix)]
                self.probes = taken / np.linalg.norm(taken, axis=1, keepdims=True)
                scores = np.zeros((len(self.probes), 0), np.float32)
            all_scores = np.hstack([scores, self.probes @ matrix.T])
            all_keys = keys + chunk_keys
            best = np.argpartition(-all_scores, min(_NEAREST, all_scores.shape[1] - 1), axis=1)[:, :_NEAREST]
            kept = np.unique(best)
            scores, keys = all_scores[:, kept], [all_keys[i] for i in kept.tolist()]

        for key, vector in rows:
            chunk_keys.append(key)
            chunk.append(vector)
            if len(chunk) == 4_096:
                merge()
                chunk_keys, chunk = [], []
        if chunk:
            merge()
        order = np.argsort(-scores, axis=1)[:, :_NEAREST]
        return [{keys[i] for i in row} for row in order.tolist()]


def choose_index(
    link: MilvusLink, rows: Callable[[], Iterable[tuple[str, Float32[np.ndarray, " dim"]]]], dim: int, *, exact: bool
) -> int:
    """Give a collection the index that suits it, and tell everybody how deep to search; return that, 0 for exact.

    Args:
        link: the connection.
        rows: gives key and vector of every row.
        dim: numbers in a vector.
        exact: whether it is small enough to compare every vector.
    """
    if not exact:
        link.keep(DEPTH_KEY, str(_DEPTHS[-1]))  # deep enough for those who search meanwhile
        put_index(link, GRAPH)
        depth = measured_depth(link, rows(), dim)
        if depth:
            link.keep(DEPTH_KEY, str(depth))
            return depth
    put_index(link, EXACT)
    link.keep(DEPTH_KEY, "0")
    return 0


def measured_depth(link: MilvusLink, rows: Iterable[tuple[str, Float32[np.ndarray, " dim"]]], dim: int) -> int:
    """Return the smallest depth whose recall suffices; 0 where none does.

    Args:
        link: the connection; the collection is loaded.
        rows: key and vector of every row.
        dim: numbers in a vector.
    """
    truth = _Truth(dim)
    wanted = truth.nearest(rows)
    for depth in _DEPTHS:
        found = link.search(truth.probes, "", ("pk",), _NEAREST, {"ef": depth})
        hits = sum(len({row["pk"] for row in rows} & keys) for rows, keys in zip(found, wanted, strict=True))
        if hits >= RECALL * sum(map(len, wanted)):
            return depth
    return 0


def put_index(link: MilvusLink, kind: str) -> None:
    """Give a collection this index and load it; one of another kind is replaced, and searches wait meanwhile."""
    present = link.index()
    if present is not None and present.get("index_type") != kind:
        link.drop_index()
        present = None
    if present is None:
        link.make_index(kind, _GRAPH if kind == GRAPH else {})
    if kind == GRAPH:
        _wait_built(link)
    link.load()


def _wait_built(link: MilvusLink) -> None:
    """Return when the index is built.

    Raises:
        GalleryUnavailableError: it failed, or made no progress for a while.
    """
    built, deadline = -1, time.monotonic() + LOAD_S
    while (state := link.index() or {}).get("state") != "Finished" or state.get("pending_index_rows"):
        now = int(state.get("indexed_rows") or 0)
        if now != built:
            built, deadline = now, time.monotonic() + LOAD_S
        if state.get("state") == "Failed" or time.monotonic() > deadline:
            msg = f"gallery {link.address}: the server built no part of the index in {LOAD_S:g} s; try again later"
            raise GalleryUnavailableError(msg)
        time.sleep(_POLL_S)


def check_vectors(link: MilvusLink, facts: Record, dim: int) -> None:
    """Refuse a collection whose fields are not ours.

    Raises:
        GalleryError: another dimension.
    """
    held = [field["params"].get("dim") for field in facts["fields"] if field["name"] == "vector"]
    if [int(size) for size in held] != [dim]:
        msg = f"gallery {link.address}: the collection's vectors do not fit its description; choose another name"
        raise GalleryError(msg)
