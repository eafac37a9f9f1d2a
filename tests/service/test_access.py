"""Keys and scopes on every route, rates, other pages' requests, figures: through HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.service.conftest import Serve

from twinlens.service.app import create_api
from twinlens.service.guards import open_guards
from twinlens.service.keys import Keyring
from twinlens.service.settings import Settings

OPEN = {"/healthz", "/readyz", "/metrics"}


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    """A key of each scope."""
    ring = Keyring(tmp_path / "service" / "keys.db")
    made = {scope: ring.create(f"test {scope}", [scope])[1] for scope in ("read", "enrol", "admin")}
    ring.close()
    return made


def routes(path: Path) -> list[tuple[str, str]]:
    guards = open_guards(Settings(data_dir=path))
    try:
        schema: dict[str, Any] = create_api(Settings(data_dir=path), guards).openapi()
    finally:
        guards.close()
    return [(method.upper(), where) for where, told in schema["paths"].items() for method in told]


NEEDS = {
    ("POST", "/v1/galleries"): "admin",
    ("PATCH", "/v1/galleries/{gallery}"): "admin",
    ("DELETE", "/v1/galleries/{gallery}"): "admin",
    ("GET", "/v1/audit"): "admin",
    ("GET", "/v1/audit/verify"): "admin",
    ("POST", "/v1/galleries/{gallery}/photos"): "enrol",
    ("POST", "/v1/galleries/{gallery}/enrolments"): "enrol",
    ("POST", "/v1/galleries/{gallery}/subjects/{name}/photos"): "enrol",
    ("POST", "/v1/galleries/{gallery}/subjects/{name}/merge"): "enrol",
    ("PATCH", "/v1/galleries/{gallery}/subjects/{name}"): "enrol",
    ("DELETE", "/v1/galleries/{gallery}/subjects/{name}"): "enrol",
}
RANK = ("read", "enrol", "admin")


def test_every_route_asks_for_its_scope(serve: Serve, keys: dict[str, str], tmp_path: Path) -> None:
    found = [(method, path) for method, path in routes(tmp_path / "other") if path not in OPEN]
    assert set(NEEDS) <= set(found)
    with serve() as client:
        for method, path in found:
            where = path.replace("{gallery}", "none").replace("{name}", "x").replace("{report}", "x")
            assert client.request(method, where).status_code == 401, (method, path)
            wanted = RANK.index(NEEDS.get((method, path), "read"))
            for rank, scope in enumerate(RANK):
                status = client.request(method, where, headers=bearer(keys[scope])).status_code
                assert (status == 403) == (rank < wanted), (method, path, scope, status)


def test_a_key_is_good_until_it_is_revoked(serve: Serve, keys: dict[str, str], tmp_path: Path) -> None:
    with serve() as client:
        wrong = keys["read"][:-1] + ("A" if keys["read"][-1] != "A" else "B")
        for shown in ("", "Bearer", "Bearer x", f"Basic {keys['read']}", f"Bearer {wrong}"):
            refused = client.get("/v1/models", headers={"authorization": shown})
            assert (refused.status_code, refused.json()["error"]) == (401, "KeyNeededError")
            assert refused.headers["www-authenticate"].startswith("Bearer")
        assert client.get("/v1/models", headers=bearer(keys["read"])).status_code == 200
        ring = Keyring(tmp_path / "service" / "keys.db")
        ring.revoke(keys["read"].split("_")[1])
        ring.close()
        assert client.get("/v1/models", headers=bearer(keys["read"])).status_code == 401
        for path in ("/", "/healthz", "/readyz", "/metrics", "/static/app.css", "/openapi.json"):
            assert client.get(path).status_code == 200, path


def test_the_log_names_the_key_that_asked(serve: Serve, keys: dict[str, str]) -> None:
    with serve() as client:
        client.post("/v1/galleries", json={"name": "staff"}, headers=bearer(keys["admin"]))
        items = client.get("/v1/audit", headers=bearer(keys["admin"])).json()["items"]
    assert [one["who"] for one in items] == [keys["admin"].split("_")[1]]
    assert items[0]["request"]


def test_who_asks_too_often_is_told_when_to_come_back(serve: Serve) -> None:
    with serve(rate_per_s=1, rate_burst=3) as client:
        statuses = [client.get("/v1/galleries").status_code for _ in range(5)]
        assert statuses[:3] == [200, 200, 200]
        refused = client.get("/v1/galleries")
        assert (refused.status_code, refused.json()["error"]) == (429, "RateLimitedError")
        assert int(refused.headers["retry-after"]) >= 1
        assert client.get("/healthz").status_code == 200


def test_other_pages_may_not_ask_a_service_without_keys(service: TestClient) -> None:
    for headers, error in (
        ({"origin": "https://evil.example"}, "OriginError"),
        ({"origin": "null"}, "OriginError"),
        ({"origin": "http://[::1"}, "OriginError"),
        ({"sec-fetch-site": "cross-site"}, "OriginError"),
        ({"host": "evil.example"}, "HostError"),
        ({"host": "localhost.evil.example:80"}, "HostError"),
    ):
        refused = service.post("/v1/galleries", json={"name": "evil"}, headers=headers)
        assert refused.json()["error"] == error, headers
        assert refused.status_code in {403, 421}
    same = {"origin": "http://localhost", "sec-fetch-site": "same-origin"}
    assert service.post("/v1/galleries", json={"name": "ours"}, headers=same).status_code == 201
    service.delete("/v1/galleries/ours")


def test_figures_hold_no_name(service: TestClient, gallery: str, photo: bytes) -> None:
    service.post(f"/v1/galleries/{gallery}/subjects/Ada/photos", files={"photos": photo})
    text = service.get("/metrics").text
    assert 'twinlens_enrolments_total{outcome="done"}' in text
    assert 'route="/v1/galleries/{gallery}/subjects/{name:path}/photos"' in text
    assert "twinlens_batch_faces_count" in text
    assert "twinlens_pool_inside" in text
    assert "Ada" not in text
    assert gallery not in text


def test_figures_for_admins_only_where_that_is_set(serve: Serve, keys: dict[str, str]) -> None:
    with serve(metrics_admin=True) as client:
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", headers=bearer(keys["read"])).status_code == 403
        assert client.get("/metrics", headers=bearer(keys["admin"])).status_code == 200
