"""What is answered -> pydantic models, with examples, from which OpenAPI is made.

Scores are similarities, -1 to 1.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from twinlens.recognizer.results import Outcome
from twinlens.service.asked import NAME

Score = Annotated[float, Field(ge=-1, le=1, examples=[0.71], description="Similarity.")]
Probability = Annotated[
    float | None,
    Field(examples=[0.998], description="That it is the same person, at even odds before; null: not calibrated."),
]

Share = Annotated[
    float | None,
    Field(
        examples=[0.998],
        description="That it is this subject, rather than another or nobody enrolled, at even odds before that the "
        "person is enrolled; all of them and nobody sum to 1. null: not calibrated.",
    ),
]


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())


class QualityAnswer(Answer):
    """How fit a face is."""

    score: Annotated[float, Field(ge=0, le=1, examples=[0.82], description="0 useless, 1 a good portrait.")]
    reasons: Annotated[list[str], Field(examples=[["the face is small: 41 pixels between the eyes"]])]


class FaceAnswer(Answer):
    """A face of a photo."""

    box: Annotated[list[float], Field(min_length=4, max_length=4, examples=[[210.0, 96.5, 301.2, 218.0]])]
    landmarks: Annotated[
        list[list[float]],
        Field(
            description="x, y of left eye, right eye, nose, mouth corners, as seen in the photo.",
            examples=[[[1, 2]] * 5],
        ),
    ]
    score: Annotated[float, Field(examples=[0.93], description="Confidence of the detector, 0 to 1.")]
    quality: QualityAnswer
    crop: Annotated[str | None, Field(description="The aligned face, 112x112, as a data URI of a PNG.")] = None


class DetectAnswer(Answer):
    """Who can be seen."""

    width: Annotated[int, Field(examples=[1024])]
    height: Annotated[int, Field(examples=[768])]
    faces: list[FaceAnswer]


class ComparedPhoto(Answer):
    """The face of a photo that was compared, and how many others it shows."""

    face: FaceAnswer
    others: Annotated[int, Field(ge=0, examples=[0])]


class DecisionAnswer(Answer):
    """The answer to "the same person?"."""

    accepted: Annotated[bool, Field(description="score >= threshold: taken for the same person.")]
    score: Score
    probability: Probability
    threshold: Annotated[float, Field(examples=[0.42], description="Similarity from which on the answer is yes.")]
    fmr: Annotated[
        float | None, Field(examples=[0.001], description="False match rate the threshold stands for, as measured.")
    ]
    strangers_above: Annotated[
        float | None,
        Field(examples=[0.0001], description="Share of strangers who score this high; null: not measured."),
    ]
    strangers_bound: Annotated[
        Literal["at", "at most", "at least"],
        Field(description="Whether strangers_above is the share, or a bound where the measurement ends."),
    ]
    meaning: Annotated[str, Field(examples=["at most 1 in 10,000 strangers would score this high"])]
    model: Annotated[str, Field(examples=["sface@83ee2445"])]


class VerifyAnswer(DecisionAnswer):
    """The same person?"""

    left: ComparedPhoto
    right: ComparedPhoto


class ExplainProgress(Answer):
    """How far an explanation is: a line before the answer."""

    done: Annotated[int, Field(ge=0, examples=[64])]
    total: Annotated[int, Field(ge=1, examples=[338])]


class ExplainAnswer(Answer):
    """What the answer rests on."""

    decision: DecisionAnswer
    left_map: Annotated[str, Field(description="The left face under its map, as a data URI of a PNG.")]
    right_map: Annotated[str, Field(description="The right face under its map.")]
    text: Annotated[str, Field(examples=["same person: similarity 0.71 ..."])]


class CandidateAnswer(Answer):
    """A subject of the gallery."""

    subject: Annotated[str, Field(examples=[NAME])]
    score: Score
    probability: Share
    rank: Annotated[int, Field(ge=1, examples=[1])]


class NamedFace(Answer):
    """Who a face is; a subject of null is *unknown*."""

    face: FaceAnswer
    subject: Annotated[str | None, Field(examples=[NAME])]
    score: Annotated[float | None, Field(examples=[0.71], description="Of the best candidate.")]
    probability: Share
    candidates: list[CandidateAnswer]
    reasons: Annotated[list[str], Field(description="Why it is unknown, or to be taken with care.")]


class IdentifyAnswer(Answer):
    """Who is this?"""

    width: int
    height: int
    faces: list[NamedFace]
    threshold: Annotated[float, Field(examples=[0.48])]
    fmr: Annotated[float | None, Field(examples=[0.0001])]
    fpir: Annotated[
        float | None, Field(examples=[0.01], description="Share of searches by strangers that would name somebody.")
    ]


class SearchAnswer(Answer):
    """Who is most alike, whatever the score."""

    face: FaceAnswer
    matches: list[CandidateAnswer]


class GalleryAnswer(Answer):
    """A gallery."""

    name: Annotated[str, Field(examples=["staff"])]
    kind: Literal["people", "album"]
    retention_days: int | None
    created_at: Annotated[str, Field(examples=["2026-11-26T10:00:00+00:00"])]
    subjects: Annotated[int | None, Field(description="Counted where one gallery is shown; null elsewhere.")] = None
    templates: int | None = None


class GalleryList(Answer):
    """The galleries, by name."""

    items: list[GalleryAnswer]


class ErasureAnswer(Answer):
    """The receipt of a removal."""

    templates: Annotated[int, Field(examples=[2], description="-1: a gallery that could not be read any more.")]
    places_checked: Annotated[list[str], Field(description="Files that were read after the removal, without folders.")]
    remains: Annotated[list[str], Field(description="Where bytes of a vector were still found.")]
    proven: Annotated[bool, Field(description="Nothing is left in any place that was checked.")]


class SubjectErasure(ErasureAnswer):
    """The receipt of a subject's removal."""

    subject: Annotated[str, Field(examples=[NAME])]


