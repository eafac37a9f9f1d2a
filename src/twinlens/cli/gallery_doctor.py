"""``twinlens gallery doctor``: is the file sound, and are the people in it who they are said to be?"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinlens.cli import options as o
from twinlens.cli.exits import Exit
from twinlens.cli.output import counted, emit, meter, percent

if TYPE_CHECKING:
    from twinlens.metrics.intervals import Interval
    from twinlens.protocols import Gallery
    from twinlens.recognizer import Audit, Finding
    from twinlens.recognizer.audit import Likeness, Remedy, Searches

DEFAULT_MODEL = "sface"
NAMED = 12  # subjects, photos or pieces of advice named in a finding


@dataclass(frozen=True, slots=True)
class Place:
    """What the printed commands must be told, to act on the gallery that was looked at.

    Attributes:
        gallery: as it was named; None for the default one.
        model: as it was named; None for the default one.
    """

    gallery: str | None
    model: str | None

    def options(self, remedy: Remedy) -> Iterator[str]:
        """Yield the options that name the gallery and the model."""
        if self.gallery is not None and remedy.command != ("verify",):
            yield from (f"--gallery={self.gallery}",) if self.gallery.startswith("-") else ("--gallery", self.gallery)
        if self.model is not None:
            yield from ("--model", self.model)

    def lacks(self, remedy: Remedy) -> str:
        """Return the first photo that the command would not find; empty where all are there."""
        return next((name for name in remedy.files if not Path(name).is_file()), "")


def doctor(
    gallery: o.GalleryOption = None,
    model: o.Model = DEFAULT_MODEL,
    target_fpir: o.TargetFpir = None,
    threshold: o.Threshold = None,
    most: Annotated[int, typer.Option("--most", metavar="N", min=1, help="Findings shown of a kind.")] = 20,
    audit: Annotated[bool, typer.Option("--audit/--no-audit", help="Compare all photos with each other.")] = True,
    json: o.Json = False,
) -> None:
    """Check the file and the scan index, mend the index, then look for wrong labels, doubles and look-alikes.

    Exit code 1: something was found that may make a search answer wrongly; 4: the file is damaged.
    """
    from twinlens.recognizer.audit import audit_gallery
    from twinlens.score import DEFAULT_FPIR, Policy
    from twinlens.zoo import find_card

    policy = Policy(target_fpir=DEFAULT_FPIR if target_fpir is None else target_fpir, threshold=threshold)
    with o.open_people(gallery, model) as people:
        problems, left = _check_file(people)
        found = None
        if audit and not left:
            with meter("comparing all photos") as progress:
                found = audit_gallery(people, find_card(model), policy=policy, progress=progress)
        record = {
            "subjects": len(people),
            "templates": people.count(),
            "problems": list(problems),
            "left": list(left),
            **_searches_record(found),
        }
        lines = [f"{counted(len(people), 'subject')}, {counted(people.count(), 'template')}"]
    lines += [f"problem: {problem}" for problem in problems] or ["the file is sound"]
    lines += ["mended: the index was rebuilt"] if problems and not left else []
    emit(record, "\n".join([*lines, *_searches_lines(found)]), as_json=json)
    if found is not None:
        _show(found, Place(gallery, None if model == DEFAULT_MODEL else model), most, as_json=json)
    raise typer.Exit(Exit.MACHINERY if left else Exit.YES if found is None or found.sound else Exit.NO)


def _check_file(people: Gallery) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what was wrong with the file, and what still is after the index was rebuilt."""
    problems = people.verify_integrity()
    if not problems:
        return problems, problems
    people.rebuild_index()
    return problems, people.verify_integrity()


def _searches_record(found: Audit | None) -> dict[str, object]:
    searches = None if found is None else found.searches
    if found is None or searches is None:
        return {"audited": found is not None, "threshold": None, "fpir": None}
    return {
        "audited": True,
        "threshold": searches.bar.threshold,
        "fpir": searches.bar.fpir,
        "fpir_measured": _interval_record(searches.measured),
        "fpir_cleared": _interval_record(searches.cleared),
        "faces_without_a_name": found.faces,
        "omitted": dict(found.omitted),
        "alike_from": found.alike_from,
    }


def _interval_record(interval: Interval | None) -> dict[str, object] | None:
    if interval is None:
        return None
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high, "method": interval.method}


