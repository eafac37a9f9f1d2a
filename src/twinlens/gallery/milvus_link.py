"""Calls -> answers of a Milvus collection: a time limit on each, bounded repeats, errors in words.

Every read is strongly consistent. With weaker levels 35 of 100 deleted rows were still found (docs/gallery.md).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from grpc import RpcError
from jaxtyping import Float32
from pymilvus import MilvusClient
from pymilvus.exceptions import MilvusException

from twinlens.errors import GalleryError, GalleryUnavailableError
from twinlens.gallery.milvus_address import MilvusAddress
from twinlens.gallery.milvus_faults import fault_of

T = TypeVar("T")
Record = dict[str, Any]

STRONG = "Strong"
MOST_ROWS = 16_384  # of one query or search; the server refuses more
LOAD_S = 300.0  # a large collection is read into memory
_PAUSES_S = (0.1, 2.0)  # between attempts, doubling


class _Once(float):
    """A time limit that pymilvus takes for passed after its first attempt.

    It repeats a call by itself for as long as ``elapsed >= timeout`` is false; a row that is inserted twice is there
    twice, whatever its key.
    """

    def __le__(self, other: object) -> bool:
        return True


class MilvusLink:
    """One connection to one collection; several threads may use it.

    Args:
        address: the server and the collection.

    Raises:
        OptionError: the token's variable is not set.
        GalleryError: the server refuses.
        GalleryUnavailableError: it does not answer.
    """

    def __init__(self, address: MilvusAddress) -> None:
        # it prints errors that it raises, with a traceback, even those that a second attempt mends
        for name in ("pymilvus", "pymilvus.milvus_client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self.address = address
        self.collection = address.collection
        self._token = address.token()
        self._closed = False
        security = {"secure": True, "server_pem_path": address.ca} if address.ca else {}
        self._client: Any = self._repeat(
            lambda: MilvusClient(
                uri=address.uri, token=self._token, timeout=address.timeout_s, dedicated=True, **security
            ),
            once=True,
        )

    def _repeat(self, call: Callable[[], T], *, once: bool = False) -> T:
        """Make a call, again and again for two time limits where the server does not answer or is not ready."""
        if self._closed:
            msg = f"gallery {self.address}: it was closed; open it again"
            raise GalleryError(msg)
        pause, longest = _PAUSES_S
        deadline = time.monotonic() + 2 * self.address.timeout_s
        while True:
            try:
                return call()
            except (MilvusException, RpcError, ValueError, OSError) as error:
                fault = fault_of(error, self.address, self._token)
                if once or time.monotonic() + pause > deadline or not isinstance(fault, GalleryUnavailableError):
                    raise fault from None  # its cause may carry the token
            time.sleep(pause)
            pause = min(2 * pause, longest)

    # ---- rows

    def query(self, condition: str, fields: Sequence[str], limit: int = MOST_ROWS) -> list[Record]:
        """Return rows under a condition, as they are now."""
        rows = self._repeat(
            lambda: self._client.query(
                self.collection,
                filter=condition,
                output_fields=list(fields),
                limit=limit,
                consistency_level=STRONG,
                timeout=self.address.timeout_s,
            )
        )
        return [dict(row) for row in rows]

    def count(self, condition: str) -> int:
        """Return how many rows there are under a condition, copies of one row counted twice."""
        rows = self._repeat(
            lambda: self._client.query(
                self.collection,
                filter=condition,
                output_fields=["count(*)"],
                consistency_level=STRONG,
                timeout=self.address.timeout_s,
            )
        )
        return int(rows[0]["count(*)"])

    def search(
        self,
        probes: Float32[np.ndarray, "probes dim"],
        condition: str,
        fields: Sequence[str],
        limit: int,
        settings: Mapping[str, int],
    ) -> list[list[Record]]:
        """Return for each probe the rows that the server finds most alike, best first."""
        found = self._repeat(
            lambda: self._client.search(
                self.collection,
                data=list(probes),
                filter=condition,
                limit=limit,
                output_fields=list(fields),
                search_params={"metric_type": "IP", "params": dict(settings)},
                consistency_level=STRONG,
                timeout=self.address.timeout_s,
            )
        )
        return [[dict(hit["entity"]) for hit in hits] for hits in found]

    def insert(self, rows: Sequence[Record]) -> None:
        """Insert rows once; the caller finds out what arrived where this fails.

        Raises:
            GalleryUnavailableError: whether they were stored is not known.
        """
        limit = _Once(self.address.timeout_s)
        self._repeat(lambda: self._client.insert(self.collection, list(rows), timeout=limit), once=True)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete rows by their primary keys."""
        self._repeat(lambda: self._client.delete(self.collection, ids=list(keys), timeout=self.address.timeout_s))

    # ---- the collection

    def describe(self) -> Record | None:
        """Return what the server knows of the collection; None where there is none."""
        limit = self.address.timeout_s
        if not self._repeat(lambda: self._client.has_collection(self.collection, timeout=limit)):
            return None
        return self.facts()

    def facts(self) -> Record:
        """Return what the server knows of a collection that is there."""
        limit = self.address.timeout_s
        return dict(self._repeat(lambda: self._client.describe_collection(self.collection, timeout=limit)))

    def create(self, schema: object) -> None:
        """Create the collection; one shard, so that a call's rows become visible together."""
        self._repeat(
            lambda: self._client.create_collection(
                self.collection,
                schema=schema,
                num_shards=1,
                consistency_level=STRONG,
                timeout=self.address.timeout_s,
            )
        )

    def index(self) -> Record | None:
        """Return the index of the vectors; None where there is none."""
        limit = self.address.timeout_s
        if not self._repeat(lambda: self._client.list_indexes(self.collection, field_name="vector", timeout=limit)):
            return None
        return dict(self._repeat(lambda: self._client.describe_index(self.collection, "vector", timeout=limit)))

    def make_index(self, kind: str, settings: Mapping[str, int]) -> None:
        """Make the index of the vectors; there must be none."""
        wanted = self._client.prepare_index_params()
        wanted.add_index("vector", index_type=kind, index_name="vector", metric_type="IP", params=dict(settings))
        self._repeat(lambda: self._client.create_index(self.collection, wanted, timeout=LOAD_S, sync=False))

    def drop_index(self) -> None:
        """Take the collection out of memory and drop its index: nobody can search until it is loaded again."""
        limit = self.address.timeout_s
        self._repeat(lambda: self._client.release_collection(self.collection, timeout=limit))
        self._repeat(lambda: self._client.drop_index(self.collection, "vector", timeout=limit))

    def load(self) -> None:
        """Load the collection into memory; return when it is there."""
        self._repeat(lambda: self._client.load_collection(self.collection, timeout=LOAD_S))

    def loaded(self) -> bool:
        """Return whether the collection can be searched."""
        state = self._repeat(
            lambda: self._client.get_load_state(self.collection, timeout=self.address.timeout_s)["state"]
        )
        return str(getattr(state, "name", state)) == "Loaded"

    def flush(self) -> None:
        """Make the server seal what it holds and write it to its storage."""
        self._repeat(lambda: self._client.flush(self.collection, timeout=LOAD_S))

    def compact(self) -> None:
        """Ask the server to write segments anew without deleted rows; it decides when, and when old files go."""
        self._repeat(lambda: self._client.compact(self.collection, timeout=self.address.timeout_s))

    def keep(self, key: str, value: str) -> None:
        """Keep a property of the collection, for every client to see."""
        wanted = {key: value}
        self._repeat(
            lambda: self._client.alter_collection_properties(self.collection, wanted, timeout=self.address.timeout_s)
        )

    # ---- marks

    def aliases(self, *, once: bool = False) -> list[str]:
        """Return the aliases of the collection; ``once`` gives up after one time limit."""
        limit = self.address.timeout_s
        return list(
            self._repeat(lambda: self._client.list_aliases(self.collection, timeout=limit)["aliases"], once=once)
        )

    def create_alias(self, alias: str) -> None:
        """Create an alias; no error where it is there."""
        self._repeat(lambda: self._client.create_alias(self.collection, alias, timeout=self.address.timeout_s))

    def drop_alias(self, alias: str) -> None:
        """Drop an alias; no error where there is none."""
        self._repeat(lambda: self._client.drop_alias(alias, timeout=self.address.timeout_s))

    def close(self) -> None:
        """Release the connection."""
        if not self._closed:
            self._closed = True
            self._client.close()
