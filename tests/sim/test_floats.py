"""The float array, bit for bit and cycle for cycle."""

import numpy as np
import pytest

from compiler import compile_layer
from golden.shape import ConvShape
from golden.synthetic import table_3_2_weights
from params import ArrayConfig, preset
from params.arithmetic import Arithmetic
from rfcn.layers import find_layer
from sim.engine import Engine
from sim.simulate import build_harness, simulate
from sim.workload import create_workload
from tests.golden.test_float_layer import random_layer
from tests.sim.layers import QUICK, check_cycles, needs_icarus

FLOAT = {"arithmetic": Arithmetic.FLOAT32, "filters_per_row": 8}

ARRAYS = (
    ArrayConfig(
        name="mixed", lanes=8, rows=2, depth=256, lane_groups=2, drain_width=2,
        multipliers=(4, 0), **FLOAT,
    ),
    ArrayConfig(
        name="narrow words", lanes=6, rows=1, depth=256, drain_width=1, max_shift=2, mask_bits=8,
        codes_per_word=3, mask_depth=16, code_depth=100, multipliers=(2,), **FLOAT,
    ),
    ArrayConfig(
        name="two a lane", lanes=6, rows=2, depth=256, lane_groups=2, drain_width=2, max_shift=3,
        multipliers=(1,), **FLOAT | {"filters_per_row": 16},
    ),
    ArrayConfig(
        name="an outlet a lane", lanes=4, rows=3, depth=128, drain_width=4, max_shift=1,
        codes_per_word=1, code_depth=16, max_runs=8, multipliers=(3, 1), **FLOAT,
    ),
)  # fmt: skip

SHAPES = (
    ConvShape(cin=5, cout=19, kernel=3, padding=1, height=7, width=9),
    ConvShape(cin=16, cout=9, kernel=1, height=5, width=7),
    ConvShape(cin=3, cout=5, kernel=7, stride=2, padding=3, height=12, width=12),
    ConvShape(cin=2, cout=8, kernel=3, dilation=2, padding=2, height=6, width=7),
    ConvShape(cin=1, cout=40, kernel=1, height=5, width=6),
)

WIDE = ArrayConfig(
    name="wide floats", lanes=8, rows=2, depth=3072, lane_groups=2, drain_width=2,
    codes_per_word=1, code_depth=1024, multipliers=(4,), **FLOAT,
)  # fmt: skip
"""Takes every layer of R-FCN with all its channels."""


def check(layer, image, config: ArrayConfig, *, engine: Engine = QUICK, stalls: float = 0.0):
    """Simulate; every bit must be right, and without stalls every cycle."""
    program = compile_layer(layer, config)
    result = simulate(
        program, image, harness=build_harness(config, engine=engine), seed=1, stalls=stalls
    )
    assert result.bit_exact, result.mismatch
    assert result.outputs.dtype == np.float32
    if not stalls:
        check_cycles(program, result)
    return result


def long(config: ArrayConfig, shape: ConvShape) -> bool:
    """Whether the pair takes long: the undilated 3x3 layer, but for one array, and the 7x7 one."""
    return shape.kernel[0] == 7 or (shape.padding[0] == 1 and config != ARRAYS[1])


@pytest.mark.parametrize(
    ("config", "shape"),
    [
        pytest.param(
            config,
            shape,
            marks=[pytest.mark.slow] * long(config, shape),
            id=f"{config.name.replace(' ', '-')}-{shape.kernel[0]}x{shape.kernel[1]} {shape.cin}",
        )
        for config in ARRAYS
        for shape in SHAPES
    ],
)
def test_layers_are_exact(config, shape):
    """With stalls for every other pair of an array and a layer."""
    layer, image = random_layer(shape, seed=3, relu=shape.cin % 2 == 1)
    pair = ARRAYS.index(config) + SHAPES.index(shape)
    check(layer, image, config, stalls=0.4 * (pair % 2))


@pytest.mark.parametrize("seed", [3, *(pytest.param(n, marks=pytest.mark.slow) for n in range(3))])
def test_infinities_nan_zeros_and_tiny_numbers_are_exact(seed):
    layer, image = random_layer(SHAPES[seed], seed=seed, relu=seed == 1, special=True)
    result = check(layer, image, ARRAYS[0])
    assert np.isnan(result.outputs).any()
    assert not np.isnan(result.outputs).all()


@needs_icarus
@pytest.mark.slow
def test_both_engines_agree():
    layer, image = random_layer(SHAPES[0], seed=5)
    cycles = {check(layer, image, ARRAYS[0], engine=engine).cycles for engine in Engine}
    assert len(cycles) == 1


def test_a_product_a_cycle_in_every_lane():
    """But for the start and the end of a tile, an interleaved row never waits."""
    shape = ConvShape(cin=30, cout=16, kernel=1, height=4, width=8)
    layer, image = random_layer(shape, seed=1)
    config = ARRAYS[0]
    result = check(layer, image, config)
    program = compile_layer(layer, config)
    (tile,) = program.tiles
    products = tile.passes * shape.weights // config.rows
    assert program.lane_packing == 1
    assert products < result.cycles < products + 100


R_FCN = (
    "conv1", "res2a_branch2a", "res2b_branch2b", "res3a_branch1", "rpn_cls_score",
    "rpn_conv/3x3", "rfcn_bbox",
)  # fmt: skip


@pytest.mark.parametrize("name", R_FCN[:5])
def test_layers_of_the_network_are_exact(name):
    check_network_layer(name, outputs=(1, 3))


@pytest.mark.slow
@pytest.mark.parametrize("name", R_FCN)
def test_layers_of_the_network_are_exact_on_more_pixels(name):
    check_network_layer(name, outputs=(3, 9))


def check_network_layer(name: str, *, outputs: tuple[int, int]) -> None:
    """A layer with all its channels, cropped, with weights of a trained layer's distribution."""
    found = find_layer("rfcn-resnet50", name)
    stride = found.shape.stride[0]
    shape = found.shape.cropped((outputs[0] - 1) * stride + 1, outputs[1] * stride)
    work = create_workload(
        shape,
        table_3_2_weights(shape.weight_shape),
        signed_input=found.signed_input,
        signed_output=found.signed_output,
    )
    check(work.layer, work.image, WIDE, engine=Engine.VERILATOR)


def test_the_preset_for_tests_runs():
    layer, image = random_layer(SHAPES[3], seed=9)
    check(layer, image, preset("tiny-float32"))
