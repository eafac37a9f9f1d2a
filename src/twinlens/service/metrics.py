"""Requests -> figures for Prometheus (text format), by route, method and status.

A label has few values: routes by their template, methods and statuses of HTTP, outcomes of enrolment. Never a name, a
gallery, a key or an address. Each process of the service has figures of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from twinlens.service.refusals import App, Message, Receive, Scope, Send, path_of

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_FACES = (1, 2, 4, 8, 16, 32)


def method_of(scope: Scope) -> str:
    """Return the request's method, or ``other``: a client may send any word."""
    method = str(scope.get("method", ""))
    return method if method in _METHODS else "other"


def route_of(scope: Scope) -> str:
    """Return the template of the route that answered, to be asked after it has; ``none`` where nothing did.

    FastAPI leaves the route in the scope; what it does not route, such as the files of the page, is known by its start.
    """
    template = getattr(scope.get("route"), "path", None)
    if template is not None:
        return str(template)
    return "/static" if path_of(scope).startswith("/static/") else "none"


class Metrics:
    """The figures of one process.

    Attributes:
        enrolments: photos by outcome; the routes count.
        batch_faces: faces embedded in one call of the network.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "twinlens_requests_total",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self.seconds = Histogram(
            "twinlens_request_seconds",
            "Time from the head of a request to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.running = Gauge("twinlens_requests_running", "Requests in work.", registry=self._registry)
        self.enrolments = Counter(
            "twinlens_enrolments_total", "Photos offered, by outcome.", ["outcome"], registry=self._registry
        )
        self.batch_faces = Histogram(
            "twinlens_batch_faces", "Faces in one call of the network.", buckets=_FACES, registry=self._registry
        )

    def watch(self, name: str, told: str, value: Callable[[], float]) -> None:
        """Show what another part knows, asked for when the figures are read.

        Args:
            name: in snake case, with its unit: ``twinlens_pool_inside``.
            told: one sentence.
            value: answers at once, on any thread.
        """
        Gauge(name, told, registry=self._registry).set_function(value)

    def render(self) -> tuple[bytes, str]:
        """Return all figures, and the content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST


class RequestMetrics:
    """ASGI middleware that counts and times requests.

    Args:
        app: what answers.
        metrics: where figures go.
    """

    def __init__(self, app: App, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        self._metrics.running.inc()
        try:
            await self._app(scope, receive, sending)
        finally:
            self._metrics.running.dec()
            route = route_of(scope)
            self._metrics.requests.labels(method_of(scope), route, str(status)).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - begun)
