"""Settings -> what answers: networks, pool and galleries, loaded once and closed at the end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from twinlens.detect import DetectOptions, build_detector
from twinlens.embed import load_embedder
from twinlens.errors import ModelError
from twinlens.protocols import Detector, Embedder, Gallery
from twinlens.recognizer import PhotoOptions, Recognizer
from twinlens.recognizer.pipeline import Pipeline
from twinlens.service.galleries import Galleries
from twinlens.service.guards import Guards
from twinlens.service.photos import Intake
from twinlens.service.pool import Pool
from twinlens.service.settings import Settings
from twinlens.zoo import ModelCard, calibrated, checked_paths, find_card


@dataclass(frozen=True, slots=True)
class Parts:
    """What routes work with.

    Attributes:
        settings: what the service was told.
        recognizer: the networks without a gallery, for one-to-one work.
        pool: photos in work.
        galleries: who is enrolled.
        intake: reads photos from requests.
        guards: keys, audit log, stored answers.
        explaining: held by the one request that is explained now.
    """

    settings: Settings
    recognizer: Recognizer
    pool: Pool
    galleries: Galleries
    intake: Intake
    guards: Guards
    explaining: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def card(self) -> ModelCard:
        """Of the embedder, with the calibration in force."""
        return self.recognizer.card

    def close(self) -> None:
        """Finish what is in work, then close everything."""
        self.pool.close()
        self.galleries.close()
        self.recognizer.close()


@dataclass(frozen=True, slots=True)
class Networks:
    """What was loaded; several services may share it.

    Attributes:
        detector: Image -> [Face].
        embedder: [Crop] -> [Embedding].
        card: of the embedder, with the calibration in force.
    """

    detector: Detector
    embedder: Embedder
    card: ModelCard


def load_networks(settings: Settings) -> Networks:
    """Load the networks; takes about a second.

    Raises:
        ModelError: a model is unknown, missing or not the one its card describes.
    """
    card = calibrated(find_card(settings.model), settings.calibration)
    embedder = load_embedder(settings.model, settings.runtime)
    found = find_card(settings.detector)
    if found.kind != "detector":
        msg = f"{found.name!r} is an {found.kind}; wanted a detector"
        raise ModelError(msg)
    looking = DetectOptions(scales=settings.scales)
    detector = build_detector(
        found.family or found.name, checked_paths(found), runtime=settings.runtime, options=looking
    )
    return Networks(detector, embedder, card)


def open_parts(settings: Settings, guards: Guards, networks: Networks) -> Parts:
    """Put everything together, and start the pool's threads.

    Args:
        settings: what the service was told.
        guards: opened already, because they stand in front of everything.
        networks: loaded.

    Raises:
        GalleryError: the folder of galleries cannot be used.
    """
    detector, embedder, card = networks.detector, networks.embedder, networks.card
    photos = PhotoOptions(limits=settings.limits)

    def recognizer(gallery: Gallery | None = None) -> Recognizer:
        return Recognizer(
            detector,
            embedder,
            card,
            gallery=gallery,
            policy=settings.policy,
            photos=photos,
            threads=settings.workers,
        )

    pool = Pool(
        Pipeline(detector, embedder, photos, threads=settings.workers),
        workers=settings.workers,
        line=settings.line,
        batching=settings.micro_batching,
        observe=guards.metrics.batch_faces.observe,
    )
    galleries = Galleries(
        settings.data_dir / "galleries",
        recognizer,
        model=embedder.model,
        dim=card.dim,
        url=settings.gallery_url,
        most_open=settings.open_galleries,
    )
    guards.metrics.watch("twinlens_pool_inside", "Requests in work or waiting.", lambda: pool.load.inside)
    guards.metrics.watch("twinlens_pool_turned_away", "Requests refused, no place.", lambda: pool.load.turned_away)
    intake = Intake(settings.limits, settings.allow_url, settings.max_photos, settings.json_bytes, pool)
    return Parts(settings, recognizer(), pool, galleries, intake, guards)
