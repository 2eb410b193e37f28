"""Arrays of all proportions, each with random layers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from params import ArrayConfig, preset
from params.arithmetic import Arithmetic
from sim.engine import Engine
from tests.sim.layers import QUICK, run_case
from tests.sim.strategies import arrays, fitting_case

LEVELS = (1, 2, 4, 8, 16)

ARRAYS = (
    ArrayConfig(
        name="one lane", lanes=1, rows=1, levels=2, depth=33, drain_width=1, max_shift=0,
        max_runs=8,
    ),
    ArrayConfig(
        name="odd", lanes=15, rows=3, levels=5, depth=100, lane_groups=3, drain_width=15,
        mask_bits=8, codes_per_word=1, residuals=True,
    ),
    ArrayConfig(
        name="three filters", lanes=6, rows=1, filters_per_row=3, levels=1, activation_bits=4,
        depth=96, drain_width=2, max_shift=0, mask_bits=16, codes_per_word=4, residuals=True,
    ),
    ArrayConfig(
        name="far shifts", lanes=16, rows=1, filters_per_row=2, levels=3, activation_bits=5,
        depth=80, lane_groups=2, drain_width=4, max_shift=7, mask_bits=64, codes_per_word=3,
    ),
    ArrayConfig(
        name="groups of a lane", lanes=8, rows=2, levels=7, depth=64, lane_groups=8,
        drain_width=8, max_shift=1, max_runs=2, max_passes=2,
    ),
    ArrayConfig(
        name="one outlet", lanes=12, rows=2, levels=4, depth=64, drain_width=1, max_shift=2,
        max_runs=3, max_passes=1, mask_bits=2, codes_per_word=32, residuals=True,
    ),
    ArrayConfig(
        name="short buffers", lanes=4, rows=5, levels=4, activation_bits=7, depth=128,
        lane_groups=2, drain_width=2, max_shift=1, mask_depth=2, code_depth=2,
    ),
    ArrayConfig(
        name="int8", arithmetic=Arithmetic.INT8, lanes=8, rows=2, depth=256, lane_groups=2,
        drain_width=2, multipliers=(1, 0),
    ),
    ArrayConfig(
        name="int8 pairs", arithmetic=Arithmetic.INT8, lanes=6, rows=2, filters_per_row=2,
        activation_bits=6, depth=256, lane_groups=2, drain_width=2, max_shift=2, mask_bits=8,
        codes_per_word=3, mask_depth=16, code_depth=40, residuals=True,
    ),
)  # fmt: skip


def check(config: ArrayConfig, seed: int, *, engine: Engine = QUICK) -> None:
    """A random layer, with stalls for three seeds in four."""
    case = fitting_case(config, seed)
    run_case(case, config, engine=engine, seed=seed, stalls=0.2 * (seed % 4))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("config", ARRAYS, ids=lambda config: config.name.replace(" ", "-"))
def test_arrays_are_exact(config, seed):
    check(config, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 30))
@pytest.mark.parametrize("config", ARRAYS, ids=lambda config: config.name.replace(" ", "-"))
def test_arrays_are_exact_with_many_layers(config, seed):
    check(config, seed)


@pytest.mark.parametrize("levels", LEVELS)
def test_all_levels_are_exact(levels):
    check(preset("tiny", levels=levels), levels)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("levels", LEVELS)
def test_all_levels_are_exact_on_verilator(levels, seed):
    check(preset("tiny", levels=levels), seed, engine=Engine.VERILATOR)


@pytest.mark.slow
@given(config=arrays(), seed=st.integers(0, 1 << 16))
@settings(max_examples=60)
def test_random_arrays_are_exact(config, seed):
    for n in range(4):
        check(config, seed + n)
