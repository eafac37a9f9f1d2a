"""Options that several commands share, and the recognizer they ask for."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from twinlens.recognizer import Recognizer

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
Photo = Annotated[str, typer.Argument(metavar="PHOTO", help="A picture file; - reads stdin.")]
GalleryOption = Annotated[
    str | None,
    typer.Option(
        "--gallery",
        "-g",
        metavar="FILE|URL",
        envvar="TWINLENS_GALLERY",
        help="Who is enrolled. Default: people.db in the user's data folder.",
    ),
]
TargetFmr = Annotated[
    float | None,
    typer.Option(
        "--target-fmr", metavar="RATE", help="Share of strangers that may be accepted in a comparison (0.001)."
    ),
]
TargetFpir = Annotated[
    float | None,
    typer.Option("--target-fpir", metavar="RATE", help="Share of searches by strangers that may be named (0.01)."),
]
Threshold = Annotated[
    float | None, typer.Option("--threshold", metavar="SIMILARITY", help="Use this similarity instead, -1 to 1.")
]
Model = Annotated[
    str, typer.Option("--model", metavar="NAME|CARD", envvar="TWINLENS_MODEL", help="The embedder: see models list.")
]
DetectorOption = Annotated[str, typer.Option("--detector", metavar="NAME", help="The detector: see models list.")]
ScalesName = Literal["single", "multi", "tiny"]
EngineName = Literal["openvino", "onnxruntime"]
PrecisionName = Literal["float32", "bfloat16"]
Scales = Annotated[
    ScalesName, typer.Option("--scales", metavar="MODE", help="single, multi or tiny (for crowds; slower).")
]
Engine = Annotated[
    EngineName | None,
    typer.Option("--engine", metavar="NAME", envvar="TWINLENS_ENGINE", help="openvino or onnxruntime."),
]
Precision = Annotated[
    PrecisionName, typer.Option("--precision", metavar="NAME", help="float32, or bfloat16 where the processor has it.")
]
Threads = Annotated[int | None, typer.Option("--threads", metavar="N", help="Photos in work at once.")]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="Only, or with, this tag; may be repeated.")
]
AllowUrl = Annotated[bool, typer.Option("--allow-url", help="Fetch photos given as http(s) addresses.")]


@dataclass(frozen=True, slots=True)
class Setup:
    """What a command was told about models and policy."""

    gallery: str | None = None
    model: str = "sface"
    detector: str = "yunet"
    scales: ScalesName = "multi"
    engine: EngineName | None = None
    precision: PrecisionName = "float32"
    threads: int | None = None
    target_fmr: float | None = None
    target_fpir: float | None = None
    threshold: float | None = None
    allow_url: bool = False


def default_gallery() -> Path:
    """Return the gallery used where none is named."""
    from twinlens.zoo import user_folder

    return user_folder().parent / "people.db"


def gallery_place(named: str | None) -> str:
    """Return the gallery's file or URL; make the folder of the default one."""
    if named:
        return named
    place = default_gallery()
    place.parent.mkdir(parents=True, exist_ok=True)
    return str(place)


def build(setup: Setup, *, with_gallery: bool = False) -> Recognizer:
    """Load models and open the gallery as told.

    Raises:
        OptionError: a value outside its range.
        ModelError: a model cannot be loaded.
        GalleryError: the gallery cannot be opened.
    """
    from twinlens.detect import DetectOptions
    from twinlens.recognizer import PhotoOptions, Recognizer
    from twinlens.runtime import RuntimeOptions
    from twinlens.score import DEFAULT_FMR, DEFAULT_FPIR, Policy

    policy = Policy(
        target_fmr=DEFAULT_FMR if setup.target_fmr is None else setup.target_fmr,
        target_fpir=DEFAULT_FPIR if setup.target_fpir is None else setup.target_fpir,
        threshold=setup.threshold,
    )
    return Recognizer.default(
        gallery_place(setup.gallery) if with_gallery else None,
        detector=setup.detector,
        embedder=setup.model,
        policy=policy,
        detect=DetectOptions(scales=setup.scales),
        photos=PhotoOptions(allow_url=setup.allow_url),
        runtime=RuntimeOptions(
            engine=setup.engine,
            precision=setup.precision,
            threads=setup.threads,
        ),
    )


def photo_source(name: str) -> str | bytes:
    """Return a path as it is, or the bytes of stdin for ``-``.

    Raises:
        OptionError: ``-`` where nothing is piped in.
    """
    if name != "-":
        return name
    from twinlens.errors import OptionError

    if sys.stdin is None or (sys.stdin.isatty() and os.environ.get("CI") is None):
        msg = "- reads a photo from stdin, but nothing is piped in: twinlens verify - b.jpg < a.jpg"
        raise OptionError(msg)
    return sys.stdin.buffer.read()


def tags_of(pairs: list[str] | None) -> dict[str, str]:
    """Return tags given as KEY=VALUE.

    Raises:
        OptionError: a pair without ``=`` or with an empty key.
    """
    from twinlens.errors import OptionError

    tags: dict[str, str] = {}
    for pair in pairs or []:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            msg = f"a tag is KEY=VALUE, got {pair!r}"
            raise OptionError(msg)
        tags[key] = value
    return tags
