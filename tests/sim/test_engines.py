"""Both engines run the same layers to the same outputs in the same cycles."""

import pytest

from golden.shape import ConvShape
from params import preset
from sim.engine import Engine
from tests.sim.layers import ENGINES, PAIRED, needs_icarus, random_case, run_case

CONFIGS = {config.name: config for config in (preset("tiny"), PAIRED)}

SHAPES = {
    "3x3": ConvShape(cin=5, cout=7, kernel=3, padding=1, height=9, width=9),
    "1x1": ConvShape(cin=33, cout=6, kernel=1, height=5, width=7),
    "7x7/2": ConvShape(cin=3, cout=4, kernel=7, stride=2, padding=3, height=11, width=13),
    "3x3 dilation 2": ConvShape(
        cin=2, cout=3, kernel=3, dilation=2, padding=2, height=6, width=7
    ),
}  # fmt: skip


@needs_icarus
@pytest.mark.parametrize("stalls", [0, 0.6])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("config", CONFIGS)
def test_engines_agree(config, shape, stalls):
    config = CONFIGS[config]
    case = random_case(SHAPES[shape], seed=int(10 * stalls), levels=config.levels)
    results = [run_case(case, config, engine=engine, seed=7, stalls=stalls) for engine in Engine]
    verilator, icarus = results
    assert verilator.cycles == icarus.cycles
    assert verilator.load_cycles == icarus.load_cycles


@pytest.mark.parametrize("engine", ENGINES)
def test_a_seed_repeats_its_stalls(engine):
    case = random_case(SHAPES["3x3"], seed=1, levels=4)
    config = CONFIGS["tiny"]
    runs = [run_case(case, config, engine=engine, seed=seed, stalls=0.6) for seed in (5, 5, 6)]
    cycles = [(run.cycles, run.load_cycles) for run in runs]
    assert cycles[0] == cycles[1]
    assert cycles[0] != cycles[2]


@pytest.mark.parametrize("engine", ENGINES)
def test_stalls_take_time(engine):
    case = random_case(SHAPES["1x1"], seed=2, levels=4)
    config = CONFIGS["tiny"]
    quick, slow = (
        run_case(case, config, engine=engine, seed=1, stalls=stalls) for stalls in (0, 0.9)
    )
    # A load moves one record a cycle, or one in ten cycles.
    assert slow.load_cycles == pytest.approx(10 * quick.load_cycles, rel=0.3)
    assert slow.cycles > 2 * quick.cycles
