import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compiler import FitError, compile_layer, decompile_weights, model
from golden.activations import ActivationError
from golden.shape import ConvShape, ShapeError
from params import ArrayConfig, layouts, packing, preset
from tests.compiler.layers import make_layer, naive_forward, random_image, random_terms

TINY = preset("tiny")


def compile_and_check(layer, config, rng):
    program = compile_layer(layer, config)
    check(program, rng)
    return program


def check(program, rng):
    """Execute on the functional model and compare with the naive loops."""
    layer = program.layer
    assert (decompile_weights(program) == layer.terms).all()
    image = random_image(rng, layer)
    got, expected = model.run(program, image), naive_forward(layer, image)
    wrong = np.argwhere(got != expected)
    assert not len(wrong), (tuple(wrong[0]), got[tuple(wrong[0])], expected[tuple(wrong[0])])


@st.composite
def array_configs(draw):
    drain_width = draw(st.sampled_from([1, 2, 4]))
    lanes = drain_width * draw(st.integers(1, 4))
    return ArrayConfig(
        lanes=lanes,
        rows=draw(st.integers(1, 4)),
        filters_per_row=draw(st.integers(1, 3)),
        levels=draw(st.sampled_from([1, 2, 4, 7])),
        depth=draw(st.sampled_from([64, 256])),
        drain_width=drain_width,
        max_shift=min(draw(st.sampled_from([0, 1, 3])), lanes - 1),
        mask_bits=draw(st.sampled_from([4, 8, 32])),
        codes_per_word=draw(st.sampled_from([1, 4, 8])),
        mask_depth=draw(st.sampled_from([4, 64])),
        code_depth=draw(st.sampled_from([4, 256])),
        max_runs=draw(st.sampled_from([4, 16])),
        max_passes=draw(st.sampled_from([2, 255])),
    )


@settings(deadline=None, max_examples=150)
@given(
    config=array_configs(),
    kernel=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    dilation=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.tuples(st.integers(0, 7), st.integers(0, 7)),
    size=st.tuples(st.integers(1, 12), st.integers(1, 16)),
    channels=st.tuples(st.integers(1, 5), st.integers(1, 7)),
    terms=st.sampled_from([1, 1, 2]),
    density=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    signed=st.tuples(st.booleans(), st.booleans()),
    seed=st.integers(0, 1 << 32),
)
def test_random_layers(
    config, kernel, stride, dilation, padding, size, channels, terms, density, signed, seed
):
    rng = np.random.default_rng(seed)
    try:
        shape = ConvShape(
            cin=channels[0], cout=channels[1], kernel=kernel, stride=stride, dilation=dilation,
            padding=padding, height=size[0], width=size[1],
        )  # fmt: skip
    except ShapeError:
        assume(False)
        return
    weights = random_terms(rng, shape, levels=config.levels, terms=terms, density=density)
    layer = make_layer(shape, weights, rng=rng, signed_in=signed[0], signed_out=signed[1])
    try:
        program = compile_layer(layer, config)
    except FitError:
        assume(False)
        return
    check(program, rng)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_kernels_and_strides(kernel, stride):
    rng = np.random.default_rng(10 * kernel + stride)
    shape = ConvShape(
        cin=3, cout=3, kernel=kernel, stride=stride, padding=kernel // 2, height=11, width=13
    )
    layer = make_layer(shape, random_terms(rng, shape, levels=4), rng=rng)
    compile_and_check(layer, TINY, rng)


@pytest.mark.parametrize("dilation", [1, 2, 3, 4])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_dilations_and_strides(dilation, stride):
    rng = np.random.default_rng(10 * dilation + stride)
    shape = ConvShape(
        cin=2, cout=3, kernel=3, stride=stride, dilation=dilation, padding=dilation,
        height=12, width=15,
    )  # fmt: skip
    layer = make_layer(shape, random_terms(rng, shape, levels=4), rng=rng)
    compile_and_check(layer, TINY, rng)