def _searches_lines(found: Audit | None) -> Iterator[str]:
    if found is None:
        return
    if not found.subjects:
        yield "nobody is enrolled: twinlens enrol NAME PHOTO"
        return
    if found.alike_from is not None:
        yield f"too many subjects are alike: only pairs from a similarity of {found.alike_from:.3f} on were looked at"
    if found.searches is None:
        yield "the model's error rates were never measured: labels and look-alikes cannot be judged"
        return
    bar = found.searches.bar
    yield f"identification threshold {bar.threshold:.3f}, expected FPIR {percent(bar.fpir)} (by the model's card)" + (
        "" if bar.reached else ": above the target, the model's measurement does not reach far enough"
    )
    yield from _measured_lines(found.searches)


def _measured_lines(searches: Searches) -> Iterator[str]:
    if searches.measured is not None:
        yield f"measured here, each subject searched for among the others: FPIR {_range(searches.measured)}"
    if searches.cleared is not None:
        yield f"the same without subjects that may be one person: FPIR {_range(searches.cleared)}"


def _range(interval: Interval) -> str:
    return f"{percent(interval.estimate)} ({percent(interval.low)} to {percent(interval.high)})"


def _show(found: Audit, place: Place, most: int, *, as_json: bool) -> None:
    from twinlens.recognizer.audit import KINDS

    for (kind, grave), group in groupby(found.findings, lambda finding: (finding.kind, finding.grave)):
        findings = list(group)
        if not as_json:
            emit({}, f"\n{KINDS[kind]}{'' if grave else ' (worth knowing)'}: {len(findings)}", as_json=False)
        for finding in findings if as_json else findings[:most]:
            emit(_record(finding, place), "\n".join(_lines(finding, place)), as_json=as_json)
        hidden = max(len(findings) - most, 0) + found.omitted.get(kind, 0)
        if hidden and not as_json:
            emit({}, f"  ... and {hidden} more (--most, --json)", as_json=False)
    if found.sound and found.subjects and not as_json:
        emit({}, "nothing found that would make a search answer wrongly", as_json=False)


def _record(finding: Finding, place: Place) -> dict[str, object]:
    return {
        "finding": finding.kind,
        "grave": finding.grave,
        "text": finding.text,
        "subjects": list(finding.subjects),
        "photos": [
            {"subject": photo.subject, "source": photo.source, "photo": photo.photo, "quality": photo.quality}
            for photo in finding.photos
        ],
        "scores": [
            {"of": one.of, "score": one.score, "fmr": one.fmr, "fmr_bound": one.bound if one.fmr else None}
            for one in finding.likeness
        ],
        "remedies": [{"when": one.text, "command": _command(one, place) or None} for one in finding.remedies],
    }


def _lines(finding: Finding, place: Place) -> Iterator[str]:
    yield f"  {finding.text}"
    if finding.kind == "one photo":
        names = [repr(name) for name in finding.subjects]
        yield f"      {', '.join(names[:NAMED])}{f' and {len(names) - NAMED} more' if len(names) > NAMED else ''}"
    else:
        shown = [f"      {photo.name}  ({photo.subject}, quality {photo.quality:.2f})" for photo in finding.photos]
        yield from _first(shown)
    for likeness in finding.likeness:
        yield f"      {likeness.of}: {likeness.score:.3f}{_rarity(likeness)}"
    yield from _first([line for remedy in finding.remedies for line in _advice(remedy, place)])


def _first(lines: list[str]) -> Iterator[str]:
    """Yield the first lines, and how many there are besides."""
    yield from lines[:NAMED]
    if len(lines) > NAMED:
        yield f"      ... and {len(lines) - NAMED} more (--json)"


def _advice(remedy: Remedy, place: Place) -> Iterator[str]:
    command = _command(remedy, place)
    absent = place.lacks(remedy)
    yield f"      - {remedy.text}{':' if command else ''}" + (f" ({absent} is not there any more)" if absent else "")
    if command:
        yield f"          {command}"


def _rarity(likeness: Likeness) -> str:
    if likeness.fmr is None:
        return ""
    before = {"at": "", "at most": "fewer than ", "at least": "more than "}[likeness.bound]
    return f" (as {before}{percent(likeness.fmr)} of strangers)"


def _command(remedy: Remedy, place: Place) -> str:
    """Return a command line that a shell takes as it stands; empty where there is none."""
    if not remedy.command or place.lacks(remedy):
        return ""
    options = [*place.options(remedy)]
    for flag, value in remedy.options:
        options += [f"{flag}={value}"] if value.startswith("-") else [flag, *([value] if value else [])]
    stop = ["--"] if any(word.startswith("-") for word in remedy.words) else []
    return shlex.join(["twinlens", *remedy.command, *options, *stop, *remedy.words])
