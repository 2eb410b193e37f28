import dataclasses
from math import prod

import numpy as np
import pytest

from compiler import compile_layer
from compiler.cycles import count_cycles
from compiler.figures import LayerFigures, layer_figures
from golden.shape import ConvShape
from params import preset
from tests.compiler.layers import make_layer, random_terms

TINY = preset("tiny")


@pytest.mark.parametrize("filters", [1, 2])
@pytest.mark.parametrize("density", [0.0, 0.05, 0.5, 1.0])
def test_figures_are_those_of_the_program(filters, density):
    rng = np.random.default_rng(7)
    config = dataclasses.replace(TINY, filters_per_row=filters)
    shape = ConvShape(cin=9, cout=7, kernel=3, padding=1, height=8, width=11)
    layer = make_layer(shape, random_terms(rng, shape, levels=4, density=density), rng=rng)
    program = compile_layer(layer, config)
    count = count_cycles(program)
    got = layer_figures(shape, layer.terms != 0, config)
    assert (got.cycles, got.load_cycles) == (count.cycles, count.load_cycles)
    assert got.nonzeros == np.count_nonzero(layer.terms)
    assert got.lower_bound_cycles == program.lower_bound_cycles
    assert (got.tiles, got.passes) == (len(program.tiles), program.passes)
    assert got.weight_bytes * got.tiles == program.weight_bytes
    outputs = shape.cout * shape.out_pixels
    assert got.traffic_bytes == program.weight_bytes + program.load_words * config.lanes + outputs


@pytest.mark.parametrize("filters", [1, 2])
@pytest.mark.parametrize("cout", [1, 5, 18])
@pytest.mark.parametrize("density", [0.02, 0.3, 0.9])
def test_losses_multiply_to_the_utilisation(filters, cout, density):
    rng = np.random.default_rng(cout)
    config = dataclasses.replace(TINY, filters_per_row=filters)
    shape = ConvShape(cin=13, cout=cout, kernel=3, padding=1, height=7, width=10)
    support = rng.random((1, *shape.weight_shape)) < density
    figures = layer_figures(shape, support, config)
    factors = dataclasses.astuple(figures.losses)
    assert all(0 < factor <= 1 for factor in factors)
    useful = figures.nonzeros * shape.out_pixels / config.processing_elements
    assert prod(factors) == pytest.approx(useful / figures.cycles)


def test_what_is_lost_to_what():
    support = np.ones((1, 3, 32, 1, 1), dtype=bool)
    shape = ConvShape(cin=32, cout=3, kernel=1, height=3, width=4)
    losses = layer_figures(shape, support, TINY).losses
    # 12 pixels in two passes of 8 lanes, two filters on one row and one on the other.
    assert (losses.lanes, losses.pairing, losses.drain, losses.rows) == (0.75, 1, 1, 0.75)
    paired = dataclasses.replace(TINY, filters_per_row=2)
    # A filter without a partner.
    assert layer_figures(shape, support, paired).losses.pairing == 0.75
    support[:, :, 2:] = False
    # Two steps in the four cycles in which the outputs of a filter leave.
    assert layer_figures(shape, support, TINY).losses.drain == 0.5


def test_totals():
    rng = np.random.default_rng(9)
    layers = []
    for cout, density in ((5, 0.02), (18, 0.6), (3, 0.0)):
        shape = ConvShape(cin=13, cout=cout, kernel=3, padding=1, height=7, width=10)
        layers.append(layer_figures(shape, rng.random((1, *shape.weight_shape)) < density, TINY))
    total = LayerFigures.total(layers)
    for field in ("cycles", "load_cycles", "nonzeros", "lower_bound_cycles", "traffic_bytes"):
        assert getattr(total, field) == sum(getattr(layer, field) for layer in layers)
    useful = sum(prod(dataclasses.astuple(layer.losses)) * layer.cycles for layer in layers)
    assert prod(dataclasses.astuple(total.losses)) == pytest.approx(useful / total.cycles)
    assert LayerFigures.total(layers[:1]).losses.lanes == pytest.approx(layers[0].losses.lanes)
    assert LayerFigures.total(layers[2:]).utilisation == 0
