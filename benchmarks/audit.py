"""Galleries with known errors -> how many an audit finds, and how many of its findings are right.

    python benchmarks/audit.py            measures on LFW's test people and on CFP's
    python benchmarks/audit.py --choose   tries the options on LFW's training people (nothing else is chosen on)

Every run makes a real gallery file, spoils it in one way, audits it and counts; five runs each, another seed each.
Findings that the same photos give unspoiled are counted apart: some of them are true (LFW has wrong labels).
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from spoiled_galleries import COPY, SPOILERS, Error, Spoiled

from twinlens.datasets.cfp import load_photos
from twinlens.datasets.lfw import load_development_unrestricted
from twinlens.datasets.place import data_root
from twinlens.datasets.records import Photo
from twinlens.evaluate.machine import machine
from twinlens.gallery import open_gallery
from twinlens.image import load_image
from twinlens.metrics.intervals import wilson
from twinlens.protocols import Enrolment
from twinlens.recognizer import Audit, AuditOptions, Finding, Recognizer
from twinlens.recognizer.audit import audit_gallery
from twinlens.recognizer.choice import main_face
from twinlens.types import Embedding
from twinlens.zoo import find_card

RUNS, ERRORS, COPIES = 5, 50, 200
PHOTOS_OF_CFP = 4  # at most, frontal, drawn for each person: a gallery holds few photos of a person
CARD = find_card("sface")
KINDS = {name: {"mislabelled", "incoherent"} for name in SPOILERS} | {
    "copy under another name": {"mislabelled", "incoherent", "duplicate"},
    "copy under the same name": {"duplicate"},
    "subject under two names": {"two names"},
}
TRIED = {
    "rival_margin": (0.0, 0.05, 0.1, 0.15, 0.2),
    "rival_fmr": (1e-3, 1e-4, 1e-5),
    "unlike_fmr": (0.05, 0.02, 0.01, 0.005, 0.002),
    "one_person_fmr": (1e-3, 5e-4, 2e-4, 1e-4, 5e-5),
    "duplicate": (0.86, 0.88, 0.9, 0.92, 0.94, 0.96),
}


def saved_again(pixels: np.ndarray, way: int) -> np.ndarray:
    """Return a photo as it comes back from somewhere else: smaller, packed, cut, or brightened."""
    height, width = pixels.shape[:2]
    if way == 0:
        _, packed = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 50])
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR_RGB))
    if way == 1:
        return np.asarray(cv2.resize(pixels, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA))
    if way == 2:
        return np.ascontiguousarray(pixels[height // 16 :, width // 20 : -width // 12])
    return np.clip(pixels * 1.2 + 10, 0, 255).astype(np.uint8)


def enrolments(photos: Sequence[Photo], recognizer: Recognizer, cache: Path | None) -> list[Enrolment]:
    """Return the photos' main faces as they are enrolled; from the cache where it is there, else it is written."""
    if cache is None or not cache.exists():
        seen = recognizer.examine_all((photo.path for photo in photos), main_face)
        made = [
            _enrolment(photo.subject, face.embedding.vector, str(photo.path), face.quality.score)
            for photo, found in zip(photos, seen, strict=True)
            for face in found.portraits
        ]
        if cache is not None:
            _keep(made, cache)
        return made
    kept = np.load(cache)
    rows = zip(kept["subject"], kept["rows"], kept["path"], kept["quality"], strict=True)
    return [_enrolment(str(subject), row, str(path), float(quality)) for subject, row, path, quality in rows]


def _keep(made: Sequence[Enrolment], cache: Path) -> None:
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        cache,
        subject=np.array([photo.subject for photo in made]),
        rows=np.stack([photo.embedding.vector for photo in made]),
        path=np.array([photo.source for photo in made]),
        quality=np.array([photo.quality for photo in made]),
    )


def _enrolment(subject: str, vector: np.ndarray, source: str, quality: float) -> Enrolment:
    return Enrolment(subject, Embedding(vector, CARD.identity), source, quality, source)


def copies_of(photos: Sequence[Enrolment], recognizer: Recognizer) -> list[Enrolment]:
    """Return some photos, saved again in one of four ways, examined anew."""
    chosen = [photos[int(i)] for i in np.random.default_rng(0).permutation(len(photos))[:COPIES]]
    pictures = (saved_again(load_image(photo.source).pixels, way % 4) for way, photo in enumerate(chosen))
    made = []
    for photo, seen in zip(chosen, recognizer.examine_all(pictures, main_face), strict=True):
        for face in seen.portraits:
            source = photo.source + COPY
            made.append(replace(photo, embedding=face.embedding, photo=source, source=source))
    return made


