"""The command itself: a real server in a process of its own, its refusals, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from twinlens.cli.serve import is_loopback

PATIENCE_S = 60.0


@contextlib.contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run ``twinlens serve`` on a free port; give the process and its address."""
    command = [sys.executable, "-m", "twinlens.cli", "serve", "--port", "0", "--data-dir", str(folder), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            found = re.search(r"http://[^ ]+/", process.stderr.readline())
            assert found, "the command did not say where it listens"
            threading.Thread(target=process.stderr.read, daemon=True).start()
            _wait(found[0])
            yield process, found[0]
        finally:
            process.kill()


def _wait(url: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx2.HTTPError):
            if httpx2.get(f"{url}readyz", timeout=5).status_code == 200:
                return
        time.sleep(0.1)
    pytest.fail("the service did not become ready")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "twinlens.cli", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PATIENCE_S, env={**os.environ, **environment}
    )


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("localhost", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.4", False),
        ("", False),
        ("faces.example.org", False),
    ],
)
def test_what_is_on_this_machine_only(host: str, here: bool) -> None:
    assert is_loopback(host) is here


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_server_answers_and_ends_when_told(tmp_path: Path, photo: bytes) -> None:
    with served(tmp_path) as (process, url), httpx2.Client(base_url=url, timeout=60) as client:
        client.post("v1/galleries", json={"name": "staff"})
        name = "a%252Fb%2Fc"  # a%2Fb/c
        client.post(f"v1/galleries/staff/subjects/{name}/photos", files={"photos": ("a.jpg", photo)})
        assert client.get(f"v1/galleries/staff/subjects/{name}").json()["name"] == "a%2Fb/c"
        found = client.post("v1/identify", files={"photo": photo}, data={"gallery": "staff"}).json()
        assert found["faces"][0]["subject"] == "a%2Fb/c"
        assert client.get("").headers["content-type"].startswith("text/html")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) in {0, -signal.SIGTERM}


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_told_to_end_it_answers_what_it_was_asked(tmp_path: Path, photo: bytes) -> None:
    answers: list[int] = []
    stored: list[str] = []  # one photo under many names is one conflict after another: only what is done counts
    with served(tmp_path, "--workers", "1") as (process, url):
        httpx2.post(f"{url}v1/galleries", json={"name": "staff"})
        begun = threading.Barrier(9)

        def ask(number: int) -> None:
            begun.wait()
            target = f"{url}v1/galleries/staff/subjects/P{number}/photos"
            with contextlib.suppress(httpx2.ConnectError):  # came after the door was shut: nothing was acknowledged
                answer = httpx2.post(
                    target, data={"accept_conflict": "1"}, files={"photos": photo + bytes([number])}, timeout=60
                )
                answers.append(answer.status_code)
                stored.extend(report["outcome"] for report in answer.json()["reports"] if report["outcome"] == "done")

        asking = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for one in asking:
            one.start()
        begun.wait()
        time.sleep(0.15)
        process.send_signal(signal.SIGTERM)
        for one in asking:
            one.join(PATIENCE_S)
        process.wait(PATIENCE_S)
    assert set(answers) <= {200}
    with served(tmp_path) as (_, url):
        assert httpx2.get(f"{url}v1/galleries/staff").json()["subjects"] >= len(stored)
        assert httpx2.get(f"{url}v1/audit/verify").json()["sound"] is True


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_lines_come_while_photos_are_still_sent(tmp_path: Path, photo: bytes) -> None:
    mark = "xyzzy"

    def part(number: int) -> bytes:
        head = f'--{mark}\r\nContent-Disposition: form-data; name="photos"; filename="P{number}/a.jpg"\r\n\r\n'
        return head.encode() + photo + bytes([number]) + b"\r\n"

    with served(tmp_path) as (_, url), socket.create_connection(_place(url), timeout=30) as raw:
        httpx2.post(f"{url}v1/galleries", json={"name": "staff"})
        body = b"".join(part(number) for number in range(12)) + f"--{mark}--\r\n".encode()
        head = "POST /v1/galleries/staff/enrolments HTTP/1.1\r\nHost: localhost\r\nAccept: application/x-ndjson\r\n"
        head += f"Content-Type: multipart/form-data; boundary={mark}\r\nContent-Length: {len(body)}\r\n\r\n"
        half = len(body) * 3 // 4
        raw.sendall(head.encode() + body[:half])
        early = raw.recv(1 << 16)
        while b'"outcome"' not in early:
            early += raw.recv(1 << 16)
        raw.sendall(body[half:])
        while b"0\r\n\r\n" not in early:
            early += raw.recv(1 << 16)
    lines = [json.loads(line) for line in early.split(b"\r\n") if line.startswith(b"{")]
    assert len(lines) == 12
    assert lines[0]["outcome"] == "done"


