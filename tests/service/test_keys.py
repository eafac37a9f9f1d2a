"""Keys are shown once, stored as digests, and good until they are revoked."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.service.client import echo, request, scope_of

from twinlens.errors import OptionError, ServiceError
from twinlens.service.gate import KeyGate, need
from twinlens.service.keys import EVERYBODY, Key, Keyring
from twinlens.service.refusals import Receive, Refusal, Scope, Send

MAKER = """
import os, sys
from pathlib import Path
from twinlens.service.keys import Keyring
ring = Keyring(Path(sys.argv[1]))
for i in range(100000):
    key, shown = ring.create(f"k{i}", ["read"])
    if i % 3 == 2:
        ring.revoke(key.id)
    os.write(1, f"{shown} {i % 3 == 2}\\n".encode())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "keys.db"


@pytest.fixture
def ring(path: Path) -> Iterator[Keyring]:
    keyring = Keyring(path)
    yield keyring
    keyring.close()


def test_a_key_is_known_by_its_digest_only(ring: Keyring, path: Path) -> None:
    key, shown = ring.create("door", ["read", "enrol"])
    assert len(shown) == len("twl_") + 12 + 1 + 43, "256 bits in base64"
    assert ring.check(shown) == key
    written = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert key.id.encode() in written
    assert shown[-43:].encode() not in written


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_only_the_owner_reads_the_file(ring: Keyring, path: Path) -> None:
    ring.create("door", ["read"])
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_wrong_keys_are_nobody(ring: Keyring) -> None:
    key, shown = ring.create("door", ["read"])
    other, another = ring.create("gate", ["read"])
    crossed = f"twl_{key.id}_{another[-43:]}"
    changed = shown[:-2] + ("AA" if shown[-2:] != "AA" else "BB")
    for wrong in ("", "twl_", shown[:-1], shown + "x", changed, crossed, shown.upper(), f" {shown}", key.id, "é" * 60):
        assert ring.check(wrong) is None, wrong
    assert ring.check(another) == other


def test_revoking_counts_at_once_in_every_process(ring: Keyring, path: Path) -> None:
    key, shown = ring.create("door", ["read"])
    elsewhere = Keyring(path)
    assert elsewhere.check(shown) is not None
    code = "import sys; from pathlib import Path; from twinlens.service.keys import Keyring;"
    code += "Keyring(Path(sys.argv[1])).revoke(sys.argv[2])"
    subprocess.run([sys.executable, "-c", code, str(path), key.id], check=True, timeout=30)
    assert elsewhere.check(shown) is None
    assert ring.check(shown) is None
    revoked = ring.revoke(key.id)
    assert revoked.revoked_at == ring.keys()[0].revoked_at is not None
    assert ring.in_use(), "a service whose keys are all revoked is closed, not open"
    elsewhere.close()


def test_scopes_reach_downwards() -> None:
    reach = {
        scope: [s for s in ("read", "enrol", "admin") if Key("i", "l", frozenset({scope}), "").allows(s)]
        for scope in ("read", "enrol", "admin")
    }
    assert reach == {"read": ["read"], "enrol": ["read", "enrol"], "admin": ["read", "enrol", "admin"]}


@pytest.mark.parametrize(("label", "scopes"), [("x", []), ("x", ["root"]), ("", ["read"]), ("a\nb", ["read"])])
def test_unsound_keys_are_not_made(ring: Keyring, label: str, scopes: list[str]) -> None:
    with pytest.raises(OptionError, match="a key needs"):
        ring.create(label, scopes)
    assert not ring.in_use()


def test_revoking_nobody_is_an_error(ring: Keyring) -> None:
    with pytest.raises(OptionError, match="no key has the id"):
        ring.revoke("000000000000")


def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    theirs = sqlite3.connect(path)
    theirs.execute("CREATE TABLE t (x)")
    theirs.close()
    with pytest.raises(ServiceError, match="another program"):
        Keyring(path)
    text = tmp_path / "notes.txt"
    text.write_text("not a database, and long enough to be taken for one" * 10)
    with pytest.raises(ServiceError, match="keys"):
        Keyring(text)
    assert text.read_text().startswith("not a database")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signal 9 is POSIX")
def test_kills_lose_no_key_and_revive_none(path: Path) -> None:
    """Two processes make and revoke keys and are killed; what each said was done is done."""
    said: list[list[str]] = []
    for _ in range(2):
        makers = [subprocess.Popen([sys.executable, "-c", MAKER, str(path)], stdout=subprocess.PIPE) for _ in range(2)]
        firsts = [b"".join(maker.stdout.readline() for _ in range(4)) for maker in makers if maker.stdout]
        for first, maker in zip(firsts, makers, strict=True):
            maker.send_signal(signal.SIGKILL)
            said += [line.decode().split() for line in (first + maker.communicate()[0]).split(b"\n")[:-1]]
    ring = Keyring(path)
    assert len(said) > 8
    for shown, revoked in said:
        assert (ring.check(shown) is None) is (revoked == "True")
    ring.close()


