"""Evaluation against detecting image by image."""

import numpy as np
import pytest
import torch
from PIL import Image

from rfcn.boxes.detections import detect
from rfcn.data.evaluation import evaluate
from rfcn.data.images import load_image, prepare
from rfcn.data.voc import Sample
from rfcn.model.network import RFCN
from rfcn.networks import SHAPE_CLASSES
from rfcn.training.evaluator import detections, evaluate_model


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return RFCN("rfcn-tiny")


@pytest.fixture(scope="module")
def mixed(test_samples, tmp_path_factory):
    """Images of two shapes; the wide ones are scaled to half."""
    folder = tmp_path_factory.mktemp("wide")
    rng = np.random.default_rng(0)
    wide = []
    for index in range(2):
        path = folder / f"{index}.png"
        Image.fromarray(rng.integers(0, 256, (160, 256, 3), np.uint8)).save(path)
        wide.append(
            Sample(
                image_id=path.stem, path=path, size=(160, 256),
                boxes=np.array([[10, 20, 200, 150]], np.float32), labels=np.array([1]),
                difficult=np.array([False]),
            )
        )  # fmt: skip
    return [*test_samples[:3], *wide, *test_samples[3:]]


def test_batches_are_what_single_images_are(model, mixed):
    model.train()
    steps = []
    found = detections(model, mixed, batch=2, progress=lambda *step: steps.append(step))
    assert model.training
    # 2 and 1 square images, 2 wide ones, 2 square ones.
    assert steps == [(2, 7), (3, 7), (5, 7), (7, 7)]
    model.eval()
    for sample, together in zip(mixed, found, strict=True):
        pixels, scale = prepare(load_image(sample.path), model.network)
        assert scale == 128 / sample.size[1]
        with torch.no_grad():
            maps = model(torch.from_numpy(pixels)[None])
        alone = detect(
            {name: value[0].numpy() for name, value in maps.items()}, pixels.shape[1:],
            model.network, scale=scale,
        )  # fmt: skip
        assert len(alone) == len(together)
        # Sums over a batch may run in another order, and change the order of near-equal scores.
        np.testing.assert_allclose(np.sort(together.scores), np.sort(alone.scores), atol=1e-4)
        assert (together.boxes[:, 2] < sample.size[1]).all()
        assert together.boxes[:, 2].max() > 0.6 * sample.size[1]


def test_the_mean_of_each_overlap(model, test_samples):
    results = evaluate_model(model, test_samples, overlaps=(0.3, 0.75), metric="area")
    found = detections(model, test_samples)
    assert [(result.iou, result.metric) for result in results] == [(0.3, "area"), (0.75, "area")]
    for result in results:
        expected = evaluate(found, test_samples, SHAPE_CLASSES, iou=result.iou, metric="area")
        np.testing.assert_equal(result.mean, expected.mean)
