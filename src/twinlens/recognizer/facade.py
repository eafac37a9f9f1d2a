"""Photos -> decisions.

>>> from twinlens import Recognizer
>>> with Recognizer.default() as recognizer:  # doctest: +SKIP
...     recognizer.verify("a.jpg", "b.jpg").accepted
True
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from twinlens.detect import DetectOptions
from twinlens.embed import load_embedder
from twinlens.errors import GalleryError, OptionError
from twinlens.gallery import open_gallery
from twinlens.image import Source
from twinlens.protocols import Detector, Embedder, Gallery
from twinlens.recognizer.album import clusters_of
from twinlens.recognizer.audit import Audit, AuditOptions, Progress, audit_gallery
from twinlens.recognizer.choice import Choice, everyone, main_face, prominent
from twinlens.recognizer.collection import IndexOptions, index_collection, look_at
from twinlens.recognizer.enrolment import EnrolOptions, enrol_photo, noted, several
from twinlens.recognizer.explanation import Explanation, Neighbours, explain_pair
from twinlens.recognizer.identification import identify_faces
from twinlens.recognizer.loading import load_detector
from twinlens.recognizer.occlusion import OcclusionOptions
from twinlens.recognizer.pipeline import Looked, PhotoOptions, Pipeline, no_face
from twinlens.recognizer.results import Cluster, EnrolmentReport, Examined, Identification, Sighting
from twinlens.runtime import RuntimeOptions
from twinlens.score import CLUSTER_FMR, UNLIKE_FMR, Bar, Policy, Reading, decide, identification_bar, verification_bar
from twinlens.types import Decision, Embedding, Image, Match
from twinlens.zoo import (
    DEFAULT_DETECTOR,
    DEFAULT_EMBEDDER,
    Calibration,
    ModelCard,
    calibrated,
    find_card,
)

A = TypeVar("A")
B = TypeVar("B")


class Recognizer:
    """A detector, an embedder with its card, and a gallery, put together.

    One object may be used by several threads at once, and gives the answers of one thread.

    Args:
        detector: Image -> [Face].
        embedder: [Crop] -> [Embedding].
        card: the embedder's card: thresholds at measured error rates, and how a similarity becomes a probability.
        gallery: who is enrolled; None for one-to-one work.
        policy: when the answer is yes.
        photos: how photos are read and judged.
        threads: photos in work at once; None for one a processor core.
    """

    def __init__(
        self,
        detector: Detector,
        embedder: Embedder,
        card: ModelCard,
        *,
        gallery: Gallery | None = None,
        policy: Policy | None = None,
        photos: PhotoOptions | None = None,
        threads: int | None = None,
    ) -> None:
        self.card = card
        self.policy = policy or Policy()
        self._gallery = gallery
        self._pipeline = Pipeline(detector, embedder, photos or PhotoOptions(), threads=threads)

    @classmethod
    def default(  # noqa: PLR0913 - all are options by name
        cls,
        gallery: str | Path | None = None,
        *,
        detector: str = DEFAULT_DETECTOR,
        embedder: str = DEFAULT_EMBEDDER,
        flip: bool = False,
        policy: Policy | None = None,
        detect: DetectOptions | None = None,
        photos: PhotoOptions | None = None,
        runtime: RuntimeOptions | None = None,
        calibration: str | None = None,
    ) -> Recognizer:
        """Load models by name, and open or create a gallery.

        Args:
            gallery: a file, or a URL of another engine; None for one-to-one work.
            detector: a name from ``twinlens models list``.
            embedder: a name from ``twinlens models list``, or a path to a card.
            flip: average each face's vector with its mirror image's; such vectors do not compare with others.
            policy: when the answer is yes.
            detect: what to look for.
            photos: how photos are read and judged.
            runtime: engine, precision and threads.
            calibration: the name of one saved by ``twinlens calibrate``; None for the one in force (``twinlens models
                show``), ``card`` for what the model came with.

        Raises:
            ModelError: a model is unknown, missing or not the one its card describes.
            GalleryError: the gallery cannot be opened, or holds vectors of another model.
        """
        runtime = runtime or RuntimeOptions()
        network = load_embedder(embedder, runtime, flip=flip)
        return cls(
            load_detector(detector, runtime, detect),
            network,
            calibrated(find_card(embedder), calibration),
            gallery=None if gallery is None else open_gallery(gallery, model=network.model, dim=network.dim),
            policy=policy,
            photos=photos,
            threads=runtime.threads,
        )

    @property
    def gallery(self) -> Gallery:
        """Who is enrolled.

        Raises:
            GalleryError: the recognizer was made without a gallery.
        """
        if self._gallery is None:
            msg = "this recognizer has no gallery: make it with Recognizer.default('people.db'), or use --gallery"
            raise GalleryError(msg)
        return self._gallery

    @property
    def embedder(self) -> Embedder:
        """[Crop] -> [Embedding]."""
        return self._pipeline.embedder

    @property
    def detector(self) -> Detector:
        """Image -> [Face]."""
        return self._pipeline.detector

    @property
    def calibration(self) -> Calibration | None:
        """How a similarity becomes a probability; None where nobody calibrated the very embedder in use.

        Averaging with the mirror image (``flip``) makes another embedder of a model.
        """
        return self.card.calibration if self.embedder.model == self.card.identity else None

    def __enter__(self) -> Recognizer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the threads and close the gallery."""
        self._pipeline.close()
        if self._gallery is not None:
            self._gallery.close()

    def examine(self, photo: Source) -> Examined:
        """Return every face of a photo with its crop, quality and embedding.

        Raises:
            ImageError: the photo cannot be read.
        """
        return self._pipeline.examine(photo, everyone)

    def examine_all(self, photos: Iterable[Source], choose: Choice = everyone) -> Iterator[Examined]:
        """Examine many photos side by side, in order; one that cannot be read comes back with its error."""
        return self._pipeline.stream(photos, choose)

    def look(self, photo: Source, choose: Choice = everyone) -> Looked:
        """Return a photo's chosen faces cut out, not embedded, on the calling thread alone; ImageError: unreadable."""
        return self._pipeline.look(photo, choose)

    def sight(self, image: Image) -> list[Sighting]:
        """Return the faces of one picture, the most confident first, without their embeddings."""
        return self._pipeline.sight(image)

    def apply(self, work: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
        """Do the work on the recognizer's threads, in order, a few items ahead of what is asked for."""
        return self._pipeline.apply(work, items)

    def embed(self, photo: Source) -> Embedding:
        """Return the embedding of a photo's main face.

        Raises:
            ImageError: the photo cannot be read.
            NoFaceError: it shows nobody.
        """
        return self._main(photo).portraits[0].embedding

    def verify(self, left: Source, right: Source, *, policy: Policy | None = None) -> Decision:
        """Decide whether the main faces (large and central) of two photos are the same person.

        Raises:
            ImageError: a photo cannot be read.
            NoFaceError: a photo shows nobody.
            CalibrationError: the model has no measured threshold for this policy.
        """
        policy = policy or self.policy
        bar = verification_bar(self.card, policy)
        pair = self._pipeline.embed_pair(left, right)
        return decide(*pair, bar, calibration=self.calibration, prior=policy.prior)

    def compare(self, left: Examined, right: Examined, *, bar: Bar | None = None) -> Decision:
        """Decide on two examined photos by their first portraits."""
        bar = bar or verification_bar(self.card, self.policy)
        for examined in (left, right):
            if not examined.portraits:
                raise no_face(examined.source)
        pair = left.portraits[0].embedding, right.portraits[0].embedding
        return decide(*pair, bar, calibration=self.calibration, prior=self.policy.prior)

    def examine_pair(self, left: Source, right: Source) -> tuple[Examined, Examined]:
        """Examine the main face of two photos side by side; see `verify`."""
        return self._pipeline.examine_pair(left, right)

    def explain(
        self,
        left: Source | Examined,
        right: Source | Examined,
        *,
        bar: Bar | None = None,
        options: OcclusionOptions | None = None,
        progress: Progress | None = None,
    ) -> Explanation:
        """Decide like `verify`, and say what the answer rests on; embeds 512 altered copies, which takes seconds.

        Args:
            left: a photo, or one already examined, whose first face counts.
            right: the other.
            bar: the threshold; None for the one of the recognizer's policy.
            options: how the faces are probed.
            progress: called with (copies embedded, copies in all).

        Raises:
            TwinlensError: as `verify`; or the gallery, whose nearest subjects are named, cannot be read.
        """
        photos = self._main(left), self._main(right)
        decision = self.compare(*photos, bar=bar)
        enrolled = self._gallery
        near = None if enrolled is None else Neighbours(enrolled, self.identification_bar(), self.reading())
        return explain_pair(
            self._pipeline,
            photos,
            decision,
            measured=self.card.measured,
            neighbours=near,
            options=options,
            progress=progress,
        )

    def enrol(
        self,
        subject: str,
        photos: Source | Sequence[Source],
        *,
        tags: Mapping[str, str] | None = None,
        options: EnrolOptions | None = None,
    ) -> list[EnrolmentReport]:
        """Enrol a person from one photo or several; one report a photo, in order.

        A photo is refused for a reason that the report names, never by an exception. What is reported ``done`` is
        safe on disk.

        Raises:
            OptionError: an empty name.
            GalleryError: the gallery cannot be written to.
        """
        return list(self.enrol_all([(subject, photo) for photo in several(photos)], tags=tags, options=options))

    def enrol_all(
        self,
        pairs: Iterable[tuple[str, Source]],
        *,
        tags: Mapping[str, str] | None = None,
        options: EnrolOptions | None = None,
    ) -> Iterator[EnrolmentReport]:
        """Enrol many people: pairs of subject and photo, photos side by side, one report each in order."""
        options = options or EnrolOptions()
        least = verification_bar(self.card, replace(self.policy, target_fmr=UNLIKE_FMR)).threshold
        tagged: set[str] = set()
        names: list[str] = []
        for photo in self._pipeline.stream(noted(pairs, names), prominent):
            subject = names.pop(0)
            report = enrol_photo(
                subject, photo, self.gallery, bar=self.identification_bar(), least=least, options=options
            )
            if report.outcome in ("done", "already enrolled") and tags and subject not in tagged:
                self.gallery.tag(subject, tags)
                tagged.add(subject)
            yield report

    def identification_bar(self, policy: Policy | None = None) -> Bar:
        """Return the threshold for a search in the gallery as large as it is."""
        return identification_bar(self.card, policy or self.policy, self.gallery.count())

    def reading(self, policy: Policy | None = None, *, tags: Mapping[str, str] | None = None) -> Reading:
        """Return how the scores of a search among the subjects with these tags become probabilities."""
        subjects = len(self.gallery.subjects(tags=tags)) if tags else len(self.gallery)
        return Reading(self.calibration, subjects, (policy or self.policy).prior)

    def identify(
        self,
        photo: Source | Examined,
        *,
        top: int = 3,
        tags: Mapping[str, str] | None = None,
        policy: Policy | None = None,
    ) -> list[Identification]:
        """Name every face of a photo, the most confident face first; *unknown* is an answer.

        Args:
            photo: a photo, or one already examined.
            top: candidates to report for each face, 1 or more.
            tags: only subjects that carry all of these.
            policy: when the answer is yes.

        Raises:
            ImageError: the photo cannot be read.
            GalleryError: the gallery cannot be read.
        """
        _positive("top", top)
        examined = photo if isinstance(photo, Examined) else self.examine(photo)
        bar = self.identification_bar(policy)
        reading = self.reading(policy, tags=tags)
        return identify_faces(examined.portraits, self.gallery, bar=bar, top=top, tags=tags, reading=reading)

    def search(self, photo: Source, *, top: int = 10, tags: Mapping[str, str] | None = None) -> list[Match]:
        """Return the subjects most alike to a photo's main face, best first, whatever their score.

        Raises:
            ImageError: the photo cannot be read.
            NoFaceError: it shows nobody.
            GalleryError: the gallery cannot be read.
        """
        _positive("top", top)
        (matches,) = self.gallery.search([self.embed(photo)], top, tags=tags)
        return self.reading(tags=tags).read(matches)

    def index(self, folder: Path, *, options: IndexOptions | None = None) -> Iterator[EnrolmentReport]:
        """Store every face of every photo under a folder, to be searched and clustered; skip what is there.

        On this process's threads; ``twinlens index`` does the same on many processes. See
        `twinlens.recognizer.collection.index_collection`.

        Raises:
            ImageError: the folder cannot be listed.
            GalleryError: the gallery cannot be used, or another index is at work on it.
        """
        options = options or IndexOptions(settings=self.detector.name)
        return index_collection(folder, self.gallery, partial(look_at, self._pipeline), options)

    def cluster(self, *, policy: Policy | None = None) -> list[Cluster]:
        """Group the gallery's faces by person, the largest group first; faces of one photo stay apart.

        Args:
            policy: mean similarity that a group needs; by default that of `CLUSTER_FMR`, or the recognizer's own
                threshold where it has one.

        Raises:
            CalibrationError: the model has no measured threshold for this policy.
        """
        bar = verification_bar(self.card, policy or replace(self.policy, target_fmr=CLUSTER_FMR))
        return clusters_of(self.gallery, bar.threshold)

    def audit(self, *, options: AuditOptions | None = None, progress: Progress | None = None) -> Audit:
        """Look through the gallery for wrong labels, people under two names, look-alikes and poor references.

        Args:
            options: from where on something is reported.
            progress: called with (comparisons done, comparisons in all).

        Raises:
            GalleryError: the gallery cannot be read.
        """
        return audit_gallery(self.gallery, self.card, policy=self.policy, options=options, progress=progress)

    def _main(self, photo: Source | Examined) -> Examined:
        examined = photo if isinstance(photo, Examined) else self._pipeline.examine(photo, main_face)
        if not examined.portraits:
            raise no_face(examined.source)
        return examined


def _positive(name: str, value: int) -> None:
    if value < 1:
        msg = f"{name} must be 1 or more, got {value}"
        raise OptionError(msg)
