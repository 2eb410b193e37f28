"""Weights for the quantizers' tests, and the comparison with their naive twins."""

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from golden.weights import PowerOfTwoWeights
from tests.golden import naive

FORMATS = (np.float16, np.float32, np.float64)


def weight_lists(max_size: int = 12):
    """Small arrays of every float format: moderate values, powers of two and their midpoints."""

    def arrays(kind):
        width = 8 * np.dtype(kind).itemsize
        steps = st.builds(
            lambda m, e, s: s * m * 2.0**e,
            st.sampled_from([0, 1, 1.5, 0.75, 4 / 3, 1.25]),
            st.integers(-8, 3),
            st.sampled_from([-1, 1]),
        )
        anything = st.floats(width=width, allow_nan=False, allow_infinity=False).filter(
            lambda w: abs(w) < 1e300
        )
        moderate = st.floats(-4, 4, width=width)
        values = st.one_of(steps, moderate, anything)
        return st.lists(values, min_size=1, max_size=max_size).map(lambda v: np.array(v, kind))

    return st.sampled_from(FORMATS).flatmap(arrays)


def edge_weights(kind, *, mu: Fraction, peak: float, levels: int) -> np.ndarray:
    """The peak, and the floats at and next to every threshold of (2.8)."""
    thresholds = [mu / 2**t for t in range(levels)] + [4 * mu / (3 * 2**levels)]
    values = [kind(peak)]
    for threshold in thresholds:
        value = kind(float(threshold))
        for _ in range(2):
            value = np.nextafter(value, kind(0))
        for _ in range(5):
            values += [value, -value]
            value = np.nextafter(value, kind(peak))
    return np.array(values, kind)


def check(got: PowerOfTwoWeights, levels: list[int | None], scale: int, weights=None) -> None:
    """Compare with the naive levels, None for zero, and scale."""
    found = [int(t) if s else None for s, t in zip(got.sign.flat, got.level.flat, strict=True)]
    assert found == levels
    assert int(got.scale) == scale
    assert not got.level[got.sign == 0].any()
    if weights is not None:
        signs = [
            naive.sign(w) if t is not None else 0 for w, t in zip(weights, levels, strict=True)
        ]
        assert got.sign.tolist() == signs
