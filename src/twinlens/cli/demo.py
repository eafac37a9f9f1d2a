"""``twinlens demo``: the main job on one real photo, in a temporary gallery."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli.demo_pictures import altered, enlarged, sheet
from twinlens.cli.exits import Exit
from twinlens.cli.output import note, percent
from twinlens.errors import ModelError

if TYPE_CHECKING:
    import numpy as np

    from twinlens.recognizer import Identification, Recognizer

NAME = "Eileen Collins"
STRANGERS = 20  # faces of skimage.data.lfw_subset
LFW_PAIRS = 50  # of each kind


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the picture goes.")] = Path("out"),
) -> None:
    """Enrol an astronaut from one photo, find her in altered copies, answer *unknown* for others, draw the result.

    The photo (NASA, public domain) and the strangers ship with scikit-image, the extra named demo.
    Exit code 1: an answer was wrong.
    """
    from twinlens.draw import save
    from twinlens.image import load_image
    from twinlens.recognizer import Recognizer

    photo, others = _photos()
    with tempfile.TemporaryDirectory() as folder, Recognizer.default(Path(folder) / "demo.db") as recognizer:
        (report,) = recognizer.enrol(NAME, photo)
        print(f"enrolled {NAME} from one photo: {report.outcome}, quality {report.quality or 0:.2f}")
        copies = {what: load_image(copy) for what, copy in altered(photo).items()}
        answers = {what: recognizer.identify(copy) for what, copy in copies.items()}
        print(f"looked for her in {len(answers)} altered copies:")
        missed = sum(not _found(what, found) for what, found in answers.items())
        named = _strangers(recognizer, others)
        target = out / "demo.png"
        save(sheet([(what, copies[what], answers[what]) for what in copies]), target)
        print(f"drawn: {target}")
        if os.environ.get("TWINLENS_DATA"):
            _lfw_pairs(recognizer, Path(os.environ["TWINLENS_DATA"]))
    print("all answers right" if not missed + named else f"{missed} copies missed, {named} strangers named")
    raise typer.Exit(Exit.NO if missed + named else Exit.YES)


def _photos() -> tuple[np.ndarray, np.ndarray]:
    try:
        import numpy as np
        from skimage import data
    except ImportError as error:
        msg = "the demo's photo ships with scikit-image: pip install 'twinlens[demo]'"
        raise ModelError(msg) from error
    return np.asarray(data.astronaut()), np.asarray(data.lfw_subset())[:STRANGERS]


def _found(what: str, found: list[Identification]) -> bool:
    """Print one answer; return whether it was right."""
    best = max(found, key=lambda answer: answer.portrait.face.box.area, default=None)
    if best is None:
        print(f"  {what:16} no face found")
        return False
    score = best.candidates[0].score if best.candidates else float("nan")
    print(f"  {what:16} {best.subject or 'unknown'} (similarity {score:.3f}, threshold {best.bar.threshold:.3f})")
    return best.subject == NAME


def _strangers(recognizer: Recognizer, others: np.ndarray) -> int:
    """Ask who the strangers are; print the counts; return how many were given a name."""
    from twinlens.image import load_image

    outcomes = {"unknown": 0, "named by mistake": 0, "no face found": 0}
    for other in others:
        found = recognizer.identify(load_image(enlarged(other)))
        named = any(answer.match for answer in found)
        outcomes["no face found" if not found else "named by mistake" if named else "unknown"] += 1
    print(f"asked who {len(others)} strangers are: " + ", ".join(f"{n} {what}" for what, n in outcomes.items()))
    bar = recognizer.identification_bar()
    print(f"threshold {bar.threshold:.3f}: FMR {percent(bar.fmr)}, expected FPIR {percent(bar.fpir)}")
    return outcomes["named by mistake"]


def _lfw_pairs(recognizer: Recognizer, root: Path) -> None:
    """Verify pairs of the LFW development test, where the data are at hand."""
    from twinlens.datasets.lfw import load_development
    from twinlens.errors import DatasetError

    try:
        pairs = load_development(root / "lfw").split("test").pairs
    except DatasetError as error:
        note(f"no LFW pairs: {error}")
        return
    chosen = [pair for same in (True, False) for pair in [p for p in pairs if p.same == same][:LFW_PAIRS]]
    right = sum(recognizer.verify(p.first.path, p.second.path).accepted == p.same for p in chosen)
    print(f"LFW development test: {right} of {len(chosen)} pairs right at FMR {percent(recognizer.policy.target_fmr)}")
