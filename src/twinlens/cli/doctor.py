"""``twinlens doctor``: does everything work on this machine, and what would mend it?"""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from twinlens.cli import options as o
from twinlens.cli.exits import Exit
from twinlens.cli.models import examine
from twinlens.cli.output import counted, emit
from twinlens.errors import TwinlensError

State = Literal["ok", "warn", "FAIL"]
LEAST_FREE_MIB = 200
NEEDED = ("numpy", "opencv-python-headless", "pillow", "faiss-cpu")
RUNS = 20  # of the network, for a steady figure


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    what: str
    state: State
    found: str


def doctor(
    gallery: o.GalleryOption = None,
    speed: Annotated[bool, typer.Option("--speed", help="Also time every engine and precision here.")] = False,
    json: o.Json = False,
) -> None:
    """Check the installation, the models and the gallery. Exit code 4: something must be mended."""
    worst = Exit.YES
    for look in (
        _machine,
        _packages,
        _engines,
        _models,
        _space,
        lambda: _gallery(gallery),
        *([_speed] if speed else []),
    ):
        for finding in _safely(look):
            if finding.state == "FAIL":
                worst = Exit.MACHINERY
            record = {"what": finding.what, "state": finding.state, "found": finding.found}
            emit(record, f"{finding.state:4} {finding.what:20} {finding.found}", as_json=json)
    raise typer.Exit(worst)


def _safely(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Turn what a look raises into a finding: one broken part must not hide the others."""
    try:
        yield from look()
    except TwinlensError as error:
        yield Finding("error", "FAIL", str(error))
    except (ImportError, OSError) as error:
        yield Finding(
            "error", "FAIL", f"{type(error).__name__}: {error}. Reinstall: pip install --force-reinstall twinlens"
        )


def _machine() -> Iterator[Finding]:
    from twinlens.runtime import usable_cores

    yield Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Finding("processor", "ok", f"{counted(usable_cores(), 'core')} may be used")
    yield Finding("twinlens", "ok", importlib.metadata.version("twinlens"))
    if "torch" in sys.modules:
        yield Finding("torch", "FAIL", "torch was imported, which the recognizer never needs: report this")


def _packages() -> Iterator[Finding]:
    for name in NEEDED:
        try:
            yield Finding(name, "ok", importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "FAIL", f"not installed; run: pip install {name}")


def _engines() -> Iterator[Finding]:
    from twinlens.runtime import ENGINES, RuntimeOptions, chosen_engine, installed_engines

    installed = installed_engines()
    for engine in ENGINES:
        if engine in installed:
            yield Finding(engine, "ok", importlib.metadata.version(engine))
        else:
            yield Finding(engine, "warn", f"not installed; for speed or as a fallback run: pip install {engine}")
    yield Finding("engine used", "ok", chosen_engine(RuntimeOptions()))


def _models() -> Iterator[Finding]:
    from twinlens.errors import ModelNotFoundError
    from twinlens.runtime import installed_engines
    from twinlens.zoo import faulty_cards, list_cards, user_folder

    for fault in faulty_cards():
        yield Finding("model card", "FAIL", str(fault))
    for card in list_cards():
        for engine in installed_engines() if card.kind == "embedder" else (None,):
            what = f"model {card.name}"
            try:
                yield Finding(what, "ok", examine(card, engine))
            except ModelNotFoundError as error:
                yield Finding(what, "warn", str(error))
            except TwinlensError as error:
                yield Finding(what, "FAIL", str(error))
    yield Finding("own models", "ok", f"are looked for in {user_folder()}")


def _space() -> Iterator[Finding]:
    from twinlens.zoo import user_folder

    folder = next(place for place in (user_folder(), *user_folder().parents) if place.exists())
    free_mib = shutil.disk_usage(folder).free // 2**20
    state: State = "ok" if free_mib >= LEAST_FREE_MIB else "warn"
    yield Finding("disk", state, f"{free_mib:,} MiB free for galleries" + ("" if state == "ok" else ": make room"))


def _gallery(named: str | None) -> Iterator[Finding]:
    from twinlens.gallery import open_gallery
    from twinlens.zoo import DEFAULT_EMBEDDER, find_card

    if named is None and not o.default_gallery().exists():
        yield Finding("gallery", "ok", f"none yet; the first enrolment makes {o.default_gallery()}")
        return
    card = find_card(DEFAULT_EMBEDDER)
    with open_gallery(o.gallery_place(named, new=False), model=card.identity, dim=card.dim) as people:
        problems = people.verify_integrity()
        if problems:
            yield Finding("gallery", "FAIL", "; ".join(problems) + ". Run: twinlens gallery doctor")
        else:
            holds = f"{counted(len(people), 'subject')}, {counted(people.count(), 'template')}"
            yield Finding("gallery", "ok", f"{holds}, index agrees")


def _speed() -> Iterator[Finding]:
    from twinlens.embed import load_embedder
    from twinlens.embed.golden import golden_crop
    from twinlens.runtime import PRECISIONS, RuntimeOptions, installed_engines
    from twinlens.zoo import DEFAULT_EMBEDDER

    for engine in installed_engines():
        for precision in PRECISIONS if engine == "openvino" else PRECISIONS[:1]:
            embedder = load_embedder(DEFAULT_EMBEDDER, RuntimeOptions(engine=engine, precision=precision, threads=1))
            crop = golden_crop()
            embedder.embed([crop])
            times = []
            for _ in range(RUNS):
                start = time.perf_counter()
                embedder.embed([crop])
                times.append(time.perf_counter() - start)
            yield Finding(f"{engine} {precision}", "ok", f"{sorted(times)[RUNS // 2] * 1000:.1f} ms a face, one thread")
