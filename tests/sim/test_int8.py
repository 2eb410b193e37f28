"""The int8 array on R-FCN's layers with all their channels, bit for bit and cycle for cycle."""

import pytest

from compiler import FitError, compile_layer
from golden.quantize.int8 import quantize_int8
from golden.synthetic import table_3_2_weights
from params import ArrayConfig, preset
from params.arithmetic import Arithmetic
from rfcn.layers import find_layer
from sim.engine import Engine
from sim.simulate import build_harness, simulate
from sim.workload import create_workload
from tests.sim.layers import check_cycles

WIDE = ArrayConfig(
    name="wide int8", arithmetic=Arithmetic.INT8, lanes=8, rows=2, filters_per_row=2, depth=3072,
    lane_groups=2, drain_width=2, multipliers=(1, 0),
)  # fmt: skip
"""Takes every layer of R-FCN with all its channels."""

LAYERS = (
    "conv1", "res2a_branch2a", "res2b_branch2b", "res3a_branch1", "res5b_branch2b", "rpn_conv/3x3",
    "rpn_cls_score", "rfcn_bbox",
)  # fmt: skip


def workload(name: str, *, outputs: tuple[int, int]):
    """A layer cropped to `outputs`, its weights distributed like a trained layer's."""
    found = find_layer("rfcn-resnet50", name)
    stride = found.shape.stride[0]
    shape = found.shape.cropped((outputs[0] - 1) * stride + 1, outputs[1] * stride)
    weights, _ = quantize_int8(table_3_2_weights(shape.weight_shape))
    return create_workload(
        shape, weights, signed_input=found.signed_input, signed_output=found.signed_output
    )


@pytest.mark.parametrize(
    ("name", "stalls"), [(name, 0.3 * (number % 2)) for number, name in enumerate(LAYERS)]
)
def test_layers_of_the_network_are_exact(name, stalls):
    work = workload(name, outputs=(1, 4))
    program = compile_layer(work.layer, WIDE)
    result = simulate(
        program,
        work.image,
        harness=build_harness(WIDE, engine=Engine.VERILATOR),
        expected=work.expected,
        stalls=stalls,
    )
    assert result.bit_exact, result.mismatch
    if not stalls:
        check_cycles(program, result)


def test_weights_go_with_the_array():
    work = workload("res2a_branch2a", outputs=(1, 1))
    with pytest.raises(FitError, match="no sums of powers of two, but the array has no mult"):
        compile_layer(work.layer, preset("ulx3s"))
    with pytest.raises(FitError, match="the layer computes with integers, but the array with f"):
        compile_layer(work.layer, preset("ulx3s-float32"))
