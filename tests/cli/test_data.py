"""``twinlens data list|fetch|check``: words, JSON, exit codes; what is fetched comes from a loopback server."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from tests.evaluate.leakage.photos import save, scene

from twinlens.cli.app import main
from twinlens.datasets import fetch as fetching
from twinlens.datasets.sources import SOURCES, Source, Sources

PLAIN = b"a list\n" * 1000


class Hush(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
        pass


class Run:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capfd = monkeypatch, capfd

    def __call__(self, *words: object) -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["twinlens", "data", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = self._capfd.readouterr()
        assert "Traceback" not in err
        assert "a fault of ours" not in err, err
        return int(stopped.value.code or 0), out, err


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "data"))
    return Run(monkeypatch, capfd)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a folder from which ``cfp`` comes: a list and an archive."""
    folder = tmp_path / "shop"
    folder.mkdir()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("cfp-dataset/Protocol/readme.txt", "hello")
    (folder / "all.zip").write_bytes(stream.getvalue())
    (folder / "list.txt").write_bytes(PLAIN)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Hush, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def source(name: str, **more: Any) -> Source:
        sum_ = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        return Source(name, (f"http://127.0.0.1:{server.server_port}/{name}",), sum_, **more)

    files = source("list.txt"), source("all.zip", unpacked="cfp-dataset/Protocol", unpacked_bytes=1000)
    sets = MappingProxyType({**SOURCES, "cfp": Sources("cfp", files, "Terms of the test.", "nothing else")})
    monkeypatch.setattr(fetching, "SOURCES", sets)
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_list_names_sets_terms_and_what_is_here(run: Run, tmp_path: Path) -> None:
    save(tmp_path / "data/orl/s1/1.png", scene(1))
    code, out, err = run("list")
    assert code == 0
    assert f"data sets lie in {tmp_path / 'data'}" in err
    assert "orl          here\n" in out
    assert "cfp          absent\n  terms    Research use; credit the makers (Sengupta et al. 2016).\n" in out
    assert "from     twinlens data fetch cfp, at least 82 MiB" in out
    code, out, _ = run("list", "--json")
    sets = {one["name"]: one for one in map(json.loads, out.splitlines())}
    assert set(sets) == set(SOURCES)
    assert (sets["orl"]["state"], sets["lfw"]["state"]) == ("here", "absent")
    assert sets["lfw"]["protocols"][0]["missing"]


def test_a_set_is_fetched_once(run: Run, shop: Path, tmp_path: Path) -> None:
    code, out, err = run("fetch", "cfp")
    assert "fetched   list.txt, all.zip" in out
    assert "terms     Terms of the test." in out
    assert "by hand   nothing else" in out
    assert "fetching list.txt (0.0 MiB)" in err
    assert (tmp_path / "data/cfp/list.txt").read_bytes() == PLAIN
    assert (tmp_path / "data/cfp/cfp-dataset/Protocol/readme.txt").read_text() == "hello"
    assert code == 1  # this CFP has no photos: nothing can be done with it
    assert "not complete" in out
    _, out, _ = run("fetch", "cfp", "--json")
    got = json.loads(out)
    assert (got["loaded"], got["present"], got["usable"]) == ([], ["list.txt", "all.zip"], False)


def test_a_wrong_sum_and_a_silent_server_end_with_3(run: Run, shop: Path) -> None:
    (shop / "list.txt").write_bytes(b"tampered")
    code, out, err = run("fetch", "cfp")
    assert (code, out) == (3, "")
    assert "sent a file with sha256" in err
    (shop / "list.txt").unlink()
    code, _, err = run("fetch", "cfp", "--json")
    assert code == 3
    assert json.loads(err.splitlines()[-1])["error"] == "DatasetError"


def test_without_a_network_it_is_said_and_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nowhere = Source("list.txt", ("http://no-such-host.invalid/list.txt",), "0" * 64)
    monkeypatch.setattr(fetching, "SOURCES", {"cfp": Sources("cfp", (nowhere,), "terms")})
    code, out, err = run("fetch", "cfp")
    assert (code, out) == (3, "")
    assert "no connection (" in err
    assert "Is this machine on a network that lets it out? What arrived is kept, and the next try goes on from there; "
    assert f"or put the file into {tmp_path / 'data/cfp'} by hand" in err


