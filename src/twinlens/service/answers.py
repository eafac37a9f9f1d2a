"""What the recognizer answers -> what is sent."""

from __future__ import annotations

import base64

import numpy as np
from jaxtyping import UInt8

from twinlens.protocols import Erasure, Subject
from twinlens.recognizer import Cluster, EnrolmentReport, Examined, Identification, Portrait, Sighting
from twinlens.recognizer.explanation import Bound, rarity
from twinlens.service import schemas as s
from twinlens.service.galleries import OpenGallery
from twinlens.service.records import Record
from twinlens.service.wording import in_requests
from twinlens.types import Crop, Decision, Match
from twinlens.zoo import ModelCard


def face(seen: Portrait | Sighting, *, crop: bool = False) -> s.FaceAnswer:
    """Return a face; with its crop where that was asked for."""
    return s.FaceAnswer(
        box=seen.face.box.xyxy.tolist(),
        landmarks=seen.face.landmarks.tolist(),
        score=seen.face.score,
        quality=s.QualityAnswer(score=seen.quality.score, reasons=list(seen.quality.reasons)),
        crop=crop_uri(seen.crop) if crop else None,
    )


def crop_uri(crop: Crop) -> str:
    """Return an aligned face as a data URI."""
    return data_uri(np.asarray(crop.pixels, np.uint8))


def data_uri(pixels: UInt8[np.ndarray, "height width 3"]) -> str:
    """Return RGB pixels as a data URI of a PNG."""
    import cv2  # noqa: PLC0415 - 0.1 s, only where it runs

    _, data = cv2.imencode(".png", pixels[..., ::-1])
    return f"data:image/png;base64,{base64.b64encode(data.tobytes()).decode()}"


def compared(photo: Examined, *, crop: bool) -> s.ComparedPhoto:
    """Return the face of a photo that was compared."""
    return s.ComparedPhoto(face=face(photo.portraits[0], crop=crop), others=photo.others)


def decision(made: Decision, card: ModelCard, model: str) -> s.DecisionAnswer:
    """Return a decision, and how rare its score is among strangers."""
    share, bound = rarity(card.measured, made.score)
    return s.DecisionAnswer(
        accepted=made.accepted,
        score=made.score,
        probability=made.probability,
        threshold=made.threshold,
        fmr=made.fmr,
        strangers_above=share,
        strangers_bound=bound,
        meaning=rarity_said(share, bound),
        model=model,
    )


def rarity_said(share: float | None, bound: Bound) -> str:
    """Say how many strangers score this high."""
    if share is None:
        return "nobody measured how many strangers would score this high"
    before = {"at": "about", "at most": "at most", "at least": "at least"}[bound]
    many = f"1 in {round(1 / share):,} strangers" if share < 0.1 else f"{share:.0%} of strangers"
    return f"{before} {many} would score this high"


def candidate(match: Match) -> s.CandidateAnswer:
    """Return a subject of a gallery as a candidate."""
    return s.CandidateAnswer(subject=match.subject, score=match.score, probability=match.probability, rank=match.rank)


def named(found: Identification, *, crop: bool) -> s.NamedFace:
    """Return who a face is."""
    best = found.match or (found.candidates[0] if found.candidates else None)
    return s.NamedFace(
        face=face(found.portrait, crop=crop),
        subject=found.subject,
        score=best.score if best else None,
        probability=best.probability if best else None,
        candidates=[candidate(match) for match in found.candidates],
        reasons=list(found.reasons),
    )


def report(made: EnrolmentReport) -> s.ReportAnswer:
    """Return what became of a photo."""
    return s.ReportAnswer(
        source=made.source,
        subject=made.subject,
        outcome=made.outcome,
        reasons=[in_requests(reason) for reason in made.reasons],
        quality=made.quality,
        conflict=made.conflict,
        score=made.score,
        faces=list(made.faces),
    )


def gallery(record: Record, found: OpenGallery | None = None) -> s.GalleryAnswer:
    """Return a gallery; with its size where it is open."""
    people = None if found is None else found.recognizer.gallery
    return s.GalleryAnswer(
        name=record.name,
        kind=record.kind,
        retention_days=record.retention_days,
        created_at=record.created_at,
        subjects=None if people is None else len(people),
        templates=None if people is None else people.count(),
    )


def subject(found: Subject) -> s.SubjectAnswer:
    """Return what a gallery knows about a person."""
    return s.SubjectAnswer(
        name=found.name,
        templates=found.templates,
        tags=dict(found.tags),
        created_at=found.created_at,
        sources=list(found.sources),
    )


def erasure(receipt: Erasure) -> s.SubjectErasure:
    """Return the receipt of a removal, without the folders of the service's disk."""
    remains = [_place(place) for place in receipt.remains]
    return s.SubjectErasure(
        subject=receipt.subject,
        templates=receipt.templates,
        places_checked=[_place(place) for place in receipt.places_checked],
        remains=remains,
        proven=not remains,
    )


def cluster(found: Cluster) -> s.ClusterAnswer:
    """Return faces taken to be one person's."""
    return s.ClusterAnswer(members=list(found.members), cohesion=found.cohesion)


def _place(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2] or path
