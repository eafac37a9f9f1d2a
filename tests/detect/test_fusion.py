from __future__ import annotations

import numpy as np
import pytest

from twinlens.detect.candidates import Candidates
from twinlens.detect.fusion import BEST_SHARE, agreed
from twinlens.detect.views import Level, View


def level(smallest: float = 0.0, largest: float = 1000.0) -> Level:
    return Level((View(0, 0, 1000, 1000, 1.0),), smallest, largest)


def candidates(*rows: tuple[float, float, float, float, float]) -> Candidates:
    table = np.array(rows, np.float32).reshape(-1, 5)
    points = np.repeat(table[:, None, :2], 5, axis=1)
    return Candidates(table[:, :4], points, table[:, 4])


NOTHING = candidates()


def test_a_face_seen_everywhere_keeps_its_score() -> None:
    seen = candidates((0, 0, 50, 50, 0.8))
    fused = agreed([seen, seen, seen], [level()] * 3, 0.45)
    assert fused.scores.tolist() == pytest.approx([0.8])
    np.testing.assert_allclose(fused.boxes, seen.boxes)


def test_a_level_that_should_see_it_but_does_not_lowers_the_score() -> None:
    seen = candidates((0, 0, 50, 50, 0.8))
    fused = agreed([seen, NOTHING], [level()] * 2, 0.45)
    assert fused.scores.tolist() == pytest.approx([BEST_SHARE * 0.8 + (1 - BEST_SHARE) * 0.4])


def test_a_level_for_which_it_is_too_small_has_no_say() -> None:
    seen = candidates((0, 0, 50, 50, 0.8))
    assert agreed([seen, NOTHING], [level(), level(smallest=60)], 0.45).scores.tolist() == pytest.approx([0.8])
    assert agreed([seen, NOTHING], [level(), level(largest=52)], 0.45).scores.tolist() == pytest.approx([0.8])


def test_boxes_and_points_are_averaged_towards_the_surer() -> None:
    fused = agreed([candidates((0, 0, 50, 50, 0.9)), candidates((4, 0, 54, 50, 0.5))], [level()] * 2, 0.45)
    assert len(fused) == 1
    weight = 0.5**4 / (0.5**4 + 0.9**4)
    assert fused.boxes[0].tolist() == pytest.approx([4 * weight, 0, 50 + 4 * weight, 50])
    assert fused.landmarks[0, 0].tolist() == pytest.approx([4 * weight, 0])


def test_neighbours_stay_two_faces() -> None:
    fused = agreed([candidates((0, 0, 50, 50, 0.9), (60, 0, 110, 50, 0.7)), NOTHING], [level()] * 2, 0.45)
    assert len(fused) == 2


def test_nothing_stays_nothing() -> None:
    assert len(agreed([NOTHING, NOTHING], [level()] * 2, 0.45)) == 0
