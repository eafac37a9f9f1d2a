"""Condition -> every row under it, however many: pages by the first digits of the primary key.

Milvus returns at most 16,384 rows of a query and has no order; offsets count against that limit. Primary keys are
digests, so their first digits cut a collection into pages of about one size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from twinlens.gallery.milvus_link import MOST_ROWS, MilvusLink, Record
from twinlens.gallery.milvus_rows import KEY_DIGITS, both, quoted

_DIGITS = "0123456789abcdef"
_PAGE_BYTES = 16 << 20  # an answer may have 64 MiB
_ROW_BYTES = 1_000  # besides the vector: names are short as a rule, and a page that is refused is cut again
SLIM_PAGE = 8_000  # rows without their vectors
_AFTER = "g"  # behind every digit


def page_rows(dim: int) -> int:
    """Return how many rows with their vectors make a page."""
    return max(16, min(MOST_ROWS, _PAGE_BYTES // (4 * dim + _ROW_BYTES)))


def _within(prefix: str) -> str:
    return f'pk >= "{prefix}" and pk < "{prefix}{_AFTER}"' if prefix else ""


def scan(
    link: MilvusLink, condition: str, fields: Sequence[str], *, rows: int = 0, page: int = SLIM_PAGE
) -> Iterator[list[Record]]:
    """Yield every row under a condition, each once, in pages.

    Args:
        link: the connection.
        condition: empty for all rows.
        fields: what to return of each.
        rows: about how many there are, to begin with pages that fit.
        page: rows in one at the most.
    """
    depth = 0
    while rows > page // 2 and depth < KEY_DIGITS:  # sizes of pages differ by chance
        rows, depth = rows // 16, depth + 1
    prefixes = [""]
    for _ in range(depth):
        prefixes = [prefix + digit for prefix in prefixes for digit in _DIGITS]
    prefixes.reverse()
    while prefixes:
        prefix = prefixes.pop()
        found = link.query(both(condition, _within(prefix)) or 'pk != ""', fields, page)
        if len(found) < page or len(prefix) == KEY_DIGITS:
            yield list({row["pk"]: row for row in found}.values())
        else:
            prefixes += [prefix + digit for digit in reversed(_DIGITS)]


def fetch(link: MilvusLink, keys: Sequence[str], fields: Sequence[str], *, page: int) -> Iterator[Record]:
    """Yield the rows with these primary keys, in their order; those that are gone are left out."""
    for at in range(0, len(keys), page):
        part = keys[at : at + page]
        found = {row["pk"]: row for row in link.query(f"pk in {quoted(part)}", fields, len(part))}
        yield from (found[key] for key in part if key in found)