def test_unknown_names_are_refused_before_anything_is_fetched(run: Run, shop: Path, tmp_path: Path) -> None:
    code, _, err = run("fetch", "cfp", "imagenet")
    assert code == 2
    assert "nothing known to fetch under 'imagenet'; known: " in err
    assert not (tmp_path / "data").exists()
    assert run("fetch")[0] == 2


def test_what_comes_by_hand_only_ends_with_1(run: Run) -> None:
    code, out, _ = run("fetch", "orl")
    assert code == 1
    assert "https://cam-orl.co.uk/facedatabase.html" in out


def people(root: Path) -> Path:
    for number, name in enumerate(("ann/1.jpg", "ann/2.jpg", "bo/1.jpg")):
        save(root / name, scene(number))
    return root


def test_a_sound_folder(run: Run, tmp_path: Path) -> None:
    code, out, err = run("check", people(tmp_path / "mine"))
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == f"mine: 3 of 3 photos decode ({tmp_path / 'mine'})"
    assert "all: 2 people, 3 photos" in out


def test_a_broken_photo_is_named_and_ends_with_3(run: Run, tmp_path: Path) -> None:
    photo = people(tmp_path / "mine") / "ann/2.jpg"
    photo.write_bytes(photo.read_bytes()[:-2000])
    code, out, _ = run("check", tmp_path / "mine")
    assert code == 3
    assert "mine: 2 of 3 photos decode" in out
    assert f"  BROKEN {photo}: a truncated JPEG: " in out
    code, out, _ = run("check", tmp_path / "mine", "--json")
    record = json.loads(out)
    assert (code, record["sound"], record["photos"], len(record["broken"])) == (3, False, 3, 1)


def test_other_counts_than_the_published_end_with_3(run: Run, tmp_path: Path) -> None:
    save(tmp_path / "data/orl/s1/1.png", scene(1))
    code, out, _ = run("check")
    assert code == 3
    assert "WRONG all: published are 40 people, 400 photos; this copy has 1 people, 1 photos" in out


def test_a_broken_list_is_named_with_its_line_and_the_others_are_checked_all_the_same(run: Run, tmp_path: Path) -> None:
    root = tmp_path / "data/lfw"
    for number, photo in enumerate(("Ann_A/Ann_A_0001.jpg", "Ann_A/Ann_A_0002.jpg", "Bo_B/Bo_B_0001.jpg")):
        save(root / "lfw2" / photo, scene(number))
    for name in ("pairsDevTrain.txt", "pairsDevTest.txt"):
        (root / name).write_text("1\nAnn_A\t1\t2\nAnn_A\t1\tBo_B\t1\n")
    (root / "pairs.txt").write_text("10\t1\nAnn_A\t1\t2\n")
    save(tmp_path / "data/avengers/ann/1.jpg", scene(1))
    code, out, _ = run("check")
    assert code == 3
    assert f"lfw-view2               WRONG {root / 'pairs.txt'}:1: this announces 20 pairs" in out
    assert "lfw: 3 of 3 photos decode" in out
    assert "avengers: 1 of 1 photo decode" in out
    assert "2 people are in both train and test" in out


def test_what_is_absent_is_said(run: Run) -> None:
    code, _, err = run("check")
    assert code == 3
    assert "no data set is in" in err
    code, _, err = run("check", "cfp")
    assert code == 3
    assert "get it: twinlens data fetch cfp" in err
    assert run("check", "no-such-set")[0] == 2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_real_lfw_is_counted_and_its_truncated_photo_named(
    run: Run, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINLENS_DATA", str(data_folder))
    code, out, _ = run("check", "lfw")
    assert code == 0
    assert out.startswith("lfw: 9,426 of 9,426 photos decode")
    assert "lfw2/Franz_Muentefering/Franz_Muentefering_0001.jpg (decoders make up its last 4 pixels)" in out
    assert "lfw-letters             train: 1,504 people, 2,398 photos, 757 + 721 pairs" in out
    assert "188 people are in both train and validation" in out
