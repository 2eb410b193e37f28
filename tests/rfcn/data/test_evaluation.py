"""Average precision against cases worked out by hand and against a twin made of loops."""

import numpy as np
import pytest

from rfcn.boxes.detections import Detections
from rfcn.data.errors import DatasetError
from rfcn.data.evaluation import METRICS, evaluate
from rfcn.data.voc import Sample

CAT = (10, 10, 19, 19)  # 100 pixels
OTHER = (40, 10, 49, 19)
NOWHERE = (80, 80, 89, 89)


def sample(*objects):
    """An image with objects (box, label, difficult)."""
    boxes, labels, difficult = zip(*objects, strict=True) if objects else ((), (), ())
    return Sample(
        image_id="",
        path=None,  # type: ignore[arg-type]
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        labels=np.array(labels, np.int64),
        difficult=np.array(difficult, np.bool_),
        size=(100, 100),
    )


def found(*entries):
    """Detections (box, label, score)."""
    boxes, labels, scores = zip(*entries, strict=True) if entries else ((), (), ())
    return Detections(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        labels=np.array(labels, np.int64),
        scores=np.array(scores, np.float32),
    )


def both(detections, samples, **settings):
    """11-point and area AP of the first class."""
    results = [
        evaluate(detections, samples, ("cat",), metric=metric, **settings) for metric in METRICS
    ]
    return [result.classes[0].average_precision for result in results]


def test_everything_found():
    samples = [sample((CAT, 1, False)), sample((OTHER, 1, False))]
    assert both([found((CAT, 1, 0.2)), found((OTHER, 1, 0.9))], samples) == [1, 1]


def test_half_found_behind_a_wrong_one():
    # Precision 0, then 1/2 at recall 1/2: six of the eleven recalls reach it.
    samples = [sample((CAT, 1, False), (OTHER, 1, False))]
    eleven, area = both([found((NOWHERE, 1, 0.9), (CAT, 1, 0.5))], samples)
    assert eleven == pytest.approx(6 / 11 / 2)
    assert area == 0.25


def test_precision_is_that_of_the_best_later_point():
    # Right, wrong, right: precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1.
    samples = [sample((CAT, 1, False), (OTHER, 1, False))]
    result = [found((CAT, 1, 0.9), (NOWHERE, 1, 0.8), (OTHER, 1, 0.7))]
    eleven, area = both(result, samples)
    assert eleven == pytest.approx((6 * 1 + 5 * 2 / 3) / 11)
    assert area == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    entry = evaluate(result, samples, ("cat",)).classes[0]
    assert entry.recall.tolist() == [0.5, 0.5, 1]
    assert entry.precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3])
    assert (entry.objects, entry.detections) == (2, 3)


def test_three_of_ten_are_short_of_the_fourth_recall():
    # As in py-faster-rcnn, whose fourth recall is 0.30000000000000004.
    boxes = [(8 * index, 0, 8 * index + 6, 6) for index in range(10)]
    samples = [sample(*((box, 1, False) for box in boxes))]
    result = [found(*((box, 1, 0.5) for box in boxes[:3]))]
    assert both(result, samples) == pytest.approx([3 / 11, 0.3])


def test_an_object_counts_once():
    # The better score has it even where the worse one lies better.
    samples = [sample((CAT, 1, False))]
    shifted = (11, 10, 20, 19)
    result = [found((CAT, 1, 0.5), (shifted, 1, 0.6))]
    assert both(result, samples) == [1, 1]
    entry = evaluate(result, samples, ("cat",)).classes[0]
    assert entry.precision.tolist() == [1, 0.5]


def test_a_duplicate_does_not_take_another_object():
    # Both detections overlap the first object most; the second object stays unfound.
    samples = [sample((CAT, 1, False), ((14, 10, 23, 19), 1, False))]
    result = [found((CAT, 1, 0.9), ((11, 10, 20, 19), 1, 0.8))]
    entry = evaluate(result, samples, ("cat",), iou=0.3).classes[0]
    assert entry.recall.tolist() == [0.5, 0.5]


def test_difficult_objects_are_ignored():
    samples = [sample((CAT, 1, True), (OTHER, 1, False))]
    result = [found((CAT, 1, 0.9), (CAT, 1, 0.8), (OTHER, 1, 0.7))]
    assert both(result, samples) == [1, 1]
    entry = evaluate(result, samples, ("cat",)).classes[0]
    assert (entry.objects, entry.detections, len(entry.recall)) == (1, 3, 1)


def test_the_overlap_must_exceed_the_threshold():
    # Widths count the last pixel: 10x10 and its left half share 50 of 100.
    samples = [sample((CAT, 1, False))]
    result = [found(((10, 10, 14, 19), 1, 0.9))]
    assert both(result, samples) == [0, 0]
    assert both(result, samples, iou=0.49) == [1, 1]
    # 9x10 of 10x10 share 0.9.
    result = [found(((10, 10, 18, 19), 1, 0.9))]
    assert both(result, samples, iou=0.75) == [1, 1]
    assert both(result, samples, iou=0.9) == [0, 0]


