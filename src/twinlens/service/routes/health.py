"""Whether the service is alive, and whether it can answer."""

from __future__ import annotations

from fastapi import APIRouter

from twinlens.service.refusals import Refusal
from twinlens.service.wiring import PartsOf, refusals
from twinlens.version import __version__

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def alive() -> dict[str, str]:
    """Answer while the process runs."""
    return {"status": "alive", "version": __version__}


@router.get("/readyz", responses={503: refusals()[503]})
async def ready(parts: PartsOf) -> dict[str, str]:
    """Answer when the networks are loaded and the galleries' folder can be read; 503 where requests had better wait."""
    if parts.pool.full:
        raise Refusal(503, "BusyError", "all places are taken: ask again later", retry_after_s=1)
    await parts.pool.store(parts.galleries.records)
    return {"status": "ready", "model": parts.recognizer.embedder.model}
