"""Integer networks with synthetic weights: for measurements and tests without a checkpoint."""

import dataclasses

import numpy as np

from golden.activations import ActivationFormat
from golden.convolution import convolve
from golden.feature_map import FeatureMap
from golden.layer import QuantizedConv
from golden.network import INPUT, IntegerNetwork, IntegerNode
from golden.quantize import quantize
from golden.requantize import fit_requantization
from golden.synthetic import DESCRIPTION, TABLE_3_2
from golden.weights import integer_terms
from rfcn.dataflow import MAX_POOL, dataflow
from rfcn.layers import layer_table

FIT_SIZE = 64
"""Pixels of the side of the image that requantizations are fitted on."""


def synthetic_network(
    net: str,
    height: int | None = None,
    width: int | None = None,
    *,
    bits: int = 4,
    method: str = "lbw",
    activation_bits: int = 8,
    seed: int = 0,
) -> IntegerNetwork:
    """A network whose weights are `golden.synthetic.TABLE_3_2`'s.

    Requantizations spread every map over its format, as batch-norm would; they are fitted on a
    small random image. Residuals are added at about their own size. All scales are 1.

    Parameters
    ----------
    net : name of the network.
    height, width : pixels of the image, the network's usual ones when None.
    bits, method : of the weights, see `golden.quantize.quantize`.
    activation_bits : of all maps.
    seed : of weights, requantizations and the image they are fitted on.

    Raises
    ------
    NetworkError : no such network, or too small an image.
    QuantizationError, ActivationError : settings out of range.
    """
    image, table = layer_table(net, height, width)[0].shape, layer_table(net, FIT_SIZE, FIT_SIZE)
    rng = np.random.default_rng(seed)
    signed = ActivationFormat(bits=activation_bits, signed=True)
    unsigned = ActivationFormat(bits=activation_bits, signed=False)
    source = FeatureMap(shape=(3, FIT_SIZE, FIT_SIZE), format=signed, scale=1.0)
    formats = {INPUT: signed}
    maps = {INPUT: rng.integers(signed.low, signed.high, source.shape, endpoint=True)}
    nodes = []
    for number, step in enumerate(dataflow(table)):
        layer = step.layer
        if layer is None:
            formats[step.name] = formats[step.source]
            node = IntegerNode(
                name=step.name, source=step.source, layer=MAX_POOL,
                format=formats[step.name], scale=1.0,
            )  # fmt: skip
        else:
            weights = quantize(
                TABLE_3_2.weights(layer.shape.weight_shape, seed=seed + number),
                bits=bits, method=method,
            )  # fmt: skip
            terms, exponent, levels = integer_terms(weights)
            acc = convolve(maps[step.source], terms.sum(axis=0), layer.shape)
            formats[step.name] = unsigned if layer.relu else signed
            rule = fit_requantization(acc, formats[step.name], layer.relu, rng)
            if step.residual is not None:
                # About one step of the output for each step of the residual.
                multiplier = rng.integers(1 << 14, 1 << 16, rule.channels)
                rule = dataclasses.replace(rule, residual_multiplier=multiplier)
            node = IntegerNode(
                name=step.name,
                source=step.source,
                layer=QuantizedConv(
                    shape=layer.shape, terms=terms, levels=levels, requantization=rule,
                    input_format=formats[step.source],
                    residual_format=formats[step.residual] if step.residual else None,
                ),
                format=formats[step.name],
                scale=1.0,
                exponent=exponent,
                residual=step.residual,
            )  # fmt: skip
        maps[step.name] = node.evaluate(maps)
        nodes.append(node)
    network = IntegerNetwork(
        net=net,
        input=source,
        nodes=tuple(nodes),
        quantization={
            "weights": {"bits": bits, "method": method},
            "activations": {"bits": activation_bits, "method": "spread"},
        },
        origin=f"{DESCRIPTION}, seed {seed}",
    )
    return network.resized(image.height, image.width)
