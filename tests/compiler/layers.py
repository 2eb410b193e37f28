"""Random layers and their outputs from naive loops."""

import numpy as np

from golden.activations import ActivationFormat
from golden.layer import QuantizedConv
from golden.requantize import Requantization
from golden.shape import ConvShape
from tests.golden import naive


def random_terms(rng, shape: ConvShape, *, levels: int, terms: int = 1, density: float = 0.5):
    """int64 (terms, cout, cin, kernel height, kernel width), 0 or +-2^e with e < levels."""
    size = (terms, *shape.weight_shape)
    magnitude = np.int64(1) << rng.integers(0, levels, size)
    return magnitude * rng.choice([-1, 1], size) * (rng.random(size) < density)


def make_layer(
    shape: ConvShape,
    terms: np.ndarray,
    *,
    rng=None,
    levels: int | None = None,
    signed_in: bool = False,
    signed_out: bool = True,
    bits: int = 8,
    **requantization,
) -> QuantizedConv:
    """A layer; without an `rng` its requantization keeps the low bits of the accumulator."""
    output = ActivationFormat(bits=bits, signed=signed_out)
    channels = shape.cout
    fields = {
        "multiplier": np.ones(channels, dtype=np.int64),
        "bias": np.zeros(channels, dtype=np.int64),
        "shift": np.zeros(channels, dtype=np.int64),
    }
    if rng is not None:
        shift = rng.integers(0, 6, channels)
        fields["multiplier"] = rng.integers(0, 1 << 16, channels)
        fields["shift"] = shift + 14
        fields["bias"] = rng.integers(-64, 64, channels) << shift + 13
    fields.update(requantization)
    if levels is None:
        levels = int(np.abs(terms).max(initial=1)).bit_length()
    return QuantizedConv(
        shape=shape,
        terms=terms,
        levels=levels,
        requantization=Requantization(low=output.low, high=output.high, **fields),
        input_format=ActivationFormat(bits=bits, signed=signed_in),
    )


def random_image(rng, layer: QuantizedConv) -> np.ndarray:
    """int64 (cin, height, width) over the whole range of the input format."""
    low, high = layer.input_format.low, layer.input_format.high
    shape = layer.shape
    return rng.integers(low, high + 1, (shape.cin, shape.height, shape.width))


def naive_accumulators(layer: QuantizedConv, image: np.ndarray) -> np.ndarray:
    """The convolution, output by output and tap by tap."""
    shape = layer.shape
    weights = layer.terms.sum(axis=0)
    out = np.zeros((shape.cout, shape.out_height, shape.out_width), dtype=np.int64)
    for oy in range(shape.out_height):
        for ox in range(shape.out_width):
            for ky in range(shape.kernel[0]):
                for kx in range(shape.kernel[1]):
                    y = oy * shape.stride[0] + ky * shape.dilation[0] - shape.padding[0]
                    x = ox * shape.stride[1] + kx * shape.dilation[1] - shape.padding[1]
                    if 0 <= y < shape.height and 0 <= x < shape.width:
                        out[:, oy, ox] += weights[:, :, ky, kx] @ image[:, y, x]
    return out


def naive_forward(
    layer: QuantizedConv, image: np.ndarray, residual: np.ndarray | None = None
) -> np.ndarray:
    """Outputs with Python's integers: scale, add, round to nearest with ties up, clamp."""
    sums = naive_accumulators(layer, image)
    rule = layer.requantization
    out = np.zeros_like(sums)
    for channel, y, x in np.ndindex(*sums.shape):
        added = ()
        if residual is not None:
            added = residual[channel, y, x], rule.residual_multiplier[channel]
        out[channel, y, x] = naive.requantize(
            sums[channel, y, x], rule.multiplier[channel], rule.bias[channel],
            rule.shift[channel], rule.low, rule.high, *added,
        )  # fmt: skip
    return out
