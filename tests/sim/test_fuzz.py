"""Hostile command streams never hang the system, nor lead it out of its window."""

from collections import Counter

import pytest

import hw.system.core
import hw.system.store_unit
import hw.system.system
from compiler.system.command import Command
from hw.system.core import Core
from hw.system.piece_table import PieceTable
from hw.system.read_master import ReadMaster
from hw.system.write_master import WriteMaster
from params.commands import COMMAND_BYTES, Fault, Opcode
from sim.fuzz_commands import LONGEST, pack, tamed, unpack
from sim.fuzz_maker import CONFIGS, CaseMaker
from sim.fuzz_run import GOOD_EVERY, build_fuzzed, fuzz
from tests.hw.mutants import mutant

SEED = 1


def check(outcomes, count):
    """Every case ran, none went wrong, and they reached the faults that there are."""
    assert [one for one in outcomes if one.problems] == []
    assert len(outcomes) == count
    assert sum(one.kind == "good" for one in outcomes) == count // GOOD_EVERY
    return Counter(one.fault for one in outcomes)


def test_hostile_streams():
    name = "residuals"
    ends = check(fuzz(build_fuzzed(name), name, seed=SEED, count=100), 100)
    assert {Fault.NONE, Fault.OPCODE, Fault.OPERAND, Fault.WINDOW, Fault.STALLED} <= set(ends)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 5000, 1000))
@pytest.mark.parametrize("name", CONFIGS)
def test_ten_thousand_hostile_streams(name, first):
    ends = check(fuzz(build_fuzzed(name), name, seed=SEED, first=first, count=1000), 1000)
    assert set(ends) == set(Fault)


FAULTS = {
    "reads go anywhere": (
        hw.system.core, ReadMaster, "placed.outside | self.stop", "self.stop", "outside",
    ),
    "writes go anywhere": (
        hw.system.core, WriteMaster, "placed.outside | self.stop", "self.stop", "outside",
    ),
    "nobody watches": (
        hw.system.system, Core, "quiet == config.patience, Fault",
        "quiet > config.patience, Fault", "not end",
    ),
    "a table has no end": (
        hw.system.store_unit, PieceTable, "last.eq(write.piece.last | final)",
        "last.eq(write.piece.last)", "not end",
    ),
    "the end is told before it": (
        hw.system.system, Core, "stopped & reads.idle & writes.idle", "stopped", "after the end",
    ),
}  # fmt: skip
"""For each fault: where a block is used, the block, its text, the mutant's, and what is told."""


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_noticed(fault, monkeypatch):
    module, block, old, new, told = FAULTS[fault]
    monkeypatch.setattr(module, block.__name__, mutant(block, old, new))
    name = "residuals"
    outcomes = fuzz(
        build_fuzzed(name, fault=f"{block.__name__} {old} {new}"),
        name,
        seed=SEED,
        count=500,
        problems=1,
    )
    assert any(told in problem for problem in outcomes[-1].problems), outcomes[-1]


def test_a_case_can_be_made_again():
    makers = [CaseMaker(CONFIGS["residuals"]) for _ in range(2)]
    for seed in range(50):
        one, other = (maker.make(seed) for maker in makers)
        assert one == other


def test_most_cases_pass_the_dispatcher():
    """Most hostile commands exist and have fields in range."""
    maker = CaseMaker(CONFIGS["residuals"])
    known = total = 0
    for seed in range(300):
        case = maker.make(seed)
        if case.kind != "mutant":
            continue
        for place in range(case.commands, case.window_size, COMMAND_BYTES):
            octets = case.contents[place : place + COMMAND_BYTES]
            if len(octets) == COMMAND_BYTES and any(octets):
                total += 1
                known += unpack(octets) is not None
    assert total > 5000
    assert known > 0.9 * total


def test_commands_are_packed_as_the_compiler_does():
    image = CaseMaker(CONFIGS["residuals"]).images[-1].image
    for octets in image.encoded_commands:
        item = unpack(octets.tobytes())
        assert item is not None
        assert pack(item) == octets.tobytes()


def test_long_commands_are_tamed():
    fields = {
        "address": 0, "words": 65535, "word_pitch": 0, "destination": 0, "lines": 255,
        "line_pitch": 0,
    }  # fmt: skip
    item = unpack(tamed(pack(Command(opcode=Opcode.LOAD_LINES, fields=fields)), 1000))
    assert item is not None
    assert item.fields["words"] * item.fields["lines"] <= LONGEST
    # This one leaves its window soon.
    leaving = pack(Command(opcode=Opcode.LOAD_LINES, fields=fields | {"word_pitch": 100}))
    assert tamed(leaving, 1000) == leaving
