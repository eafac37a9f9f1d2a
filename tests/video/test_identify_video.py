"""Who is in a film: a real face that moves, hides, returns and is replaced; real strangers beside her."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from twinlens.errors import CalibrationError, GalleryError, ImageError, OptionError
from twinlens.recognizer import Recognizer
from twinlens.score import Policy
from twinlens.video import Track, VideoOptions, Watched, identify_video

if TYPE_CHECKING:
    from tests.video.conftest import Studio

HER = "Eileen Collins"


def who(watched: Watched) -> list[str | None]:
    return [track.subject for track in watched.tracks]


def times(*tracks: Track) -> list[float]:
    """Return start and end of every span, in frames of 1/25 s."""
    return [round(25 * time_s, 3) for track in tracks for span in track.spans for time_s in (span.start_s, span.end_s)]


def test_she_crosses_the_frame(studio: Studio, knows_her: Recognizer) -> None:
    film = studio.film([studio.picture((studio.her, -60 + 8 * k, 60 + int(20 * np.sin(k / 5)))) for k in range(50)])
    told: list[tuple[int, int | None]] = []
    watched = identify_video(knows_her, film, progress=lambda done, total: told.append((done, total)))
    (track,) = watched.tracks
    assert (track.subject, track.number, watched.error, watched.left_out) == (HER, 1, None, 0)
    assert track.match is not None
    assert track.match.score > 0.9
    assert track.start_s <= 0.3
    assert track.end_s >= 1.5
    assert track.portrait.quality.acceptable
    assert (watched.looks, round(25 * watched.end_s, 3)) == (25, 48)  # every second frame is looked at
    assert told == [(2 * k + 1, 50) for k in range(25)]
    for frame in range(10, 38):  # her eyes, in looks and between them
        face = track.face_at(frame)
        assert face is not None
        eyes = face.landmarks[:2].mean(0)
        assert eyes[0] == pytest.approx(-60 + 8 * frame + 90, abs=12)


def test_she_is_hidden_for_a_while(studio: Studio, knows_her: Recognizer) -> None:
    pictures = [studio.picture((studio.her, 60 + 2 * k, 80)) for k in range(60)]
    for k in range(20, 40):
        pictures[k][:, 140:250] = (60, 60, 60)
    (track,) = identify_video(knows_her, studio.film(pictures)).tracks
    assert track.subject == HER
    start, gone, back, end = times(track)
    assert (start, end) == (0, 58)
    assert 17 <= gone <= 20
    assert 39 <= back <= 42
    assert track.face_at(30) is None


@pytest.mark.parametrize(("reconnect_s", "tracks"), [(5.0, 1), (0.5, 2)])
def test_she_leaves_and_returns_elsewhere(
    studio: Studio, knows_her: Recognizer, reconnect_s: float, tracks: int
) -> None:
    pictures = [studio.picture((studio.her, 20, 60))] * 20 + [studio.picture()] * 20
    pictures += [studio.picture((studio.her, 280, 120))] * 20
    watched = identify_video(knows_her, studio.film(pictures), VideoOptions(reconnect_s=reconnect_s))
    assert who(watched) == [HER] * tracks
    assert times(*watched.tracks) == [0, 18, 40, 58]
    assert watched.subjects == (HER,)


def test_mirrored_halfway_she_is_one_track(studio: Studio, knows_her: Recognizer) -> None:
    mirrored = np.ascontiguousarray(studio.her[:, ::-1])
    pictures = [studio.picture((studio.her if k < 20 else mirrored, 120, 80)) for k in range(40)]
    (track,) = identify_video(knows_her, studio.film(pictures)).tracks
    assert track.subject == HER
    assert times(track) == [0, 38]


@pytest.mark.parametrize("stranger", [0, 1])
def test_a_stranger_beside_her(studio: Studio, knows_her: Recognizer, stranger: int) -> None:
    other = studio.stranger(stranger)
    film = studio.film([studio.picture((studio.her, 20 + k, 60), (other, 280, 100)) for k in range(30)])
    watched = identify_video(knows_her, film)
    assert sorted(who(watched), key=str) == [HER, None]
    unknown = next(track for track in watched.tracks if track.subject is None)
    assert unknown.candidates[0].subject == HER
    assert unknown.candidates[0].score < unknown.bar.threshold
    assert unknown.bar.fpir == pytest.approx(0.01)


@pytest.mark.parametrize("stranger", [0, 1])
def test_a_hard_cut_to_a_stranger_at_the_same_place(studio: Studio, knows_her: Recognizer, stranger: int) -> None:
    heads = (studio.her, studio.stranger(stranger))
    film = studio.film([studio.picture((heads[k >= 20], 120, 80)) for k in range(40)])
    watched = identify_video(knows_her, film)
    assert who(watched) == [HER, None]
    assert times(*watched.tracks) == [0, 18, 20, 38]


def test_a_slow_dissolve_into_a_stranger(studio: Studio, knows_her: Recognizer) -> None:
    """Nothing changes suddenly: only the embeddings tell."""
    one, other = studio.her.astype(np.float32), studio.stranger(0).astype(np.float32)
    mixed = [(one + (other - one) * np.clip((k - 25) / 30, 0, 1)).astype(np.uint8) for k in range(80)]
    film = studio.film([studio.picture((head, 120, 80)) for head in mixed])
    watched = identify_video(knows_her, film)
    assert watched.tracks[0].subject == HER
    assert watched.tracks[-1].subject is None
    assert watched.tracks[0].end_s <= watched.tracks[-1].start_s
    assert 25 / 25 < watched.tracks[-1].start_s < 60 / 25


def test_one_name_is_never_given_twice_at_the_same_time(studio: Studio, knows_her: Recognizer) -> None:
    """A mirror: the second face looks like her too, and is said to be another. After it is gone the name is free."""
    dim = (studio.her * 0.5).astype(np.uint8)
    both = [studio.picture((studio.her, 10, 60), (dim, 290, 100))] * 20
    alone = [studio.picture((dim, 150, 80))] * 20
    watched = identify_video(knows_her, studio.film(both + alone), VideoOptions(reconnect_s=0.0))
    assert len(watched.tracks) == 3
    together = [track for track in watched.tracks if track.start_s < 0.5]
    assert sorted(who(Watched("", tuple(together), 0, 0.0)), key=str) == [HER, None]
    unknown = next(track for track in together if track.subject is None)
    assert unknown.candidates[0].score >= unknown.bar.threshold
    assert "seen at the same time" in unknown.reasons[0]
    assert watched.tracks[2].subject == HER


def test_a_flash_is_left_out_and_counted(studio: Studio, knows_her: Recognizer) -> None:
    pictures = [studio.picture()] * 12
    pictures[6] = studio.picture((studio.her, 100, 80))
    film = studio.film(pictures)
    watched = identify_video(knows_her, film)
    assert (watched.tracks, watched.left_out, watched.subjects) == ((), 1, ())
    assert who(identify_video(knows_her, film, VideoOptions(min_looks=1))) == [HER]


def test_a_film_of_one_frame_has_its_people(studio: Studio, knows_her: Recognizer) -> None:
    assert who(identify_video(knows_her, studio.film([studio.picture((studio.her, 100, 80))]))) == [HER]


def test_every_and_until(studio: Studio, knows_her: Recognizer) -> None:
    film = studio.film([studio.picture((studio.her, 100, 80))] * 30)
    watched = identify_video(knows_her, film, VideoOptions(every=5, until_s=0.61))
    assert (watched.looks, round(25 * watched.end_s, 3)) == (4, 15)
    assert watched.tracks[0].looks == 4


def test_what_there_is_of_a_cut_film_is_answered_for(studio: Studio, knows_her: Recognizer) -> None:
    path = studio.film([studio.picture((studio.her, 100 + k, 80)) for k in range(20)], "film.avi", "MJPG")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    watched = identify_video(knows_her, path)
    assert who(watched) == [HER]
    assert isinstance(watched.error, ImageError)
    assert "cut off" in str(watched.error)


def test_the_answer_does_not_depend_on_threads(studio: Studio, knows_her: Recognizer) -> None:
    other = studio.stranger(3)
    film = studio.film([studio.picture((studio.her, 10 + k, 60), (other, 290 - k, 100)) for k in range(30)])
    alone = Recognizer(knows_her.detector, knows_her.embedder, knows_her.card, gallery=knows_her.gallery, threads=1)
    first, *rest = (
        [
            (t.subject, times(t), t.looks, t.best_s, t.portrait.embedding.vector.tolist())
            for t in identify_video(recognizer, film).tracks
        ]
        for recognizer in (knows_her, knows_her, alone)
    )
    assert all(again == first for again in rest)


def test_refusals(studio: Studio, knows_her: Recognizer, tmp_path: Path) -> None:
    film = studio.film([studio.picture()] * 3)
    with pytest.raises(OptionError, match="top must be 1 or more"):
        identify_video(knows_her, film, top=0)
    with pytest.raises(OptionError, match="has no end: give until_s"):
        identify_video(knows_her, 0)
    with pytest.raises(ImageError, match="no such file"):
        identify_video(knows_her, tmp_path / "absent.mp4")
    nobody = Recognizer(knows_her.detector, knows_her.embedder, knows_her.card)
    with pytest.raises(GalleryError, match="no gallery"):
        identify_video(nobody, film)
    for option, value in (("every", 0), ("samples", 0), ("lost_s", -1.0), ("reconnect_s", float("nan")), ("sure", 2.0)):
        with pytest.raises(OptionError, match=option):
            VideoOptions(**{option: value})  # type: ignore[arg-type]


def test_the_threshold_is_that_of_the_gallery_and_the_policy(studio: Studio, knows_her: Recognizer) -> None:
    film = studio.film([studio.picture((studio.her, 100, 80))] * 4)
    (track,) = identify_video(knows_her, film, policy=Policy(threshold=0.999)).tracks
    assert (track.subject, track.bar.threshold) == (None, 0.999)
    (track,) = identify_video(knows_her, film, policy=Policy(target_fpir=0.0001)).tracks
    assert track.bar == knows_her.identification_bar(Policy(target_fpir=0.0001))
    with pytest.raises(CalibrationError):
        identify_video(knows_her, film, policy=Policy(target_fmr=1e-12))


def test_a_turned_phone_s_film_is_answered_upright(studio: Studio, knows_her: Recognizer) -> None:
    import struct

    lying = [np.rot90(studio.picture((studio.her, 100, 80))).copy()] * 6
    path = studio.film(lying)
    assert who(identify_video(knows_her, path)) != [HER]
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 44
    height = lying[0].shape[0]
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, height << 16, 0, 1 << 30)
    path.write_bytes(data)
    assert cv2.VideoCapture(str(path)).isOpened()
    assert who(identify_video(knows_her, path)) == [HER]
