"""How good detections are: the average precision of PASCAL VOC.

Source: `voc_eval.py` of py-faster-rcnn, which follows the development kit of VOC 2007.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rfcn.boxes.boxes import iou as overlap
from rfcn.boxes.detections import Detections
from rfcn.data.errors import DatasetError
from rfcn.data.voc import Sample

OVERLAPS = (0.5, 0.75)
"""Intersections over union that a detection must exceed to be right, where nothing is said."""

METRICS = ("11-point", "area")
"""Average precision of VOC 2007, and that of VOC since 2010: the area under the curve."""

RECALLS = np.arange(0.0, 1.1, 0.1)
"""Where VOC 2007 reads the precision. These are py-faster-rcnn's own floats, so 3 of 10 objects
(0.3) are short of the fourth of them (0.30000000000000004)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassResult:
    """How well one class is detected.

    Parameters
    ----------
    name : of the class.
    objects : objects to be found; difficult ones are not among them.
    detections : detections of the class, right, wrong and ignored.
    average_precision : 0..1; nan when there are no objects.
    recall, precision : float64 (right and wrong detections,), after each, best score first.
    """

    name: str
    objects: int
    detections: int
    average_precision: float
    recall: np.ndarray
    precision: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """How well all classes are detected.

    Parameters
    ----------
    classes : results class by class.
    iou : a detection must overlap an object by more than this.
    metric : one of `METRICS`.
    """

    classes: tuple[ClassResult, ...]
    iou: float
    metric: str

    @cached_property
    def mean(self) -> float:
        """The mean average precision (mAP) of the classes with objects; nan when there are none."""
        found = [entry.average_precision for entry in self.classes if entry.objects]
        return float(np.mean(found)) if found else float("nan")

    @property
    def average_precisions(self) -> dict[str, float]:
        """The average precision of each class by name; nan where there are no objects."""
        return {entry.name: entry.average_precision for entry in self.classes}

    @property
    def without_objects(self) -> tuple[str, ...]:
        """Names of the classes that the mean leaves out, because there is nothing to be found."""
        return tuple(entry.name for entry in self.classes if not entry.objects)


def evaluate(
    detections: Sequence[Detections],
    samples: Sequence[Sample],
    classes: Sequence[str],
    *,
    iou: float = 0.5,
    metric: str = "11-point",
) -> Evaluation:
    """Compare detections with the objects that are there.

    Detections of a class are taken by falling score, equal ones in the order of the images. Each
    belongs to the object of its image and class that it overlaps most. It is right when that is
    more than `iou` and no earlier detection has the object, ignored when the object is difficult,
    and wrong otherwise.

    Parameters
    ----------
    detections : of each image; boxes in pixels of the image file.
    samples : the images.
    classes : names of the classes, without the background; label 1 is the first.
    iou : intersection over union, 0..1.
    metric : one of `METRICS`.

    Raises
    ------
    DatasetError : not as many detections as samples, labels without a class, no such metric, or
        an `iou` out of range.
    """
    if len(detections) != len(samples):
        raise DatasetError(
            f"there are detections of {len(detections)} images, but {len(samples)} images"
        )
    if metric not in METRICS:
        raise DatasetError(f"no metric is called {metric!r}; choose one of {', '.join(METRICS)}")
    if not 0 <= iou < 1:
        raise DatasetError(f"the IoU is {iou}, but must be from 0 to below 1")
    for entries in (*detections, *samples):
        wrong = entries.labels[(entries.labels < 1) | (entries.labels > len(classes))]
        if len(wrong):
            raise DatasetError(
                f"there is a label {wrong[0]}, but {len(classes)} classes have the labels 1 to "
                f"{len(classes)}"
            )
    results = [
        _evaluate_class(name, label, detections, samples, iou, metric)
        for label, name in enumerate(classes, 1)
    ]
    return Evaluation(classes=tuple(results), iou=iou, metric=metric)


def _evaluate_class(
    name: str,
    label: int,
    detections: Sequence[Detections],
    samples: Sequence[Sample],
    iou: float,
    metric: str,
) -> ClassResult:
    parts = []
    first = wanted = 0
    for found, sample in zip(detections, samples, strict=True):
        there = sample.labels == label
        scores, overlaps, objects, difficult = _best_objects(found, sample, label)
        parts.append((scores, overlaps, first + objects, difficult))
        first += len(there)
        wanted += int(np.count_nonzero(there & ~sample.difficult))
    nothing = (np.zeros(0), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.bool_))
    scores, overlaps, objects, difficult = map(np.concatenate, zip(nothing, *parts, strict=True))
    order = np.argsort(-scores, kind="stable")
    matched, objects = overlaps[order] > iou, objects[order]
    ignored = matched & difficult[order]
    candidates = np.flatnonzero(matched & ~ignored)
    # The first of the candidates for an object has it.
    _, best = np.unique(objects[candidates], return_index=True)
    right = np.zeros(len(order), np.bool_)
    right[candidates[best]] = True
    right = right[~ignored]
    hits = np.cumsum(right)
    recall = hits / wanted if wanted else np.full(len(hits), np.nan)
    precision = hits / np.arange(1, len(hits) + 1)
    return ClassResult(
        name=name,
        objects=wanted,
        detections=len(order),
        average_precision=average_precision(recall, precision, metric) if wanted else np.nan,
        recall=recall,
        precision=precision,
    )


def _best_objects(
    found: Detections, sample: Sample, label: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """An image's detections of a class and, for each, the object of it that it overlaps most.

    Returns
    -------
    Scores, overlaps, which objects of the sample, and whether those are difficult, each
    (detections,). Where the image has no such object the overlaps are -1.
    """
    mine, there = found.labels == label, np.flatnonzero(sample.labels == label)
    scores = found.scores[mine]
    if not len(there):
        none = np.zeros(len(scores), np.int64)
        return scores, none - 1.0, none, none > 0
    table = overlap(found.boxes[mine].astype(np.float64), sample.boxes[there].astype(np.float64))
    objects = there[table.argmax(axis=1)]
    return scores, table.max(axis=1), objects, sample.difficult[objects]


def average_precision(recall: np.ndarray, precision: np.ndarray, metric: str) -> float:
    """The average precision of a curve.

    `11-point` is the mean, over the recalls 0, 0.1 .. 1, of the best precision at that recall or
    a higher one; `area` is the area under that best precision.

    Parameters
    ----------
    recall : float (n,), not falling.
    precision : float (n,).
    metric : one of `METRICS`.
    """
    best = np.maximum.accumulate(precision[::-1])[::-1]
    if metric == "11-point":
        at = np.searchsorted(recall, RECALLS)
        return float(np.append(best, 0.0)[at].sum() / len(RECALLS))
    return float(np.sum(np.diff(recall, prepend=0.0) * best))
