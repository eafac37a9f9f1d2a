"""Addresses of galleries on a Milvus server: what is understood, what is refused, and that no secret is repeated."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

import grpc
import pytest
from pymilvus.decorators import retry_on_rpc_failure
from pymilvus.exceptions import MilvusException

from twinlens.errors import GalleryUnavailableError, OptionError
from twinlens.gallery import open_gallery
from twinlens.gallery.milvus_address import MilvusAddress
from twinlens.gallery.milvus_ledger import Ledger, Transaction
from twinlens.gallery.milvus_link import MilvusLink, _Once
from twinlens.gallery.milvus_marks import Mark, View, marks_of


def test_an_address_names_server_collection_and_settings() -> None:
    plain = MilvusAddress.parse("db.example/faces")
    assert (plain.host, plain.port, plain.collection, plain.tls) == ("db.example", 19530, "faces", False)
    assert (str(plain), plain.uri) == ("milvus://db.example:19530/faces", "http://db.example:19530")
    full = MilvusAddress.parse("[::1]:99/f?tls=1&token_env=TOKEN&timeout=2.5&flush=1&ca=ca.pem")
    assert full == MilvusAddress("::1", 99, "f", True, "TOKEN", "ca.pem", 2.5, True)
    assert full.uri == "https://[::1]:99"
    assert MilvusAddress.parse("h/f", tls=True).tls


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("host:19530", "looks|is milvus://"),
        ("host/with-dash", "letters, digits"),
        ("host/a/b", "letters, digits"),
        ("/faces", "a Milvus address is"),
        ("host:999999/faces", "1 to 65535"),
        ("[::1/faces", "no Milvus address"),
        ("host/faces?tocken=x", "unknown settings in a Milvus address: tocken; known: tls"),
        ("host/faces?tls=maybe", "1 or 0"),
        ("host/faces?timeout=soon", "0.1 to 30 seconds"),
        ("host/faces?timeout=900", "0.1 to 30 seconds"),
        ("root:Sesame@host/faces", "put user:password into a variable"),
    ],
)
def test_odd_addresses_are_refused(place: str, words: str) -> None:
    with pytest.raises(OptionError, match=words) as raised:
        open_gallery(f"milvus://{place}", model="test-net", dim=16)
    assert "Sesame" not in str(raised.value)


def test_the_token_comes_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    address = MilvusAddress.parse("host/faces?token_env=MILVUS_TOKEN")
    monkeypatch.delenv("MILVUS_TOKEN", raising=False)
    with pytest.raises(OptionError, match="MILVUS_TOKEN is not set"):
        address.token()
    monkeypatch.setenv("MILVUS_TOKEN", "root:Sesame")
    assert address.token() == "root:Sesame"
    assert "Sesame" not in f"{address} {address!r}"


def test_sqlite_galleries_do_not_load_the_client() -> None:
    code = (
        "import sys, tempfile; from twinlens.gallery import open_gallery\n"
        "open_gallery(tempfile.mkdtemp() + '/a.db', model='m', dim=4).close()\n"
        "assert not {'pymilvus', 'grpc', 'pandas', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_without_the_client_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinlens.gallery.registry.find_spec", lambda name: None)
    with pytest.raises(OptionError, match=r"pip install 'twinlens\[distributed\]'"):
        open_gallery("milvus://host/faces", model="test-net", dim=16)


@pytest.mark.slow
def test_an_absent_server_is_said_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILVUS_TOKEN", "root:Sesame")
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(GalleryUnavailableError, match="does not answer") as raised:
        open_gallery(f"milvus://127.0.0.1:{port}/faces?timeout=2&token_env=MILVUS_TOKEN", model="test-net", dim=16)
    assert time.monotonic() - started < 15
    assert "Sesame" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.slow
def test_a_silent_server_is_given_up_in_time() -> None:
    """It accepts connections and never says a word."""
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:

        def accept() -> None:
            while True:
                try:
                    kept.append(silent.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        started = time.monotonic()
        with pytest.raises(GalleryUnavailableError, match="does not answer"):
            open_gallery(f"milvus://127.0.0.1:{silent.getsockname()[1]}/faces?timeout=2", model="test-net", dim=16)
        assert time.monotonic() - started < 15
        silent.shutdown(socket.SHUT_RDWR)
    for connection in kept:
        connection.close()


def test_marks_are_read_back_from_aliases() -> None:
    marks = {
        Mark("p", 0x1234, 99),
        Mark("q", 3, 9),
        Mark("c", 7, 8),
        Mark("r", 2**62, 2_000_000_000, "0123456789abcdef" * 2),
    }
    aliases = [mark.alias("faces") for mark in marks]
    others = ["production", "faces_live", "faces__p_zz_1", "faces2__p_1_1", "faces__x_1_1"]
    assert marks_of([*aliases, *others], "faces") == marks
    assert all(len(mark.alias("c" * 128)) <= 255 for mark in marks)


def test_a_view_says_which_rows_count() -> None:
    view = View(frozenset({5}), {"ada": 7})
    assert view.condition() == 'batch not in [5] and not (subject_key == "ada" and batch < 7)'
    rows = [("ada", 6), ("ada", 7), ("ben", 5), ("ben", 6)]
    assert [view.shows({"subject_key": key, "batch": batch}) for key, batch in rows] == [False, True, False, True]
    assert View().condition() == ""


def test_the_client_does_not_repeat_an_insert_by_itself() -> None:
    class LostError(grpc.RpcError):  # type: ignore[misc]
        def code(self) -> grpc.StatusCode:
            return grpc.StatusCode.UNAVAILABLE

    calls: list[float] = []

    class Handler:
        @retry_on_rpc_failure()  # type: ignore[untyped-decorator, unused-ignore]
        def insert(self, *, timeout: float) -> None:
            calls.append(timeout)
            raise LostError

    with pytest.raises(MilvusException):
        Handler().insert(timeout=_Once(5.0))
    assert calls == [5.0]
    with pytest.raises(MilvusException):
        Handler().insert(timeout=0.05)
    assert len(calls) > 2


def test_a_change_never_loses_its_second_mark_first() -> None:
    """Between the two the next writer would take the change for one to be undone, when its old rows are gone."""

    class Recorder(MilvusLink):
        def __init__(self) -> None:
            self.collection = "faces"
            self.dropped: list[str] = []

        def drop_alias(self, alias: str) -> None:
            self.dropped.append(alias)

    link = Recorder()
    marks = {Mark("c", 5, 9), Mark("q", 5, 9), Mark("q", 5, 8)}
    Ledger(link).take_down(marks)
    assert [alias.split("_")[2] for alias in link.dropped] == ["q", "q", "c"]


def test_a_long_call_keeps_its_lease_and_a_late_one_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Recorder(MilvusLink):
        def __init__(self) -> None:
            self.collection, self.address, self.up = "f", MilvusAddress.parse("host/f"), ["f__p_5_424"]

        def create_alias(self, alias: str) -> None:
            self.up.append(alias)

        def drop_alias(self, alias: str) -> None:
            self.up.remove(alias)

    link, now = Recorder(), [1_020.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    change = Transaction(Ledger(link), link, Mark("p", 5, 1_060))
    change._stay()
    assert link.up == ["f__p_5_424"]
    now[0] = 1_040.0
    change._stay()
    assert link.up == [f"f__p_5_{1_100:x}"]
    now[0] = 1_095.0
    with pytest.raises(GalleryUnavailableError, match="the server was too slow"):
        change._stay()


def test_a_read_is_repeated_while_a_subject_is_changed() -> None:
    """A reader that hides the new rows, and learns afterwards that the old ones do not count, has seen neither."""
    marks = [[Mark("q", 5, 9)], [Mark("q", 5, 9), Mark("c", 5, 9)], [Mark("p", 6, 9)], []]

    class Changing(MilvusLink):
        def __init__(self) -> None:
            self.collection = "faces"
            self.address = MilvusAddress.parse("127.0.0.1:19530/faces")

        def aliases(self, *, once: bool = False) -> list[str]:
            return [mark.alias("faces") for mark in marks.pop(0)]

        def query(self, condition: str, fields: Sequence[str], limit: int = 1) -> list[dict[str, str]]:
            return [{"pk": "new", "replaces": "ada"}]

    seen: list[str] = []

    def work(view: View) -> int:
        seen.append(view.condition())
        return len(seen)

    found, late = Ledger(Changing()).read(work)
    assert seen == ["batch not in [5]", 'not (subject_key == "ada" and batch < 5)', "batch not in [6]"]
    assert (found, late.condition(), marks) == (3, "", [])
