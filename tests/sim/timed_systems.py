"""Small systems and networks whose cycles are compared with the RTL's."""

import dataclasses

import numpy as np

from golden.feature_map import FeatureMap
from golden.network import INPUT, IntegerNetwork, IntegerNode
from golden.pooling import MaxPool
from params import ArrayConfig, preset
from params.arithmetic import Arithmetic
from params.system import SystemConfig
from tests.golden.networks import SIGNED, UNSIGNED, convolution

TINY = SystemConfig(array=dataclasses.replace(preset("tiny"), name="tiny system"))

NARROW_BUS = SystemConfig(array=preset("tiny", levels=16), bus_bytes=2)

ODD = SystemConfig(
    array=ArrayConfig(
        name="odd system", lanes=15, rows=3, filters_per_row=2, levels=8, depth=200, lane_groups=3,
        drain_width=3, mask_bits=8, codes_per_word=3, mask_depth=32, code_depth=64, residuals=True,
    ),
    bus_bytes=64,
)  # fmt: skip

SCARCE = SystemConfig(
    array=ArrayConfig(
        name="scarce system", lanes=12, rows=4, depth=400, lane_groups=3, drain_width=3,
        mask_depth=16, code_depth=24, residuals=True,
    ),
    bus_bytes=8, burst_beats=4, buffered_beats=8, pieces=64,
)  # fmt: skip
"""Small buffers and short bursts: units wait for memory, and rows for weights."""

SINGLE = SystemConfig(
    array=ArrayConfig(
        name="single row", lanes=16, rows=1, filters_per_row=3, depth=320, lane_groups=2,
        drain_width=4, mask_bits=16, residuals=True,
    ),
    bus_bytes=4,
)  # fmt: skip

DENSE = SystemConfig(
    array=ArrayConfig(
        name="dense system", arithmetic=Arithmetic.INT8, lanes=10, rows=3, filters_per_row=2,
        depth=256, lane_groups=2, drain_width=2, mask_depth=64, code_depth=128, multipliers=(0,),
        residuals=True,
    ),
    bus_bytes=32,
)  # fmt: skip


def varied_network(seed: int) -> IntegerNetwork:
    """Convolutions and max-pools of shapes drawn by chance, with a residual of stride 2."""
    rng = np.random.default_rng(seed)
    height, width = (int(n) for n in rng.integers(10, 18, 2))
    image = FeatureMap(shape=(int(rng.integers(1, 4)), height, width), format=SIGNED, scale=1.0)
    maps, nodes = {INPUT: image}, []

    def add(name, source, layer, residual=None):
        pool = isinstance(layer, MaxPool)
        relu = maps[source].format == UNSIGNED if pool else layer.requantization.low == 0
        scale = maps[source].scale if pool else 0.5 + 0.125 * len(nodes)
        node = IntegerNode(
            name=name, source=source, layer=layer, format=UNSIGNED if relu else SIGNED,
            scale=scale, residual=residual,
        )  # fmt: skip
        nodes.append(node)
        channels, *size = maps[source].shape
        shape = (channels, *layer.output_size(*size)) if pool else layer.shape.output_shape
        maps[name] = FeatureMap(shape=shape, format=node.format, scale=scale)

    def conv(source, cout, **shape):
        return convolution(rng, maps[source], cout, **shape)

    couts = [int(n) for n in rng.integers(3, 14, 4)]
    kernel = int(rng.choice([3, 5]))
    add("stem", INPUT, conv(INPUT, couts[0], kernel=kernel, padding=kernel // 2, stride=1))
    pooled = int(rng.choice([2, 3]))
    add("pool", "stem", MaxPool(kernel=pooled, stride=int(rng.integers(1, 3)), padding=pooled // 2))
    add("short", "pool", conv("pool", couts[1], kernel=1, stride=2, relu=False))
    add("left", "pool", conv("pool", couts[2], kernel=1))
    add(
        "sum", "left",
        conv("left", couts[1], kernel=3, padding=1, stride=2, residual=True), "short",
    )  # fmt: skip
    add("wide", "sum", conv("sum", couts[3], kernel=3, padding=2, dilation=2))
    add("out", "wide", conv("wide", 5, kernel=1, relu=False))
    return IntegerNetwork(
        net="varied", input=image, nodes=tuple(nodes), quantization={"bits": 4}, origin="random"
    )