def test_other_classes_and_images_do_not_count():
    samples = [sample((CAT, 1, False)), sample((CAT, 2, False))]
    result = evaluate([found((CAT, 2, 0.9)), found((CAT, 1, 0.9))], samples, ("cat", "dog"))
    assert result.average_precisions == {"cat": 0, "dog": 0}


def test_classes_without_objects_are_left_out_and_told():
    samples = [sample((CAT, 1, False), (OTHER, 2, True))]
    result = evaluate([found((CAT, 1, 0.9), (CAT, 3, 0.8))], samples, ("cat", "dog", "cow"))
    assert result.mean == 1
    assert result.without_objects == ("dog", "cow")
    assert np.isnan(result.average_precisions["dog"])
    assert result.classes[2].detections == 1
    nothing = evaluate([found()], [sample()], ("cat",))
    assert np.isnan(nothing.mean)
    assert np.isnan(evaluate([], [], ("cat",)).mean)


def test_nothing_detected():
    assert both([found()], [sample((CAT, 1, False))]) == [0, 0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluate([], [sample()], ("cat",)), "detections of 0 images, but 1 images"),
        (lambda: evaluate([found((CAT, 2, 1))], [sample()], ("cat",)), "a label 2, but 1 cl"),
        (lambda: evaluate([found()], [sample((CAT, 0, False))], ("cat",)), "a label 0, but 1"),
        (lambda: evaluate([], [], ("cat",), iou=1.0), "IoU is 1.0"),
        (lambda: evaluate([], [], ("cat",), metric="coco"), "'coco'; choose one of 11-point, area"),
    ],
)
def test_mistakes_are_told(call, message):
    with pytest.raises(DatasetError, match=message):
        call()


def naive_overlap(first, second):
    width = min(first[2], second[2]) - max(first[0], second[0]) + 1
    height = min(first[3], second[3]) - max(first[1], second[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (first, second)]
    return width * height / (areas[0] + areas[1] - width * height)


def naive_average_precision(detections, samples, label, iou, metric):
    """voc_eval and voc_ap, detection by detection."""
    everything = []
    for image, result in enumerate(detections):
        for box, score, kind in zip(
            result.boxes.tolist(), result.scores.tolist(), result.labels, strict=True
        ):
            if kind == label:
                everything.append((-score, image, box))
    everything.sort(key=lambda entry: entry[0])
    wanted = sum(
        int(kind == label and not hard)
        for one in samples
        for kind, hard in zip(one.labels, one.difficult, strict=True)
    )
    taken = set()
    right = wrong = 0
    curve = []
    for _, image, box in everything:
        best, which = -1.0, None
        for index, (other, kind) in enumerate(
            zip(samples[image].boxes.tolist(), samples[image].labels, strict=True)
        ):
            if kind == label and naive_overlap(box, other) > best:
                best, which = naive_overlap(box, other), index
        if best > iou:
            if samples[image].difficult[which]:
                continue
            if (image, which) in taken:
                wrong += 1
            else:
                taken.add((image, which))
                right += 1
        else:
            wrong += 1
        curve.append((right / wanted, right / (right + wrong)))
    if metric == "11-point":
        total = 0.0
        for tenth in range(11):
            total += max((p for r, p in curve if r >= tenth * 0.1), default=0.0) / 11
        return total
    area, last = 0.0, 0.0
    for recall, _ in curve:
        area += (recall - last) * max(p for r, p in curve if r >= recall)
        last = recall
    return area


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("metric", METRICS)
def test_against_the_naive_twin(seed, metric):
    rng = np.random.default_rng(seed)
    samples, detections = [], []
    for _ in range(12):
        corners = rng.integers(0, 60, (rng.integers(0, 6), 2))
        boxes = np.concatenate([corners, corners + rng.integers(5, 30, corners.shape)], axis=1)
        labels = rng.integers(1, 4, len(boxes))
        hard = rng.random(len(boxes)) < 0.2
        samples.append(sample(*zip(boxes.tolist(), labels, hard, strict=True)))
        # Detections near the objects, some twice, some of another class, and some anywhere; few
        # different scores, so that many are equal.
        near = np.repeat(boxes, 2, axis=0) + rng.integers(-4, 5, (2 * len(boxes), 4))
        corners = rng.integers(0, 60, (4, 2))
        anywhere = np.concatenate([corners, corners + 12], axis=1)
        all_labels = np.concatenate([np.repeat(labels, 2), rng.integers(1, 4, 4)])
        scores = rng.integers(0, 30, len(all_labels)) / 30
        everything = np.concatenate([near, anywhere])
        keep = rng.random(len(scores)) < 0.8
        entries = zip(everything[keep].tolist(), all_labels[keep], scores[keep], strict=True)
        detections.append(found(*entries))
    for iou in (0.3, 0.5, 0.75):
        result = evaluate(detections, samples, ("a", "b", "c"), iou=iou, metric=metric)
        expected = [
            naive_average_precision(detections, samples, label, iou, metric) for label in (1, 2, 3)
        ]
        assert list(result.average_precisions.values()) == pytest.approx(expected, abs=1e-12)
        assert result.mean == pytest.approx(sum(expected) / 3, abs=1e-12)
