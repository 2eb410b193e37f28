"""Layers at the limits of what the array does."""

import numpy as np
import pytest

from compiler import compile_layer
from golden.activations import ActivationFormat
from golden.requantize import Requantization
from golden.shape import ConvShape
from params import preset
from sim.engine import Engine
from tests.compiler.layers import random_terms
from tests.sim.layers import FORMATS, PAIRED, make_case, needs_icarus, random_case, run_case

UNSIGNED, SIGNED = FORMATS

TINY = preset("tiny")

SHAPE = ConvShape(cin=5, cout=5, kernel=3, padding=1, height=5, width=6)

pytestmark = pytest.mark.parametrize(
    "engine",
    [Engine.VERILATOR, pytest.param(Engine.ICARUS, marks=[needs_icarus, pytest.mark.slow])],
)


def constant(value: int, shape: ConvShape) -> np.ndarray:
    """int64 weights, all the same."""
    return np.full((1, *shape.weight_shape), value, dtype=np.int64)


def rule(shape: ConvShape, *, multiplier=1, bias=0, shift=0, low=-128, high=127) -> Requantization:
    """The same requantization for every channel; a sequence has a value for each."""
    fields = (np.resize(np.asarray(field), shape.cout) for field in (multiplier, bias, shift))
    multiplier, bias, shift = fields
    return Requantization(multiplier=multiplier, bias=bias, shift=shift, low=low, high=high)


@pytest.mark.parametrize("config", [TINY, PAIRED], ids=lambda config: config.name)
@pytest.mark.parametrize("density", [0.0, 1.0])
def test_empty_and_dense_layers(engine, config, density):
    rng = np.random.default_rng(1)
    terms = random_terms(rng, SHAPE, levels=config.levels, density=density)
    bias = np.arange(-2, 3) << 20
    rules = rule(SHAPE, multiplier=900, bias=bias, shift=16)
    case = make_case(SHAPE, terms, rng=rng, requantization=rules)
    if not density:
        assert case.expected[:, 0, 0].tolist() == [-32, -16, 0, 16, 32]
    run_case(case, config, engine=engine, stalls=0.3)


@pytest.mark.parametrize("config", [TINY, PAIRED], ids=lambda config: config.name)
def test_empty_filters_among_others(engine, config):
    rng = np.random.default_rng(2)
    shape = ConvShape(cin=40, cout=12, kernel=1, height=3, width=5)
    terms = random_terms(rng, shape, levels=4)
    terms[0, [0, 3, 4, 5, 11]] = 0
    # Mask words that are empty in the middle, and a weight alone in the last.
    terms[0, 7, :-1] = 0
    terms[0, 7, -1] = 8
    case = make_case(shape, terms, rng=rng)
    assert np.all(case.expected[0] == case.expected[0, 0, 0])
    run_case(case, config, engine=engine, stalls=0.3)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("inputs", FORMATS, ids=str)
@pytest.mark.parametrize("config", [TINY, PAIRED], ids=lambda config: config.name)
def test_largest_weights_and_activations(engine, config, inputs, sign):
    weight = sign << config.levels - 1
    for value in (inputs.low, inputs.high):
        image = np.full((SHAPE.cin, SHAPE.height, SHAPE.width), value)
        case = make_case(
            SHAPE,
            constant(weight, SHAPE),
            rng=np.random.default_rng(0),
            inputs=inputs,
            image=image,
            requantization=rule(SHAPE, multiplier=1 << 15, shift=21 + config.levels),
        )
        assert case.expected[0, 2, 2] == round(45 * value * weight / 2 ** (6 + config.levels))
        run_case(case, config, engine=engine)


@pytest.mark.parametrize(
    "shape",
    [
        ConvShape(cin=3, cout=4, kernel=3, height=3, width=3),
        ConvShape(cin=3, cout=4, kernel=1, height=1, width=1),
        ConvShape(cin=2, cout=1, kernel=(7, 5), stride=4, padding=1, height=6, width=5),
        ConvShape(cin=1, cout=1, kernel=1, height=1, width=1),
    ],
    ids=["3x3", "1x1", "7x5", "one weight"],
)
def test_a_single_output_pixel(engine, shape):
    assert shape.out_pixels == 1
    run_case(random_case(shape, seed=3, levels=4, density=1.0), TINY, engine=engine, stalls=0.2)


