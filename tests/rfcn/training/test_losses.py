"""Losses against loops over anchors and regions, and by hand."""

import math

import numpy as np
import pytest
import torch

from rfcn.training.losses import anchor_losses, region_losses, smooth_l1
from rfcn.training.targets import IGNORED


def entropy(scores, label):
    """Minus the logarithm of a class's probability."""
    return math.log(sum(math.exp(score) for score in scores)) - scores[label]


def bend(x, sigma):
    """The smooth L1 loss of a number."""
    x = abs(x)
    return (sigma * x) ** 2 / 2 if x < 1 / sigma**2 else x - 0.5 / sigma**2


@pytest.mark.parametrize("sigma", [1.0, 3.0])
def test_smooth_l1(sigma):
    x = np.linspace(-2, 2, 41)
    found = smooth_l1(torch.from_numpy(x), sigma)
    np.testing.assert_allclose(found, [bend(value, sigma) for value in x])
    # Both pieces meet where they change.
    assert bend(1 / sigma**2, sigma) == pytest.approx(0.5 / sigma**2)


def test_anchor_losses_as_loops():
    rng = np.random.default_rng(0)
    images, anchors, height, width = 3, 2, 4, 5
    scores = rng.normal(size=(images, 2 * anchors, height, width))
    deltas = rng.normal(size=(images, 4 * anchors, height, width))
    labels = rng.integers(-1, 2, (images, height * width * anchors))
    offsets = rng.normal(size=(*labels.shape, 4))
    class_loss = box_loss = 0.0
    for image in range(images):
        taken = (labels[image] != IGNORED).sum()
        for y in range(height):
            for x in range(width):
                for a in range(anchors):
                    place = (y * width + x) * anchors + a
                    label = labels[image, place]
                    if label == IGNORED:
                        continue
                    pair = scores[image, [a, anchors + a], y, x]
                    class_loss += entropy(pair, label) / taken / images
                    if label == 1:
                        for i in range(4):
                            gap = deltas[image, 4 * a + i, y, x] - offsets[image, place, i]
                            box_loss += bend(gap, 3) / taken / images
    found = anchor_losses(*map(torch.from_numpy, (scores, deltas, labels, offsets)))
    np.testing.assert_allclose(found, [class_loss, box_loss], rtol=1e-5)


@pytest.mark.parametrize("hard", [1, 3, 100])
def test_region_losses_as_loops(hard):
    rng = np.random.default_rng(hard)
    images = np.repeat([0, 1, 2], [5, 1, 9])
    scores, deltas = rng.normal(size=(15, 4)), rng.normal(size=(15, 8))
    labels, offsets = rng.integers(0, 4, 15), rng.normal(size=(15, 4))
    class_loss = box_loss = 0.0
    for image in range(3):
        losses = []
        for region in np.flatnonzero(images == image):
            class_part = entropy(scores[region], labels[region])
            box_part = 0.0
            if labels[region]:
                box_part = sum(
                    bend(deltas[region, 4 + i] - offsets[region, i], 1) for i in range(4)
                )
            losses.append((class_part + box_part, class_part, box_part))
        losses = sorted(losses, reverse=True)[:hard]
        class_loss += sum(loss[1] for loss in losses) / len(losses) / 3
        box_loss += sum(loss[2] for loss in losses) / hard / 3
    found = region_losses(
        *map(torch.from_numpy, (scores, deltas, labels, offsets, images)), hard=hard
    )
    np.testing.assert_allclose(found, [class_loss, box_loss], rtol=1e-5)


def test_only_hard_regions_and_objects_boxes_have_gradients():
    scores = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], requires_grad=True)
    deltas = torch.zeros(3, 8, requires_grad=True)
    labels = torch.tensor([1, 0, 0])
    losses = region_losses(
        scores, deltas, labels, torch.ones(3, 4), torch.zeros(3, dtype=torch.int64), hard=2
    )
    torch.stack(losses).sum().backward()
    assert scores.grad is not None
    assert deltas.grad is not None
    assert scores.grad.abs().sum(dim=1).ne(0).tolist() == [True, False, True]
    # The offsets of background are nobody's business.
    assert deltas.grad.ne(0).tolist() == [[False] * 4 + [True] * 4, [False] * 8, [False] * 8]


def test_losses_stay_on_the_graph_without_any_object():
    scores, deltas = torch.zeros(1, 2, 1, 1), torch.zeros(1, 4, 1, 1, requires_grad=True)
    labels = torch.full((1, 1), IGNORED)
    losses = anchor_losses(scores, deltas, labels, torch.zeros(1, 1, 4))
    assert [loss.item() for loss in losses] == [0, 0]
    losses[1].backward()
    assert deltas.grad is not None
