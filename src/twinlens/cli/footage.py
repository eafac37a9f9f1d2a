"""``twinlens identify VIDEO``: the people in a video, one line each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from twinlens.cli.answers import Ask, Tally, match_record, said
from twinlens.cli.detect import face_record
from twinlens.cli.output import counted, emit, meter
from twinlens.errors import TwinlensError

if TYPE_CHECKING:
    from twinlens.recognizer import Recognizer
    from twinlens.video import Track, Watched


def is_footage(name: str) -> bool:
    """Say whether this is a video; ``-`` and addresses are photos."""
    from twinlens.video import is_video

    return name != "-" and "://" not in name and is_video(name)


def name_people(recognizer: Recognizer, name: str, ask: Ask, tally: Tally) -> None:
    """Print who is in one video; go on after an error in it."""
    from twinlens.video import VideoOptions, identify_video, write_copy

    options = VideoOptions(every=ask.every)
    try:
        with meter(f"watching {Path(name).name}") as seen:
            watched = identify_video(recognizer, name, options, top=ask.top, tags=ask.tags, progress=seen)
        _print(watched, ask)
        tally.known += sum(track.match is not None for track in watched.tracks)
        if watched.error is not None:
            tally.fail(watched.error)
        if ask.copies is not None:
            with meter("drawing") as seen:
                write_copy(name, watched.tracks, ask.copies.place(name, ".mp4"), progress=seen)
    except TwinlensError as error:
        tally.fail(error)


def _print(watched: Watched, ask: Ask) -> None:
    if not ask.json:
        count = len(watched.tracks)
        people = "nobody" if not count else counted(count, "track")
        brief = f", {watched.left_out} too brief to count" if watched.left_out else ""
        print(f"{watched.source}: {people} up to {_clock(watched.end_s)}{brief}", flush=True)
    for track in watched.tracks:
        emit(_record(watched, track), _text(track), as_json=ask.json)


def _text(track: Track) -> str:
    spans = ", ".join(f"{_clock(span.start_s)} to {_clock(span.end_s)}" for span in track.spans)
    why = f"  [{'; '.join(track.reasons)}]" if track.reasons else ""
    return f"  {spans}: {said(track.identification)}{why}"


def _clock(time_s: float) -> str:
    """Write a time as minutes:seconds, or hours:minutes:seconds."""
    tenths = round(time_s * 10)
    hours, rest = divmod(tenths, 36_000)
    minutes, tenths = divmod(rest, 600)
    if hours:
        return f"{hours}:{minutes:02}:{tenths / 10:04.1f}"
    return f"{minutes}:{tenths / 10:04.1f}"


def _record(watched: Watched, track: Track) -> dict[str, object]:
    return {
        "video": watched.source,
        "track": track.number,
        "subject": track.subject,
        "start_s": track.start_s,
        "end_s": track.end_s,
        "spans": [[span.start_s, span.end_s] for span in track.spans],
        "frames": track.looks,
        "best": {"time_s": track.best_s, **face_record(track.portrait)},
        "match": match_record(track.match) if track.match else None,
        "candidates": [match_record(c) for c in track.candidates],
        "threshold": track.bar.threshold,
        "fmr": track.bar.fmr,
        "fpir": track.bar.fpir,
        "reasons": list(track.reasons),
    }
