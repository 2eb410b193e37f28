import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.stream import decode, encode
from params import layouts, packing, preset

TINY = preset("tiny")


def config_for(filters, levels, mask_bits=8, codes_per_word=4):
    return dataclasses.replace(
        TINY,
        filters_per_row=filters,
        levels=levels,
        accumulator_bits=None,
        mask_bits=mask_bits,
        codes_per_word=codes_per_word,
    )


@given(
    filters=st.integers(1, 3),
    levels=st.sampled_from([1, 2, 4, 7, 16]),
    mask_bits=st.sampled_from([2, 7, 32, 64]),
    codes_per_word=st.integers(1, 9),
    count=st.integers(0, 4),
    runs=st.integers(1, 3),
    length=st.integers(1, 70),
    density=st.sampled_from([0.0, 0.02, 0.3, 1.0]),
    seed=st.integers(0, 1 << 32),
)
def test_round_trip(filters, levels, mask_bits, codes_per_word, count, runs, length, density, seed):
    rng = np.random.default_rng(seed)
    config = config_for(filters, levels, mask_bits, codes_per_word)
    shape = (count, filters, runs, length)
    weights = (np.int64(1) << rng.integers(0, levels, shape)) * rng.choice([-1, 1], shape)
    weights *= rng.random(shape) < density
    stream = encode(weights, config)
    assert (decode(stream, config, runs=runs, length=length) == weights).all()
    assert len(stream.masks) == stream.groups.sum()
    assert [len(words) for words in stream.codes] == stream.code_words.sum(axis=0).tolist()
    assert (stream.groups >= 1).all()
    assert (stream.steps == (weights != 0).any(axis=1).sum(axis=(1, 2))).all()


def test_words_of_a_filter():
    config = config_for(1, 4)
    weights = np.zeros((1, 1, 2, 10), dtype=np.int64)
    weights[0, 0, 0, [0, 9]] = [-8, 1]
    weights[0, 0, 1, [2, 3, 7]] = [2, 4, -1]
    stream = encode(weights, config)
    masks = packing.unpack(layouts.masks(config), stream.masks)[:, 0]
    # Each run of ten positions takes two words of eight; the last word is empty and left out.
    assert masks.tolist() == [0b1, 0b10, 0b1000_1100]
    codes = packing.unpack(layouts.codes(config), stream.codes[0])
    assert codes["sign"].tolist() == [[1, 0, 0, 0], [1, 0, 0, 0]]
    assert codes["exponent"].tolist() == [[3, 0, 1, 2], [0, 0, 0, 0]]
    assert stream.groups.tolist() == [3]
    assert stream.code_words.tolist() == [[2]]
    assert stream.steps.tolist() == [5]


def test_all_zero_filters_have_one_mask_word_and_no_codes():
    config = config_for(2, 4)
    stream = encode(np.zeros((3, 2, 2, 40), dtype=np.int64), config)
    assert stream.groups.tolist() == [1, 1, 1]
    assert stream.code_words.tolist() == [[0, 0]] * 3
    assert not stream.masks.any()


def test_empty_words_inside_and_in_the_partner_stay():
    config = config_for(2, 4)
    weights = np.zeros((1, 2, 1, 32), dtype=np.int64)
    weights[0, 0, 0, 0] = 1
    weights[0, 1, 0, 17] = -2
    stream = encode(weights, config)
    masks = packing.unpack(layouts.masks(config), stream.masks)
    assert masks.tolist() == [[1, 0], [0, 0], [0, 2]]
    assert stream.steps.tolist() == [2]


def test_a_weight_beyond_the_levels_does_not_pack():
    with pytest.raises(packing.PackingError, match="exponent"):
        encode(np.full((1, 1, 1, 1), 16), config_for(1, 4))
