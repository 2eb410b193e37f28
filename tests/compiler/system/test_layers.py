import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compiler import FitError
from compiler.system.command import decode
from compiler.system.lower import lower_network
from golden.pooling import MaxPool
from golden.shape import ConvShape, ShapeError
from params import ArrayConfig, preset
from params.commands import Opcode
from params.system import SystemConfig
from tests.compiler.system.networks import check, conv_network, pool_network

TINY = preset("tiny")


def system(array: ArrayConfig = TINY, **options) -> SystemConfig:
    return SystemConfig(array=array, **options)


def opcodes(image) -> list[Opcode]:
    return [command.opcode for command in decode(image.encoded_commands)]


@st.composite
def systems(draw):
    drain_width = draw(st.sampled_from([1, 2]))
    lanes = drain_width * draw(st.integers(1, 6))
    array = ArrayConfig(
        lanes=lanes,
        rows=draw(st.integers(1, 3)),
        filters_per_row=draw(st.integers(1, 2)),
        depth=draw(st.sampled_from([24, 64, 256])),
        drain_width=drain_width,
        max_shift=min(draw(st.sampled_from([0, 1, 3])), lanes - 1),
        mask_bits=draw(st.sampled_from([8, 32])),
        mask_depth=draw(st.sampled_from([4, 64])),
        code_depth=draw(st.sampled_from([4, 256])),
        residuals=True,
    )
    return system(
        array,
        bus_bytes=draw(st.sampled_from([2, 4, 16])),
        pieces=draw(st.sampled_from([8, 16, 256])),
    )


@settings(deadline=None, max_examples=24)
@given(
    config=systems(),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    size=st.tuples(st.integers(1, 9), st.integers(1, 11)),
    channels=st.tuples(st.integers(1, 4), st.integers(1, 5)),
    signed=st.tuples(st.booleans(), st.booleans()),
    residual=st.booleans(),
    seed=st.integers(0, 1 << 32),
)
def test_random_layers(
    config, kernel, stride, dilation, padding, size, channels, signed, residual, seed
):
    rng = np.random.default_rng(seed)
    try:
        shape = ConvShape(
            cin=channels[0], cout=channels[1], kernel=kernel, stride=stride, dilation=dilation,
            padding=padding, height=size[0], width=size[1],
        )  # fmt: skip
    except ShapeError:
        assume(False)
        return
    network = conv_network(rng, shape, residual=residual, signed_in=signed[0], signed_out=signed[1])
    try:
        image = lower_network(network, config, keep=network.maps)
    except FitError:
        assume(False)
        return
    check(network, image, rng, seeds=(seed % 1000,))


