"""What stands in deploy/ says what the service understands, and keeps to what docs/deployment.md promises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml")
pytest.importorskip("pydantic_settings")

from twinlens.service.settings import Settings  # noqa: E402

DEPLOY = Path(__file__).parents[1] / "deploy"
SETTINGS = {f"TWINLENS_{name.upper()}" for name in Settings.model_fields}


def text(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(text("compose.yaml"))
    return loaded


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", "twinlens.service"])
def test_every_setting_is_one(name: str) -> None:
    named = set(re.findall(r"\bTWINLENS_[A-Z_]+", text(name))) - {"TWINLENS_NAME"}
    assert named <= SETTINGS


def test_the_image_runs_as_nobody_in_particular() -> None:
    lines = text("Dockerfile").splitlines()
    user = next(line for line in lines if line.startswith("USER "))
    assert int(user.split()[1].split(":")[0]) >= 10_000
    assert any("/healthz" in line for line in lines)
    for line in lines:
        word = line.strip().partition(" ")
        if word[0] in {"RUN", "CMD", "ENTRYPOINT"}:
            assert word[2].startswith("["), f"a shell would read: {line}"


def test_images_are_named_with_their_version(compose: dict[str, Any]) -> None:
    images = re.findall(r"^FROM (\S+)", text("Dockerfile"), re.MULTILINE)
    images += [s["image"] for name, s in compose["services"].items() if name != "twinlens"]
    assert images
    assert all(re.search(r":(v?\d|RELEASE\.\d)", image) for image in images)


def test_the_service_can_write_to_its_data_alone(compose: dict[str, Any]) -> None:
    service = compose["services"]["twinlens"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["volumes"] == ["twinlens:/var/lib/twinlens"]
    assert "/var/lib/twinlens" in text("Dockerfile")


def test_nothing_is_reached_from_outside_but_the_service_on_loopback(compose: dict[str, Any]) -> None:
    ports = {name: service.get("ports", []) for name, service in compose["services"].items()}
    assert {name for name, told in ports.items() if told} == {"twinlens"}
    assert all(port.startswith("127.0.0.1:") for port in ports["twinlens"])
    assert compose["networks"]["back"] == {"internal": True}
    assert "minioadmin" not in text("compose.yaml")


def test_the_unit_is_hardened() -> None:
    unit = text("twinlens.service").splitlines()
    for line in ("DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes", "StateDirectory=twinlens"):
        assert line in unit
