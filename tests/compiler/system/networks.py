"""Networks of one or two random layers, and images of memory that are run in several ways."""

import dataclasses

import numpy as np

from compiler.system.image import SystemImage
from compiler.system.interpreter import run_concurrently, run_in_order
from compiler.system.map_place import to_raw
from golden.activations import ActivationFormat
from golden.feature_map import FeatureMap
from golden.layer import QuantizedConv
from golden.network import INPUT, IntegerNetwork, IntegerNode
from golden.pooling import MaxPool
from golden.shape import ConvShape
from tests.compiler.layers import make_layer, random_terms


def conv_network(
    rng, shape: ConvShape, *, levels: int = 4, residual: bool = False, bits: int = 8, **options
) -> IntegerNetwork:
    """A convolution `out`; with a residual, a second one `added` that is added to its sums."""
    layer = make_layer(
        shape, random_terms(rng, shape, levels=levels), rng=rng, levels=levels, bits=bits, **options
    )
    form = ActivationFormat(bits=bits, signed=layer.requantization.low < 0)
    image = FeatureMap(shape=shape.input_shape, format=layer.input_format, scale=1.0)
    nodes = []
    if residual:
        nodes.append(IntegerNode(name="added", source=INPUT, layer=layer, format=form, scale=1.0))
        layer = _adding(rng, layer, form, levels=levels)
    nodes.append(
        IntegerNode(
            name="out", source=INPUT, layer=layer, format=form, scale=1.0,
            residual="added" if residual else None,
        )
    )  # fmt: skip
    return IntegerNetwork(net="one layer", input=image, nodes=tuple(nodes))


def _adding(rng, layer: QuantizedConv, form: ActivationFormat, *, levels: int) -> QuantizedConv:
    """Another layer of the same shape that adds a map of format `form`."""
    multiplier = rng.integers(1 << 13, 1 << 16, layer.shape.cout)
    return dataclasses.replace(
        layer,
        terms=random_terms(rng, layer.shape, levels=levels),
        requantization=dataclasses.replace(layer.requantization, residual_multiplier=multiplier),
        residual_format=form,
    )


def pool_network(pool: MaxPool, size: tuple[int, int, int], *, signed: bool) -> IntegerNetwork:
    """A max-pool `out`."""
    form = ActivationFormat(bits=8, signed=signed)
    image = FeatureMap(shape=size, format=form, scale=1.0)
    node = IntegerNode(name="out", source=INPUT, layer=pool, format=form, scale=1.0)
    return IntegerNetwork(net="one pool", input=image, nodes=(node,))


def random_pixels(rng, network: IntegerNetwork) -> np.ndarray:
    """Pixels over the whole range of the input."""
    form, shape = network.input.format, network.input.shape
    return rng.integers(form.low, form.high, shape, endpoint=True)


def check(network: IntegerNetwork, image: SystemImage, rng, *, seeds=(0, 1)) -> None:
    """Run an image in order and out of step; every map that is kept must be the golden model's.

    What memory holds where nothing was written is random.
    """
    pixels = random_pixels(rng, network)
    expected = network.run(pixels, [name for name, found in image.maps.items() if found.kept])
    runs = [lambda memory: run_in_order(image, memory)]
    for seed in seeds:
        for buffered in (True, False):

            def run(memory, seed=seed, buffered=buffered):
                run_concurrently(image, memory, seed=seed, queue=1 + seed % 4, buffered=buffered)

            runs.append(run)
    place, bits = image.maps[INPUT].place, image.config.array.activation_bits
    for run in runs:
        memory = image.memory()
        memory[: image.address] = rng.bytes(image.address)
        place.write(memory, to_raw(pixels, bits))
        run(memory)
        for name, values in expected.items():
            np.testing.assert_array_equal(image.read_map(memory, name), values, name)
        assert memory[image.address :] == image.contents.tobytes()
