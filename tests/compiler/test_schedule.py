import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compiler import FitError, compile_layer
from compiler.cycles import count_cycles, time_schedule
from compiler.schedule import schedule_layer
from golden.shape import ConvShape
from params import ArrayConfig, layouts, packing, preset
from tests.compiler.layers import make_layer, random_terms

TINY = preset("tiny")


def check(layer, config: ArrayConfig) -> None:
    """What is known from the places of the weights is what the packed program says."""
    program = compile_layer(layer, config)
    fast, packed = schedule_layer(layer.shape, layer.terms != 0, config), program.schedule
    assert fast.plan.layout == packed.plan.layout
    assert [t.passes for t in fast.plan.tiles] == [t.passes for t in packed.plan.tiles]
    assert len(fast.weights) == len(packed.weights) == config.rows
    for row in range(config.rows):
        ours, theirs = fast.weights[row], packed.weights[row]
        assert (fast.channels[row] == packed.channels[row]).all()
        for field in dataclasses.fields(ours):
            got, expected = getattr(ours, field.name), getattr(theirs, field.name)
            assert got.dtype == expected.dtype
            assert got.shape == expected.shape
            assert (got == expected).all()
        assert (ours.steps == program.rows[row].weights.steps).all()
        assert ours.bytes(config) == program.rows[row].bytes
    assert time_schedule(fast) == count_cycles(program)
    assert fast.weight_bytes * len(program.tiles) == program.weight_bytes


@settings(max_examples=60)
@given(
    rows=st.integers(1, 3),
    filters=st.integers(1, 3),
    mask_bits=st.sampled_from([4, 7, 32, 64]),
    code_depth=st.sampled_from([2, 256]),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 2),
    channels=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    size=st.tuples(st.integers(3, 9), st.integers(3, 17)),
    terms=st.sampled_from([1, 2]),
    density=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    seed=st.integers(0, 1 << 32),
)
def test_the_places_of_the_weights_tell_the_timing(
    rows, filters, mask_bits, code_depth, kernel, stride, channels, size, terms, density, seed
):
    rng = np.random.default_rng(seed)
    config = dataclasses.replace(
        TINY, rows=rows, filters_per_row=filters, mask_bits=mask_bits, code_depth=code_depth
    )
    shape = ConvShape(
        cin=channels[0], cout=channels[1], kernel=kernel, stride=stride, padding=kernel // 2,
        height=size[0], width=size[1],
    )  # fmt: skip
    weights = random_terms(rng, shape, levels=4, terms=terms, density=density)
    try:
        check(make_layer(shape, weights, rng=rng), config)
    except FitError:
        assume(False)


@pytest.mark.parametrize("name", ["ulx3s", "ulx3s-dense"])
def test_presets(name):
    rng = np.random.default_rng(6)
    shape = ConvShape(cin=64, cout=18, kernel=3, padding=1, height=12, width=50)
    layer = make_layer(shape, random_terms(rng, shape, levels=4, density=0.2), rng=rng)
    check(layer, preset(name))


def test_filters_beyond_the_weight_buffer_are_planned_without_replay():
    shape = ConvShape(cin=32, cout=3, kernel=1, height=6, width=9)
    support = np.ones((1, *shape.weight_shape), dtype=bool)
    assert max(tile.passes for tile in schedule_layer(shape, support, TINY).plan.tiles) > 1
    config = dataclasses.replace(TINY, code_depth=3)
    schedule = schedule_layer(shape, support, config)
    assert all(tile.passes == 1 for tile in schedule.plan.tiles)


def test_packed_bytes_of_a_row():
    shape = ConvShape(cin=40, cout=2, kernel=1, height=2, width=4)
    support = np.ones((1, *shape.weight_shape), dtype=bool)
    row = schedule_layer(shape, support, TINY).weights[0]
    # One filter: a header, two mask words of 32 bits, and five code words of 8 codes of 3 bits.
    assert row.bytes(TINY) == packing.word_bytes(layouts.header(TINY)) + 2 * 4 + 5 * 3
