"""Figures have few labels, and none about a person."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.service.client import echo, request, scope_of

from twinlens.service.metrics import Metrics, RequestMetrics
from twinlens.service.refusals import Receive, Scope, Send


@dataclass
class Route:
    path: str


async def routed(scope: Scope, receive: Receive, send: Send) -> None:
    scope["route"] = Route("/v1/galleries/{gallery}/subjects/{name:path}")
    await echo(scope, receive, send)


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    text, kind = metrics.render()
    assert kind.startswith("text/plain")
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            found[(sample.name, *sample.labels.values())] = sample.value
    return found


def test_requests_are_counted_by_route_method_and_status() -> None:
    metrics = Metrics()
    app = RequestMetrics(routed, metrics)
    for name in ("Anna", "Bert"):
        asyncio.run(request(app, scope_of(f"/v1/galleries/staff/subjects/{name}")))
    template = "/v1/galleries/{gallery}/subjects/{name:path}"
    found = samples(metrics)
    assert found["twinlens_requests_total", "GET", template, "200"] == 2
    assert found["twinlens_request_seconds_count", template] == 2
    assert found["twinlens_requests_running",] == 0
    assert b"Anna" not in metrics.render()[0]
    assert b"staff" not in metrics.render()[0]


def test_what_clients_make_up_adds_no_label() -> None:
    metrics = Metrics()
    app = RequestMetrics(echo, metrics)
    for number in range(50):
        asyncio.run(request(app, scope_of(f"/v1/made-up-{number}", f"METHOD{number}")))
        asyncio.run(request(app, scope_of(f"/static/{number}.js")))
    counted = {key[1:]: value for key, value in samples(metrics).items() if key[0] == "twinlens_requests_total"}
    assert counted == {("other", "none", "200"): 50, ("GET", "/static", "200"): 50}


def test_a_fault_counts_as_500() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError

    metrics = Metrics()
    with pytest.raises(RuntimeError):
        asyncio.run(request(RequestMetrics(broken, metrics), scope_of("/v1/x")))
    found = samples(metrics)
    assert found["twinlens_requests_total", "GET", "none", "500"] == 1
    assert found["twinlens_requests_running",] == 0


def test_other_parts_are_asked_when_figures_are_read() -> None:
    metrics, inside = Metrics(), [3]
    metrics.watch("twinlens_pool_inside", "Requests admitted.", lambda: inside[0])
    assert samples(metrics)["twinlens_pool_inside",] == 3
    inside[0] = 4
    assert samples(metrics)["twinlens_pool_inside",] == 4
    metrics.enrolments.labels("done").inc()
    assert samples(metrics)["twinlens_enrolments_total", "done"] == 1
    assert samples(Metrics()).get(("twinlens_enrolments_total", "done")) is None, "each has its own"
