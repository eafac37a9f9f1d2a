"""Frames -> tracks of people, one decision for each track."""

from __future__ import annotations

from twinlens.video.annotated import write_copy
from twinlens.video.film import Film, Frame, frames
from twinlens.video.kinds import VIDEO_SUFFIXES, is_video, list_media
from twinlens.video.options import VideoLimits, VideoOptions
from twinlens.video.track import Span, Track, Watched
from twinlens.video.watching import identify_video

__all__ = [
    "VIDEO_SUFFIXES",
    "Film",
    "Frame",
    "Span",
    "Track",
    "VideoLimits",
    "VideoOptions",
    "Watched",
    "frames",
    "identify_video",
    "is_video",
    "list_media",
    "write_copy",
]
