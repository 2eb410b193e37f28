"""Every shape class of R-FCN with all its channels, on cropped images, bit for bit."""

import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from compiler import compile_layer
from golden.quantize import levels_of_bits, quantize
from golden.shape import ConvShape
from golden.synthetic import table_3_2_weights
from params import ArrayConfig, preset
from rfcn.layers import NamedLayer, layer_table
from sim.engine import Engine
from sim.simulate import build_harness, simulate
from sim.workload import create_workload
from tests.sim.layers import FLAT, NARROW, PAIRED, needs_icarus

BITS = (2, 5, 3, 6, 4)
"""In an order that gives the dense ones of a class with one layer to two filters per row."""

STALLS = (0.2, 0.5, 0.8)
"""Probabilities that a stream pauses, by turns."""

QUANTIZERS = {
    "two-term": {"method": "lbw", "terms": 2},
    "lbw": {"method": "lbw"},
    "exact": {"method": "exact"},
    "inq": {"method": "inq"},
    "per-channel": {"method": "exact", "per_channel": True},
    "sparse": {"method": "exact", "sparsity": 0.5},
}
"""Settings of `quantize`: every method, and every option that changes what the array sees."""


def distinct_layers() -> tuple[NamedLayer, ...]:
    """The layers of all networks that differ in more than the image's size, lightest first."""
    layers = {}
    for net in ("rfcn-resnet50", "rfcn-resnet101"):
        for layer in layer_table(net):
            shape = layer.shape
            key = (shape.weight_shape, shape.stride, shape.dilation, shape.padding)
            layers.setdefault((*key, layer.signed_input, layer.signed_output), layer)
    return tuple(sorted(layers.values(), key=lambda layer: layer.shape.weights))


def kind(layer: NamedLayer) -> str:
    """The class of a layer that is looked at with all bit-widths, even if no other is like it."""
    shape = layer.shape
    words = [f"{shape.kernel[0]}x{shape.kernel[1]}"]
    words += [f"/{shape.stride[0]}"] if shape.stride != (1, 1) else []
    words += [f"dilation {shape.dilation[0]}"] if shape.dilation != (1, 1) else []
    if shape.taps == max(other.shape.taps for other in LAYERS):
        words.append(f"{shape.cin} inputs")
    if shape.cout % 16 and shape.cout > 256:
        words.append(f"{shape.cout} outputs")
    return " ".join(words)


LAYERS = distinct_layers()

