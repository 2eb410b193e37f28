"""Targets against py-R-FCN's rules, written as loops."""

import math

import numpy as np
import pytest

from rfcn.training.targets import IGNORED, anchor_targets, region_targets

STDS = (0.1, 0.1, 0.2, 0.2)


def overlap(a, b):
    """Intersection over union of two boxes whose last pixels count."""
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def offset(box, target):
    """The offsets from one box to another."""
    sizes = [(b[2] - b[0] + 1, b[3] - b[1] + 1) for b in (box, target)]
    middles = [(b[0] + w / 2, b[1] + h / 2) for b, (w, h) in zip((box, target), sizes, strict=True)]
    return [
        (middles[1][0] - middles[0][0]) / sizes[0][0],
        (middles[1][1] - middles[0][1]) / sizes[0][1],
        math.log(sizes[1][0] / sizes[0][0]),
        math.log(sizes[1][1] / sizes[0][1]),
    ]


def kinds(anchors, boxes, size):
    """Which anchors may be objects (1), background (0) or neither, before any are drawn."""
    result = []
    inside = [a[0] >= 0 and a[1] >= 0 and a[2] < size[1] and a[3] < size[0] for a in anchors]
    best = [
        max(overlap(anchors[i], box) for i in range(len(anchors)) if inside[i]) for box in boxes
    ]
    for anchor, here in zip(anchors, inside, strict=True):
        overlaps = [overlap(anchor, box) for box in boxes]
        if not here:
            result.append(IGNORED)
        elif max(overlaps) >= 0.7 or any(o == b > 0 for o, b in zip(overlaps, best, strict=True)):
            result.append(1)
        else:
            result.append(0 if max(overlaps) < 0.3 else IGNORED)
    return np.array(result)


def random_boxes(rng, count, *, size=60, smallest=6, beyond=0):
    low = rng.integers(-beyond, size - smallest, (count, 2))
    high = low + rng.integers(smallest, size // 2, (count, 2))
    return np.concatenate([low, high if beyond else np.minimum(high, size - 1)], 1).astype(
        np.float32
    )


@pytest.mark.parametrize("seed", range(20))
def test_anchors_are_objects_or_background_as_the_loops_say(seed):
    rng = np.random.default_rng(seed)
    anchors = random_boxes(rng, 200, beyond=8)
    boxes = random_boxes(rng, rng.integers(1, 5))
    expected = kinds(anchors, boxes, (60, 60))
    targets = anchor_targets(anchors, boxes, (60, 60), rng, batch=1000)
    np.testing.assert_array_equal(targets.labels, expected)
    for anchor, label, found in zip(anchors, targets.labels, targets.offsets, strict=True):
        if label == 1:
            nearest = max(boxes, key=lambda box: overlap(anchor, box))
            np.testing.assert_allclose(found, offset(anchor, nearest), rtol=1e-4, atol=1e-5)
        else:
            assert not found.any()


@pytest.mark.parametrize("batch", [4, 32, 100])
def test_anchors_are_drawn_half_and_half(batch):
    rng = np.random.default_rng(1)
    anchors = np.repeat(random_boxes(rng, 150), 3, axis=0)
    boxes = random_boxes(rng, 6)
    expected = kinds(anchors, boxes, (60, 60))
    labels = anchor_targets(anchors, boxes, (60, 60), rng, batch=batch).labels
    objects, background = (labels == 1).sum(), (labels == 0).sum()
    assert objects == min(batch // 2, (expected == 1).sum())
    assert background == min(batch - objects, (expected == 0).sum())
    assert ((labels == expected) | (labels == IGNORED)).all()


def test_draws_follow_the_generator():
    rng = np.random.default_rng(5)
    anchors, boxes = random_boxes(rng, 300), random_boxes(rng, 3)
    draws = [
        anchor_targets(anchors, boxes, (60, 60), np.random.default_rng(seed), batch=16).labels
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()


def test_an_image_without_objects_is_background():
    anchors = random_boxes(np.random.default_rng(0), 50)
    targets = anchor_targets(
        anchors, np.zeros((0, 4), np.float32), (60, 60), np.random.default_rng(0), batch=20
    )
    assert (targets.labels == 0).sum() == 20
    assert (targets.labels != 1).all()


def test_no_anchor_is_inside():
    anchors = np.array([[-1, 0, 5, 5], [0, 0, 10, 5]], np.float32)
    boxes = np.array([[0, 0, 5, 5]], np.float32)
    targets = anchor_targets(anchors, boxes, (10, 10), np.random.default_rng(0))
    assert (targets.labels == IGNORED).all()


def test_an_object_beside_all_anchors_has_none():
    anchors = np.array([[0, 0, 5, 5]], np.float32)
    boxes = np.array([[20, 20, 30, 30]], np.float32)
    targets = anchor_targets(anchors, boxes, (60, 60), np.random.default_rng(0))
    assert targets.labels.tolist() == [0]


@pytest.mark.parametrize("seed", range(10))
def test_regions_are_labelled_as_the_loops_say(seed):
    rng = np.random.default_rng(seed)
    boxes = random_boxes(rng, rng.integers(1, 5))
    labels = rng.integers(1, 7, len(boxes))
    near = boxes[rng.integers(0, len(boxes), 20)] + rng.integers(-3, 4, (20, 4))
    proposals = np.concatenate([random_boxes(rng, 40), near]).astype(np.float32)
    targets = region_targets(proposals, boxes, labels, stds=STDS)
    regions = np.concatenate([proposals, boxes])
    np.testing.assert_array_equal(targets.boxes, regions)
    for region, label, found in zip(regions, targets.labels, targets.offsets, strict=True):
        overlaps = [overlap(region, box) for box in boxes]
        nearest = int(np.argmax(overlaps))
        if max(overlaps) >= 0.5:
            assert label == labels[nearest]
            expected = np.divide(offset(region, boxes[nearest]), STDS)
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
        else:
            assert label == 0
            assert not found.any()
    np.testing.assert_array_equal(targets.labels[-len(boxes) :], labels)


def test_a_region_by_hand():
    # 10 x 10 pixels against 10 x 20: half of the union is shared.
    targets = region_targets(
        np.array([[0, 0, 9, 9]], np.float32), np.array([[0, 0, 9, 19]], np.float32),
        np.array([3]), stds=STDS,
    )  # fmt: skip
    assert targets.labels.tolist() == [3, 3]
    np.testing.assert_allclose(
        targets.offsets, [[0, 0.5 / 0.1, 0, math.log(2) / 0.2], [0, 0, 0, 0]], rtol=1e-6
    )


def test_regions_without_objects():
    proposals = random_boxes(np.random.default_rng(0), 5)
    targets = region_targets(
        proposals, np.zeros((0, 4), np.float32), np.zeros(0, np.int64), stds=STDS
    )
    assert targets.labels.tolist() == [0] * 5