async def who(scope: Scope, receive: Receive, send: Send) -> None:
    key = scope["state"]["key"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"nobody" if key is None else key.id.encode()})


def ask(keyring: Keyring | None, path: str, shown: str | None = None, **more: str) -> tuple[int, str]:
    headers = {} if shown is None else {"authorization": shown}
    found = asyncio.run(request(KeyGate(who, keyring), scope_of(path, headers=headers, **more)))
    return found.status, found.body.decode() if found.status == 200 else found.json()["error"]


def test_the_gate_lets_in_whoever_has_a_key(ring: Keyring) -> None:
    assert ask(ring, "/v1/models") == (200, EVERYBODY.id), "no keys yet"
    assert ask(None, "/v1/models") == (200, EVERYBODY.id)
    key, shown = ring.create("door", ["read"])
    assert ask(ring, "/v1/models", f"Bearer {shown}") == (200, key.id)
    assert ask(ring, "/v1/models", f"bearer  {shown}") == (200, key.id)
    assert ask(ring, "/healthz") == (200, "nobody")
    assert ask(ring, "/healthz", f"Bearer {shown}") == (200, key.id)
    for wrong in (None, "", shown, f"Basic {shown}", f"Bearer {shown}x", "Bearer"):
        assert ask(ring, "/v1/models", wrong) == (401, "KeyNeededError"), wrong
    assert ask(ring, "/api/v1/models", root_path="/api") == (401, "KeyNeededError")
    ring.revoke(key.id)
    assert ask(ring, "/v1/models", f"Bearer {shown}") == (401, "KeyNeededError")


def test_a_refused_upload_is_not_read(ring: Keyring) -> None:
    ring.create("door", ["read"])

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        pytest.fail("the app was asked")

    found = asyncio.run(request(KeyGate(app, ring), scope_of("/v1/verify", "POST")))
    assert found.status == 401
    assert found.header("www-authenticate") == 'Bearer realm="twinlens"'


def test_unreadable_keys_let_nobody_in(ring: Keyring) -> None:
    _, shown = ring.create("door", ["read"])
    ring.close()
    found = asyncio.run(request(KeyGate(echo, ring), scope_of("/v1/x", headers={"authorization": f"Bearer {shown}"})))
    assert found.status == 503


@pytest.mark.skipif(os.name != "posix", reason="an open file cannot be replaced elsewhere")
def test_the_file_of_keys_is_removed_or_replaced_while_the_service_runs(ring: Keyring, path: Path) -> None:
    _, old = ring.create("old", ["read"])
    assert ask(ring, "/v1/models", f"Bearer {old}")[0] == 200
    away = path.rename(path.with_name("away.db"))
    assert ask(ring, "/v1/models", f"Bearer {old}") == (503, "ServiceUnavailableError")
    assert ask(ring, "/v1/models") == (503, "ServiceUnavailableError")
    empty = Keyring(path)
    assert ask(ring, "/v1/models", f"Bearer {old}") == (401, "KeyNeededError")
    assert ask(ring, "/v1/models") == (401, "KeyNeededError"), "a file without keys opens nothing"
    _, new = empty.create("new", ["read"])
    empty.close()
    assert ask(ring, "/v1/models", f"Bearer {new}")[0] == 200
    path.write_bytes(b"not a database" * 1000)
    assert ask(ring, "/v1/models", f"Bearer {new}")[0] == 503
    away.replace(path)
    assert ask(ring, "/v1/models", f"Bearer {old}")[0] == 200
    assert ask(ring, "/v1/models", f"Bearer {new}")[0] == 401


def test_a_copy_over_the_file_of_keys_counts(ring: Keyring, path: Path) -> None:
    """As a backup is put back, with cp: the file stays the same one, and SQLite would go on with what it remembers."""
    _, kept = ring.create("kept", ["read"])
    backup = path.read_bytes()
    _, later = ring.create("later", ["read"])
    assert ask(ring, "/v1/models", f"Bearer {later}")[0] == 200
    path.write_bytes(backup)
    assert ask(ring, "/v1/models", f"Bearer {later}")[0] == 401
    assert ask(ring, "/v1/models", f"Bearer {kept}")[0] == 200


def test_a_route_says_what_it_needs() -> None:
    reader = Key("0123456789ab", "door", frozenset({"read"}), "")
    assert need(reader, "read") is reader
    assert need(EVERYBODY, "admin") is EVERYBODY
    with pytest.raises(Refusal, match="scope enrol") as refused:
        need(reader, "enrol")
    assert refused.value.status == 403
    with pytest.raises(Refusal) as refused:
        need(None, "read")
    assert refused.value.status == 401
