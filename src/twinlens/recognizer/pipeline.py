"""Photos -> Portraits: load, detect, align, assess, embed; photos side by side, one a thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TypeVar

from twinlens.align import align
from twinlens.errors import ModelError, NoFaceError, OptionError, TwinlensError
from twinlens.image import ImageLimits, Source, load_image
from twinlens.image.reading import name_of
from twinlens.protocols import Detector, Embedder
from twinlens.quality import QualityOptions, assess
from twinlens.recognizer.choice import Choice, everyone, main_face
from twinlens.recognizer.results import Examined, Portrait, Sighting
from twinlens.runtime import usable_cores
from twinlens.types import Crop, Embedding, Face, Image

A = TypeVar("A")
B = TypeVar("B")
CHUNK = 8  # small photos worked on together
CHUNK_PIXELS = 2_000_000  # of a chunk's photos together: larger photos go one by one, which bounds memory
AHEAD = 2  # chunks in work for each thread: keeps threads busy and memory bounded


@dataclass(frozen=True, slots=True)
class PhotoOptions:
    """How photos are read and judged."""

    limits: ImageLimits | None = None
    allow_url: bool = False
    quality: QualityOptions = field(default_factory=QualityOptions)


@dataclass(frozen=True, slots=True)
class Looked:
    """A photo whose chosen faces are cut out, not yet embedded."""

    image: Image
    faces: list[Face]
    crops: list[Crop]
    others: int


class Pipeline:
    """The stages in order, on as many threads as asked for. May be used from several threads at once."""

    def __init__(
        self, detector: Detector, embedder: Embedder, options: PhotoOptions, *, threads: int | None = None
    ) -> None:
        self.detector = detector
        self.embedder = embedder
        self._options = options
        self._threads = threads or usable_cores()
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="twinlens")

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def load(self, source: Source) -> Image:
        """Read one photo.

        Raises:
            ImageError: it cannot be read.
        """
        return load_image(source, limits=self._options.limits, allow_url=self._options.allow_url)

    def faces(self, image: Image) -> list[Face]:
        """Return the faces of one picture, the most confident first."""
        return self.detector.detect([image])[0]

    def examine(self, source: Source, choose: Choice = everyone) -> Examined:
        """Return one photo's chosen faces; a face's work is shared out between the threads.

        Raises:
            ImageError: the photo cannot be read.
        """
        image = self.load(source)
        faces = self.faces(image)
        chosen = choose(image, faces)
        return Examined(image.source, image, self.portraits(image, chosen), others=len(faces) - len(chosen))

    def examine_pair(self, left: Source, right: Source) -> tuple[Examined, Examined]:
        """Examine the main face of two photos side by side.

        Raises:
            ImageError: a photo cannot be read.
            NoFaceError: a photo shows nobody.
        """
        one, other = self.apply(partial(self.look, choose=main_face), (left, right))
        return self._one_portrait(one), self._one_portrait(other)

    def embed_pair(self, left: Source, right: Source) -> tuple[Embedding, Embedding]:
        """Return the embeddings of the main faces of two photos, without judging their quality.

        Raises:
            ImageError: a photo cannot be read.
            NoFaceError: a photo shows nobody.
        """
        if self._threads == 1:  # both in one batch: the network's weights are read once
            crops = [self._one_crop(source) for source in (left, right)]
            one, other = self.embedder.embed(crops)
        else:
            one, other = self.apply(lambda source: self.embedder.embed([self._one_crop(source)])[0], (left, right))
        return one, other

    def stream(self, sources: Iterable[Source], choose: Choice = everyone) -> Iterator[Examined]:
        """Examine many photos, in order; a photo that cannot be read comes back with its error.

        Small photos are worked on in chunks, whose faces are embedded in one batch: the two networks then do not
        push each other's weights out of the processor's caches (a quarter of the time, benchmarks/speed.py).

        Raises:
            ModelError: the networks do not work.
        """
        size = 1  # of a chunk: nothing is known of the photos yet

        def chunks() -> Iterator[list[Source]]:
            waiting = iter(sources)
            while chunk := list(islice(waiting, size)):
                yield chunk

        for chunk in self.apply(partial(self._examine_chunk, choose=choose), chunks()):
            pixels = max((e.image.width * e.image.height for e in chunk if e.image), default=0)
            size = min(max(CHUNK_PIXELS // max(pixels, 1), 1), CHUNK)
            yield from chunk

    def apply(self, work: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
        """Do the work on the threads, and yield what comes of each item, in order; few items are in work at once."""
        waiting: deque[Future[B]] = deque()
        try:
            for item in items:
                waiting.append(self._submit(work, item))
                if len(waiting) >= AHEAD * self._threads:
                    yield _result(waiting.popleft())
            while waiting:
                yield _result(waiting.popleft())
        finally:
            for future in waiting:
                future.cancel()

    def _submit(self, work: Callable[[A], B], item: A) -> Future[B]:
        try:
            return self._pool.submit(work, item)
        except RuntimeError as error:  # after close()
            raise _closed() from error

    def sight(self, image: Image) -> list[Sighting]:
        """Return the faces of one picture, the most confident first, without their embeddings."""
        return [
            Sighting(face, align(image, face), assess(image, face, self._options.quality)) for face in self.faces(image)
        ]

    def portraits(self, image: Image, faces: Sequence[Face]) -> tuple[Portrait, ...]:
        """Align, assess and embed faces of one picture; a crowd is shared out between the threads.

        Not to be called from a thread of the pool.
        """
        crops = [align(image, face) for face in faces]
        share = max(-(-len(crops) // self._threads), 1)
        parts = [crops[i : i + share] for i in range(0, len(crops), share)]
        if len(parts) < 2:
            return self._assembled(image, faces, crops, self.embedder.embed(crops))
        embeddings = [e for part in self.apply(self.embedder.embed, parts) for e in part]
        return self._assembled(image, faces, crops, embeddings)

    def look(self, source: Source, choose: Choice = everyone) -> Looked:
        """Read a photo and cut out the chosen faces, on the calling thread alone.

        Raises:
            ImageError: the photo cannot be read.
        """
        image = self.load(source)
        faces = self.faces(image)
        chosen = choose(image, faces)
        return Looked(image, chosen, [align(image, face) for face in chosen], len(faces) - len(chosen))

    def portray(self, looks: Sequence[Looked]) -> list[Examined]:
        """Embed the faces of several photos in one batch, on the calling thread alone; one answer a photo, in order."""
        embeddings = iter(self.embedder.embed([crop for look in looks for crop in look.crops]))
        return [self._examined(look, list(islice(embeddings, len(look.crops)))) for look in looks]

    def _examine_chunk(self, sources: Sequence[Source], choose: Choice) -> list[Examined]:
        """Examine photos on the calling thread alone, their faces in one batch."""
        looked: list[Looked | Examined] = []
        for source in sources:
            try:
                looked.append(self.look(source, choose))
            except ModelError:
                raise
            except TwinlensError as error:
                looked.append(Examined(name_of(source), None, error=error))
        examined = iter(self.portray([look for look in looked if isinstance(look, Looked)]))
        return [next(examined) if isinstance(look, Looked) else look for look in looked]

    def _one_portrait(self, look: Looked) -> Examined:
        if not look.crops:
            raise no_face(look.image.source)
        return self._examined(look, self.embedder.embed(look.crops))

    def _one_crop(self, source: Source) -> Crop:
        look = self.look(source, main_face)
        if not look.crops:
            raise no_face(look.image.source)
        return look.crops[0]

    def _examined(self, look: Looked, embeddings: Sequence[Embedding]) -> Examined:
        portraits = self._assembled(look.image, look.faces, look.crops, embeddings)
        return Examined(look.image.source, look.image, portraits, others=look.others)

    def _assembled(
        self, image: Image, faces: Sequence[Face], crops: Sequence[Crop], embeddings: Sequence[Embedding]
    ) -> tuple[Portrait, ...]:
        qualities = (assess(image, face, self._options.quality) for face in faces)
        return tuple(map(Portrait, faces, crops, qualities, embeddings))


def _result(future: Future[B]) -> B:
    try:
        return future.result()
    except CancelledError as error:  # close() came in between
        raise _closed() from error


def _closed() -> OptionError:
    return OptionError("this recognizer was closed: make another one")


def no_face(source: str) -> NoFaceError:
    """Return the error for a photo without a face."""
    return NoFaceError(
        f"{source}: no face found. Is it upright, and at least 20 pixels wide? "
        "For crowds use scales 'tiny' (--scales tiny)"
    )
