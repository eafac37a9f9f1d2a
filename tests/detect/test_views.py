from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from twinlens.detect.candidates import Candidates
from twinlens.detect.options import DetectOptions, Scales
from twinlens.detect.views import (
    EDGE,
    LARGEST,
    PADDED,
    SMALLEST,
    TILE_OVERLAP,
    View,
    largest_scale,
    levels,
    second_look,
    tiles,
)

sizes = st.integers(1, 14_000)


def one_box(*xyxy: float) -> Candidates:
    return Candidates(np.array([xyxy], np.float32), np.zeros((1, 5, 2), np.float32), np.ones(1, np.float32))


@settings(deadline=None)
@given(sizes, sizes, st.sampled_from(["multi", "tiny"]), st.floats(14, 200))
def test_every_face_is_some_levels_business(width: int, height: int, scales: Scales, smallest: float) -> None:
    options = DetectOptions(scales=scales, min_face_px=smallest)
    found = levels(width, height, options)
    finest = max(view.scale for view in found[0].views)
    bounded = largest_scale(width, height, options.max_megapixels * 1e6)
    if scales == "multi" and bounded >= SMALLEST / smallest:
        assert finest * smallest >= SMALLEST - 1e-6  # the smallest face is large enough for the network
    for part in np.geomspace(1e-3, 1, 40):
        side = max(part * max(width, height), 1)
        box = np.array([[0, 0, side, side]], np.float32)
        shown = [side * level.views[0].scale for level in found if level.answers_for(box)[0]]
        assert shown  # some level answers for it
        if side * finest >= SMALLEST:
            assert any(SMALLEST * 0.8 <= pixels <= LARGEST * 1.3 for pixels in shown)  # and sees it well
        if side * finest >= 100:
            assert any(24 <= pixels <= LARGEST * 1.3 for pixels in shown)
    for level in found:
        if len(level.views) > 1:  # what a level answers for is whole in one of its tiles
            assert level.largest * level.views[0].scale <= TILE_OVERLAP - 2 * EDGE + 1e-6


@settings(deadline=None)
@given(sizes, sizes, st.sampled_from(["single", "multi", "tiny"]))
def test_no_level_shows_more_than_allowed(width: int, height: int, scales: Scales) -> None:
    options = DetectOptions(scales=scales, max_megapixels=4)
    for level in levels(width, height, options):
        shown = [view.width_height for view in level.views]
        whole = width * height * level.views[0].scale ** 2
        assert whole <= 4e6 * 1.01
        assert all(max(side) <= 2305 or len(shown) == 1 for side in shown)


@pytest.mark.parametrize("scales", ["single", "multi", "tiny"])
@pytest.mark.parametrize(
    ("width", "height"), [(7_300, 5_479), (65_535, 610), (400_000, 100), (4_000_000, 10), (20, 2_000_000)]
)
def test_no_shape_costs_more_than_a_photo_of_as_many_pixels(width: int, height: int, scales: Scales) -> None:
    """A strip is filled up with black, tile by tile; tiles overlap by a ninth."""
    looks = [*levels(width, height, DetectOptions(scales=scales)), second_look(width, height)]
    for level in looks:
        shown = sum(max(columns, PADDED) * max(rows, PADDED) for columns, rows in (v.width_height for v in level.views))
        assert shown <= 16e6 * 1.3


def test_a_panorama_is_looked_at_as_closely_as_before() -> None:
    assert largest_scale(20_000, 2_000, 16e6) == pytest.approx((16e6 / 40e6) ** 0.5)


