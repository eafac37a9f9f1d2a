"""Options that several commands share, and the recognizer they ask for."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from twinlens.cli.output import note
from twinlens.errors import GalleryError, OptionError

if TYPE_CHECKING:
    from twinlens.protocols import Gallery
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
CalibrationOption = Annotated[
    str | None,
    typer.Option("--calibration", metavar="NAME", help="One saved by twinlens calibrate; 'card' for the model's own."),
]
Prior = Annotated[
    float | None,
    typer.Option("--prior", metavar="SHARE", help="How likely it was before looking, for the probability (0.5)."),
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
    calibration: str | None = None
    prior: float | None = None
    allow_url: bool = False


def default_gallery() -> Path:
    """Return the gallery used where none is named."""
    from twinlens.zoo import user_folder

    return user_folder().parent / "people.db"


def gallery_place(named: str | None, *, new: bool) -> str:
    """Return the gallery's file or URL.

    Args:
        named: what was asked for; None or empty for the default one.
        new: make the default one's folder; otherwise a file that is not there is refused, not made.

    Raises:
        GalleryError: no such file.
    """
    place = named or str(default_gallery())
    path = Path(place.removeprefix("sqlite:"))
    if "://" in place:
        return place
    if not new and not path.exists():
        doubt = "check the name (twinlens doctor says where the default one is), or " if named else ""
        msg = f"no gallery at {path}: {doubt}make it: twinlens enrol NAME PHOTO"
        raise GalleryError(msg)
    if not named:
        path.parent.mkdir(parents=True, exist_ok=True)
    return place


def open_people(gallery: str | None, model: str, *, new: bool = False) -> Gallery:
    """Open a gallery without loading a network: its model's name and vector length stand in the card.

    Raises:
        GalleryError: no such gallery, or it cannot be opened.
    """
    from twinlens.gallery import GalleryOptions, open_gallery
    from twinlens.zoo import find_card

    card = find_card(model)
    options = GalleryOptions(create=new)
    return open_gallery(gallery_place(gallery, new=new), model=card.identity, dim=card.dim, options=options)


def build(setup: Setup, *, gallery: Literal["none", "there", "new"] = "none") -> Recognizer:
    """Load models and open the gallery as told: one that is there, or one that may be new.

    Raises:
        OptionError: a value outside its range.
        ModelError: a model cannot be loaded.
        GalleryError: the gallery cannot be opened.
    """
    from twinlens.detect import DetectOptions
    from twinlens.recognizer import PhotoOptions, Recognizer
    from twinlens.runtime import RuntimeOptions
    from twinlens.score import DEFAULT_FMR, DEFAULT_FPIR, Policy
    from twinlens.zoo.calibration import EVEN

    policy = Policy(
        target_fmr=DEFAULT_FMR if setup.target_fmr is None else setup.target_fmr,
        target_fpir=DEFAULT_FPIR if setup.target_fpir is None else setup.target_fpir,
        threshold=setup.threshold,
        prior=EVEN if setup.prior is None else setup.prior,
    )
    _doubt_calibration(setup)
    return Recognizer.default(
        None if gallery == "none" else gallery_place(setup.gallery, new=gallery == "new"),
        detector=setup.detector,
        embedder=setup.model,
        calibration=setup.calibration,
        policy=policy,
        detect=DetectOptions(scales=setup.scales),
        photos=PhotoOptions(allow_url=setup.allow_url),
        runtime=RuntimeOptions(
            engine=setup.engine,
            precision=setup.precision,
            threads=setup.threads,
        ),
    )


def _doubt_calibration(setup: Setup) -> None:
    """Say where a calibration of the user's was made with another detector: other crops, other similarities.

    Raises:
        ModelError: no such model or calibration, or it cannot be read.
    """
    from twinlens.zoo import find_card, own_calibration

    own = own_calibration(find_card(setup.model), setup.calibration)
    if own is not None and own.detector != setup.detector:
        note(
            f"note: the calibration {own.name!r} was made with the detector {own.detector}, not with {setup.detector}: "
            f"its probabilities and thresholds may be off (twinlens calibrate ... --detector {setup.detector})"
        )


def check_threshold(setup: Setup) -> None:
    """Refuse a model without measured thresholds where none was given.

    Raises:
        CalibrationError: nothing to decide with.
    """
    from twinlens.score import Policy, verification_bar
    from twinlens.zoo import find_card

    verification_bar(find_card(setup.model), Policy(threshold=setup.threshold))


def photo_source(name: str) -> str | bytes:
    """Return a path as it is, or the bytes of stdin for ``-``.

    Raises:
        OptionError: ``-`` where nothing is piped in.
    """
    if not name:
        msg = "an empty name: give the path of a photo (an unset variable?)"
        raise OptionError(msg)
    if name != "-":
        return name
    if sys.stdin is None or (sys.stdin.isatty() and os.environ.get("CI") is None):
        msg = "- reads a photo from stdin, but nothing is piped in: twinlens verify - b.jpg < a.jpg"
        raise OptionError(msg)
    return sys.stdin.buffer.read()


def tags_of(pairs: list[str] | None) -> dict[str, str]:
    """Return tags given as KEY=VALUE.

    Raises:
        OptionError: a pair without ``=`` or with an empty key.
    """
    tags: dict[str, str] = {}
    for pair in pairs or []:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            msg = f"a tag is KEY=VALUE, got {pair!r}"
            raise OptionError(msg)
        tags[key] = value
    return tags
