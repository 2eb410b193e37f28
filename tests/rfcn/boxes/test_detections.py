"""Detections against the steps of py-R-FCN's test, one region and one class at a time."""

from dataclasses import replace

import numpy as np
import pytest

from rfcn.boxes.boxes import BoxError
from rfcn.boxes.detections import classify, detect
from rfcn.boxes.proposals import proposals
from rfcn.networks import NETWORKS
from tests.rfcn.boxes import naive

TINY = NETWORKS["rfcn-tiny"]
NETWORK = replace(TINY, stages=(replace(TINY.stages[0], stride=2), *TINY.stages[1:]))
"""With maps of an eighth of the image."""
SIZE = 64, 48
MAP = 8, 6
STDS = 0.1, 0.1, 0.2, 0.2


def random_maps(seed, spread=3.0):
    rng = np.random.default_rng(seed)
    channels = {"rpn_cls_score": 18, "rpn_bbox_pred": 36, "rfcn_cls": 9 * 7, "rfcn_bbox": 9 * 8}
    scale = {"rpn_cls_score": 1, "rpn_bbox_pred": 0.2, "rfcn_cls": spread, "rfcn_bbox": 2}
    return {
        name: rng.normal(scale=scale[name], size=(count, *MAP)).astype(np.float32)
        for name, count in channels.items()
    }


def expected(maps, rois, *, threshold, nms, most, scale=1.0):
    """(box, score, label) of each detection."""
    found = []
    results = []
    for roi in rois:
        scores = naive.pool(maps["rfcn_cls"], roi, 3, 8).mean(axis=(1, 2))
        offsets = naive.pool(maps["rfcn_bbox"], roi, 3, 8).mean(axis=(1, 2))[4:]
        box = naive.move([value / scale for value in roi], offsets * STDS)
        box = naive.inside(box, SIZE[0] / scale, SIZE[1] / scale)
        results.append((box, naive.softmax(scores)))
    for label in range(1, 7):
        some = [(box, p[label]) for box, p in results if p[label] > threshold]
        kept = naive.suppress([box for box, _ in some], [p for _, p in some], nms)
        found += [(*some[index], label) for index in kept]
    return sorted(found, key=lambda one: -one[1])[:most]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "setting",
    [
        {"threshold": 0.0, "nms": 0.3, "most": 400},
        {"threshold": 0.3, "nms": 0.5, "most": 400},
        {"threshold": 0.1, "nms": 0.3, "most": 5, "scale": 1.6},
    ],
)
def test_equals_its_twin(seed, setting):
    maps = random_maps(seed)
    scale = setting.get("scale", 1.0)
    rois, _ = proposals(maps["rpn_cls_score"], maps["rpn_bbox_pred"], SIZE, NETWORK, scale=scale)
    twin = expected(maps, rois.astype(float), **setting)
    detections = detect(maps, SIZE, NETWORK, **setting)
    assert len(detections) == len(twin) > 0
    assert detections.boxes.dtype == detections.scores.dtype == np.float32
    np.testing.assert_allclose(detections.boxes, [box for box, _, _ in twin], atol=1e-3)
    np.testing.assert_allclose(detections.scores, [p for _, p, _ in twin], rtol=1e-4)
    assert detections.labels.tolist() == [label for _, _, label in twin]


def test_one_square_by_hand():
    """One anchor stands out, and the bins all vote for one class."""
    maps = {name: np.zeros_like(value) for name, value in random_maps(0).items()}
    # Ratio 1, scale 3: from 3.5 - 11.5 to 3.5 + 11.5, moved by 8 * (3, 4).
    maps["rpn_cls_score"][9 + 3, 4, 3] = 20
    maps["rfcn_cls"][9 * 5 : 9 * 6] = np.log(12)
    # A tenth of its width to the right, half as high; in the units of the network.
    maps["rfcn_bbox"][9 * 4 : 9 * 5] = 1
    maps["rfcn_bbox"][9 * 7 : 9 * 8] = np.log(0.5) / 0.2
    detections = detect(maps, SIZE, NETWORK, threshold=0.5, after_nms=1)
    assert detections.labels.tolist() == [5]
    np.testing.assert_allclose(detections.scores, [12 / 18], rtol=1e-6)
    # The region reaches from (16, 24) to (40, 48), see `decode`, with its centre at (28.5, 36.5).
    np.testing.assert_allclose(detections.boxes, [[18.5, 30.25, 43.5, 42.75]], rtol=1e-5)


def test_nothing_is_found():
    for setting in ({"threshold": 1.0}, {"after_nms": 0}, {"most": 0}):
        detections = detect(random_maps(1), SIZE, NETWORK, **setting)
        assert len(detections) == 0
        assert detections.boxes.shape == (0, 4)
        assert detections.scores.shape == detections.labels.shape == (0,)


def test_no_regions_to_classify():
    maps = random_maps(2)
    rois = np.zeros((0, 4), np.float32)
    probabilities, boxes = classify(maps["rfcn_cls"], maps["rfcn_bbox"], rois, NETWORK)
    assert probabilities.shape == (0, 7)
    assert boxes.shape == (0, 4)


def test_scores_beyond_the_exponential():
    maps = random_maps(3)
    maps["rfcn_cls"] *= 1e4
    assert np.isfinite(detect(maps, SIZE, NETWORK).scores).all()


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("rfcn_cls", None, "the map rfcn_cls is missing"),
        ("rpn_bbox_pred", None, "the map rpn_bbox_pred is missing"),
        ("rfcn_cls", lambda maps: maps[1:], r"class maps have shape \(62, 8, 6\).* has 63"),
        ("rfcn_bbox", lambda maps: maps[0], r"box maps have shape \(8, 6\).* has 72"),
        ("rfcn_bbox", lambda maps: maps * np.nan, "the box maps hold 3456 values"),
        ("rpn_cls_score", lambda maps: maps * np.nan, "the scores of the anchors hold"),
    ],
)
def test_mistakes_are_told(name, change, message):
    maps = random_maps(4)
    maps |= {name: change(maps[name])} if change else {}
    if not change:
        del maps[name]
    with pytest.raises(BoxError, match=message):
        detect(maps, SIZE, NETWORK)
