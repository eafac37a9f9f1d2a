"""Settings -> the ASGI application: guards around routes, and every error as problem details."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from twinlens.errors import ServiceError, TwinlensError
from twinlens.service.errors import OUR_FAULT, refusal_of
from twinlens.service.gate import KeyGate
from twinlens.service.guards import Guards, open_guards
from twinlens.service.headers import REPORT_POLICY, SecurityHeaders
from twinlens.service.limits import MIB, Limits, RequestLimits
from twinlens.service.logs import RequestLog
from twinlens.service.metrics import RequestMetrics
from twinlens.service.origins import SameOrigin
from twinlens.service.parts import Networks, load_networks, open_parts
from twinlens.service.photos import said
from twinlens.service.plain_answers import ProblemAnswers
from twinlens.service.rates import Buckets, RateLimits
from twinlens.service.refusals import App, Refusal
from twinlens.service.retention import Retention
from twinlens.service.routes import (
    albums,
    audit,
    doctor,
    enrolment,
    explanation,
    faces,
    galleries,
    health,
    models,
    reports,
    subjects,
)
from twinlens.service.settings import Settings
from twinlens.service.wiring import ProblemAnswer
from twinlens.version import __version__

_LOG = logging.getLogger("twinlens.service")
STATIC = Path(__file__).parent / "static"
ROUTES = (
    faces.router,
    explanation.router,
    galleries.router,
    doctor.router,
    albums.router,
    enrolment.router,
    subjects.router,
    models.router,
    reports.router,
    audit.router,
)


def create_app(settings: Settings, networks: Networks | None = None) -> App:
    """Return the application with all its guards; a server runs it, its lifespan opens and closes the parts.

    Args:
        settings: what the service was told.
        networks: loaded already; None to load them when it starts.

    Raises:
        ServiceError: keys, audit log or stored answers cannot be used.
    """
    guards = open_guards(settings)
    by_key, by_address = (Buckets(settings.rate_per_s, settings.rate_burst) for _ in range(2))
    app: App = ProblemAnswers(create_api(settings, guards, networks))  # from here on outwards
    app = RateLimits(app, by_key, by_address)
    app = KeyGate(app, guards.keyring)
    app = SameOrigin(app, settings.hosts, guards.open_service)
    app = RequestLimits(app, _limits(settings))
    app = RequestMetrics(app, guards.metrics)
    app = RequestLog(app)
    return SecurityHeaders(app, policies={"/v1/reports/": REPORT_POLICY})


def create_api(settings: Settings, guards: Guards, networks: Networks | None = None) -> FastAPI:
    """Return the routes; what stands in front of them is not in it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loaded = await asyncio.to_thread(load_networks, settings) if networks is None else networks
        app.state.parts = parts = await asyncio.to_thread(open_parts, settings, guards, loaded)
        retention = Retention(parts.galleries, guards, settings.data_dir / "sweep")
        await asyncio.to_thread(retention.finish_galleries)  # before anybody asks
        sweeping = asyncio.ensure_future(_sweep(retention, settings))
        try:
            yield
        finally:
            sweeping.cancel()
            await asyncio.wait([sweeping])
            await asyncio.to_thread(parts.close)
            guards.close()

    api = FastAPI(
        title="Twinlens",
        version=__version__,
        summary="From photos to decisions you can act on, with known error rates.",
        lifespan=lifespan,
        docs_url=None,  # its pages load scripts of another host
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    for router in (*ROUTES, health.router):
        api.include_router(router)
    _add_page(api)
    _add_problems(api)
    return api


async def _sweep(retention: Retention, settings: Settings) -> None:
    """Hold the time limits of galleries while the service runs."""
    stop = threading.Event()
    while True:
        sweeping = asyncio.ensure_future(asyncio.to_thread(retention.sweep, stop))
        try:
            await asyncio.shield(sweeping)
        except asyncio.CancelledError:  # what it has begun is finished
            stop.set()
            await sweeping
            raise
        except Exception:
            _LOG.exception("galleries were not swept; the next time is in %g s", settings.retention_interval_s)
        await asyncio.sleep(settings.retention_interval_s)


def _limits(settings: Settings) -> Limits:
    return Limits(
        body_bytes=2 * (settings.max_photo_bytes // 3 + 1) * 4 + MIB,
        bulk_body_bytes=settings.max_bulk_bytes,
        json_bytes=settings.json_bytes,
        body_grace_s=settings.upload_timeout_s,
        body_pace=settings.upload_bytes_per_s,
        body_s=settings.upload_most_s,
        bulk_body_s=settings.bulk_upload_most_s,
        work_s=settings.request_timeout_s,
    )


def _add_page(api: FastAPI) -> None:
    """Serve the web page."""
    api.mount("/static", StaticFiles(directory=STATIC), name="static")

    @api.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")


class ProblemResponse(Response):
    """A refusal as a response."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(status_code=refusal.status)
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await self._refusal.answer(scope, send)


def _add_problems(api: FastAPI) -> None:
    """Turn every exception into problem details."""

    @api.exception_handler(Refusal)
    async def refused(_: Request, error: Refusal) -> Response:
        return ProblemResponse(error)

    @api.exception_handler(TwinlensError)
    async def failed(request: Request, error: TwinlensError) -> Response:
        refusal = refusal_of(error)
        if refusal.detail == OUR_FAULT or isinstance(error, ServiceError):
            _note_fault(request, error)
        return ProblemResponse(refusal)

    @api.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return ProblemResponse(Refusal(422, "RequestError", said(error.errors())))

    @api.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        return ProblemResponse(_unrouted(request, error))

    @api.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: ClientDisconnect) -> Response:
        return Response(status_code=400)  # nobody reads it

    @api.exception_handler(Exception)
    async def fault(_: Request, __: Exception) -> Response:
        return ProblemResponse(Refusal(500, "ServiceError", OUR_FAULT))

    _describe_problems(api)


def _note_fault(request: Request, error: TwinlensError) -> None:
    """Write down what the answer keeps back; only what is said of the service's own files names nobody."""
    what = f"{error}" if isinstance(error, ServiceError) else "see its kind and places"
    _LOG.error("request %s: %s", getattr(request.state, "request_id", ""), what, exc_info=error)


def _unrouted(request: Request, error: HTTPException) -> Refusal:
    """Return what the framework refused by itself: a path that is not there, a method that the path does not take."""
    headers = {name.lower(): text for name, text in (error.headers or {}).items()}
    if error.status_code == 404:
        detail = "nothing answers at this path: /openapi.json lists those that do"
        return Refusal(404, "NoSuchPathError", detail, headers=headers)
    if error.status_code == 405:
        allowed = ", ".join(_methods_of(request.url.path)) or "GET, HEAD"  # the page and its files
        detail = f"this path does not take {request.method[:20]}: it takes {allowed}"
        return Refusal(405, "MethodError", detail, headers={**headers, "allow": allowed})
    return Refusal(error.status_code, "RequestError", str(error.detail), headers=headers)


def _methods_of(path: str) -> list[str]:
    """Return the methods of every route that a path fits, which a router does not say: it stops at the first."""
    routes = [route for router in (*ROUTES, health.router) for route in router.routes if isinstance(route, APIRoute)]
    return sorted({method for route in routes if route.path_regex.match(path) for method in route.methods or ()})


def _describe_problems(api: FastAPI) -> None:
    """Add the model of problems to the schema, which no route names by its class."""
    made = api.openapi

    def openapi() -> dict[str, object]:
        schema = made()
        schema["components"]["schemas"].setdefault("ProblemAnswer", ProblemAnswer.model_json_schema())
        return schema

    api.openapi = openapi  # type: ignore[method-assign]
