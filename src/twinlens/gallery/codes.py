"""Vectors -> 4-bit product codes, and the scan over them that proposes candidates.

Product quantisation (Jegou et al. 2011) with 16 centroids a part, scanned with registers as tables
(Andre et al. 2015, "fast scan"), by faiss. Codes are lossy templates: whoever removes a vector removes its code.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Int64, UInt8

if TYPE_CHECKING:
    import faiss

_BITS = 4
_TRAINING_ROWS = 65_536  # 16 centroids a part need far fewer; more do not lower the error
_BLOCK = 32  # vectors a register table serves at once: the width faiss scans fastest


def parts_of(dim: int) -> int:
    """Return into how many parts a vector is cut; 0 where the dimension does not allow it.

    Two numbers a part (64 parts for 128 numbers); four for long vectors, whose neighbours are further apart.
    """
    width = 2 if dim <= 256 else 4
    return dim // width if dim % (2 * width) == 0 else 0


def code_bytes(dim: int) -> int:
    """Return the bytes a code takes: two parts a byte."""
    return parts_of(dim) // 2


@contextmanager
def _alone() -> Iterator[None]:
    """Keep what this thread asks of faiss on this thread.

    Learning a codebook is a third of a second of work in tens of thousands of parallel pieces. Threads wait for each
    other after every piece, for a time slice each where something else is running: minutes in all.
    """
    import faiss  # noqa: PLC0415

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


class Coder:
    """A codebook: 16 centroids for each part of a vector.

    Args:
        dim: numbers in a vector; `parts_of` it must not be 0.
        centroids: all centroids in faiss' order.
    """

    def __init__(self, dim: int, centroids: Float32[np.ndarray, " numbers"]) -> None:
        import faiss  # noqa: PLC0415 - 0.3 s, only where a gallery is large

        self.dim = dim
        self.centroids = centroids
        self._index = faiss.IndexPQ(dim, parts_of(dim), _BITS, faiss.METRIC_INNER_PRODUCT)
        faiss.copy_array_to_vector(np.ascontiguousarray(centroids), self._index.pq.centroids)
        self._index.is_trained = True

    @classmethod
    def train(cls, vectors: Float32[np.ndarray, "rows dim"]) -> Coder:
        """Learn the centroids; the same vectors give the same codebook."""
        import faiss  # noqa: PLC0415

        sample = np.ascontiguousarray(vectors[:: max(1, len(vectors) // _TRAINING_ROWS)][:_TRAINING_ROWS])
        dim = sample.shape[1]
        quantizer = faiss.ProductQuantizer(dim, parts_of(dim), _BITS)
        quantizer.cp.min_points_per_centroid = 1  # small galleries are fine: faiss would print a warning
        with _alone():
            quantizer.train(sample)
        return cls(dim, faiss.vector_to_array(quantizer.centroids))

    def encode(self, vectors: Float32[np.ndarray, "rows dim"]) -> UInt8[np.ndarray, "rows bytes"]:
        """Return one code a vector."""
        codes: np.ndarray = self._index.sa_encode(np.ascontiguousarray(vectors))
        return codes

    def pack(self, codes: UInt8[np.ndarray, "rows bytes"]) -> PackedCodes:
        """Return the codes in the order in which they are scanned: 35 ms a million."""
        import faiss  # noqa: PLC0415

        plain = faiss.IndexPQ(self.dim, parts_of(self.dim), _BITS, faiss.METRIC_INNER_PRODUCT)
        plain.pq = self._index.pq
        plain.is_trained = True
        faiss.copy_array_to_vector(np.ascontiguousarray(codes).reshape(-1), plain.codes)
        plain.ntotal = len(codes)
        return PackedCodes(faiss.IndexPQFastScan(plain, _BLOCK))  # type: ignore[arg-type] # stubs know one overload


class PackedCodes:
    """Codes ready to be scanned; safe to use from several threads."""

    def __init__(self, index: faiss.IndexPQFastScan) -> None:
        self._index = index

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def nearest(self, probes: Float32[np.ndarray, "probes dim"], depth: int) -> Int64[np.ndarray, "probes depth"]:
        """Return the positions of the codes most alike each probe, the best first."""
        _, positions = self._index.search(np.ascontiguousarray(probes), min(depth, len(self)))
        found: np.ndarray = positions
        return found
