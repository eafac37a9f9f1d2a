"""Galleries with known errors -> how many an audit finds, and how many of its findings are right.

    python benchmarks/audit.py            measures on LFW's test people and on CFP's
    python benchmarks/audit.py --write    also writes docs/results/audit.md
    python benchmarks/audit.py --choose   tries the options on LFW's training people (nothing else is chosen on)

Every run makes a real gallery file, spoils it in one way, audits it and counts; ten runs each, another seed each.
Findings that the same photos give unspoiled are counted apart: some of them are true (LFW has wrong labels).
Needs TWINLENS_DATA with lfw and cfp; ten minutes on two cores, half of it with --cache.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from audit_searches import audited, look_alikes_table, searches_table
from gallery_photos import PHOTOS_OF_CFP, WAYS, WORSE, copies_of, enrolments, kept, people, thinned, worse
from spoiled_galleries import SPOILERS, Error, Spoiled

from twinlens.datasets.place import data_root
from twinlens.evaluate.machine import machine
from twinlens.metrics.intervals import over_folds, wilson
from twinlens.protocols import Enrolment
from twinlens.recognizer import AuditOptions, Finding, Recognizer
from twinlens.recognizer.audit import KINDS

PAGE = Path(__file__).parents[1] / "docs" / "results" / "audit.md"
RUNS, ERRORS = 10, 50
LABELS = {"mislabelled", "incoherent"}
SOUGHT: dict[str, set[str]] = {
    "photos of two subjects exchanged": LABELS,
    "photo of somebody not enrolled": LABELS,
    "copy under another name": LABELS | {"duplicate"},
    "copy under the same name": {"duplicate"},
    "subject under two names": {"two names"},
    "two people under one name": LABELS,
    "good photo made worse": {"poor reference"},
}
TRIED = {
    "rival_margin": (0.0, 0.05, 0.1, 0.15, 0.2),
    "rival_fmr": (1e-3, 1e-4, 1e-5),
    "unlike_fmr": (0.05, 0.02, 0.01, 0.005, 0.002),
    "one_person_fmr": (1e-3, 5e-4, 2e-4, 1e-4, 5e-5),
    "duplicate": (0.86, 0.88, 0.9, 0.92, 0.94, 0.96),
}


@dataclass(frozen=True, slots=True)
class Supply:
    """The photos of a gallery, and those that errors are made of."""

    photos: list[Enrolment]
    copies: list[Enrolment]
    worse: list[Enrolment]


@dataclass(frozen=True, slots=True)
class Run:
    """One spoiled gallery: errors, those found, findings that the unspoiled one does not give, and the right ones."""

    errors: int
    caught: int
    fresh: int
    right: int


def hits(finding: Finding, error: Error) -> bool:
    """Return whether a finding names this error: the very photo, both copies, both names, the subject of two."""
    if len(error.subjects) == 1:
        return error.subjects[0] == finding.subjects[0]
    if error.subjects:
        return set(error.subjects) == set(finding.subjects)
    named = {photo.source for photo in finding.photos}
    if finding.kind == "mislabelled" and len(error.sources) == 1:
        named = {finding.photos[0].source}
    return named >= set(error.sources)


def key(finding: Finding) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return what makes a finding the same in another gallery."""
    first = finding.kind == "mislabelled"
    photos = finding.photos[:1] if first else () if finding.kind == "two names" else finding.photos
    subjects = finding.subjects[:1] if first else finding.subjects
    return finding.kind, tuple(sorted(subjects)), tuple(sorted(photo.source for photo in photos))


def counted(spoiled: Spoiled, found: Sequence[Finding], before: set[object]) -> Run:
    """Count one run."""
    caught = sum(any(hits(finding, error) for finding in found) for error in spoiled.errors)
    fresh = [finding for finding in found if key(finding) not in before]
    right = sum(any(hits(finding, error) for error in spoiled.errors) for finding in fresh)
    return Run(len(spoiled.errors), caught, len(fresh), right)


def measure(supply: Supply, options: AuditOptions, names: Sequence[str], runs: int = RUNS) -> Iterator[str]:
    """Yield a row of the table for each kind of error."""
    plain = audited(supply.photos, options)
    for name in names:
        sought = SOUGHT[name]
        before: set[object] = {key(f) for f in plain.findings if f.kind in sought}
        counts = []
        for run in range(runs):
            material = supply.worse if name == "good photo made worse" else supply.copies
            spoiled = SPOILERS[name](supply.photos, material, ERRORS, np.random.default_rng(run))
            found = [f for f in audited(spoiled.photos, options).findings if f.kind in sought]
            counts.append(counted(spoiled, found, before))
        recall = share([(run.caught, run.errors) for run in counts])
        precision = share([(run.right, run.fresh) for run in counts])
        injected = round(sum(run.errors for run in counts) / len(counts))
        fresh = sum(run.fresh for run in counts) / len(counts)
        yield f"| {name} | {injected} | {recall} | {fresh:.1f} | {precision} | {len(before)} |"


