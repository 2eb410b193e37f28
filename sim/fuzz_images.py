"""Small networks that hostile command streams are made from."""

from dataclasses import dataclass

import numpy as np

from compiler.system.image import SystemImage
from compiler.system.lower import lower_network
from golden.activations import ActivationFormat
from golden.feature_map import FeatureMap
from golden.layer import QuantizedConv
from golden.network import INPUT, IntegerNetwork, IntegerNode
from golden.pooling import MaxPool
from golden.requantize import Requantization
from golden.shape import ConvShape
from params.system import SystemConfig

SIGNED, UNSIGNED = (ActivationFormat(bits=8, signed=signed) for signed in (True, False))


@dataclass(frozen=True, kw_only=True)
class GoodImage:
    """An image of memory, its input included, and what a run of it must give.

    Parameters
    ----------
    image : from the compiler.
    memory : at the start of a run.
    outputs : integers of the output maps by name.
    """

    image: SystemImage
    memory: bytes
    outputs: dict[str, np.ndarray]


def good_images(config: SystemConfig) -> list[GoodImage]:
    """Networks of one to three nodes that use all commands that the system has."""
    networks = [_network(1, ("convolution",)), _network(2, ("convolution", "pool"))]
    if config.array.residuals:
        networks.append(_network(3, ("convolution", "residual")))
    return [_good(network, config) for network in networks]


def _good(network: IntegerNetwork, config: SystemConfig) -> GoodImage:
    image = lower_network(network, config)
    pixels = np.random.default_rng(7).integers(-128, 128, network.input.shape)
    return GoodImage(
        image=image, memory=bytes(image.memory({INPUT: pixels})), outputs=network.run(pixels)
    )


def _network(seed: int, kinds: tuple[str, ...]) -> IntegerNetwork:
    """A network on an image of 6 x 7 pixels: nodes of the kinds, each behind the one before."""
    rng = np.random.default_rng(seed)
    source = image = FeatureMap(shape=(3, 6, 7), format=SIGNED, scale=1.0)
    nodes: list[IntegerNode] = []
    before = INPUT
    for number, kind in enumerate(kinds):
        name = f"{kind}_{number}"
        residual = None
        form = UNSIGNED
        if kind == "pool":
            layer = MaxPool(kernel=2, stride=2, ceil_mode=True)
            shape = (source.shape[0], *layer.output_size(*source.shape[1:]))
        else:
            if kind == "residual":
                # The sum is that of two maps, of which the second is the layer's own source.
                residual = before
            elif "residual" in kinds:
                form = SIGNED
            layer = _convolution(rng, source, form, residual=residual is not None)
            shape = layer.shape.output_shape
        nodes.append(
            IntegerNode(
                name=name, source=before, layer=layer, format=form, scale=1.0, residual=residual
            )
        )
        source = FeatureMap(shape=shape, format=form, scale=1.0)
        before = name
    return IntegerNetwork(net="fuzz", input=image, nodes=tuple(nodes), origin="random")


def _convolution(
    rng: np.random.Generator, source: FeatureMap, form: ActivationFormat, *, residual: bool
) -> QuantizedConv:
    """A layer of 5 channels with random weights whose outputs fill their format, about."""
    cin, height, width = source.shape
    kernel = 1 if residual else 3
    shape = ConvShape(
        cin=cin, cout=5, height=height, width=width, kernel=kernel, padding=kernel // 2
    )
    levels = 4
    size = (1, *shape.weight_shape)
    weights = (np.int64(1) << rng.integers(0, levels, size)) * rng.integers(-1, 2, size)
    reach = max(1, int(np.abs(weights).sum(axis=(0, 2, 3, 4)).max()))
    shift = 13 + reach.bit_length()
    return QuantizedConv(
        shape=shape,
        terms=weights,
        levels=levels,
        requantization=Requantization(
            multiplier=rng.integers(1 << 15, 1 << 16, 5),
            bias=rng.integers(-20, 80, 5) << shift,
            shift=np.full(5, shift),
            low=form.low,
            high=form.high,
            residual_multiplier=rng.integers(1 << 14, 1 << 16, 5) if residual else None,
        ),
        input_format=source.format,
        residual_format=SIGNED if residual else None,
    )