@pytest.mark.parametrize("filters", [1, 2, 3])
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("cout", [1, 2, 7])
def test_channels_that_do_not_fill_rows_or_groups(filters, rows, cout):
    rng = np.random.default_rng(cout)
    config = dataclasses.replace(TINY, rows=rows, filters_per_row=filters)
    shape = ConvShape(cin=3, cout=cout, kernel=3, padding=1, height=3, width=5)
    layer = make_layer(shape, random_terms(rng, shape, levels=4), rng=rng)
    program = compile_and_check(layer, config, rng)
    active = min(rows, -(-cout // filters))
    assert program.active_rows == tuple(range(active))
    command = packing.unpack(layouts.tile(config), program.command(0))
    assert command["rows"][0] == (1 << active) - 1


@pytest.mark.parametrize("density", [0.0, 1.0])
def test_single_output_pixel(density):
    rng = np.random.default_rng(0)
    shape = ConvShape(cin=5, cout=4, kernel=3, height=3, width=3)
    layer = make_layer(shape, random_terms(rng, shape, levels=4, density=density), rng=rng)
    program = compile_and_check(layer, TINY, rng)
    assert program.passes == 1


def test_two_terms_have_runs_of_their_own():
    rng = np.random.default_rng(3)
    shape = ConvShape(cin=3, cout=4, kernel=(2, 3), padding=1, height=6, width=9)
    layer = make_layer(shape, random_terms(rng, shape, levels=4, terms=2), rng=rng)
    program = compile_and_check(layer, TINY, rng)
    assert len(program.run_table()) == 2 * program.layout.shifts
    assert program.nonzeros == np.count_nonzero(layer.terms)


def test_filters_beyond_the_weight_buffer_are_streamed_pass_by_pass():
    rng = np.random.default_rng(4)
    shape = ConvShape(cin=8, cout=3, kernel=1, height=6, width=9)
    layer = make_layer(shape, random_terms(rng, shape, levels=4, density=1.0), rng=rng)
    kept = compile_and_check(layer, TINY, rng)
    assert max(tile.passes for tile in kept.tiles) > 1
    config = dataclasses.replace(TINY, code_depth=2, codes_per_word=3)
    streamed = compile_and_check(layer, config, rng)
    assert all(tile.passes == 1 for tile in streamed.tiles)
    assert streamed.weight_bytes > kept.weight_bytes


@pytest.mark.parametrize("sign", [1, -1])
def test_all_maximum(sign):
    shape = ConvShape(cin=28, cout=2, kernel=3, padding=1, height=5, width=5)
    layer = make_layer(
        shape,
        np.full((1, *shape.weight_shape), 8 * sign),
        multiplier=np.full(2, (1 << 16) - 1),
        shift=np.full(2, 28),
    )
    program = compile_layer(layer, dataclasses.replace(TINY, accumulator_bits=20))
    image = np.full((28, 5, 5), 255)
    assert (model.run(program, image) == naive_forward(layer, image)).all()


def test_statistics():
    shape = ConvShape(cin=32, cout=4, kernel=1, height=4, width=4)
    terms = np.zeros((1, *shape.weight_shape), dtype=np.int64)
    terms[0, :, :16] = -2
    program = compile_layer(make_layer(shape, terms), TINY)
    assert program.nonzeros == 64
    assert program.passes == 2
    assert program.lane_packing == 1
    # 64 nonzeros at 16 pixels over 8 lanes and 2 rows.
    assert program.lower_bound_cycles == 64
    assert program.ideal_cycles == 64
    assert program.load_words == 64
    # Per filter one mask word of 32 bits and two words of eight codes of three bits.
    assert program.bits_per_weight == pytest.approx((32 + 48) / 32)


def test_drains_limit_sparse_filters():
    shape = ConvShape(cin=4, cout=4, kernel=1, height=4, width=4)
    layer = make_layer(shape, np.ones((1, *shape.weight_shape), dtype=np.int64))
    config = dataclasses.replace(TINY, drain_width=1, lane_groups=1)
    assert compile_layer(layer, config).ideal_cycles == 2 * 2 * 8


def test_places_name_every_output_once():
    rng = np.random.default_rng(5)
    shape = ConvShape(cin=2, cout=5, kernel=3, padding=1, height=5, width=7)
    config = dataclasses.replace(TINY, filters_per_row=2)
    program = compile_layer(make_layer(shape, random_terms(rng, shape, levels=4)), config)
    found = []
    for tile in range(len(program.tiles)):
        for row in program.active_rows:
            channel, pixel = program.places(tile, row)
            assert ((channel < 0) == (pixel < 0)).all()
            used = pixel >= 0
            found += list(zip(channel[used], pixel[used], strict=True))
    assert sorted(found) == [(c, p) for c in range(5) for p in range(35)]


def test_raw_activations_are_masked_to_their_bits():
    shape = ConvShape(cin=1, cout=1, kernel=1, height=1, width=2)
    layer = make_layer(shape, np.ones((1, 1, 1, 1, 1), dtype=np.int64), signed_in=True, bits=4)
    config = dataclasses.replace(TINY, activation_bits=4, accumulator_bits=None)
    program = compile_layer(layer, config)
    words = program.activations(0, np.array([[[-1, 7]]], dtype=np.int8))
    assert words.tolist() == [[15, 7, 0, 0, 0, 0, 0, 0]]


def test_images_that_do_not_fit_the_layer_are_refused():
    shape = ConvShape(cin=2, cout=1, kernel=1, height=3, width=3)
    layer = make_layer(shape, np.ones((1, *shape.weight_shape), dtype=np.int64))
    program = compile_layer(layer, TINY)
    with pytest.raises(ShapeError, match=r"\(2, 3, 4\), but the layer takes \(2, 3, 3\)"):
        program.load(0, np.zeros((2, 3, 4), dtype=np.int64))
    with pytest.raises(ActivationError, match="unsigned 8-bit"):
        program.load(0, np.full((2, 3, 3), -1))
