"""The array's parameters: derived widths against counts by hand, and refusals."""

import dataclasses

import pytest

from params import PRESETS, ArrayConfig, preset
from params.arithmetic import Arithmetic
from params.config import ConfigError, worst_case_accumulator_bits


def array(**changes) -> ArrayConfig:
    return ArrayConfig(**{"lanes": 8, "rows": 2, "depth": 64, "drain_width": 2, **changes})


def signed_bits(value: int) -> int:
    """Narrowest signed integer that holds -value and value."""
    bits = 1
    while value > 2 ** (bits - 1) - 1:
        bits += 1
    return bits


@pytest.mark.parametrize("levels", [1, 2, 4, 7, 8, 16])
@pytest.mark.parametrize("activation_bits", [4, 8])
@pytest.mark.parametrize("taps", [1, 147, 9216])
def test_worst_case_accumulator(levels, activation_bits, taps):
    largest = sum([(2**activation_bits - 1) * 2 ** (levels - 1)] * taps)
    bits = worst_case_accumulator_bits(levels=levels, activation_bits=activation_bits, taps=taps)
    assert bits == signed_bits(largest)


@pytest.mark.parametrize(("levels", "bits"), [(4, 26), (8, 30), (16, 38)])
def test_accumulator_defaults_to_the_worst_case(levels, bits):
    assert array(levels=levels).accumulator_bits == bits
    assert array().with_levels(levels).accumulator_bits == bits
    assert preset("ulx3s", levels=levels).accumulator_bits == bits


def test_presets():
    sizes = {
        name: (config.lanes, config.rows, config.filters_per_row, config.levels)
        for name, config in PRESETS.items()
    }
    assert sizes == {
        "tiny": (8, 2, 1, 4),
        "ulx3s": (108, 2, 1, 4),
        "ulx3s-dense": (108, 2, 2, 16),
        "large": (256, 4, 1, 4),
        "small": (32, 2, 1, 4),
        "ulx3s-full": (72, 4, 1, 4),
        "ulx3s-dense-full": (80, 2, 3, 16),
        "tiny-int8": (8, 2, 1, 8),
        "tiny-float32": (4, 2, 8, 1),
        "ulx3s-int8": (72, 2, 3, 8),
        "ulx3s-float32": (20, 2, 16, 1),
    }
    assert all(name == config.name for name, config in PRESETS.items())
    assert preset("large") is preset("large", levels=4) is PRESETS["large"]
    assert preset("large").processing_elements == 1024
    assert preset("ulx3s-dense").processing_elements == 432
    assert preset("ulx3s-int8").processing_elements == 432
    # The filters of a float row take turns on its processing elements.
    assert preset("ulx3s-float32").processing_elements == 80


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"arithmetic": Arithmetic.INT8, "levels": 4}, "levels is 4, but must be .* in 8..8"),
        ({"arithmetic": Arithmetic.FLOAT32}, "filters_per_row is 1, but must be .* in 8..64"),
        (
            {"arithmetic": Arithmetic.FLOAT32, "filters_per_row": 12},
            "filters_per_row is 12, but must be a multiple of turns, which is 8",
        ),
        (
            {"arithmetic": Arithmetic.FLOAT32, "filters_per_row": 8, "accumulator_bits": 24},
            "accumulator_bits is 24",
        ),
        (
            {"arithmetic": Arithmetic.FLOAT32, "filters_per_row": 8, "activation_bits": 8},
            "activation_bits is 8, but must be an integer in 32..32",
        ),
        ({"arithmetic": Arithmetic.INT8, "multipliers": (2,)}, r"multipliers is \(2,\), .* 0 or 1"),
        ({"multipliers": (1,)}, "of shift has none"),
    ],
)
def test_the_fields_of_an_arithmetic_go_together(bad, message):
    with pytest.raises(ConfigError, match=message):
        array(**{"levels": None} | bad)


def test_only_shifts_have_a_choice_of_levels():
    with pytest.raises(ConfigError, match="tiny-int8 takes int8 weights"):
        preset("tiny-int8", levels=4)


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_lanes_split_evenly(config):
    assert config.lane_groups * config.lanes_per_group == config.lanes
    assert config.lane_groups * config.outlets_per_group == config.drain_width
    assert config.drain_width * config.lanes_per_outlet == config.lanes
    assert config.drain_words == config.lanes_per_outlet * config.filters_per_row


@pytest.mark.parametrize(
    ("levels", "exponent_bits"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (7, 3), (8, 3), (16, 4)]
)
def test_code_width(levels, exponent_bits):
    config = array(levels=levels)
    assert (config.exponent_bits, config.code_bits) == (exponent_bits, exponent_bits + 1)


def test_stream_lengths():
    config = array(depth=65, mask_bits=32, max_runs=2, codes_per_word=5)
    assert config.groups_per_run == 3
    assert config.max_groups == 6
    assert config.max_code_words == 39  # ceil(6 * 32 / 5)


def test_offset_holds_the_product():
    config = array()
    largest = 2 ** (config.accumulator_bits - 1) * (2**16 - 1)
    assert signed_bits(largest) <= config.offset_bits == config.max_right_shift


def test_frozen_and_keyword_only():
    with pytest.raises(dataclasses.FrozenInstanceError):
        array().lanes = 4  # type: ignore[misc]
    with pytest.raises(TypeError):
        ArrayConfig("name", 8)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lanes": 0}, "lanes is 0, but must be an integer in 1..4096"),
        ({"lanes": 8.0}, "lanes is 8.0, but"),
        ({"rows": True}, "rows is True, but"),
        ({"levels": 0}, "levels is 0, but must be an integer in 1..32"),
        ({"levels": "4"}, "levels is '4', but"),
        ({"levels": 30}, "levels is 30, whose worst case takes an accumulator of 52 bits"),
        ({"activation_bits": 9}, "activation_bits is 9, but must be an integer in 4..8"),
        ({"accumulator_bits": 11}, "accumulator_bits is 11, but must be an integer in 12..48"),
        ({"accumulator_bits": 49}, "accumulator_bits is 49, but"),
        ({"lane_groups": 3}, "lanes is 8, but must be a multiple of lane_groups, which is 3"),
        ({"drain_width": 3}, "lanes is 8, but must be a multiple of drain_width, which is 3"),
        ({"drain_width": 16}, "lanes is 8, but must be a multiple of drain_width, which is 16"),
        ({"lane_groups": 4}, "drain_width is 2, but must be a multiple of lane_groups"),
        ({"max_shift": 8}, "max_shift is 8, but a lane group has only 8 lanes"),
        (
            {"max_shift": 4, "lane_groups": 2},
            "max_shift is 4, but a lane group has only 4 lanes to shift over",
        ),
    ],
)
def test_refusals(changes, message):
    with pytest.raises(ConfigError) as caught:
        array(**changes)
    assert str(caught.value).startswith(message)


def test_explicit_accumulator_allows_more_levels():
    assert array(levels=30, accumulator_bits=48).accumulator_bits == 48


def test_unknown_preset_and_levels():
    with pytest.raises(ConfigError, match="'huge'; choose one of tiny, ulx3s, ulx3s-dense, large"):
        preset("huge")
    with pytest.raises(ConfigError, match="levels is 99"):
        preset("tiny", levels=99)