def _place(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").rstrip("/").rpartition(":")
    return host, int(port)


@pytest.mark.slow
def test_nothing_is_opened_to_others_without_a_key(tmp_path: Path) -> None:
    refused = run("serve", "--host", "0.0.0.0", "--port", "0", "--data-dir", str(tmp_path))
    assert refused.returncode == 2
    assert "no key yet" in refused.stderr
    assert "twinlens keys create" in refused.stderr
    made = run("keys", "create", "page", "--scope", "admin", "--data-dir", str(tmp_path), "--json")
    assert json.loads(made.stdout)["key"].startswith("twl_")
    listed = run("keys", "list", "--data-dir", str(tmp_path), "--json")
    key = json.loads(listed.stdout)
    assert (key["label"], key["scopes"], key["revoked_at"]) == ("page", ["admin"], None)
    assert "twl_" not in listed.stdout
    revoked = run("keys", "revoke", key["id"], "--data-dir", str(tmp_path), "--json")
    assert json.loads(revoked.stdout)["revoked_at"]


@pytest.mark.slow
def test_a_setting_that_cannot_be_and_a_port_that_is_taken(tmp_path: Path) -> None:
    wrong = run("serve", TWINLENS_TARGET_FMR="2", TWINLENS_DATA_DIR=str(tmp_path))
    assert wrong.returncode == 2
    assert "TWINLENS_TARGET_FMR" in wrong.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run("serve", "--port", str(port), "--data-dir", str(tmp_path))
    assert refused.returncode == 2
    assert f"port {port}" in refused.stderr
    assert "Traceback" not in refused.stderr + wrong.stderr


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.skipif(os.name != "posix", reason="signal 9 is POSIX")
def test_killed_while_it_erases_a_gallery_it_finishes_at_its_next_start(tmp_path: Path, photo: bytes) -> None:
    folder = tmp_path / "galleries"
    with served(tmp_path) as (process, url):
        httpx2.post(f"{url}v1/galleries", json={"name": "staff"})
        httpx2.post(f"{url}v1/galleries/staff/subjects/Ada/photos", files={"photos": photo}, timeout=60)
        (folder / "staff.db.more").touch()
        os.truncate(folder / "staff.db.more", 4 << 30)  # takes a while to overwrite

        def erase() -> None:
            with contextlib.suppress(httpx2.HTTPError):
                httpx2.delete(f"{url}v1/galleries/staff", timeout=60)

        erasing = threading.Thread(target=erase)
        erasing.start()
        deadline = time.monotonic() + PATIENCE_S
        while (folder / "staff.db").exists() and time.monotonic() < deadline:  # the first of them by name
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)
        erasing.join(PATIENCE_S)
    assert '"erasing": true' in (folder / "staff.json").read_text()
    assert (folder / "staff.db.more").exists()
    os.truncate(folder / "staff.db.more", 1000)  # the rest is not worth the wait
    with served(tmp_path) as (_, url):
        assert httpx2.get(f"{url}v1/galleries/staff").status_code == 404
        assert list(folder.glob("staff*")) == []
        assert httpx2.get(f"{url}v1/audit").json()["items"][-1]["facts"]["made up for"] is True
        assert httpx2.get(f"{url}v1/audit/verify").json()["sound"] is True
        assert httpx2.post(f"{url}v1/galleries", json={"name": "staff"}).status_code == 201
