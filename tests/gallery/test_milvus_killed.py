"""A Milvus server with accounts and TLS, reached through loopback only; killed with signal 9 and started again."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from tests.milvus_server import MilvusServer, NoServerError, loopback_only

from twinlens.errors import GalleryError, GalleryUnavailableError
from twinlens.gallery import open_gallery
from twinlens.gallery.milvus_gallery import MilvusGallery
from twinlens.protocols import Enrolment
from twinlens.types import Embedding

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("milvus")]

MODEL, DIM = "test-net", 16
TOTAL, STEP = 600, 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    folder = tmp_path_factory.mktemp("guarded")
    certificate, key = folder / "server.pem", folder / "server.key"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate")
    subprocess.run([*command.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    settings = {
        "authorization_enabled": True,
        "tls_mode": 1,
        "server_pem_path": certificate,
        "server_key_path": key,
    }
    try:
        started = MilvusServer(folder, tick_ms=20, settings=settings)
    except NoServerError as error:
        pytest.skip(f"no Milvus server: {error}")
    yield started
    started.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def address(server: MilvusServer, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MILVUS_TOKEN", "root:Milvus")
    ca = server.folder / "server.pem"
    return f"milvus+tls://127.0.0.1:{server.port}/faces?token_env=MILVUS_TOKEN&ca={ca}&timeout=5"


def opened(address: str) -> MilvusGallery:
    gallery = open_gallery(address, model=MODEL, dim=DIM)
    assert isinstance(gallery, MilvusGallery)
    return gallery


def photos() -> list[Enrolment]:
    vectors = np.random.default_rng(1).standard_normal((TOTAL, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [Enrolment(f"s{i // 2:04d}", Embedding(vector, MODEL), f"photo {i}") for i, vector in enumerate(vectors)]


def test_nobody_else_can_reach_it(server: MilvusServer) -> None:
    assert loopback_only(server.port)
    listed = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
    assert not any(f"pid={pid}," in listed for pid in server.pids() if pid != server.pids()[0])


def test_a_wrong_token_is_refused_and_not_repeated(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILVUS_TOKEN", "root:Sesame")
    with pytest.raises(GalleryError, match="refuses the token") as raised:
        opened(address)
    assert not isinstance(raised.value, GalleryUnavailableError)
    assert "Sesame" not in str(raised.value)


def test_killed_in_the_middle_of_enrolments(server: MilvusServer, address: str) -> None:
    everything = photos()
    acknowledged: list[Enrolment] = []
    waited: list[float] = []

    def enrol() -> None:
        with opened(address) as gallery:
            for at in range(0, TOTAL, STEP):
                for _ in range(60):
                    began = time.monotonic()
                    try:
                        gallery.add(everything[at : at + STEP])
                    except GalleryUnavailableError:
                        waited.append(time.monotonic() - began)
                        time.sleep(0.2)
                    else:
                        acknowledged.extend(everything[at : at + STEP])
                        break

    with opened(address) as reader:
        writer = threading.Thread(target=enrol)
        writer.start()
        while len(acknowledged) < TOTAL // 3 and writer.is_alive():
            time.sleep(0.01)
        server.kill()
        before = list(acknowledged)
        began = time.monotonic()
        with pytest.raises(GalleryUnavailableError, match="does not answer"):
            reader.count()
        assert time.monotonic() - began < 40
        server.start()
        writer.join(200)
        assert (len(acknowledged), STEP <= len(before) < TOTAL) == (TOTAL, True)
        stored = list(reader.entries())
        assert {e.photo for e in before} <= {e.photo for e in stored}
        assert {(e.subject, e.photo, e.embedding.vector.tobytes()) for e in stored} == {
            (e.subject, e.photo, e.embedding.vector.tobytes()) for e in everything
        }
        assert (len(stored), reader._link.count(""), reader.verify_integrity()) == (TOTAL, TOTAL, ())
        assert max(waited, default=0) < 90