def audited(photos: Sequence[Enrolment], options: AuditOptions) -> Audit:
    """Audit a gallery of these photos."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_gallery(Path(folder) / "people.db", model=CARD.identity, dim=CARD.dim) as gallery,
    ):
        gallery.add(photos)
        return audit_gallery(gallery, CARD, options=options)


def hits(finding: Finding, error: Error) -> bool:
    """Return whether a finding names this error: the very photo, both copies, both names."""
    if error.subjects:
        return set(error.subjects) == set(finding.subjects)
    named = {photo.source for photo in finding.photos}
    if finding.kind == "mislabelled" or len(error.sources) > 1:
        named = named if len(error.sources) > 1 else {finding.photos[0].source}
    return named >= set(error.sources)


def key(finding: Finding) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return what makes a finding the same in another gallery."""
    doubtful = finding.photos[:1] if finding.kind == "mislabelled" else finding.photos
    subjects = finding.subjects[:1] if finding.kind == "mislabelled" else finding.subjects
    photos = () if finding.kind == "two names" else tuple(sorted(photo.source for photo in doubtful))
    return finding.kind, tuple(sorted(subjects)), photos


def count(spoiled: Spoiled, found: Sequence[Finding], before: set[object]) -> tuple[int, int, int]:
    """Return errors found, new findings, and how many of these name an error."""
    caught = sum(any(hits(finding, error) for finding in found) for error in spoiled.errors)
    fresh = [finding for finding in found if key(finding) not in before]
    right = sum(any(hits(finding, error) for error in spoiled.errors) for finding in fresh)
    return caught, len(fresh), right


def measure(
    photos: Sequence[Enrolment], copies: Sequence[Enrolment], options: AuditOptions, names: Sequence[str]
) -> Iterator[tuple[str, int, int, int, int, int]]:
    """Yield for each kind of error: injected, found, findings before, new findings, and those that are right."""
    plain = audited(photos, options)
    for name in names:
        kinds = KINDS[name]
        before: set[object] = {key(f) for f in plain.findings if f.kind in kinds}
        injected = caught = fresh = right = 0
        for run in range(RUNS):
            spoiled = SPOILERS[name](photos, copies, ERRORS, np.random.default_rng(run))
            found = [f for f in audited(spoiled.photos, options).findings if f.kind in kinds]
            one, two, three = count(spoiled, found, before)
            injected, caught, fresh, right = injected + len(spoiled.errors), caught + one, fresh + two, right + three
        yield name, injected, caught, len(before), fresh, right


def row(label: str, found: tuple[str, int, int, int, int, int]) -> str:
    """Write one line of the table."""
    name, injected, caught, before, fresh, right = found
    return (
        f"| {label} | {name} | {injected} | {_share(caught, injected)} | {fresh} | {_share(right, fresh)} | {before} |"
    )


def _share(part: int, whole: int) -> str:
    if not whole:
        return "none"
    interval = wilson(part, whole)
    return f"{part} = {interval.estimate:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def choose(photos: Sequence[Enrolment], copies: Sequence[Enrolment]) -> None:
    """Print what each value of each option does, the others at their defaults."""
    about = {"one_person_fmr": ["subject under two names"], "duplicate": ["copy under the same name"]}
    print(
        "| option | error | injected | found | new findings | right | findings before |\n|---|---|---|---|---|---|---|"
    )
    for option, values in TRIED.items():
        for value in values:
            options = replace(AuditOptions(), **{option: value})
            for found in measure(photos, copies, options, about.get(option, list(islice(SPOILERS, 2)))):
                print(row(f"{option} {value:g}", found), flush=True)


def people(root: Path) -> dict[str, list[Photo]]:
    """Return photos by data set."""
    lfw = load_development_unrestricted(root / "lfw")
    frontal: dict[str, list[Photo]] = {}
    for photo in load_photos(root / "cfp").split("all").photos:
        if "frontal" in photo.path.parts:
            frontal.setdefault(photo.subject, []).append(photo)
    return {
        "lfw-train": list(lfw.split("train").photos),
        "lfw-test": list(lfw.split("test").photos),
        "cfp": [photo for photos in frontal.values() for photo in photos],
    }


def thinned(photos: Sequence[Enrolment]) -> list[Enrolment]:
    """Keep one to four photos of each subject."""
    rng = np.random.default_rng(0)
    owned: dict[str, list[Enrolment]] = {}
    for photo in photos:
        owned.setdefault(photo.subject, []).append(photo)
    return [
        mine[int(i)]
        for mine in owned.values()
        for i in rng.permutation(len(mine))[: int(rng.integers(1, PHOTOS_OF_CFP + 1))]
    ]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--cache", type=Path, default=None, help="a folder with NAME.npz of an earlier run")
    arguments = parser.parse_args()
    everybody = people(data_root(os.environ))
    print(f"{machine()}\n")
    with Recognizer.default() as recognizer:
        if not arguments.choose:
            print("| people | error | injected | found | new findings | right | findings before |")
            print("|---|---|---|---|---|---|---|")
        for name in ("lfw-train",) if arguments.choose else ("lfw-test", "cfp"):
            cache = None if arguments.cache is None else arguments.cache / f"{name}.npz"
            photos = enrolments(everybody[name], recognizer, cache)
            photos = thinned(photos) if name == "cfp" else photos
            copies = copies_of(photos, recognizer)
            if arguments.choose:
                choose(photos, copies)
                continue
            for found in measure(photos, copies, AuditOptions(), list(SPOILERS)):
                print(row(name, found), flush=True)


if __name__ == "__main__":
    main()
