"""Evaluation: a network over a data set's images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rfcn.boxes.detections import Detections, detect
from rfcn.data.batches import load_sample
from rfcn.data.evaluation import OVERLAPS, Evaluation, evaluate
from rfcn.data.images import prepare
from rfcn.data.voc import Sample
from rfcn.model.network import RFCN

BATCH = 16
"""Images that go through the network together, where they have one size."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Prepared:
    """An image as the network takes it."""

    pixels: np.ndarray
    scale: float


def detections(
    model: RFCN,
    samples: Sequence[Sample],
    *,
    batch: int = BATCH,
    progress: Callable[[int, int], None] | None = None,
) -> list[Detections]:
    """What the network finds on each image, in pixels of the image file.

    Parameters
    ----------
    model : the network, on any device; it is switched to evaluation and back.
    samples : the images.
    batch : images of one size in a row that are taken together.
    progress : called with (images done, images in all).

    Raises
    ------
    DatasetError : an image cannot be read.
    BoxError : the network gives values that are not finite.
    """
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    found: list[Detections] = []
    try:
        for group in _groups(samples, model, batch):
            images = torch.from_numpy(np.stack([image.pixels for image in group])).to(device)
            with torch.inference_mode():
                maps = {name: value.cpu().numpy() for name, value in model(images).items()}
            for index, image in enumerate(group):
                one = {name: value[index] for name, value in maps.items()}
                size = image.pixels.shape[1], image.pixels.shape[2]
                found.append(detect(one, size, model.network, scale=image.scale))
            if progress:
                progress(len(found), len(samples))
    finally:
        model.train(training)
    return found


def evaluate_model(
    model: RFCN,
    samples: Sequence[Sample],
    *,
    metric: str = "11-point",
    overlaps: Sequence[float] = OVERLAPS,
    batch: int = BATCH,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Evaluation, ...]:
    """How well the network detects, for each of `overlaps`; see `rfcn.data.evaluation.evaluate`."""
    found = detections(model, samples, batch=batch, progress=progress)
    classes = model.network.class_names
    return tuple(
        evaluate(found, samples, classes, iou=overlap, metric=metric) for overlap in overlaps
    )


def _groups(samples: Sequence[Sample], model: RFCN, batch: int) -> Iterator[list[_Prepared]]:
    """The images in order, those of one size in a row together."""
    group: list[_Prepared] = []
    for sample in samples:
        pixels, scale = prepare(load_sample(sample), model.network)
        image = _Prepared(pixels=pixels, scale=scale)
        if group and (len(group) == batch or group[0].pixels.shape != pixels.shape):
            yield group
            group = []
        group.append(image)
    if group:
        yield group