class GalleryErasure(ErasureAnswer):
    """The receipt of a gallery's removal."""

    gallery: Annotated[str, Field(examples=["staff"])]
    subjects: Annotated[int, Field(examples=[2], description="-1: a gallery that could not be read any more.")]


class SubjectAnswer(Answer):
    """What a gallery knows about a person, without vectors."""

    name: Annotated[str, Field(examples=[NAME])]
    templates: Annotated[int, Field(examples=[1])]
    tags: dict[str, str]
    created_at: Annotated[str, Field(examples=["2026-11-26T10:00:00+00:00"])]
    sources: Annotated[list[str], Field(examples=[["ada.jpg"]])]


class SubjectPage(Answer):
    """A page of subjects."""

    items: list[SubjectAnswer]
    next_cursor: Annotated[str | None, Field(description="For the next page; null on the last.")]


class MergeAnswer(Answer):
    """What became of a merge."""

    subject: Annotated[str, Field(examples=[NAME], description="The name that stays.")]
    templates: Annotated[int, Field(examples=[5], description="Templates that this subject has now.")]
    moved: Annotated[int, Field(examples=[2], description="Those of them that changed hands.")]


class ReportAnswer(Answer):
    """What became of one photo."""

    source: Annotated[str, Field(examples=["ada.jpg"])]
    subject: Annotated[str, Field(examples=[NAME])]
    outcome: Annotated[Outcome, Field(examples=["done"])]
    reasons: list[str]
    quality: float | None
    conflict: Annotated[str | None, Field(description="The subject whose face this seems to be already.")]
    score: Annotated[float | None, Field(description="Similarity to that subject.")]
    faces: Annotated[
        list[str],
        Field(
            examples=[["2024/beach.jpg#1", "2024/beach.jpg#2"]],
            description="Of a photo in an album: the subjects under which its faces are stored.",
        ),
    ] = []


class ReportList(Answer):
    """One report a photo, in the order in which the photos came."""

    reports: list[ReportAnswer]


class ClusterAnswer(Answer):
    """Faces taken to be one person's."""

    members: list[str]
    cohesion: Annotated[float, Field(description="Mean similarity between members; 1 for a single face.")]


class ClusterList(Answer):
    """Groups, the largest first."""

    clusters: list[ClusterAnswer]


