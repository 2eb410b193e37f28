"""Compiled rows for the tests of what sends them to the array."""

import dataclasses

import numpy as np

from compiler import compile_layer
from compiler.program import RowStream
from golden.shape import ConvShape
from params import ArrayConfig, preset
from params.arithmetic import Arithmetic
from tests.compiler.layers import random_terms
from tests.sim.layers import make_case

CONFIGS = {
    "tiny": preset("tiny"),
    "paired": dataclasses.replace(preset("tiny", levels=16), name="paired", filters_per_row=2),
    "tiny-int8": preset("tiny-int8"),
}


def make_rows(
    config: ArrayConfig, seed: int, *, cout: int = 7, cin: int = 5, density: float = 0.4
) -> tuple[RowStream, ...]:
    """The rows of a random 3x3 layer; int8 weights are dense, whatever `density`."""
    rng = np.random.default_rng(seed)
    shape = ConvShape(cin=cin, cout=cout, kernel=3, padding=1, height=4, width=5)
    if config.arithmetic == Arithmetic.INT8:
        terms = rng.integers(-128, 127, (1, *shape.weight_shape), endpoint=True)
    else:
        terms = random_terms(rng, shape, levels=config.levels, density=density)
    return compile_layer(make_case(shape, terms, rng=rng).layer, config).rows


def make_places(stream: RowStream) -> np.ndarray:
    """int64 (filter groups, F), places of the channels in a map of 1000 bytes a channel."""
    return np.where(stream.channels < 0, -1, 1000 * stream.channels)


def tight(config: ArrayConfig) -> ArrayConfig:
    """The array with the smallest weight buffers."""
    return dataclasses.replace(config, mask_depth=2, code_depth=2)
