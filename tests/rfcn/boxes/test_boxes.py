"""Offsets, clipping and overlap against one box at a time."""

import numpy as np
import pytest

from rfcn.boxes.boxes import BoxError, clip, decode, encode, iou
from tests.rfcn.boxes import naive


def random_boxes(rng, count, size=100):
    corners = rng.uniform(0, size, (count, 2, 2))
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)


def test_encode_by_hand():
    # 10x20 around (15, 30) to 20x10 around (20, 25): half a width to the right, twice as wide.
    offsets = encode([[10, 20, 19, 39]], [[10, 20, 29, 29]])
    expected = [[0.5, -0.25, np.log(2), -np.log(2)]]
    np.testing.assert_allclose(offsets, expected, rtol=1e-6)


def test_decode_by_hand():
    boxes = decode([[10, 20, 19, 39]], [[0.5, -0.25, np.log(2), -np.log(2)]])
    # One pixel more on the right and below than was encoded: see `decode`.
    np.testing.assert_allclose(boxes, [[10, 20, 30, 30]], rtol=1e-6)


def test_encode_and_decode_undo_each_other():
    rng = np.random.default_rng(1)
    boxes, targets = random_boxes(rng, 50), random_boxes(rng, 50)
    back = decode(boxes, encode(boxes, targets))
    np.testing.assert_allclose(back, targets + np.array([0, 0, 1, 1]), atol=1e-3)


def test_decode_equals_its_twin():
    rng = np.random.default_rng(2)
    boxes, offsets = random_boxes(rng, 50), rng.normal(size=(50, 4)).astype(np.float32)
    expected = [naive.move(*pair) for pair in zip(boxes, offsets, strict=True)]
    np.testing.assert_allclose(decode(boxes, offsets), expected, rtol=1e-5, atol=1e-3)


def test_an_offset_beyond_all_sizes_ends_at_the_image():
    boxes = clip(decode([[10, 20, 19, 39]], [[0, 0, 1000, -1000]]), (60, 80))
    np.testing.assert_array_equal(boxes, [[0, 30, 79, 30]])


def test_clip_by_hand():
    boxes = np.array([[-5, -6, 100, 90], [3, 4, 5, 6], [70, 60, 90, 70]], np.float32)
    expected = [[0, 0, 79, 59], [3, 4, 5, 6], [70, 59, 79, 59]]
    np.testing.assert_array_equal(clip(boxes, (60, 80)), expected)


def test_iou_by_hand():
    first = [[0, 0, 9, 9], [5, 0, 14, 9], [0, 0, 0, 0]]
    second = [[0, 0, 9, 9], [10, 0, 19, 9], [9, 9, 9, 9]]
    expected = [[1, 0, 1 / 100], [50 / 150, 50 / 150, 1 / 100], [1 / 100, 0, 0]]
    np.testing.assert_allclose(iou(first, second), expected, rtol=1e-6)


def test_iou_equals_its_twin():
    rng = np.random.default_rng(3)
    first, second = random_boxes(rng, 30), random_boxes(rng, 40)
    expected = [[naive.overlap(a, b) for b in second] for a in first]
    np.testing.assert_allclose(iou(first, second), expected, rtol=1e-4)


def test_no_boxes_and_empty_boxes():
    nothing = np.zeros((0, 4), np.float32)
    assert encode(nothing, nothing).shape == decode(nothing, nothing).shape == (0, 4)
    assert iou([], [[0, 0, 1, 1]]).shape == (0, 1)
    assert iou([[0, 0, 1, 1]], []).shape == (1, 0)
    assert iou([[5, 5, 3, 3]], [[5, 5, 3, 3], [0, 0, 9, 9]]).tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: encode([[0, 0, 1, 1]], [[0, 0, -1, 1]]), "an empty box cannot be encoded"),
        (lambda: encode([[0, 0, 1, 1]], [[0, 0, 1, 1]] * 2), "1 boxes .* 2 targets"),
        (lambda: decode([[0, 0, 1, 1]], [[0, 0, 1, 1]] * 2), "1 boxes .* 2 offsets"),
        (lambda: decode([[0, 0, 1, 1]], [[0, np.nan, 0, 0]]), "box offsets hold 1 .* no finite"),
        (lambda: iou([[0, 0, 1, np.inf]], []), "boxes hold 1 .* no finite"),
        (lambda: iou(np.zeros((3, 5)), []), r"shape \(N, 4\).* \(3, 5\)"),
    ],
)
def test_mistakes_are_told(call, message):
    with pytest.raises(BoxError, match=message):
        call()
