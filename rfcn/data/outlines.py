"""The six shapes, as polygons."""

import numpy as np

MOST_TURN = np.pi / 9
"""How far a shape is turned to either side, in radians."""

CIRCLE_CORNERS = 48
"""Corners of a polygon that looks round at the largest size."""


def outline(name: str, rng: np.random.Generator) -> list[np.ndarray]:
    """A shape turned and slightly stretched at random.

    Parameters
    ----------
    name : one of `rfcn.networks.SHAPE_CLASSES`.
    rng : of proportions, turn and stretch.

    Returns
    -------
    float64 (corners, 2) of x and y, around the origin, the longer side of the shape being 1; the
    ring has its hole as a second polygon.
    """
    polygons = _POLYGONS[name](rng)
    angle = np.pi / 2 + rng.uniform(-MOST_TURN, MOST_TURN)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    stretch = np.array([1.0, rng.uniform(0.88, 1.0)])
    polygons = [polygon * stretch @ turn for polygon in polygons]
    low, high = polygons[0].min(axis=0), polygons[0].max(axis=0)
    return [(polygon - (low + high) / 2) / (high - low).max() for polygon in polygons]


def _regular(corners: int) -> np.ndarray:
    angles = 2 * np.pi * np.arange(corners) / corners
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _circle(rng: np.random.Generator) -> list[np.ndarray]:
    return [_regular(CIRCLE_CORNERS)]


def _square(rng: np.random.Generator) -> list[np.ndarray]:
    return [_regular(4)]


def _triangle(rng: np.random.Generator) -> list[np.ndarray]:
    return [_regular(3)]


def _cross(rng: np.random.Generator) -> list[np.ndarray]:
    half = rng.uniform(0.28, 0.40)
    arm = np.array([[half, half], [1.0, half], [1.0, -half]])
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    return [np.concatenate([arm @ np.linalg.matrix_power(turn, quarter) for quarter in range(4)])]


def _star(rng: np.random.Generator) -> list[np.ndarray]:
    star = _regular(10)
    star[1::2] *= rng.uniform(0.38, 0.5)
    return [star]


def _ring(rng: np.random.Generator) -> list[np.ndarray]:
    circle = _regular(CIRCLE_CORNERS)
    return [circle, circle * rng.uniform(0.5, 0.68)]


_POLYGONS = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "cross": _cross,
    "star": _star,
    "ring": _ring,
}
