"""Random layers and arrays."""

import numpy as np
from hypothesis import strategies as st

from compiler import FitError, compile_layer
from golden.activations import ActivationFormat
from golden.shape import ConvShape, ShapeError
from params import ArrayConfig
from params.arithmetic import Arithmetic
from tests.compiler.layers import random_terms
from tests.sim.layers import Case, make_case

DENSITIES = (0.0, 0.03, 0.2, 0.6, 1.0)


def pairs(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    """Pairs of integers, both in a range."""
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def shapes(draw, largest_output: int = 7) -> ConvShape:
    """Small convolutions: kernels to 7, strides to 4, dilations, any padding, odd channels."""
    kernel, stride = draw(pairs(1, 7)), draw(pairs(1, 4))
    dilation, padding = draw(pairs(1, 3)), draw(pairs(0, 4))
    outputs = draw(pairs(1, largest_output))
    # Rows and columns behind the last tap are read by no output.
    rest = draw(pairs(0, 3))
    size = [
        max(1, (n - 1) * s + (k - 1) * d + 1 - 2 * p + min(r, s - 1))
        for n, s, k, d, p, r in zip(
            outputs, stride, kernel, dilation, padding, rest, strict=True
        )
    ]  # fmt: skip
    return ConvShape(
        cin=draw(st.integers(1, 7)),
        cout=draw(st.integers(1, 7)),
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding=padding,
        height=size[0],
        width=size[1],
    )


@st.composite
def cases(draw, config: ArrayConfig) -> Case:
    """Layers that an array may hold, with inputs for them."""
    shape = draw(shapes())
    bits = st.integers(4, config.activation_bits)
    formats = [ActivationFormat(bits=draw(bits), signed=draw(st.booleans())) for _ in range(2)]
    levels, terms = draw(st.integers(1, config.levels)), draw(st.sampled_from((1, 1, 2)))
    density = draw(st.sampled_from(DENSITIES))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    weights = random_terms(rng, shape, levels=levels, terms=terms, density=density)
    added = None
    if config.residuals and draw(st.booleans()):
        added = ActivationFormat(bits=draw(bits), signed=draw(st.booleans()))
    return make_case(shape, weights, rng=rng, inputs=formats[0], outputs=formats[1], added=added)


@st.composite
def arrays(draw) -> ArrayConfig:
    """Small arrays of any proportions."""
    groups, outlets = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    lanes = groups * outlets * draw(st.integers(1, 4))
    reach = lanes // groups if groups > 1 else lanes - 1
    # Shifts of b bits reach 2^b - 1 lanes, which a group must have.
    most = (1 << (reach + 1).bit_length() - 1) - 1 if groups > 1 else reach
    arithmetic = draw(st.sampled_from((Arithmetic.SHIFT, Arithmetic.SHIFT, Arithmetic.INT8)))
    shifts = arithmetic == Arithmetic.SHIFT
    return ArrayConfig(
        arithmetic=arithmetic,
        lanes=lanes,
        rows=draw(st.integers(1, 3)),
        filters_per_row=draw(st.integers(1, 3)),
        levels=draw(st.integers(1, 12)) if shifts else None,
        activation_bits=draw(st.integers(4, 8)),
        depth=draw(st.integers(2, 200)),
        lane_groups=groups,
        drain_width=groups * outlets,
        max_shift=draw(st.integers(0, min(most, lanes - 1, 7))),
        mask_bits=draw(st.sampled_from((2, 3, 8, 16, 31, 32, 64))),
        codes_per_word=draw(st.integers(1, 9)),
        mask_depth=draw(st.integers(2, 40)),
        code_depth=draw(st.integers(2, 40)),
        max_runs=draw(st.integers(1, 12)),
        max_passes=draw(st.integers(1, 9)),
        residuals=draw(st.booleans()),
    )


def fitting_case(config: ArrayConfig, seed: int) -> Case:
    """A random layer that fits, tried from large ones to small ones."""
    rng = np.random.default_rng(seed)
    for size in range(5, 0, -1):
        for _ in range(5):
            case = _attempt(rng, config, size)
            if case is not None:
                return case
    raise AssertionError(f"no layer fits {config}")


def _attempt(rng: np.random.Generator, config: ArrayConfig, size: int) -> Case | None:
    def pair(high: int) -> tuple[int, int]:
        y, x = rng.integers(1, max(1, high), 2, endpoint=True)
        return int(y), int(x)

    formats = [
        ActivationFormat(bits=config.activation_bits, signed=bool(signed))
        for signed in rng.integers(0, 2, 2)
    ]
    height, width = pair(3 * size)
    try:
        shape = ConvShape(
            cin=int(rng.integers(1, 2 * size, endpoint=True)),
            cout=int(rng.integers(1, 2 * size, endpoint=True)),
            kernel=pair(1 + size),
            stride=pair(1 + size // 2),
            dilation=pair(1 + size // 3),
            padding=pair(size // 2),
            height=height,
            width=width,
        )
    except ShapeError:
        return None
    if config.arithmetic == Arithmetic.INT8:
        terms = rng.integers(-128, 127, (1, *shape.weight_shape), endpoint=True)
    else:
        terms = random_terms(
            rng, shape, levels=config.levels, terms=1 + int(rng.random() < 0.3),
            density=float(rng.choice(DENSITIES)),
        )  # fmt: skip
    added = None
    if config.residuals and rng.random() < 0.7:
        added = ActivationFormat(bits=config.activation_bits, signed=rng.random() < 0.5)
    case = make_case(shape, terms, rng=rng, inputs=formats[0], outputs=formats[1], added=added)
    try:
        compile_layer(case.layer, config)
    except FitError:
        return None
    return case
