"""Every answer tells the browser to be careful."""

from __future__ import annotations

import asyncio

import pytest
from tests.service.client import echo, request, scope_of

from twinlens.service.headers import REPORT_POLICY, SecurityHeaders
from twinlens.service.refusals import Receive, Scope, Send


def test_the_page_takes_nothing_from_another_host() -> None:
    found = asyncio.run(request(SecurityHeaders(echo), scope_of("/")))
    policy = found.header("content-security-policy") or ""
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'self'"
    assert rules["img-src"] == "'self' blob: data:"
    assert rules["media-src"] == "'self' blob:"
    assert rules["object-src"] == rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy
    assert "http" not in policy
    assert found.header("x-content-type-options") == "nosniff"
    assert found.header("referrer-policy") == "no-referrer"
    assert found.header("x-frame-options") == "DENY"
    assert (found.header("permissions-policy") or "").startswith("camera=(self)")
    assert found.header("cache-control") is None


def test_no_cache_keeps_an_answer_about_people() -> None:
    async def careless(scope: Scope, receive: Receive, send: Send) -> None:
        head = [(b"Cache-Control", b"public, max-age=3600"), (b"x-own", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body"})

    found = asyncio.run(request(SecurityHeaders(careless), scope_of("/v1/galleries")))
    assert [text for name, text in found.headers if name == "cache-control"] == ["no-store"]
    assert found.header("x-own") == "1"


@pytest.mark.parametrize(("path", "framed"), [("/reports/lfw/index.html", True), ("/reportsx", False), ("/v1", False)])
def test_reports_have_their_own_policy(path: str, framed: bool) -> None:
    app = SecurityHeaders(echo, policies={"/": "default-src 'none'", "/reports/": REPORT_POLICY})
    found = asyncio.run(request(app, scope_of(path)))
    assert (found.header("content-security-policy") == REPORT_POLICY) is framed
    assert (found.header("x-frame-options") == "SAMEORIGIN") is framed
    assert "script" not in REPORT_POLICY, "reports need none, and default-src forbids them"


def test_what_is_no_request_passes() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    asyncio.run(SecurityHeaders(app)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
