"""Probes -> [Match]: how many rows to ask a Milvus server for, and what to make of them.

A subject may have many templates, and the server returns rows: where too few subjects are among them, it is asked
again without those who were found.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from twinlens.gallery.contract import Contract
from twinlens.gallery.milvus_index import settings_of
from twinlens.gallery.milvus_ledger import Ledger
from twinlens.gallery.milvus_link import MOST_ROWS, MilvusLink, Record
from twinlens.gallery.milvus_marks import View
from twinlens.gallery.milvus_rows import both, quoted, vector_of
from twinlens.gallery.ranking import rank
from twinlens.gallery.reading import Truth
from twinlens.gallery.writing import VECTOR
from twinlens.types import Match

_FIELDS = ("pk", "subject", "subject_key", "batch", "vector")
_FEWEST = 32
_PER_SUBJECT = 4  # rows asked for each subject wanted
_ANSWER_BYTES = 24 << 20  # an answer may have 64 MiB
_ROW_BYTES = 500  # besides the vector
_MOST_PROBES = 1_000
_ROUNDS = 64


class Searcher:
    """Searches one collection.

    Args:
        link: the connection.
        ledger: says which rows count.
        contract: whose vectors.
    """

    def __init__(self, link: MilvusLink, ledger: Ledger, contract: Contract) -> None:
        self._link = link
        self._ledger = ledger
        self._row_bytes = 4 * contract.dim + _ROW_BYTES

    def search(
        self, probes: Float32[np.ndarray, "probes dim"], top: int, condition: str, excluded: Sequence[str]
    ) -> list[list[Match]]:
        """Return the best subjects for each probe.

        Args:
            probes: unit vectors.
            top: how many subjects.
            condition: which rows may be found; empty for all.
            excluded: keys of subjects who may not.
        """
        limit = min(max(_FEWEST, _PER_SUBJECT * top), MOST_ROWS, _ANSWER_BYTES // self._row_bytes)
        together = max(1, min(_MOST_PROBES, _ANSWER_BYTES // (limit * self._row_bytes)))
        found: list[list[Match]] = []
        for at in range(0, len(probes), together):
            part = probes[at : at + together]
            found += [
                self._ranked(probe, rows, top, limit, condition, excluded)
                for probe, rows in zip(part, self._ask(part, limit, condition, excluded), strict=True)
            ]
        return found

    def _ask(
        self, probes: Float32[np.ndarray, "probes dim"], limit: int, condition: str, excluded: Sequence[str]
    ) -> list[tuple[list[Record], bool]]:
        """Return for each probe the rows that count, and whether there may be more."""
        without = f"subject_key not in {quoted(excluded)}" if excluded else ""
        settings = settings_of(self._link.facts(), limit)

        def ask(view: View) -> list[list[Record]]:
            return self._link.search(probes, both(condition, without, view.condition()), _FIELDS, limit, settings)

        answers, late = self._ledger.read(ask)
        return [([row for row in rows if late.shows(row)], len(rows) == limit) for rows in answers]

    def _ranked(
        self,
        probe: Float32[np.ndarray, " dim"],
        answer: tuple[list[Record], bool],
        top: int,
        limit: int,
        condition: str,
        excluded: Sequence[str],
    ) -> list[Match]:
        """Rank an answer by exact scores, after asking again where it holds too few subjects."""
        rows, more = answer
        for _ in range(_ROUNDS):
            keys = {row["subject_key"] for row in rows}
            if not more or len(keys) >= top:
                break
            ((further, more),) = self._ask(probe[None], limit, condition, [*excluded, *sorted(keys)])
            rows = rows + further
        truth = {
            number: Truth(row["subject"], vector_of(row).astype(VECTOR).tobytes()) for number, row in enumerate(rows)
        }
        return rank(probe, np.arange(len(rows)), truth, top)
