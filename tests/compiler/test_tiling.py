import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.errors import FitError
from compiler.limits import Limits
from compiler.tiling import plan_tiles
from golden.shape import ConvShape, ShapeError
from params import preset
from rfcn.layers import layer_table

ULX3S = preset("ulx3s")
TINY = preset("tiny")


def pixels_of(plan):
    return np.concatenate([tile.pixels[tile.pixels >= 0] for tile in plan.tiles])


@settings(deadline=None)
@given(
    kernel=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    dilation=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.tuples(st.integers(0, 7), st.integers(0, 7)),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    cin=st.integers(1, 9),
    replay=st.booleans(),
)
def test_every_output_is_computed_once_and_tiles_fit(
    kernel, stride, dilation, padding, size, cin, replay
):
    try:
        shape = ConvShape(
            cin=cin, cout=1, kernel=kernel, stride=stride, dilation=dilation, padding=padding,
            height=size[0], width=size[1],
        )  # fmt: skip
        plan = plan_tiles(shape, TINY, replay=replay)
    except (ShapeError, FitError):
        return
    assert sorted(pixels_of(plan)) == list(range(shape.out_pixels))
    for tile in plan.tiles:
        assert 1 <= tile.passes <= (TINY.max_passes if replay else 1)
        assert plan.layout.words(tile.passes) <= TINY.depth
        assert tile.activations(plan.layout, np.zeros((cin, *size))).shape == (
            plan.layout.words(tile.passes),
            TINY.lanes,
        )
        # No pass is for nothing.
        assert (tile.pixels >= 0).any(axis=1).all()
    assert plan.lane_packing <= 1


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_pointwise_layers_fill_every_lane_but_the_last_passes(stride):
    shape = ConvShape(cin=64, cout=8, kernel=1, stride=stride, height=45, width=77)
    plan = plan_tiles(shape, ULX3S)
    assert plan.passes == -(-shape.out_pixels // ULX3S.lanes)
    assert plan.load_words == 64 * plan.passes


def test_neighbours_share_their_padding():
    # Two rows of 53 outputs, 0 x..x 0 y..y 0, are 109 lanes: one too many; of 52 they fit.
    def passes(width):
        shape = ConvShape(cin=1024, cout=8, kernel=3, padding=1, height=2, width=width)
        return plan_tiles(shape, ULX3S).passes

    assert passes(52) == 1
    assert passes(53) == 2


def test_long_kernels_lie_along_the_passes():
    shape = ConvShape(cin=8, cout=8, kernel=(1, 7), padding=(0, 3), height=54, width=60)
    plan = plan_tiles(shape, ULX3S)
    assert plan.layout.transposed
    assert plan.lane_packing == 1


def test_too_little_memory_is_refused_with_what_would_fit():
    shape = ConvShape(cin=100, cout=4, kernel=3, height=9, width=9)
    with pytest.raises(FitError, match=r"at least 300 words .* has 256; raise depth"):
        plan_tiles(shape, TINY)
    plan_tiles(shape, dataclasses.replace(TINY, depth=300))


def test_a_lack_of_lane_shifts_is_told():
    config = dataclasses.replace(TINY, max_shift=0, depth=64)
    shape = ConvShape(cin=16, cout=4, kernel=3, height=9, width=9)
    with pytest.raises(FitError, match=r"raise depth, or raise max_shift to 2, which takes 48"):
        plan_tiles(shape, config)
    plan_tiles(shape, dataclasses.replace(config, max_shift=2))
    plan_tiles(shape, dataclasses.replace(config, depth=144))


def test_a_lack_of_runs_is_told():
    config = dataclasses.replace(TINY, max_runs=2, depth=64)
    shape = ConvShape(cin=16, cout=4, kernel=3, height=9, width=9)
    with pytest.raises(FitError, match=r"or raise max_runs to 3, which takes 48 words"):
        plan_tiles(shape, config)
    plan_tiles(shape, dataclasses.replace(config, max_runs=3))
    with pytest.raises(FitError, match="needs at least 3 runs, but the array has 2"):
        plan_tiles(shape, config, terms=3)


def test_lane_packing_of_rfcn():
    layers = layer_table("rfcn-resnet50")
    packing = {shape: plan_tiles(shape, ULX3S).lane_packing for shape in {n.shape for n in layers}}
    assert min(packing.values()) >= 0.92
    dense = sum(layer.shape.macs for layer in layers)
    assert dense / sum(layer.shape.macs / packing[layer.shape] for layer in layers) >= 0.96


def test_limits_bound_depth_passes_and_direction():
    shape = ConvShape(cin=4, cout=4, kernel=(1, 5), padding=(0, 2), height=30, width=6)
    free = plan_tiles(shape, TINY)
    assert free.layout.transposed
    limits = Limits(depth=100, passes=3, transposed=False)
    plan = plan_tiles(shape, TINY, limits=limits)
    assert not plan.layout.transposed
    assert max(tile.passes for tile in plan.tiles) <= 3
    assert max(plan.layout.words(tile.passes) for tile in plan.tiles) <= 100
    with pytest.raises(FitError, match="needs an activation memory of at least 8 words"):
        plan_tiles(shape, TINY, limits=Limits(depth=3))
