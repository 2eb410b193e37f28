"""Random layers on a small array: any kernel, stride, dilation, padding and activation format."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compiler import FitError, compile_layer
from params import preset
from sim.engine import Engine
from tests.sim.layers import Case, needs_icarus, run_case
from tests.sim.strategies import cases

TINY = preset("tiny")

STALLS = st.sampled_from((0, 0.1, 0.5))


def check(case: Case, engine: Engine, seed: int, stalls: float) -> None:
    try:
        program = compile_layer(case.layer, TINY)
    except FitError:
        assume(False)
        return
    run_case(case, TINY, engine=engine, program=program, seed=seed, stalls=stalls)


@given(case=cases(TINY), seed=st.integers(0, 1 << 16), stalls=STALLS)
@settings(max_examples=30)
def test_random_layers_are_exact(case, seed, stalls):
    check(case, Engine.VERILATOR, seed, stalls)


@pytest.mark.slow
@given(case=cases(TINY), seed=st.integers(0, 1 << 16), stalls=STALLS)
@settings(max_examples=500)
def test_many_random_layers_are_exact(case, seed, stalls):
    check(case, Engine.VERILATOR, seed, stalls)


@pytest.mark.slow
@needs_icarus
@given(case=cases(TINY), seed=st.integers(0, 1 << 16), stalls=STALLS)
@settings(max_examples=100)
def test_random_layers_are_exact_on_icarus(case, seed, stalls):
    check(case, Engine.ICARUS, seed, stalls)
