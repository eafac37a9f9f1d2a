"""The web page -> the pictures in docs/web: one service, one Chromium, Eileen Collins (NASA, public domain).

Other faces on the photos are made unrecognisable before a picture is kept. Run it in the repository:

    python scripts/web_pictures.py [--out docs/web]
"""

from __future__ import annotations

import argparse
import io
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageFilter
from playwright.sync_api import Browser, Page, sync_playwright
from skimage import data

START_S = 60
BLUR = 14  # pixels, standard deviation
QUALITY = 82


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/web"))
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or sys.exit("no Chromium is installed: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        photos = Path(folder) / "photos"
        write_photos(photos)
        with serving(Path(folder) / "service") as url:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            compare(browser, url, photos, out)
            people(browser, url, photos, out)
            who(browser, url, photos, out)
            phone(browser, url, photos, out)
            browser.close()


def write_photos(folder: Path) -> None:
    """Make photos from those that ship with scikit-image."""
    astronaut = np.asarray(data.astronaut(), np.uint8)
    turned = cv2.warpAffine(astronaut, cv2.getRotationMatrix2D((256, 256), 12, 1.0), (512, 512))
    faces = [enlarged(face) for face in np.asarray(data.lfw_subset())[:6]]
    small = cv2.resize(astronaut[:384, 64:448], (300, 300), interpolation=cv2.INTER_AREA)
    pictures = {
        "portrait.jpg": astronaut,
        "turned.jpg": turned,
        "crew.jpg": np.concatenate([faces[0], small, faces[2]], axis=1),
        "people/Eileen Collins/portrait.jpg": astronaut,
        "people/E. Collins/copy.jpg": np.ascontiguousarray(astronaut[:, ::-1]),
        "people/Coffee/cup.jpg": np.asarray(data.coffee(), np.uint8),
        "people/Mission Specialist/one.jpg": faces[0],
    }
    for name, picture in pictures.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), picture[..., ::-1])


def enlarged(face: np.ndarray) -> np.ndarray:
    """Return a grey face of 25 pixels, large enough for a detector."""
    grey = (np.clip(face, 0, 1) * 255).astype(np.uint8)
    large = cv2.resize(grey, (200, 200), interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, 50, 50, 50, 50, cv2.BORDER_REPLICATE)
    return np.repeat(framed[..., None], 3, axis=2)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run the service on a free port."""
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "twinlens.cli", "serve", "--port", str(port), "--data-dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"{url}/readyz", timeout=2).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def tab(browser: Browser, scheme: str, width: int, height: int, scale: float = 1) -> Page:
    """Open a tab."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        device_scale_factor=scale,
        reduced_motion="reduce",
    )
    context.set_default_timeout(90_000)
    return context.new_page()


def keep(page: Page, path: Path, *, strangers: str = "") -> None:
    """Keep what is seen, the faces of strangers blurred."""
    page.wait_for_timeout(400)
    ratio = page.evaluate("devicePixelRatio")
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for place in page.locator(strangers).all() if strangers else []:
        box = place.bounding_box()
        if box is None:
            continue
        edges = [box["x"] + 4, box["y"] + 4, box["x"] + box["width"] - 4, box["y"] + box["height"] - 4]
        area = tuple(round(edge * ratio) for edge in edges)
        picture.paste(picture.crop(area).filter(ImageFilter.GaussianBlur(BLUR * ratio)), area)
    picture.save(path, quality=QUALITY, method=6)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def give(page: Page, label: str, path: Path) -> None:
    """Choose a file or a folder."""
    page.get_by_label(label, exact=True).set_input_files(str(path))


def compare(browser: Browser, url: str, photos: Path, out: Path) -> None:
    """*Compare*, light."""
    page = tab(browser, "light", 1120, 1240)
    page.goto(f"{url}/#/compare")
    give(page, "File for first photo", photos / "portrait.jpg")
    give(page, "File for second photo", photos / "turned.jpg")
    page.locator(".verdict").wait_for()
    page.evaluate("scrollTo(0, 0)")
    keep(page, out / "compare.webp")


def people(browser: Browser, url: str, photos: Path, out: Path) -> None:
    """*People*, light, after a folder was enrolled."""
    page = tab(browser, "light", 1120, 900)
    page.goto(f"{url}/#/people")
    page.get_by_role("button", name="Make the first gallery").click()
    page.get_by_role("button", name="Make it").click()
    page.get_by_role("heading", name="Who is enrolled").wait_for()
    give(page, "Folder of people", photos / "people")
    page.get_by_role("button", name="Enrol 4 photos").click()
    page.get_by_text("not enrolled.").wait_for()
    page.evaluate("scrollTo(0, 0)")
    keep(page, out / "people.webp")


def who(browser: Browser, url: str, photos: Path, out: Path) -> None:
    """*Who is this?*, dark; the gallery is that of *People*."""
    page = tab(browser, "dark", 1120, 900)
    page.goto(f"{url}/#/who")
    give(page, "File for photo", photos / "crew.jpg")
    page.locator(".identity").first.wait_for()
    page.evaluate("scrollTo(0, 0)")
    keep(page, out / "who.webp", strangers=".box:not([data-number='2']), .identity:not([data-place='2']) img")


def phone(browser: Browser, url: str, photos: Path, out: Path) -> None:
    """*Compare* on a phone, dark."""
    page = tab(browser, "dark", 360, 740, scale=2)
    page.goto(f"{url}/#/compare")
    give(page, "File for first photo", photos / "portrait.jpg")
    give(page, "File for second photo", photos / "turned.jpg")
    page.locator(".verdict").wait_for()
    page.wait_for_timeout(600)
    keep(page, out / "phone.webp")


if __name__ == "__main__":
    main()
