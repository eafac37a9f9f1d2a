"""Collection -> what is wrong with it: every row is read, nothing is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from twinlens.gallery.milvus_ledger import Ledger
from twinlens.gallery.milvus_link import MilvusLink, Record
from twinlens.gallery.milvus_marks import View
from twinlens.gallery.milvus_rows import digest_of, vector_of
from twinlens.gallery.milvus_scan import scan
from twinlens.types import UNIT_TOLERANCE

_FIELDS = ("pk", "vector", "subject", "subject_key", "photo", "photo_key", "lead", "batch")


class _Tally:
    """What was seen of the rows."""

    def __init__(self) -> None:
        self.distinct = self.bent = self.odd = 0
        self.leads: Counter[str] = Counter()
        self.stored: Counter[str] = Counter()

    def see(self, rows: Sequence[Record], view: View) -> None:
        """Note what a page holds."""
        self.distinct += len(rows)
        for row in rows:
            length = float(np.linalg.norm(vector_of(row).astype(np.float64)))
            self.bent += not abs(length - 1.0) <= UNIT_TOLERANCE
            self.odd += (digest_of(row["subject"]), digest_of(row["photo"])) != (row["subject_key"], row["photo_key"])
            if view.shows(row):
                self.leads[row["subject_key"]] += bool(row["lead"])
                self.stored[digest_of(row["subject"], row["photo"])] += 1


def problems_of(link: MilvusLink, ledger: Ledger, page: int) -> tuple[str, ...]:
    """Check a gallery that nobody writes to meanwhile.

    Raises:
        GalleryUnavailableError: it cannot be read at the moment.
    """
    view = ledger.view()
    tally = _Tally()
    physical = link.count("")
    for rows in scan(link, "", _FIELDS, rows=physical, page=page):
        tally.see(rows, view)
    twice = sum(number != 1 for number in tally.stored.values()) + physical - tally.distinct
    miscounted = sum(number != 1 for number in tally.leads.values())
    found = {
        f"rows: {tally.bent} vectors not of length 1; remove and enrol these again": tally.bent,
        f"rows: {tally.odd} keys that do not fit their names, written by another program; copy the gallery": tally.odd,
        f"rows: {twice} templates stored more than once; remove these subjects and enrol them again": twice,
        f"rows: {miscounted} subjects counted wrongly; copy the gallery into a new collection": miscounted,
        "calls: some broke off; their rows do not count, rebuild the index to clear them away": ledger.unfinished(),
        "collection: not loaded into memory; open the gallery again": not link.loaded(),
    }
    return tuple(text for text, number in found.items() if number)
