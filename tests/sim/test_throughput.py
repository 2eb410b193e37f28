"""One nonzero weight per row per cycle, but for a fixed overhead per tile."""

import dataclasses

import numpy as np
import pytest

from compiler import Program, compile_layer
from golden.shape import ConvShape
from params import ArrayConfig, layouts, packing, preset
from params.timing import lane_latency
from sim.engine import Engine
from tests.sim.layers import NARROW, PAIRED, QUICK, Case, make_case, run_case

OTHER_STAGES = 32
"""Cycles at most from a tile's command to its first step, in the requantizer, and to its end."""

SINGLE = ArrayConfig(
    name="single", lanes=6, rows=1, levels=2, depth=128, drain_width=2, max_shift=2,
    mask_bits=8,
)  # fmt: skip


def filters_of(shape: ConvShape, nonzeros: int, *, filters: int = 1) -> np.ndarray:
    """Terms with `nonzeros` weights in every filter; `filters` after one another share places.

    The first weight is always one of them: a tile that starts with an empty mask word starts a
    cycle later.
    """
    rng = np.random.default_rng(nonzeros)
    terms = np.zeros((shape.cout, shape.taps), dtype=np.int64)
    for first in range(0, shape.cout, filters):
        places = [0, *rng.choice(np.arange(1, shape.taps), nonzeros - 1, replace=False)]
        for terms_of_filter in terms[first : first + filters]:
            terms_of_filter[places] = rng.choice((-2, -1, 1, 2), nonzeros)
    return terms.reshape(1, *shape.weight_shape)


def compiled(shape: ConvShape, terms: np.ndarray, config: ArrayConfig) -> tuple[Case, Program]:
    """A case with a random image, and its program."""
    case = make_case(shape, terms, rng=np.random.default_rng(0))
    return case, compile_layer(case.layer, config)


def row_steps(program: Program) -> int:
    """Positions of the busiest row at which a filter is nonzero, over all passes and tiles."""
    return program.passes * max(int(row.weights.steps.sum()) for row in program.rows)


def overhead(config: ArrayConfig, *, engine: Engine) -> int:
    """Cycles beyond its steps of the shortest tile that is not limited by draining."""
    shape = ConvShape(cin=config.drain_words, cout=1, kernel=1, height=1, width=config.lanes)
    case, program = compiled(shape, filters_of(shape, config.drain_words), config)
    assert row_steps(program) == config.drain_words
    return run_case(case, config, engine=engine, program=program).cycles - config.drain_words


def check(shape: ConvShape, nonzeros: int, config: ArrayConfig, *, engine: Engine) -> None:
    """A cycle per pass and nonzero weight of the busiest row, and the overhead of each tile.

    How many of the lanes compute an output does not matter: `lane_packing` is left out.
    """
    terms = filters_of(shape, nonzeros, filters=config.filters_per_row)
    case, program = compiled(shape, terms, config)
    assert min(int(row.weights.steps.min()) for row in program.rows) >= config.drain_words
    steps = row_steps(program)
    cycles = run_case(case, config, engine=engine, program=program).cycles
    assert cycles == steps + len(program.tiles) * overhead(config, engine=engine)
    assert cycles <= 1.03 * steps


CONFIGS = {config.name: config for config in (NARROW, PAIRED)}

LAYERS = {
    # With lanes / drain width nonzeros per filter of the row the drain is as busy as the lanes.
    "1x1 sparsest": (ConvShape(cin=64, cout=128, kernel=1, height=8, width=8), 1),
    "1x1 sparse": (ConvShape(cin=64, cout=64, kernel=1, height=8, width=8), 3),
    "1x1 dense": (ConvShape(cin=64, cout=64, kernel=1, height=8, width=8), 16),
    "3x3 sparse": (ConvShape(cin=32, cout=32, kernel=3, padding=1, height=8, width=8), 20),
    "3x3 dense": (ConvShape(cin=32, cout=16, kernel=3, padding=1, height=8, width=8), 72),
    "7x7/2": (
        ConvShape(cin=3, cout=32, kernel=7, stride=2, padding=3, height=16, width=16), 15,
    ),
}  # fmt: skip
"""Layers, with the nonzeros of a filter as a multiple of lanes / drain width."""


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("config", CONFIGS)
def test_a_full_tile_takes_a_cycle_per_nonzero_weight(config, layer):
    config = CONFIGS[config]
    shape, multiple = LAYERS[layer]
    nonzeros = min(multiple * config.drain_words, shape.taps)
    check(shape, nonzeros, config, engine=Engine.VERILATOR)


@pytest.mark.slow
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", ["ulx3s", "ulx3s-dense", "large"])
def test_a_tile_of_a_preset_takes_a_cycle_per_nonzero_weight(name, layer):
    config = preset(name)
    small, multiple = LAYERS[layer]
    width = config.lanes * small.stride[1]
    shape = dataclasses.replace(small, height=5 * small.stride[0], width=width)
    nonzeros = min(multiple * config.drain_words, shape.taps)
    check(shape, nonzeros, config, engine=Engine.VERILATOR)


@pytest.mark.parametrize("config", [SINGLE, preset("tiny")], ids=lambda config: config.name)
def test_the_overhead_of_a_tile_is_the_pipeline(config):
    lanes = lane_latency(config) + config.drain_words
    assert lanes < overhead(config, engine=QUICK) <= lanes + OTHER_STAGES


def test_every_tile_has_the_same_overhead():
    shape = ConvShape(cin=100, cout=3, kernel=1, height=3, width=6)
    case, program = compiled(shape, filters_of(shape, 40), SINGLE)
    assert [tile.passes for tile in program.tiles] == [1, 1, 1]
    cycles = run_case(case, SINGLE, program=program).cycles
    assert cycles == row_steps(program) + 3 * overhead(SINGLE, engine=QUICK)


def test_an_empty_mask_word_takes_a_cycle_at_most():
    shape = ConvShape(cin=120, cout=5, kernel=1, height=1, width=6)
    rng = np.random.default_rng(3)
    terms = rng.choice((-1, 1), (1, *shape.weight_shape)) * (rng.random(shape.weight_shape) < 0.05)
    case, program = compiled(shape, terms, SINGLE)
    (row,) = program.rows
    masks = packing.unpack(layouts.masks(SINGLE), row.masks)[:, 0]
    words = sum(max(1, int(mask).bit_count()) for mask in masks)
    assert int(row.weights.steps.sum()) < words
    cycles = run_case(case, SINGLE, program=program).cycles
    assert cycles <= words + overhead(SINGLE, engine=QUICK)


def test_an_empty_filter_takes_as_long_as_its_outputs():
    shape = ConvShape(cin=8, cout=50, kernel=1, height=1, width=6)
    terms = np.zeros((1, *shape.weight_shape), dtype=np.int64)
    case, program = compiled(shape, terms, SINGLE)
    cycles = run_case(case, SINGLE, program=program).cycles
    drains = shape.cout * SINGLE.drain_words
    assert cycles <= drains + overhead(SINGLE, engine=QUICK)
