"""Small integer networks, and any output of a node by loops."""

import numpy as np

from golden.activations import ActivationFormat
from golden.feature_map import FeatureMap
from golden.layer import QuantizedConv
from golden.network import INPUT, IntegerNetwork, IntegerNode
from golden.pooling import MaxPool
from golden.requantize import Requantization
from golden.shape import ConvShape
from tests.golden import naive

SIGNED, UNSIGNED = (ActivationFormat(bits=8, signed=signed) for signed in (True, False))


def convolution(
    rng, source: FeatureMap, cout: int, *, levels=4, terms=1, relu=True, residual=False, **shape
) -> QuantizedConv:
    """A layer with random weights whose outputs fill their format, about."""
    cin, height, width = source.shape
    of = ConvShape(cin=cin, cout=cout, height=height, width=width, **shape)
    size = (terms, *of.weight_shape)
    weights = (np.int64(1) << rng.integers(0, levels, size)) * rng.integers(-1, 2, size)
    reach = max(1, int(np.abs(weights).sum(axis=(0, 2, 3, 4)).max()))
    shift = 15 + reach.bit_length() - (2 if residual else 3)
    output = UNSIGNED if relu else SIGNED
    return QuantizedConv(
        shape=of,
        terms=weights,
        levels=levels,
        requantization=Requantization(
            multiplier=rng.integers(1 << 15, 1 << 16, cout),
            bias=rng.integers(-20, 80, cout) << shift,
            shift=np.full(cout, shift),
            low=output.low,
            high=output.high,
            residual_multiplier=rng.integers(1 << 14, 1 << 16, cout) if residual else None,
        ),
        input_format=source.format,
        residual_format=SIGNED if residual else None,
    )


def small_network(seed: int = 0, *, levels: int = 4, terms: int = 1) -> IntegerNetwork:
    """Three convolutions and a max-pool around a residual, on a 9x11 image."""
    rng = np.random.default_rng(seed)
    image = FeatureMap(shape=(3, 9, 11), format=SIGNED, scale=1.5)
    maps, nodes = {INPUT: image}, []
    kinds = {"levels": levels, "terms": terms}

    def add(name, source, layer, residual=None):
        relu = isinstance(layer, MaxPool) or layer.requantization.low == 0
        scale = maps[source].scale if isinstance(layer, MaxPool) else 0.5 + 0.125 * len(nodes)
        node = IntegerNode(
            name=name, source=source, layer=layer, format=UNSIGNED if relu else SIGNED,
            scale=scale, residual=residual,
        )  # fmt: skip
        nodes.append(node)
        size = maps[source].shape
        shape = (
            (size[0], *layer.output_size(*size[1:]))
            if isinstance(layer, MaxPool)
            else layer.shape.output_shape
        )
        maps[name] = FeatureMap(shape=shape, format=node.format, scale=scale)

    add("conv1", INPUT, convolution(rng, image, 6, kernel=3, padding=1, **kinds))
    add("pool1", "conv1", MaxPool(kernel=3, stride=2, ceil_mode=True))
    add("a/1", "pool1", convolution(rng, maps["pool1"], 8, kernel=1, relu=False, **kinds))
    last = convolution(
        rng, maps["pool1"], 8, kernel=3, padding=2, dilation=2, residual=True, **kinds
    )
    add("b", "pool1", last, "a/1")
    add("out", "b", convolution(rng, maps["b"], 5, kernel=1, relu=False, **kinds))
    return IntegerNetwork(
        net="small", input=image, nodes=tuple(nodes), quantization={"bits": 4}, origin="random"
    )


def naive_output(node: IntegerNode, maps, channel: int, y: int, x: int) -> int:
    """One output of a node from its sources' maps, in Python's integers."""
    source = maps[node.source]
    if isinstance(node.layer, MaxPool):
        kernel, stride, padding = node.layer.kernel, node.layer.stride, node.layer.padding
        rows, columns = (
            range(max(0, at * s - p), min(n, at * s - p + k))
            for at, s, p, k, n in zip(
                (y, x), stride, padding, kernel, source.shape[1:], strict=True
            )
        )
        return max(int(source[channel, row, column]) for row in rows for column in columns)
    shape, rule = node.layer.shape, node.layer.requantization
    weights = node.layer.terms[:, channel].sum(axis=0)
    total = 0
    for c, ky, kx in np.ndindex(*weights.shape):
        row = y * shape.stride[0] + ky * shape.dilation[0] - shape.padding[0]
        column = x * shape.stride[1] + kx * shape.dilation[1] - shape.padding[1]
        if 0 <= row < shape.height and 0 <= column < shape.width:
            total += int(weights[c, ky, kx]) * int(source[c, row, column])
    residual, multiplier = 0, 0
    if node.residual is not None:
        residual = maps[node.residual][channel, y, x]
        multiplier = rule.residual_multiplier[channel]
    return naive.requantize(
        total, rule.multiplier[channel], rule.bias[channel], rule.shift[channel],
        rule.low, rule.high, residual, multiplier,
    )  # fmt: skip