BOARDS = ("ulx3s", "ulx3s-dense", "large")
"""Presets of arrays for boards."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A layer, how it is quantized, and what it runs on.

    Parameters
    ----------
    outputs : height and width of the output image; as small as makes sense when None.
    """

    layer: NamedLayer
    bits: int
    quantizer: str
    config: ArrayConfig
    engine: Engine = Engine.VERILATOR
    outputs: tuple[int, int] | None = None

    def __str__(self) -> str:
        """Name of the test."""
        name = self.layer.name.replace("/", "-")
        return f"{name}-{self.bits}bit-{self.quantizer}-{self.config.name}"

    @property
    def shape(self) -> ConvShape:
        """The layer on a small image; also on the smallest every weight meets a pixel."""
        shape = self.layer.shape
        if self.outputs is not None:
            height, width = self.outputs
        else:
            height = max(2, 1 - (-shape.padding[0] // shape.stride[0]))
            width = height + (shape.kernel == (1, 1))
        return shape.cropped((height - 1) * shape.stride[0] + 1, width * shape.stride[1])


def fits(quantizer: str, bits: int, config: ArrayConfig) -> bool:
    """Whether the array has enough levels; a second term reaches below the first."""
    levels = levels_of_bits(bits)
    return config.levels >= (levels + 4 if quantizer == "two-term" else levels)


def outputs_for(layer: NamedLayer) -> tuple[int, int] | None:
    """More outputs for layers that take few cycles."""
    return (5, 7) if layer.shape.weights < 1 << 16 else None


def spread() -> list[Point]:
    """Each layer on both arrays, each class with all bits, all bits with all quantizers."""
    members = defaultdict(list)
    for layer in LAYERS:
        members[kind(layer)].append(layer)
    points, used = [], Counter()
    for name, layers in members.items():
        for n in range(max(2 * len(layers), len(BITS))):
            index, turn = n % len(layers), n // len(layers)
            layer = layers[index]
            config = (NARROW, PAIRED)[(index + turn) % 2]
            bits = min(BITS, key=lambda bits: (used[layer.name, bits], used[name, bits]))
            quantizer = min(
                (key for key in QUANTIZERS if fits(key, bits, config)),
                key=lambda key: (used[key, bits], used[key]),
            )
            used.update([(layer.name, bits), (name, bits), (quantizer, bits), quantizer])
            points.append(
                Point(
                    layer=layer, bits=bits, quantizer=quantizer, config=config,
                    outputs=outputs_for(layer),
                )
            )  # fmt: skip
    return points


def light() -> list[Point]:
    """The lightest layer with all bit-widths on Icarus, and the one with the largest kernel."""
    largest = max(LAYERS, key=lambda layer: layer.shape.kernel)
    points = []
    for layer, bits in [*product(LAYERS[:1], BITS), (largest, 4)]:
        quantizer = list(QUANTIZERS)[len(points)]
        points.append(
            Point(
                layer=layer, bits=bits, quantizer=quantizer, config=FLAT, engine=Engine.ICARUS
            )
        )  # fmt: skip
    return points


def heavy() -> list[Point]:
    """The other layers on Icarus, the heaviest only where most weights are zero."""
    points = []
    for layer in LAYERS:
        sparse = layer.shape.weights > 1 << 18
        for bits in BITS:
            if not sparse or bits < 5:
                points.append(
                    Point(
                        layer=layer, bits=bits, quantizer="lbw", config=FLAT, engine=Engine.ICARUS
                    )
                )  # fmt: skip
    return points


def complete() -> list[Point]:
    """Every layer with all bit-widths and quantizers."""
    points = []
    for n, (layer, bits, quantizer) in enumerate(product(LAYERS, BITS, QUANTIZERS)):
        config = PAIRED if n % 2 and fits(quantizer, bits, PAIRED) else NARROW
        points.append(
            Point(
                layer=layer, bits=bits, quantizer=quantizer, config=config,
                outputs=outputs_for(layer),
            )
        )  # fmt: skip
    return points


def presets() -> list[Point]:
    """Every layer with all bit-widths on the arrays for boards, on more pixels than lanes."""
    points = []
    for n, (name, layer, bits) in enumerate(product(BOARDS, LAYERS, BITS)):
        config = preset(name, levels=4 if bits <= 4 else 16)
        names = [key for key in QUANTIZERS if fits(key, bits, config)]
        quantizer = names[n % len(names)]
        points.append(
            Point(layer=layer, bits=bits, quantizer=quantizer, config=config, outputs=(9, 13))
        )
    return points


def check(point: Point) -> None:
    """Simulate the layer with random weights, image and stalls; compare every output."""
    layer, shape = point.layer, point.shape
    seed = zlib.crc32(str(point).encode())
    weights = quantize(
        table_3_2_weights(shape.weight_shape, seed=seed),
        bits=point.bits,
        **QUANTIZERS[point.quantizer],
    )
    workload = create_workload(
        shape,
        weights,
        signed_input=layer.signed_input,
        signed_output=layer.signed_output,
        seed=seed,
    )
    assert len(np.unique(workload.expected)) > 32
    stalls = STALLS[seed % len(STALLS)]
    result = simulate(
        compile_layer(workload.layer, point.config),
        workload.image,
        harness=build_harness(point.config, engine=point.engine),
        expected=workload.expected,
        seed=seed,
        stalls=stalls,
    )
    assert result.bit_exact, f"{result.mismatch} (seed {seed}, stalls {stalls})"


def test_the_spread_covers_every_combination():
    points = spread()
    arrays = {(point.layer.name, point.config.name) for point in points}
    assert arrays == set(product((layer.name for layer in LAYERS), ("narrow", "paired")))
    classes = {(kind(point.layer), point.bits) for point in points}
    assert classes == set(product(map(kind, LAYERS), BITS))
    quantized = {(point.bits, point.quantizer) for point in points}
    assert quantized == set(product(BITS, QUANTIZERS))


def test_the_classes_are_those_of_the_network():
    assert set(map(kind, LAYERS)) == {
        "1x1", "1x1 /2", "1x1 392 outputs", "1x1 1029 outputs", "3x3", "3x3 1024 inputs",
        "3x3 dilation 2", "7x7 /2",
    }  # fmt: skip


def spread_parameters() -> list:
    """The points of `spread`; of the layer with most weights only one is quick enough."""
    heaviest, quick = LAYERS[-1].name, {5}
    return [
        pytest.param(point, marks=[pytest.mark.slow])
        if point.layer.name == heaviest and point.bits not in quick
        else point
        for point in spread()
    ]


@pytest.mark.parametrize("point", spread_parameters(), ids=str)
def test_every_class_is_exact(point):
    check(point)


@needs_icarus
@pytest.mark.parametrize("point", light(), ids=str)
def test_light_layers_are_exact_on_icarus(point):
    check(point)


@pytest.mark.slow
@needs_icarus
@pytest.mark.parametrize("point", heavy(), ids=str)
def test_heavy_layers_are_exact_on_icarus(point):
    check(point)


@pytest.mark.slow
@pytest.mark.parametrize("point", complete(), ids=str)
def test_every_combination_is_exact(point):
    check(point)


@pytest.mark.slow
@pytest.mark.parametrize("point", presets(), ids=str)
def test_every_class_is_exact_on_the_arrays_for_boards(point):
    check(point)
