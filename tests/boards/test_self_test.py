# pyright: reportAttributeAccessIssue=false
"""Arrays that try themselves on a layer that is built in."""

import dataclasses

import pytest
from amaranth.sim import Simulator

from boards.catalogue import BOARDS
from boards.self_test import built_in_script
from compiler.errors import FitError
from hw.board.self_test import SelfTest
from params import ArrayConfig, preset

ICEBREAKER = BOARDS["icebreaker"].self_test
CONFIGS = {
    "icebreaker": ICEBREAKER,
    "tiny": preset("tiny"),
    "two-filters": ArrayConfig(
        lanes=6, rows=1, filters_per_row=2, levels=8, depth=64, drain_width=2, mask_bits=12,
        mask_depth=8, code_depth=32,
    ),
}  # fmt: skip
ROUND = 3000
"""Cycles in which every one of them is through."""


def verdicts(config, script, rounds=1):
    """(passed, failed) after each round of at most `ROUND` cycles."""
    component = SelfTest(config, script)
    seen = []

    async def bench(context):
        for _ in range(rounds):
            await context.tick().repeat(ROUND)
            seen.append((context.get(component.passed), context.get(component.failed)))

    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return seen


@pytest.mark.parametrize("name", CONFIGS)
def test_an_array_passes_again_and_again(name):
    config = CONFIGS[name]
    assert verdicts(config, built_in_script(config), rounds=2) == [(1, 0), (1, 0)]


def test_it_has_not_passed_before_it_has_run():
    component = SelfTest(ICEBREAKER, built_in_script(ICEBREAKER))
    seen = []

    async def bench(context):
        for _ in range(ROUND):
            await context.tick()
            seen.append(context.get(component.passed))

    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    first = seen.index(1)
    assert first > 50
    assert all(seen[first:])


@pytest.mark.parametrize("row_bit", [0, -1])
def test_a_wrong_output_is_seen_and_remembered(row_bit):
    script = built_in_script(ICEBREAKER)
    (outputs,) = script.outputs
    value, counts = outputs[row_bit]
    planted = [*outputs]
    planted[row_bit] = value ^ (counts & -counts), counts
    broken = dataclasses.replace(script, outputs=[planted])
    assert verdicts(ICEBREAKER, broken, rounds=2) == [(0, 1), (0, 1)]


@pytest.mark.parametrize("change", ["missing", "too many"])
def test_outputs_that_are_missing_or_too_many_are_seen(change):
    script = built_in_script(ICEBREAKER)
    (outputs,) = script.outputs
    other = outputs[:-1] if change == "too many" else [*outputs, (0, 0)]
    broken = dataclasses.replace(script, outputs=[other])
    assert verdicts(ICEBREAKER, broken) == [(0, 1)]


def test_a_weight_that_is_lost_is_seen():
    script = built_in_script(ICEBREAKER)
    ((codes,),) = script.codes
    broken = dataclasses.replace(script, codes=[[[codes[0] ^ 1, *codes[1:]]]])
    assert verdicts(ICEBREAKER, broken) == [(0, 1)]


def test_an_array_without_room_for_the_layer_is_told():
    small = dataclasses.replace(ICEBREAKER, depth=8)
    with pytest.raises(FitError):
        built_in_script(small)
