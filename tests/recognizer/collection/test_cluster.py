"""The same work on a Ray cluster: a real head on loopback, real actors, which die on purpose."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.recognizer.collection.fake_eyes import DIM, MODEL, FakeEyes, photo

from twinlens.errors import OptionError
from twinlens.gallery import open_gallery
from twinlens.recognizer.collection import Eyes, Foreman, index_collection
from twinlens.recognizer.collection.cluster import RayCrew

ROOT = Path(__file__).parents[3]
TOKEN = secrets.token_hex(32)  # of the cluster that is started here
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="the extra 'distributed' is not installed")


def environment() -> dict[str, str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    loopback = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}
    return {**os.environ, "PYTHONPATH": paths, **loopback, **token}


def main(address: str, folder: str, place: str) -> None:
    """Index a folder on a cluster, with eyes that see what a file says."""
    crew = RayCrew(FakeEyes(), address)
    with open_gallery(place, model=MODEL, dim=DIM) as gallery:
        for report in index_collection(Path(folder), gallery, Foreman(crew, MODEL).work):
            sys.stdout.write(f"{report.outcome} {report.subject} {report.reasons}\n")
    sys.stdout.write(f"{crew.size} actors\n")
    crew.close()


@pytest.fixture(scope="module")
def head() -> Iterator[str]:
    """Start a cluster of one machine; end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ray = Path(sys.executable).parent / "ray"
    folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # a socket's path has a hundred characters
    words = [
        ray, "start", "--head", "--block", "--node-ip-address=127.0.0.1", f"--port={port}", "--num-cpus=2",
        "--include-dashboard=false", "--disable-usage-stats", f"--temp-dir={folder}",
    ]  # fmt: skip
    log = Path(folder) / "head.log"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen([*map(str, words)], stdout=file, stderr=file, env=environment())
        try:
            for _ in range(120):
                assert process.poll() is None, log.read_text(encoding="utf-8")
                with socket.socket() as trial:
                    trial.settimeout(0.5)
                    if trial.connect_ex(("127.0.0.1", port)) == 0 and "started" in log.read_text(encoding="utf-8"):
                        break
                _wait()
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()  # with --block the head takes its processes along
            process.wait(30)
            shutil.rmtree(folder, ignore_errors=True)


def _wait() -> None:
    subprocess.run([sys.executable, "-c", "import time; time.sleep(0.5)"], check=True)


@needs_ray
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_cluster_does_what_processes_do(head: str, tmp_path: Path) -> None:
    folder, place = tmp_path / "photos", tmp_path / "album.db"
    for number in range(100):
        photo(folder / f"{number:03}.jpg", "A" if number % 3 else "", str(number))
    photo(folder / "killer.jpg", "kill")
    photo(folder / "fault.jpg", "raise")
    photo(folder / "once.jpg", "kill once")
    words = [sys.executable, "-c", f"from {__name__} import main; main({head!r}, {str(folder)!r}, {str(place)!r})"]
    for turn in range(2):
        done = subprocess.run(words, capture_output=True, text=True, env=environment(), timeout=200, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        lines = done.stdout.splitlines()
        assert lines.pop() == "2 actors"
        outcomes = [line.split(" ")[0] for line in lines]
        assert len(outcomes) == 103
        if turn == 0:
            assert outcomes.count("done") == 67  # "kill once" is a face at last
            assert outcomes.count("no") == 34
            bad = sorted(line for line in lines if line.startswith("unreadable"))
            assert ["killer" in bad[1], "ended" in bad[1], "ValueError: a fault" in bad[0]] == [True] * 3
        else:
            assert set(outcomes) == {"already", "unchanged", "still"}


@needs_ray
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_command_on_a_cluster(head: str, tmp_path: Path) -> None:
    from skimage import data

    from twinlens.draw import save
    from twinlens.types import Image

    save(Image(data.astronaut(), "astronaut"), tmp_path / "photos" / "a.png")
    words = [sys.executable, "-m", "twinlens.cli", "index", str(tmp_path / "photos"), "--ray", head]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert "1 done; 1 face in" in done.stderr
    assert done.stdout == ""


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:99999", "nowhere"])
def test_nobody_at_the_address(address: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    words = [sys.executable, "-m", "twinlens.cli", "index", str(tmp_path), "--ray", address]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), timeout=30, check=False)
    assert done.returncode == 2, done.stderr
    assert f"no Ray cluster at {address!r}" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinlens.recognizer.collection.cluster.find_spec", lambda _: None)
    with pytest.raises(OptionError, match=r"pip install 'twinlens\[distributed\]'"):
        RayCrew(FakeEyes(), "local")


def test_a_worker_that_does_not_see_the_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="share it under the same path"):
        Eyes(str(tmp_path / "gone"), "yunet", "sface").open()
