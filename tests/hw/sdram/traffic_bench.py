"""Random traffic on the SDRAM, compared with a model in Python."""

import json
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, Timer

from tests.hw.sdram.master import BYTES, CHANNELS, Burst, Master

BLOCK = 4096
ROW = 1024
UNDER_WAY = 12
PERIOD_NS = 2

REGIMES = (None, *CHANNELS, "all")
"""The channel that pauses."""


@cocotb.test()
async def random_traffic(dut):
    settings = json.loads(Path("settings.json").read_text())
    draw = random.Random(cocotb.RANDOM_SEED)
    contents = bytearray(Path("memory.bin").read_bytes())
    master = await start(dut, draw)
    traffic = Traffic(dut, master, contents, draw)
    # Every kind of pause comes twice at least.
    period = max(1, min(500, settings["accesses"] // (2 * len(REGIMES))))
    regimes: list[str | None] = []
    for number in range(settings["accesses"]):
        if number % period == 0:
            if not regimes:
                regimes = draw.sample(REGIMES, len(REGIMES))
            busy = regimes.pop()
            for channel in CHANNELS:
                slow = draw.choice((0.5, 0.95)) if channel == busy else 0.0
                master.stalls[channel] = 0.4 if busy == "all" else slow
            traffic.writes = draw.choice((0.05, 0.5, 0.95))
        traffic.ask()
        while len(master.reads) + len(master.writes) >= UNDER_WAY:
            await master.step()
            traffic.check()
        if draw.random() < 0.001:
            await master.finish()
            for _ in range(draw.randrange(3000)):
                await master.step()
        if number < 50 or number % 50 == 0:
            check_chip(dut)
    await master.finish()
    traffic.check()
    cocotb.log.info("%d cycles, %d refreshes", master.cycle, int(dut.refreshes.value))
    check_chip(dut)
    assert dut.beats_read.value == master.beats_read
    assert dut.beats_written.value == master.beats_written
    dut.flush.value = 1
    for _ in range(3):
        await FallingEdge(dut.clk)
    assert Path("memory_after.bin").read_bytes() == contents


async def start(dut, draw: random.Random) -> Master:
    """A master, its clock and a reset."""
    for name in ("seed", "stalls", "latency", "order"):
        getattr(dut, name).value = 0
    dut.rst.value = 1
    Clock(dut.clk, PERIOD_NS, unit="ns").start()
    await Timer(7, "ns")
    dut.rst.value = 0
    return Master(dut, draw)


def check_chip(dut) -> None:
    """No rule of the chip is broken."""
    count = dut.violations.value.to_unsigned()
    assert not count, f"{count} violations, the last of kind {int(dut.last_violation.value)}"


class Traffic:
    """Asks for random bursts that no other under way makes ambiguous.

    `writes` is the share of writes.
    """

    def __init__(self, dut, master: Master, contents: bytearray, draw: random.Random):
        self._dut = dut
        self._master = master
        self._contents = contents
        self._draw = draw
        self._next = 0
        self._expected: list[tuple[Burst, list[int]]] = []
        self.writes = 0.5

    def ask(self) -> None:
        """Queue another burst."""
        draw, master = self._draw, self._master
        writes = draw.random() < self.writes
        while True:
            address, beats = self._place()
            wanted = Burst(address, 0, beats=beats)
            others = master.reads if writes else master.writes
            if not any(wanted.overlaps(other) for other in others):
                break
        self._next = (address + BYTES * beats) % len(self._contents)
        identity = draw.randrange(4)
        if writes:
            words = [draw.getrandbits(8 * BYTES) for _ in range(beats)]
            full = draw.random() < 0.5
            strobes = [3 if full else draw.randrange(4) for _ in range(beats)]
            for k, (word, strobe) in enumerate(zip(words, strobes, strict=True)):
                for n in range(BYTES):
                    if strobe >> n & 1:
                        self._contents[address + BYTES * k + n] = word >> 8 * n & 0xFF
            master.write(address, words, strobes, identity)
        else:
            data = self._contents[address : address + BYTES * beats]
            expected = [
                int.from_bytes(data[k : k + BYTES], "little") for k in range(0, len(data), BYTES)
            ]
            self._expected.append((master.read(address, beats, identity), expected))

    def check(self) -> None:
        """Compare the reads that are done."""
        while self._expected and self._expected[0][0].done:
            burst, expected = self._expected.pop(0)
            if burst.words != expected:  # A broken rule tells more than wrong data.
                check_chip(self._dut)
            assert burst.words == expected, f"{burst.beats} beats at {burst.address:#x}"

    def _place(self) -> tuple[int, int]:
        """Address and beats."""
        draw = self._draw
        kind = draw.random()
        if kind < 0.3:
            address = self._next
        elif kind < 0.6:
            address = draw.randrange(0, len(self._contents), BYTES)
        elif kind < 0.8:  # Rows of the first banks, again and again.
            address = draw.randrange(6) * BLOCK + draw.randrange(2 * ROW) // BYTES * BYTES
        else:  # Across the end of a row.
            address = draw.randrange(1, len(self._contents) // ROW) * ROW - 2 * draw.randrange(1, 9)
        room = (BLOCK - address % BLOCK) // BYTES
        beats = draw.choice((1, 1, 2, 3, draw.randint(1, 16), draw.randint(1, 64)))
        if draw.random() < 0.02:
            beats = draw.choice((255, 256))
        return address, min(beats, room)