def share(parts: Sequence[tuple[int, int]]) -> str:
    """Write the mean share over runs with its interval; where all runs agree, that of one run's count."""
    told = [(part, whole) for part, whole in parts if whole]
    if not told:
        return "none"
    shares = [part / whole for part, whole in told]
    if len(told) > 1 and max(shares) > min(shares):
        interval = over_folds(shares).interval
        low, high = max(interval.low, 0.0), min(interval.high, 1.0)
    else:
        interval = wilson(*told[0])
        low, high = interval.low, interval.high
    return f"{interval.estimate:.3f} ({low:.3f} to {high:.3f})"


HEAD = (
    "| error | a run | recall | new findings a run | precision of these | findings before |\n|---|---|---|---|---|---|"
)


def choose(supply: Supply) -> None:
    """Print what each value of each option does, the others at their defaults."""
    about = {"one_person_fmr": ["subject under two names"], "duplicate": ["copy under the same name"]}
    print("| option " + HEAD.replace("\n|", "\n|---|"), flush=True)
    for option, values in TRIED.items():
        for value in values:
            options = replace(AuditOptions(), **{option: value})
            for row in measure(supply, options, about.get(option, list(islice(SPOILERS, 2))), runs=3):
                print(f"| {option} {value:g} {row}", flush=True)


def untouched(supply: Supply) -> Iterator[str]:
    """Yield how many findings of each kind the photos give as they are."""
    findings = audited(supply.photos, AuditOptions()).findings
    for kind, what in KINDS.items():
        grave = sum(finding.kind == kind and finding.grave for finding in findings)
        other = sum(finding.kind == kind and not finding.grave for finding in findings)
        yield f"| {kind} ({what}) | {grave} | {other} |"


def page(supplies: dict[str, Supply], everyone: dict[str, list[Enrolment]]) -> Iterator[str]:
    """Yield the lines of the results."""
    yield "# What `twinlens gallery doctor` finds\n"
    yield f"Made by `python benchmarks/audit.py --write`. {machine()}.\n"
    yield (
        f"Real galleries, spoiled in one way each, {ERRORS} errors (or as many as there are subjects for) by seeds 0 to "
        f"{RUNS - 1}; audited with the defaults, which were chosen on LFW's training people alone "
        "(`python benchmarks/audit.py --choose`). *Recall*: share of the errors that a finding names: the very photo, "
        "both copies, both names. *Precision*: share of the findings that the unspoiled gallery does not give and that "
        "name an error. Means over the seeds with Student's 95 % interval; where all seeds agree, Wilson's of one run."
    )
    for name, supply in supplies.items():
        subjects = len({photo.subject for photo in supply.photos})
        yield f"\n## {name}: {subjects} subjects, {len(supply.photos)} photos\n"
        yield HEAD
        yield from measure(supply, AuditOptions(), list(SPOILERS))
        yield "\nThe same photos as they are:\n"
        yield "| kind | grave | worth knowing |\n|---|---|---|"
        yield from untouched(supply)
    yield (
        f"\nCopies were saved again: {'; '.join(WAYS)}. Photos were made worse by: {'; '.join(WORSE)}. "
        "Where a photo is exchanged between two subjects with two photos each, nobody can tell from the photos which "
        "is right: both subjects are named, which counts as found."
    )
    yield from searches_table(everyone, RUNS)
    yield from look_alikes_table(everyone, RUNS)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--choose", action="store_true", help="try the options on LFW's training people")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}; what stands below NOTES is kept")
    parser.add_argument("--cache", type=Path, help="a folder to keep what was seen of the photos; holds templates")
    arguments = parser.parse_args()
    sets = people(data_root(os.environ))
    names = {"lfw-train": "LFW training people"} if arguments.choose else {"lfw-test": "LFW test people", "cfp": "CFP"}
    supplies, everyone = {}, {}
    with Recognizer.default() as recognizer:
        for place, name in names.items():
            seen = everyone[name] = kept(
                lambda place=place: enrolments(sets[place], recognizer), arguments.cache, place
            )
            photos = thinned(seen, 1, PHOTOS_OF_CFP) if place == "cfp" else seen
            supplies[name] = Supply(
                photos,
                kept(lambda photos=photos: copies_of(photos, recognizer), arguments.cache, f"{place}-copies"),
                kept(lambda photos=photos: worse(photos, recognizer), arguments.cache, f"{place}-worse"),
            )
    if arguments.choose:
        choose(supplies["LFW training people"])
        return
    lines = []
    for line in page(supplies, everyone):
        print(line, flush=True)
        lines.append(line)
    if arguments.write:
        notes = PAGE.read_text(encoding="utf-8").partition(NOTES)[2] if PAGE.exists() else "\n"
        PAGE.write_text("\n".join(lines) + f"\n\n{NOTES}{notes}", encoding="utf-8")


NOTES = "## What it means"


if __name__ == "__main__":
    main()