@pytest.mark.parametrize("size", [(1, 3), (3, 1), (2, 11), (9, 2), (5, 13)], ids=str)
@pytest.mark.parametrize("kernel", [1, 3])
def test_images_that_fill_no_tile(engine, kernel, size):
    height, width = size
    shape = ConvShape(cin=3, cout=4, kernel=kernel, padding=kernel // 2, height=height, width=width)
    case = random_case(shape, seed=height, levels=4)
    assert compile_layer(case.layer, TINY).lane_packing < 1
    run_case(case, TINY, engine=engine)


@pytest.mark.parametrize("cout", [1, 2, 3, 5])
def test_missing_filters(engine, cout):
    """Fewer filters than rows and filters per row take, or none for the last of a group."""
    shape = ConvShape(cin=3, cout=cout, kernel=3, padding=1, height=4, width=5)
    case = random_case(shape, seed=cout, levels=4)
    program = compile_layer(case.layer, PAIRED)
    channels = np.concatenate([row.channels.reshape(-1) for row in program.rows])
    assert (channels < 0).any() or len(program.active_rows) < PAIRED.rows
    run_case(case, PAIRED, engine=engine, program=program, stalls=0.2)


@pytest.mark.parametrize(
    ("low", "high"),
    [(-128, 127), (0, 255), (-128, -100), (0, 3), (200, 255), (-7, 9), (5, 5), (-1, -1)],
)
def test_clamp_limits(engine, low, high):
    case = make_case(
        SHAPE,
        random_terms(np.random.default_rng(4), SHAPE, levels=4),
        rng=np.random.default_rng(5),
        requantization=rule(
            SHAPE, multiplier=[900, 7000, 1], bias=[0, 90 << 16], shift=16, low=low, high=high
        ),
    )
    assert {low, high} <= set(np.unique(case.expected))
    run_case(case, TINY, engine=engine)


def test_every_shift_of_the_requantizer(engine):
    """Shifts from 0 to the largest; each meets ties, and values that saturate if it is small."""
    config = TINY
    shifts = np.arange(config.max_right_shift + 1)
    shape = ConvShape(cin=4, cout=len(shifts), kernel=1, height=4, width=4)
    rng = np.random.default_rng(6)
    terms = random_terms(rng, shape, levels=4, density=0.8)
    # A quarter of the largest output on top of a sum that the shift brings down to a few units.
    half = 1 << np.maximum(shifts - 1, 0)
    multiplier = np.clip(half >> 9, 1, (1 << 16) - 1)
    largest = (1 << config.offset_bits - 1) - 1
    bias = np.clip(33 * half - half % 2, 0, largest - half - (1 << 20))
    requantization = rule(shape, multiplier=multiplier, bias=bias, shift=shifts)
    case = make_case(shape, terms, rng=rng, inputs=SIGNED, requantization=requantization)
    run_case(case, config, engine=engine, stalls=0.1)


@pytest.mark.parametrize("bits", [4, 5, 6, 7, 8])
@pytest.mark.parametrize("signed", [False, True])
def test_activation_widths(engine, bits, signed):
    """Narrow activations on a wide array, inputs of one width and outputs of another."""
    rng = np.random.default_rng(bits)
    case = make_case(
        SHAPE,
        random_terms(rng, SHAPE, levels=4),
        rng=rng,
        inputs=ActivationFormat(bits=bits, signed=signed),
        outputs=ActivationFormat(bits=12 - bits, signed=not signed),
    )
    run_case(case, TINY, engine=engine)


def test_tiles_of_different_passes(engine):
    shape = ConvShape(cin=8, cout=4, kernel=3, padding=1, height=19, width=7)
    case = random_case(shape, seed=8, levels=4)
    program = compile_layer(case.layer, TINY)
    assert len({tile.passes for tile in program.tiles}) > 1
    run_case(case, TINY, engine=engine, program=program, stalls=0.3)
