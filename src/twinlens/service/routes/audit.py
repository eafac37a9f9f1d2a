"""The audit log: by pages, and whether it is what was written."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from twinlens.service import schemas as s
from twinlens.service.audit_check import Head
from twinlens.service.audit_entry import Entry
from twinlens.service.refusals import Refusal
from twinlens.service.wiring import ADMIN, DeedsOf, PartsOf, admitted, refusals

router = APIRouter(prefix="/v1/audit", tags=["audit"], dependencies=[Depends(admitted)])
MOST_CURSOR = 2**62


@router.get("", dependencies=[ADMIN], responses=refusals())
async def list_audit(
    parts: PartsOf,
    deeds: DeedsOf,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(description="next_cursor of the page before.", pattern=r"^\d{1,18}$")] = None,
) -> s.AuditPage:
    """Show who enrolled, deleted and asked, the oldest first; people appear under pseudonyms, never by name."""
    entries, after = await parts.pool.store(partial(parts.guards.audit.page, int(cursor or 0), limit))
    await parts.pool.store(partial(deeds.note, "read log"))
    return s.AuditPage(items=[_entry(one) for one in entries], next_cursor=None if after is None else str(after))


@router.get("/verify", dependencies=[ADMIN], responses=refusals())
async def verify_audit(
    parts: PartsOf,
    head: Annotated[
        str | None, Query(description="A head that was noted before, as this answer gives it.", max_length=200)
    ] = None,
) -> s.AuditVerdict:
    """Read the whole log and say what was changed, removed or cut off; note the head elsewhere from time to time."""
    noted = None if head is None else _noted(head)
    found = await parts.pool.store(partial(parts.guards.audit.verify, noted))
    now = await parts.pool.store(parts.guards.audit.head)
    return s.AuditVerdict(
        sound=not found.problems,
        entries=found.entries,
        problems=list(found.problems),
        head=f"{now.count}.{now.size}.{now.hash}",
    )


def _noted(text: str) -> Head:
    count, _, rest = text.partition(".")
    size, _, digest = rest.partition(".")
    if not (count.isdecimal() and size.isdecimal() and len(count + size) < 36 and digest.isalnum()):
        raise Refusal(422, "RequestError", "head: not one that this service gave out")
    return Head(int(count), int(size), digest)


def _entry(entry: Entry) -> s.AuditEntry:
    return s.AuditEntry(
        seq=entry.seq,
        at=entry.at,
        who=entry.who,
        did=entry.did,
        gallery=entry.gallery,
        subject=entry.subject,
        other=entry.other,
        facts=dict(entry.facts),
        request=entry.request,
        hash=entry.hash,
    )
