"""The cycle model equals the RTL to the cycle, on R-FCN's layers with all their channels.

Other benches compare the two whenever they run without stalls, see `tests.sim.layers.run_case`.
"""

from itertools import product

import pytest

from compiler import compile_layer
from golden.quantize import levels_of_bits, quantize
from golden.synthetic import table_3_2_weights
from params import ArrayConfig, preset
from rfcn.layers import NamedLayer, layer_table
from sim.engine import Engine
from sim.simulate import build_harness, simulate
from sim.workload import create_workload
from tests.sim.layers import NARROW, PAIRED, check_cycles

NAMES = (
    "conv1", "res2a_branch1", "res2a_branch2a", "res2b_branch2a", "res2b_branch2b",
    "res2b_branch2c", "res3a_branch1", "res3a_branch2a", "res3b_branch2b", "res4a_branch2a",
    "res4b_branch2b", "res4b_branch2c", "res5a_branch2a", "res5b_branch2a", "res5b_branch2b",
    "rpn_conv/3x3", "rpn_cls_score", "rpn_bbox_pred", "rfcn_cls", "rfcn_bbox",
)  # fmt: skip

LAYERS = [layer for layer in layer_table("rfcn-resnet50") if layer.name in NAMES]

BITS = (2, 4, 6)


def check(layer: NamedLayer, bits: int, config: ArrayConfig, *, outputs: tuple[int, int]) -> None:
    """Simulate a layer cropped to `outputs` without stalls, and count."""
    height, width = outputs
    stride = layer.shape.stride[0]
    shape = layer.shape.cropped((height - 1) * stride + 1, width * stride)
    weights = quantize(table_3_2_weights(shape.weight_shape), bits=bits)
    work = create_workload(
        shape, weights, signed_input=layer.signed_input, signed_output=layer.signed_output
    )
    program = compile_layer(work.layer, config)
    result = simulate(
        program,
        work.image,
        harness=build_harness(config, engine=Engine.VERILATOR),
        expected=work.expected,
    )
    assert result.bit_exact, result.mismatch
    check_cycles(program, result)


@pytest.mark.parametrize(
    ("layer", "turn"),
    [(layer, n) for n, layer in enumerate(LAYERS)],
    ids=lambda x: str(getattr(x, "name", x)),
)
@pytest.mark.parametrize("config", [NARROW, PAIRED], ids=lambda config: config.name)
def test_layers_take_the_cycles_of_the_model(config, layer, turn):
    bits = BITS[(turn + (config is PAIRED)) % len(BITS)]
    check(layer, bits, config, outputs=(3, 5))


@pytest.mark.slow
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
@pytest.mark.parametrize(("name", "bits"), list(product(("ulx3s", "ulx3s-dense"), BITS)))
def test_layers_on_a_board_take_the_cycles_of_the_model(name, bits, layer):
    levels = max(levels_of_bits(bits), 1 if name == "ulx3s-dense" else 4)
    check(layer, bits, preset(name, levels=max(levels, 4)), outputs=(9, 25))
