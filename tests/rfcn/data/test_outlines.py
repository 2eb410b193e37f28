"""The six shapes: their areas, corners and turns."""

import numpy as np
import pytest

from rfcn.data.outlines import outline
from rfcn.networks import SHAPE_CLASSES


def area(polygon):
    """By the shoelace formula."""
    total = 0.0
    for (x1, y1), (x2, y2) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        total += x1 * y2 - x2 * y1
    return abs(total) / 2


@pytest.mark.parametrize("name", SHAPE_CLASSES)
@pytest.mark.parametrize("seed", range(5))
def test_the_longer_side_is_1_around_the_origin(name, seed):
    for polygon in outline(name, np.random.default_rng(seed))[:1]:
        low, high = polygon.min(axis=0), polygon.max(axis=0)
        assert (high - low).max() == pytest.approx(1)
        assert (high + low).tolist() == pytest.approx([0, 0])


@pytest.mark.parametrize(
    ("name", "corners", "share"),
    [
        # Areas as a share of the circle through the outermost corners.
        ("circle", 48, (0.95, 1.0)),
        ("square", 4, (0.63, 0.64)),
        ("triangle", 3, (0.41, 0.42)),
        ("cross", 12, (0.50, 0.66)),
        ("star", 10, (0.35, 0.47)),
        ("ring", 48, (0.95, 1.0)),
    ],
)
def test_areas(name, corners, share):
    class Unstretched:
        """Turns by nothing, stretches by nothing, and takes the middle of all other ranges."""

        def uniform(self, low, high):
            return {2 * np.pi: 0.0, 1.0: 1.0}.get(high, (low + high) / 2)

    polygons = outline(name, Unstretched())  # type: ignore[arg-type]
    radius = np.linalg.norm(polygons[0] - polygons[0].mean(axis=0), axis=1).max()
    assert len(polygons[0]) == corners
    assert share[0] <= area(polygons[0]) / (np.pi * radius**2) <= share[1]
    assert len(polygons) == (2 if name == "ring" else 1)
    if name == "ring":
        assert area(polygons[1]) / area(polygons[0]) == pytest.approx(0.59**2)
