"""The host's link and the bridge's RTL, with a line in between that does every kind of harm."""

import random

import pytest

import hw.link.bridge
from benchmarks.link import BOARDS, BROKEN, CLOCK_RATIOS, show
from host.errors import LinkError
from host.frames import pack_request
from host.link import Link
from hw.link.executor import Executor
from hw.link.frame_decoder import FrameDecoder
from hw.link.frame_queue import FrameQueue
from hw.link.uart_receiver import UartReceiver
from params.link import Kind
from params.registers import IDENTIFIER, OFFSETS, VERSION
from sim.link_line import Board, Faults, SimulatedLine
from sim.link_trial import LINES, TIMEOUT, Outcome, Trial
from tests.hw.mutants import mutant

SEED = 7


def attempt(kind, frames, *, board=None, seed=SEED, **options) -> Outcome:
    """The outcome of a trial on a line of a kind, or of broken frames."""
    trial = Trial(board or Board(), seed=seed, **options)
    try:
        if kind == BROKEN:
            trial.send_broken(frames)
        else:
            trial.run(frames, faults=LINES[kind])
    finally:
        trial.close()
    return trial.outcome


def test_no_line_does_harm(capsys):
    outcomes = {
        kind: attempt(kind, 60, clock_ratio=CLOCK_RATIOS[k % 3])
        for k, kind in enumerate([*LINES, BROKEN])
    }
    with capsys.disabled():
        print()
        show(outcomes)
    assert all(outcome.good for outcome in outcomes.values()), outcomes
    assert outcomes["good"].repeated == outcomes["good"].rejected == 0
    assert all(outcomes[kind].injected for kind in LINES if kind != "good")
    assert all(outcomes[kind].nexts for kind in outcomes)
    assert outcomes[BROKEN].broken.total() == 60


@pytest.mark.slow
@pytest.mark.parametrize("bus", BOARDS)
@pytest.mark.parametrize("kind", [*LINES, BROKEN])
def test_no_line_does_harm_for_long(bus, kind):
    for clock_ratio in CLOCK_RATIOS:
        outcome = attempt(kind, 400, board=BOARDS[bus], clock_ratio=clock_ratio, seed=bus)
        assert outcome.good, outcome


@pytest.fixture
def line():
    """A good line to a board."""
    line = SimulatedLine(Board())
    yield line
    line.close()


def test_memory_and_registers(line):
    link = Link(line, timeout=TIMEOUT)
    assert link.identity.memory == 1 << 16
    assert link.read_register(OFFSETS["ID"]) == IDENTIFIER << 16 | VERSION
    data = random.Random(1).randbytes(10_000)
    since = line.now()
    link.write_memory(0x1003, data)
    taken = line.now() - since
    assert line.memory()[0x1003 : 0x1003 + len(data)] == data
    assert link.read_memory(0x1003, len(data)) == data
    # Heads, flags and escapes of frames of 256 bytes take 7 % of the line.
    assert 10 * len(data) / line.baud / taken > 0.92
    with pytest.raises(LinkError, match="refused WRITE_REGISTER at 0x0"):
        link.write_register(OFFSETS["ID"], 1)


def test_a_reset_is_noticed(line):
    link = Link(line, timeout=TIMEOUT)
    link.write_register(OFFSETS["CONTROL"], 1)
    line.reset()
    with pytest.raises(LinkError, match="was reset"):
        link.write_register(OFFSETS["CONTROL"], 1)
    assert line.starts == 0  # Counted from the reset on.


def test_more_requests_than_there_is_room_for(line):
    """Reads come faster than answers can go: some are lost, and nothing else happens."""
    link = Link(line, timeout=TIMEOUT)
    link.write_memory(0, bytes(range(256)))
    for k in range(100):
        line.write(pack_request(Kind.READ_MEMORY, k, 0, b"\xff\x00"))
    assert len(line.settle()) > 20 * 255
    assert link.read_memory(0, 256) == bytes(range(256))


def test_it_lives_through_noise_alone(line):
    link = Link(line, timeout=TIMEOUT)
    before = line.memory()
    line.faults = Faults(flips=0.3, cuts=0.01, garbage=0.1)
    for _ in range(20):
        line.write(random.Random(2).randbytes(100))
        line.settle()
    line.faults = Faults()
    assert line.memory() == before
    assert link.read_register(OFFSETS["ID"]) == IDENTIFIER << 16 | VERSION


MUTANTS = {
    "any CRC is right": (FrameDecoder, "crc.match_detected & ", "", BROKEN),
    "half a frame stays": (FrameQueue, "write.addr.eq(begin)", "write.addr.eq(write.addr)", "all"),
    "registers are written again": (
        Executor, "written & (sequence == written_sequence)", "0", "bytes",
    ),
    "bytes are sampled early": (UartReceiver, "(1 << (PHASE_BITS - 1)) +", "0xF000 +", "good"),
}  # fmt: skip
"""For each fault: a block, its text, the mutant's, and where it is noticed."""


@pytest.mark.slow
@pytest.mark.parametrize("fault", MUTANTS)
def test_a_fault_is_noticed(fault, monkeypatch):
    block, old, new, kind = MUTANTS[fault]
    monkeypatch.setattr(hw.link.bridge, block.__name__, mutant(block, old, new))
    try:
        outcome = attempt(kind, 1000, fault=fault, clock_ratio=CLOCK_RATIOS[2])
    except LinkError:
        return
    assert not outcome.good, outcome
