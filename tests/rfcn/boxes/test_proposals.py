"""Proposals against the steps of py-R-FCN's layer, one anchor at a time."""

from dataclasses import replace

import numpy as np
import pytest

from rfcn.boxes.anchors import base_anchors
from rfcn.boxes.boxes import BoxError
from rfcn.boxes.proposals import proposals
from rfcn.networks import NETWORKS
from tests.rfcn.boxes import naive

TINY = NETWORKS["rfcn-tiny"]
NETWORK = replace(TINY, stages=(replace(TINY.stages[0], stride=2), *TINY.stages[1:]))
"""With maps of an eighth of the image."""
STRIDE, ANCHORS = 8, 9
SIZE = 40, 56
MAP = 5, 7


def expected(scores, deltas, *, before, after, nms=0.7, least):
    """(box, probability) of each proposal."""
    candidates = []
    base = base_anchors(NETWORK)
    for y, x, a in np.ndindex(*MAP, ANCHORS):
        anchor = base[a] + STRIDE * np.array([x, y, x, y])
        box = naive.inside(naive.move(anchor, deltas[4 * a : 4 * a + 4, y, x]), *SIZE)
        if box[2] - box[0] + 1 >= least and box[3] - box[1] + 1 >= least:
            pair = [float(scores[a, y, x]), float(scores[ANCHORS + a, y, x])]
            candidates.append((box, naive.softmax(pair)[1]))
    candidates.sort(key=lambda one: -one[1])
    candidates = candidates[:before]
    kept = naive.suppress([box for box, _ in candidates], [p for _, p in candidates], nms)
    return [candidates[index] for index in kept][:after]


def random_maps(seed, spread=0.3):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(2 * ANCHORS, *MAP)).astype(np.float32)
    return scores, rng.normal(scale=spread, size=(4 * ANCHORS, *MAP)).astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "setting",
    [
        {"before": 100, "after": 20, "least": 8},
        {"before": 10_000, "after": 10_000, "least": 8},
        {"before": 100, "after": 20, "least": 30, "nms": 0.3},
    ],
)
def test_equals_its_twin(seed, setting):
    scores, deltas = random_maps(seed)
    boxes, probabilities = proposals(
        scores, deltas, SIZE, NETWORK, before_nms=setting["before"], after_nms=setting["after"],
        nms=setting.get("nms", 0.7), min_size=setting["least"],
    )  # fmt: skip
    twin = expected(scores, deltas, **setting)
    assert boxes.dtype == probabilities.dtype == np.float32
    np.testing.assert_allclose(boxes, [box for box, _ in twin], atol=1e-4)
    np.testing.assert_allclose(probabilities, [p for _, p in twin], rtol=1e-5)


def test_what_the_network_says_is_the_default():
    scores, deltas = random_maps(5)
    network = replace(NETWORK, proposals_before_nms=50, proposals_after_nms=9, smallest_proposal=10)
    given = proposals(scores, deltas, SIZE, NETWORK, before_nms=50, after_nms=9, min_size=10)
    found = proposals(scores, deltas, SIZE, network)
    assert len(found[0]) == 9
    for one, other in zip(given, found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_least_size_is_that_of_the_unscaled_image():
    scores, deltas = random_maps(6)
    boxes, _ = proposals(scores, deltas, SIZE, NETWORK, min_size=8, scale=2.5, after_nms=1000)
    small, _ = proposals(scores, deltas, SIZE, NETWORK, min_size=20, after_nms=1000)
    np.testing.assert_array_equal(boxes, small)


def test_nothing_is_large_enough():
    scores, deltas = random_maps(7)
    boxes, probabilities = proposals(scores, deltas, SIZE, NETWORK, min_size=1000)
    assert boxes.shape == (0, 4)
    assert probabilities.shape == (0,)


def test_scores_so_large_that_probabilities_are_one_keep_their_order():
    scores, deltas = np.zeros((18, *MAP), np.float32), np.zeros((36, *MAP), np.float32)
    scores[9 + 3, 1, 1], scores[9 + 3, 3, 5], scores[3, 2, 2] = 1000, 2000, 3000
    boxes, probabilities = proposals(scores, deltas, SIZE, NETWORK, after_nms=2, min_size=1)
    assert probabilities.tolist() == [1, 1]
    # A square from -8 to 16 in both directions, see `decode`, moved with the pixel and clipped.
    np.testing.assert_array_equal(boxes, [[32, 16, 55, 39], [0, 0, 24, 24]])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_maps_that_hold_no_numbers(bad):
    scores, deltas = random_maps(8)
    scores[3, 2, 1] = bad
    with pytest.raises(BoxError, match="the scores of the anchors hold 1 values"):
        proposals(scores, deltas, SIZE, NETWORK)
    scores, deltas = random_maps(8)
    deltas[3, 2, 1:3] = bad
    with pytest.raises(BoxError, match="the offsets of the anchors hold 2 values"):
        proposals(scores, deltas, SIZE, NETWORK)


def test_maps_of_other_anchors():
    scores, deltas = random_maps(9)
    for maps in ((scores[:-1], deltas), (scores, deltas[:-1]), (scores, deltas[:, :-1])):
        with pytest.raises(BoxError, match="are not those of 9 anchors"):
            proposals(*maps, SIZE, NETWORK)
