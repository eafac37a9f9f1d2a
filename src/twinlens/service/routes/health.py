"""Whether the service is alive, whether it can answer, and its figures."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from twinlens.service.gate import need
from twinlens.service.refusals import Refusal
from twinlens.service.wiring import PartsOf, key_of, refusals
from twinlens.version import __version__

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def alive() -> dict[str, str]:
    """Answer while the process runs."""
    return {"status": "alive", "version": __version__}


@router.get("/readyz", responses={503: refusals()[503]})
async def ready(parts: PartsOf) -> dict[str, str]:
    """Answer when the networks are loaded and the galleries' folder can be read; 503 where requests had better wait.

    Galleries whose note is damaged are counted, and named in the log: the others can be used.
    """
    if parts.pool.full:
        raise Refusal(503, "BusyError", "all places are taken: ask again later", retry_after_s=1)
    damaged = (await parts.pool.store(parts.galleries.survey)).damaged
    told = {"status": "ready", "model": parts.recognizer.embedder.model}
    return {**told, "damaged_galleries": str(len(damaged))} if damaged else told


@router.get("/metrics", response_class=Response, responses={status: refusals()[status] for status in (401, 403)})
async def metrics(request: Request, parts: PartsOf) -> Response:
    """Return the figures of this process, as Prometheus reads them."""
    if parts.settings.metrics_admin:
        need(key_of(request), "admin")
    text, kind = await parts.pool.store(parts.guards.metrics.render)
    return Response(text, media_type=kind)