@settings(deadline=None, max_examples=60)
@given(
    config=systems(),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    pad=st.booleans(),
    ceil_mode=st.booleans(),
    size=st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 13)),
    signed=st.booleans(),
    seed=st.integers(0, 1 << 32),
)
def test_random_pools(config, kernel, stride, pad, ceil_mode, size, signed, seed):
    padding = tuple(n // 2 for n in kernel) if pad else (0, 0)
    pool = MaxPool(kernel=kernel, stride=stride, padding=padding, ceil_mode=ceil_mode)
    try:
        network = pool_network(pool, size, signed=signed)
        image = lower_network(network, config, keep=network.maps)
    except (ShapeError, FitError):
        assume(False)
        return
    check(network, image, np.random.default_rng(seed), seeds=(seed % 1000,))


def test_tiles_alternate_between_the_halves_of_the_memory():
    rng = np.random.default_rng(0)
    shape = ConvShape(cin=3, cout=4, kernel=3, padding=1, height=20, width=24)
    network = conv_network(rng, shape)
    config = system(dataclasses.replace(TINY, depth=64))
    image = lower_network(network, config)
    bases = [
        command.fields["base"]
        for command in decode(image.encoded_commands)
        if command.opcode == Opcode.COMPUTE_RUN and command.fields["index"] == 0
    ]
    assert len(bases) > 4
    assert bases == [32 * (n % 2) for n in range(len(bases))]
    check(network, image, rng)


def test_a_tile_may_take_the_whole_memory():
    rng = np.random.default_rng(1)
    shape = ConvShape(cin=4, cout=3, kernel=3, padding=1, height=7, width=9)
    network = conv_network(rng, shape)
    image = lower_network(network, system(dataclasses.replace(TINY, depth=20)))
    commands = decode(image.encoded_commands)
    assert all(c.fields["base"] == 0 for c in commands if c.opcode == Opcode.COMPUTE_RUN)
    assert sum(c.opcode == Opcode.COMPUTE_TILE for c in commands) > 2
    check(network, image, rng)


def test_few_bits_are_extended_by_their_sign():
    rng = np.random.default_rng(2)
    shape = ConvShape(cin=2, cout=3, kernel=1, height=4, width=5)
    network = conv_network(rng, shape, bits=4, signed_in=True)
    check(network, lower_network(network, system()), rng)
    narrow = dataclasses.replace(TINY, activation_bits=4, accumulator_bits=None)
    check(network, lower_network(network, system(narrow)), rng)


@pytest.mark.parametrize("stride", [1, 2])
def test_lines_that_follow_one_another_are_one_command(stride):
    rng = np.random.default_rng(3)
    shape = ConvShape(cin=2, cout=2, kernel=1, stride=stride, height=16, width=8 * stride)
    network = conv_network(rng, shape)
    image = lower_network(network, system())
    commands = decode(image.encoded_commands)
    lines = [c for c in commands if c.opcode == Opcode.LOAD_LINES]
    assert len(lines) == sum(c.opcode == Opcode.COMPUTE_TILE for c in commands)
    pieces = [c.fields for c in commands if c.opcode == Opcode.LOAD_PIECE]
    assert [(p["lane"], p["count"], p["double"]) for p in pieces] == [(0, 8, int(stride == 2))]
    check(network, image, rng, seeds=())


def test_a_table_is_not_written_twice():
    rng = np.random.default_rng(4)
    shape = ConvShape(cin=8, cout=4, kernel=1, height=32, width=8)
    network = conv_network(rng, shape, residual=True)
    image = lower_network(network, system(dataclasses.replace(TINY, depth=64)))
    found = opcodes(image)
    tiles = found.count(Opcode.COMPUTE_TILE)
    assert tiles > 4
    passes = 32 // (tiles // 2)
    assert found.count(Opcode.STORE_PIECE) == found.count(Opcode.RESIDUAL_PIECE) == passes
    check(network, image, rng, seeds=())


def test_small_tables_make_tiles_of_fewer_passes():
    rng = np.random.default_rng(5)
    shape = ConvShape(cin=2, cout=2, kernel=1, height=16, width=8)
    network = conv_network(rng, shape)
    few = lower_network(network, system(pieces=4))
    many = lower_network(network, system())
    assert opcodes(few).count(Opcode.COMPUTE_TILE) > opcodes(many).count(Opcode.COMPUTE_TILE)
    check(network, few, rng, seeds=())


def test_pixels_in_too_many_pieces_are_refused():
    rng = np.random.default_rng(6)
    shape = ConvShape(cin=1, cout=1, kernel=1, stride=3, height=1, width=24)
    network = conv_network(rng, shape)
    with pytest.raises(FitError, match=r"out: the pixels of a tile lie in 8 pieces, but a table"):
        lower_network(network, system(pieces=4))


def test_a_pool_with_too_many_taps_is_refused():
    network = pool_network(MaxPool(kernel=3, stride=1), (1, 5, 5), signed=False)
    with pytest.raises(
        FitError, match=r"out: a max-pool of 3x3 pixels takes 9 pieces, but a table"
    ):
        lower_network(network, system(pieces=8))


def test_what_the_array_cannot_hold_is_refused_by_name():
    rng = np.random.default_rng(7)
    shape = ConvShape(cin=100, cout=1, kernel=3, height=3, width=3)
    with pytest.raises(FitError, match=r"out: a 3x3 kernel .* but the array has 256; raise depth"):
        lower_network(conv_network(rng, shape), system())
    pool = pool_network(MaxPool(kernel=1, stride=1), (1, 2, 2), signed=False)
    narrow = dataclasses.replace(TINY, activation_bits=4, accumulator_bits=None)
    with pytest.raises(FitError, match=r"out: the map data is unsigned 8-bit, but the array's"):
        lower_network(pool, system(narrow))
    many = dataclasses.replace(TINY, rows=33)
    shape = ConvShape(cin=1, cout=1, kernel=1, height=1, width=1)
    with pytest.raises(FitError, match=r"out: the array has 33 rows, but a system has at most 32"):
        lower_network(conv_network(rng, shape), system(many))


def test_numbers_beyond_their_fields_are_refused():
    rng = np.random.default_rng(8)
    shape = ConvShape(cin=1, cout=1, kernel=1, height=1, width=1 << 16)
    wide = dataclasses.replace(TINY, lanes=4096, drain_width=4096, lane_groups=1)
    with pytest.raises(FitError, match=r"out: the layer is too large for the commands: .*pitch"):
        lower_network(conv_network(rng, shape), system(wide))


def test_an_int8_array():
    rng = np.random.default_rng(9)
    shape = ConvShape(cin=3, cout=5, kernel=3, padding=1, height=5, width=9)
    network = conv_network(rng, shape)
    check(network, lower_network(network, system(preset("tiny-int8"))), rng)
