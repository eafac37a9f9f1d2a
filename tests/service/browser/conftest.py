"""A real service on a free port of loopback, and Debian's Chromium in front of it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import UInt8
from skimage import data

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install 'twinlens[dev]'")
from playwright.sync_api import Browser, BrowserContext, Page, expect  # noqa: E402 - only where it is installed

START_S = 90
PATIENCE_MS = 45_000  # a busy machine makes a page slow, not wrong
REPORTS = Path(__file__).parents[3] / "docs" / "results"


@dataclass(frozen=True, slots=True)
class Running:
    """A service that runs.

    Attributes:
        url: of its page, without a slash at the end.
        process: to be ended.
        folder: its data.
    """

    url: str
    process: subprocess.Popen[bytes]
    folder: Path


Start = Callable[..., Running]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start services, each on a port and in a folder of its own; all are ended after the tests."""
    started: list[Running] = []

    def begin(folder: Path | None = None, port: int | None = None, **settings: str) -> Running:
        folder = folder or tmp_path_factory.mktemp("service")
        port = port or _free_port()
        clean = {name: text for name, text in os.environ.items() if not name.startswith("TWINLENS_")}
        given = {f"TWINLENS_{name.upper()}": text for name, text in settings.items()}
        command = [sys.executable, "-m", "twinlens.cli", "serve", "--port", str(port), "--data-dir", str(folder)]
        with (folder / "serve.log").open("ab") as log:
            process = subprocess.Popen(command, env={**clean, **given}, stdout=log, stderr=log)
        running = Running(f"http://127.0.0.1:{port}", process, folder)
        started.append(running)
        _wait(running)
        return running

    yield begin
    for running in started:
        end(running)


def end(running: Running) -> None:
    """End a service, and wait until it is gone."""
    if running.process.poll() is None:
        running.process.send_signal(signal.SIGTERM)
        try:
            running.process.wait(10)
        except subprocess.TimeoutExpired:
            running.process.kill()
            running.process.wait(10)


def _wait(running: Running) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if running.process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{running.url}/healthz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail("the service did not start:\n" + (running.folder / "serve.log").read_text(errors="replace")[-2000:])


@pytest.fixture(scope="session")
def service(start: Start) -> Running:
    """A service as `twinlens serve` starts it, with our own reports."""
    return start(reports_dir=str(REPORTS), request_timeout_s="180")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser, without a window, with a camera that shows a test picture; its loop ends with the module."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *camera])
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A fresh profile."""
    made = chromium.new_context(viewport={"width": 1200, "height": 900}, reduced_motion="reduce")
    made.set_default_timeout(PATIENCE_MS)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab; a test fails where a script failed in it or the page broke its own security policy."""
    expect.set_options(timeout=PATIENCE_MS)
    tab = context.new_page()
    wrong: list[str] = []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda told: wrong.append(told.text) if "Content Security Policy" in told.text else None)
    yield tab
    assert wrong == []


@dataclass(frozen=True, slots=True)
class Photos:
    """Photos on the disk, all of Eileen Collins (NASA, public domain) or of nobody.

    Attributes:
        folder: where they lie.
    """

    folder: Path

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    """Photos made from those that ship with scikit-image."""
    import cv2

    made = Photos(tmp_path_factory.mktemp("photos"))
    astronaut = np.asarray(data.astronaut(), np.uint8)
    turn = cv2.getRotationMatrix2D((256, 256), 12, 1.0)
    turned = np.asarray(cv2.warpAffine(astronaut, turn, (512, 512)), np.uint8)
    strangers = [_enlarged(face) for face in np.asarray(data.lfw_subset())[:4]]
    small = np.asarray(cv2.resize(astronaut[:384, 64:448], (300, 300)), np.uint8)
    crowd = [np.asarray(cv2.resize(strangers[n], (170, 170)), np.uint8)[44:126, 44:126] for n in (0, 2, 0, 2, 0)]
    pictures = {
        "astronaut.jpg": astronaut,
        "turned.jpg": turned,
        "turned.tif": turned,
        "dim.jpg": (astronaut * 0.1).astype(np.uint8),
        "stranger.png": strangers[0],
        "other.png": strangers[2],
        "group.jpg": np.concatenate([strangers[0], small, strangers[2]], axis=1),
        "crowd.jpg": np.pad(np.concatenate(crowd, axis=1), ((60, 60), (0, 0), (0, 0)), mode="edge"),
        "coffee.jpg": np.asarray(data.coffee(), np.uint8),
        "people/Eileen Collins/one.jpg": astronaut,
        "people/Eileen Collins/two.jpg": turned,
        "people/Stranger/one.png": strangers[0],
        "people/Copy of Eileen/copy.jpg": np.ascontiguousarray(astronaut[:, ::-1]),
        "people/Nobody/cup.jpg": np.asarray(data.coffee(), np.uint8),
        "album/2020/one.jpg": astronaut,
        "album/2021/two.jpg": turned,
        "album/2021/other.png": strangers[2],
        "album/cup.jpg": np.asarray(data.coffee(), np.uint8),
    }
    for name, picture in pictures.items():
        path = made.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture[..., ::-1])
    (made.folder / "text.jpg").write_text("a letter, not a photo\n" * 100)
    (made.folder / "notes.txt").write_text("notes")
    (made.folder / "people" / "Stranger" / "notes.txt").write_text("notes")
    return made


def _enlarged(face: np.ndarray) -> UInt8[np.ndarray, "300 300 3"]:
    """Return a face of 25 pixels as a picture that a detector can work on; see `twinlens demo`."""
    import cv2

    grey = (np.clip(face, 0, 1) * 255).astype(np.uint8)
    large = cv2.resize(grey, (200, 200), interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, 50, 50, 50, 50, cv2.BORDER_REPLICATE)
    return np.repeat(np.asarray(framed, np.uint8)[..., None], 3, axis=2)
