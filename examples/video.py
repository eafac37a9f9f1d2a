"""Who is in a video, and when; with an annotated copy.

python examples/video.py people.db film.mp4 named.mp4
"""

import sys
from pathlib import Path

from twinlens import Recognizer
from twinlens.video import identify_video, write_copy

gallery, film, copy = sys.argv[1:]

with Recognizer.default(gallery) as recognizer:
    watched = identify_video(recognizer, film)
for track in watched.tracks:
    print(f"{track.start_s:6.1f} s to {track.end_s:6.1f} s: {track.subject or 'unknown'}", *track.reasons)
write_copy(film, watched.tracks, Path(copy))