class StoredPhotoAnswer(Answer):
    """A photo that a finding is about."""

    subject: str
    source: str
    photo: Annotated[str, Field(description="The digest it is stored under.")]
    quality: float


class LikenessAnswer(Answer):
    """A similarity behind a finding."""

    of: Annotated[str, Field(description="What was compared, in words.")]
    score: float
    fmr: Annotated[float | None, Field(description="Share of strangers that score this high; null: not measured.")]
    bound: Literal["at", "at most", "at least"]


class FindingAnswer(Answer):
    """Something that a person should look at."""

    kind: Annotated[str, Field(examples=["two names"])]
    grave: Annotated[bool, Field(description="Searches may answer wrongly because of it.")]
    text: str
    subjects: Annotated[list[str], Field(description="Whom it concerns, the one to be changed first.")]
    photos: list[StoredPhotoAnswer]
    likeness: list[LikenessAnswer]
    remedies: Annotated[list[str], Field(description="What to do, in words.")]


class DoctorAnswer(Answer):
    """What the gallery doctor found."""

    subjects: int
    templates: int
    problems: Annotated[list[str], Field(description="What is wrong with the gallery's files; empty: sound.")]
    findings: list[FindingAnswer]
    omitted: Annotated[dict[str, int], Field(description="How many findings of a kind are left out.")]
    threshold: Annotated[float | None, Field(description="Of a search in this gallery; null: not measured.")]
    fpir: Annotated[float | None, Field(description="Expected share of searches by strangers that name somebody.")]


class ModelAnswer(Answer):
    """A model of the zoo."""

    name: Annotated[str, Field(examples=["sface"])]
    kind: Annotated[Literal["embedder", "detector"], Field(examples=["embedder"])]
    identity: Annotated[str, Field(examples=["sface@83ee2445"])]
    summary: str
    dim: Annotated[int, Field(description="Numbers in an embedding; 0 for a detector.")]
    licence_weights: Annotated[str, Field(examples=["Apache-2.0"])]
    training_data: str
    in_use: Annotated[bool, Field(description="This service answers with it.")]
    lowest_fmr: Annotated[float | None, Field(description="The lowest target_fmr its measurement reaches.")]


class ModelList(Answer):
    """The models at hand, by name."""

    items: list[ModelAnswer]


class CalibrationAnswer(Answer):
    """How similarities of a model are read."""

    name: Annotated[str, Field(examples=["staff-2026"])]
    model: Annotated[str, Field(examples=["sface@83ee2445"])]
    detector: Annotated[str | None, Field(description="What found the faces; null: not stated.")]
    made: Annotated[str | None, Field(description="UTC; null for the one of the model's card.")]
    protocol: str
    people: int
    genuine: int
    impostors: int
    cllr: float
    ece: float
    in_use: bool


class CalibrationList(Answer):
    """The calibrations at hand."""

    items: list[CalibrationAnswer]


class EvaluationAnswer(Answer):
    """A report of the evaluator."""

    name: Annotated[str, Field(examples=["lfw-dev"])]
    title: str
    url: Annotated[str, Field(examples=["/v1/reports/lfw-dev"])]


class EvaluationList(Answer):
    """The reports of the evaluator, by name."""

    items: list[EvaluationAnswer]


class AuditEntry(Answer):
    """A line of the audit log."""

    seq: Annotated[int, Field(ge=1)]
    at: Annotated[str, Field(examples=["2026-11-26T10:00:00.000000Z"])]
    who: Annotated[str, Field(description="Id of a key; everybody: a service without keys; service: by itself.")]
    did: Annotated[str, Field(examples=["enrolled"])]
    gallery: str
    subject: Annotated[str, Field(examples=["p-5d8e0c1f2a3b4c5d6e7f8091"], description="A pseudonym, or empty.")]
    other: str
    facts: dict[str, int | bool | str]
    request: str
    hash: str


class AuditPage(Answer):
    """A page of the audit log."""

    items: list[AuditEntry]
    next_cursor: str | None


class AuditVerdict(Answer):
    """Whether the audit log is what was written."""

    sound: bool
    entries: int
    problems: list[str]
    head: Annotated[str, Field(description="How far the log goes: note it elsewhere, and ask with it later.")]
