"""A recognizer and a video -> the people in it: one decision for each track.

The picture is decoded on the calling thread; faces are looked for on the recognizer's threads, a few frames ahead; the
tracker takes the looks in order. A stretch's samples are embedded soon after it ends, many at once, so that no more
than a few hundred crops are held. Names are given at the end, all at once: of tracks in view at the same time only one
may bear a name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from twinlens.errors import ImageError, OptionError
from twinlens.recognizer import Identification, Recognizer
from twinlens.recognizer.identification import identify_faces
from twinlens.score import Policy, threshold_at, verification_bar
from twinlens.video.film import Film, Frame
from twinlens.video.gathering import Gathering
from twinlens.video.joining import Bars, joined
from twinlens.video.options import Progress, VideoOptions
from twinlens.video.piece import Piece, best_shot, fused
from twinlens.video.track import Track, Watched, together
from twinlens.video.tracker import Look, Tracker, thumb
from twinlens.video.trail import Trail

# Shares of strangers who are taken for the one before. The genuine are seen within seconds in one film: of pairs of
# photos from different days the default model loses 0.1 % and 0.2 % here.
DRIFT_FMR = 0.02  # no sudden change was seen; 94 % of strangers who take a place over cause one
CHANGE_FMR = 0.005  # they go on in the same place after a sudden change


@dataclass(frozen=True, slots=True, eq=False)
class _Watch:
    """What was seen, before anybody is named."""

    pieces: list[Piece]
    looks: int
    end_s: float
    error: ImageError | None


def identify_video(
    recognizer: Recognizer,
    source: str | Path | int,
    options: VideoOptions | None = None,
    *,
    top: int = 3,
    tags: Mapping[str, str] | None = None,
    policy: Policy | None = None,
    progress: Progress | None = None,
) -> Watched:
    """Follow every face through a video and name it, or say *unknown*: one decision for each track.

    A video that is cut off or damaged in its midst is answered for as far as it goes, with the error beside the tracks.

    Args:
        recognizer: with a gallery.
        source: a file, or the number of a camera (with ``until_s``).
        options: how people are followed.
        top: candidates to report for each track, 1 or more.
        tags: only subjects that carry all of these.
        policy: when the answer is yes; None for the recognizer's.
        progress: called after each look.

    Raises:
        ImageError: not even one frame can be read.
        OptionError: a camera without ``until_s``, or ``top`` below 1.
        CalibrationError: the model has no measured threshold for this policy.
        GalleryError: there is no gallery, or it cannot be read.
    """
    options = options or VideoOptions()
    if top < 1:
        msg = f"top must be 1 or more, got {top}"
        raise OptionError(msg)
    if isinstance(source, int) and options.until_s is None:
        msg = f"camera {source} has no end: give until_s in VideoOptions"
        raise OptionError(msg)
    bar = recognizer.identification_bar(policy)
    bars = _bars(recognizer, policy or recognizer.policy)
    with Film(source, limits=options.limits) as film:
        watch = _watch(recognizer, film, options, bars.drift, progress)
    groups = joined(watch.pieces, bars, options.reconnect_s)
    least = min(options.min_looks, watch.looks)
    kept = [group for group in groups if sum(len(piece.trail) for piece in group) >= least]
    reading = recognizer.reading(policy, tags=tags)
    name = partial(identify_faces, gallery=recognizer.gallery, bar=bar, top=top, tags=tags, reading=reading)
    return Watched(
        source=film.name,
        tracks=_tracks(kept, name),
        looks=watch.looks,
        end_s=watch.end_s,
        left_out=len(groups) - len(kept),
        error=watch.error,
    )


def _bars(recognizer: Recognizer, policy: Policy) -> Bars:
    """Return the similarities for joining; a threshold of the user's own counts only where nothing was measured."""
    measured = recognizer.card.measured
    if measured is None:
        threshold = verification_bar(recognizer.card, policy).threshold
        return Bars(drift=threshold, change=threshold, gap=threshold)
    gap = verification_bar(recognizer.card, replace(policy, threshold=None)).threshold
    drift, change = (min(threshold_at(measured, fmr), gap) for fmr in (DRIFT_FMR, CHANGE_FMR))
    return Bars(drift=drift, change=change, gap=gap)


def _watch(
    recognizer: Recognizer, film: Film, options: VideoOptions, drift: float, progress: Progress | None
) -> _Watch:
    """Look at the film from end to end."""
    tracker, gathering = Tracker(options), Gathering(recognizer, drift)
    fault: list[ImageError] = []
    looks, end_s = 0, 0.0
    for look in recognizer.apply(partial(_look, recognizer), _until_fault(film, options, fault)):
        gathering.take(tracker.update(look))
        looks, end_s = looks + 1, look.time_s
        if progress is not None:
            progress(look.frame + 1, film.stated_frames)
    gathering.take(tracker.finish())
    if fault and not looks:
        raise fault[0]
    return _Watch(gathering.finish(), looks, end_s, fault[0] if fault else None)


def _until_fault(film: Film, options: VideoOptions, fault: list[ImageError]) -> Iterator[Frame]:
    """Yield the frames to look at; where the film breaks off, note why and end."""
    try:
        for frame in film.frames(options.stride(film.fps)):
            if options.until_s is not None and frame.time_s > options.until_s:
                return
            yield frame
    except ImageError as error:
        fault.append(error)


def _look(recognizer: Recognizer, frame: Frame) -> Look:
    sightings = recognizer.sight(frame.image)
    return Look(frame.index, frame.time_s, sightings, [thumb(s.crop) for s in sightings])


def _tracks(groups: Sequence[Sequence[Piece]], name: Callable[..., list[Identification]]) -> tuple[Track, ...]:
    """Name all groups at once."""
    trails = [_trails(group) for group in groups]
    company = together(trails)
    answers = name([fused(group) for group in groups], together=lambda i, j: j in company[i])
    return tuple(
        Track(number, trails[number - 1], answer, best_shot(groups[number - 1]).time_s)
        for number, answer in enumerate(answers, 1)
    )


def _trails(group: Sequence[Piece]) -> tuple[Trail, ...]:
    """Return the trails of a group; one that goes on in the place of the last one is the same trail."""
    trails: list[Trail] = []
    for before, piece in zip([None, *group], group, strict=False):
        if before is not None and piece.follows is before:
            trails[-1] = trails[-1].followed_by(piece.trail)
        else:
            trails.append(piece.trail)
    return tuple(trails)
