"""The evaluator's reports: what lies in the folder of reports, and each page as it was made."""

from __future__ import annotations

import json
import re
from pathlib import Path

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from twinlens.service import schemas as s
from twinlens.service.refusals import Refusal
from twinlens.service.wiring import READ, PartsOf, admitted, refusals

router = APIRouter(prefix="/v1/reports", tags=["reports"], dependencies=[Depends(admitted)])
PAGE, JSON = "index.html", "report.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
MOST_PAGE_BYTES = 64 * 1024 * 1024


@router.get("", dependencies=[READ], responses=refusals())
async def list_reports(parts: PartsOf) -> s.EvaluationList:
    """List the reports, by name."""
    folder = parts.settings.reports_dir
    return s.EvaluationList(items=await parts.pool.store(lambda: [] if folder is None else _listed(folder)))


@router.get("/{report}", response_class=HTMLResponse, dependencies=[READ], responses=refusals(404))
async def show_report(report: str, parts: PartsOf) -> HTMLResponse:
    """Show a report: one page that needs nothing else."""
    folder = parts.settings.reports_dir
    page = await parts.pool.store(lambda: None if folder is None else _page(folder, report))
    if page is None:
        raise Refusal(404, "UnknownReportError", f"no report {report[:80]!r}: GET /v1/reports lists them")
    return HTMLResponse(page)


def _listed(folder: Path) -> list[s.EvaluationAnswer]:
    pages = sorted(path.parent for path in folder.glob(f"*/{PAGE}") if NAME.fullmatch(path.parent.name))
    return [s.EvaluationAnswer(name=p.name, title=_title(p), url=f"/v1/reports/{p.name}") for p in pages]


def _title(folder: Path) -> str:
    try:
        told = json.loads((folder / JSON).read_text(encoding="utf-8"))
        return str(told["title"])
    except (OSError, ValueError, KeyError, TypeError):
        return folder.name


def _page(folder: Path, name: str) -> bytes | None:
    """Return the page of a report; the name is one of those that the folder lists, never a path."""
    if name not in {one.name for one in _listed(folder)}:
        return None
    page = folder / name / PAGE
    return page.read_bytes() if page.stat().st_size <= MOST_PAGE_BYTES else None
