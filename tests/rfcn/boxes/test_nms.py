"""Non-maximum suppression against its definition."""

import numpy as np
import pytest

from rfcn.boxes.boxes import BoxError
from rfcn.boxes.nms import nms
from tests.rfcn.boxes import naive
from tests.rfcn.boxes.test_boxes import random_boxes


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7])
@pytest.mark.parametrize("seed", range(5))
def test_equals_its_twin(seed, threshold):
    rng = np.random.default_rng(seed)
    boxes = random_boxes(rng, 120)
    # Few different scores, so that there are many ties.
    scores = rng.integers(0, 30, 120).astype(np.float32)
    expected = naive.suppress(boxes.astype(float), scores, threshold)
    assert nms(boxes, scores, threshold).tolist() == expected
    assert nms(boxes, scores, threshold, most=7).tolist() == expected[:7]


def test_by_hand():
    boxes = [[0, 0, 9, 9], [0, 0, 9, 4], [20, 0, 29, 9], [0, 0, 9, 9]]
    scores = np.array([0.8, 0.9, 0.1, 0.95])
    # The overlap of the first two is exactly a half, which does not go beyond a half.
    assert nms(boxes, scores, 0.5).tolist() == [3, 1, 2]
    assert nms(boxes, scores, 0.49).tolist() == [3, 2]
    assert nms(boxes, scores, 1.0).tolist() == [3, 1, 0, 2]


def test_nothing_to_suppress():
    assert nms([], np.zeros(0), 0.5).tolist() == []
    assert nms([[0, 0, 1, 1]], np.ones(1), 0.5, most=0).tolist() == []
    # Empty boxes overlap with nothing, not even with each other.
    assert nms([[5, 5, 3, 3], [5, 5, 3, 3], [0, 0, 9, 9]], np.arange(3), 0.5).tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    ("boxes", "scores", "message"),
    [
        ([[0, 0, 1, 1]], [np.nan], "scores hold 1"),
        ([[0, 0, np.nan, 1]], [1.0], "boxes hold 1"),
        ([[0, 0, 1, 1]], [1.0, 2.0], r"1 boxes cannot have scores of shape \(2,\)"),
    ],
)
def test_mistakes_are_told(boxes, scores, message):
    with pytest.raises(BoxError, match=message):
        nms(boxes, np.array(scores), 0.5)