@settings(deadline=None)
@given(st.integers(1, 6000), st.integers(1, 6000), st.floats(0.05, 2.5), st.data())
def test_a_face_no_larger_than_the_overlap_is_whole_in_a_tile(
    width: int, height: int, scale: float, data: st.DataObject
) -> None:
    cut = list(tiles(width, height, scale))
    covered = max(view.right for view in cut), max(view.bottom for view in cut)
    assert covered == (width, height)
    assert min(view.left for view in cut) == min(view.top for view in cut) == 0
    side = data.draw(st.floats(1, 240)) / scale
    x = data.draw(st.floats(0, max(width - side, 0)))
    y = data.draw(st.floats(0, max(height - side, 0)))
    for view in cut:
        columns, rows = view.width_height
        by = np.array([columns / (view.right - view.left), rows / (view.bottom - view.top)])
        first, last = (np.array([x, y]) - (view.left, view.top)) * by, (np.array([x, y]) + side) * by
        last = last - np.array([view.left, view.top]) * by
        if (
            view.whole(one_box(*first, *last), width, height)[0]
            and (last > 0).all()
            and (first < (columns, rows)).all()
        ):
            return
    pytest.fail("cut in every tile")


def test_a_box_at_a_cut_is_dropped_and_at_the_border_of_the_picture_kept() -> None:
    view = View(100, 0, 300, 200, 1.0)
    assert not view.whole(one_box(2, 50, 60, 100), 300, 200)[0]
    assert view.whole(
        one_box(2, 50, 60, 100).transformed(np.ones(2, np.float32), np.full(2, 20, np.float32)), 300, 200
    )[0]
    assert view.whole(one_box(150, 150, 205, 205), 300, 200)[0]
    assert not view.whole(one_box(150, 150, 205, 205), 900, 200)[0]


def test_small_pictures_are_looked_at_once_as_they_are() -> None:
    (level,) = levels(250, 250, DetectOptions())
    assert level.views == (View(0, 0, 250, 250, 1.0),)


def test_single_scale_is_at_most_1600_pixels() -> None:
    (level,) = levels(6400, 100, DetectOptions(scales="single"))
    assert level.views[0].width_height == (1600, 25)
    assert levels(1500, 900, DetectOptions(scales="single"))[0].views[0].scale == 1.0


def test_a_view_cuts_pads_and_resizes() -> None:
    picture = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    padded = View(-2, -1, 4, 3, 1.0).pixels(picture)
    assert padded.shape == (4, 6, 3)
    np.testing.assert_array_equal(padded[1:, 2:], picture[:3, :4])
    assert not padded[0].any()
    assert not padded[:, :2].any()
    assert View(0, 0, 8, 6, 0.5).pixels(picture).shape == (3, 4, 3)
    assert View(2, 2, 4, 4, 5.0).pixels(picture).shape == (10, 10, 3)


def test_places_go_back_to_the_picture() -> None:
    view = View(10, 20, 110, 70, 0.33)  # 33 x 16 pixels: x and y are not scaled alike
    moved = view.moved(one_box(0, 0, 33, 16))
    np.testing.assert_allclose(moved.boxes[0], [10, 20, 110, 70], atol=1e-4)


def test_the_second_look_has_room_around() -> None:
    (view,) = second_look(100, 40).views
    assert (view.left, view.top, view.right, view.bottom) == (-25, -25, 125, 65)
    assert max(view.width_height) == 320


def test_a_face_above_a_levels_range_belongs_to_a_coarser_one() -> None:
    fine, coarse = levels(1200, 900, DetectOptions())
    small, large = (np.array([[0, 0, side, side]], np.float32) for side in (LARGEST - 1, LARGEST + 1))
    assert fine.answers_for(small)[0]
    assert not fine.answers_for(large)[0]
    assert coarse.answers_for(large)[0]
    assert not fine.answers_for(small, safely=True)[0]


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 1500), st.integers(1, 3000), st.floats(0.002, 0.3))
def test_a_large_picture_is_sampled_where_it_is(height: int, width: int, scale: float) -> None:
    ramp = np.linspace(0, 255, width, dtype=np.float32)
    picture = np.repeat(np.broadcast_to(ramp, (height, width))[..., None], 3, axis=2).astype(np.uint8)
    small = View(0, 0, width, height, scale).pixels(picture)
    columns = small.shape[1]
    wanted = np.interp((np.arange(columns) + 0.5) * width / columns - 0.5, np.arange(width), ramp)
    step = 255 / columns  # one pixel of the small picture
    assert np.abs(small[small.shape[0] // 2, :, 0] - wanted).max() <= 0.5 * step + 2
