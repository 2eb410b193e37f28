"""Beats per cycle of the SDRAM: the share of the cycles that carry data, refreshes included."""

import json
import random
from pathlib import Path

import cocotb

from tests.hw.sdram.master import BYTES
from tests.hw.sdram.traffic_bench import check_chip, start

BEATS = 15_000
WARM_UP = 1500

UNDER_WAY = 12

PATTERNS = (
    ("long reads in order", 256, True, 0.0),
    ("long writes in order", 256, True, 1.0),
    ("reads of 32 beats in order", 32, True, 0.0),
    ("reads of 16 beats in order", 16, True, 0.0),
    ("reads of 32 beats at random", 32, False, 0.0),
    ("writes of 32 beats at random", 32, False, 1.0),
    ("reads of 16 beats at random", 16, False, 0.0),
    ("reads and writes of 32 beats at random", 32, False, 0.5),
)
"""Name, beats of a burst, whether one follows the other, and the share of writes."""


@cocotb.test()
async def throughput(dut):
    least = json.loads(Path("settings.json").read_text())["least"]
    draw = random.Random(cocotb.RANDOM_SEED)
    master = await start(dut, draw)
    size = Path("memory.bin").stat().st_size
    master.read(0, 1)
    await master.finish()

    for name, beats, in_order, share in PATTERNS:
        address, begin, before = 0, None, 0
        first = master.cycle
        while begin is None or moved(master) - before < BEATS:
            for queue, ask, used in (
                (master.reads, read, share < 1),
                (master.writes, write, share > 0),
            ):
                while used and len(queue) < UNDER_WAY:
                    address = (address + BYTES * beats) % size
                    if not in_order:
                        address = draw.randrange(size // (BYTES * beats)) * BYTES * beats
                    ask(master, address, beats)
            earlier = moved(master)
            await master.step()
            # Writes count when they are answered: from one answer to another.
            warm = master.cycle - first >= WARM_UP
            if begin is None and warm and moved(master) > earlier:
                begin, before = master.cycle, moved(master)
        figure = (moved(master) - before) / (master.cycle - begin)
        cocotb.log.info("%s: %.3f beats per cycle", name, figure)
        assert figure >= least.get(name, 0), f"{name}: {figure:.3f} beats per cycle"
        await master.finish()
        check_chip(dut)

    # Of a row that is open, with nothing under way.
    await master.finish()
    for _ in range(4):
        one = master.read(0, 1)
        await master.finish()
    cocotb.log.info("latency of a read: %d cycles", one.end - one.start)


def moved(master) -> int:
    """Beats so far, both ways, that the chip has given or has."""
    return master.beats_read + master.beats_answered


def read(master, address: int, beats: int) -> None:
    """Ask for a burst."""
    master.read(address, beats)


def write(master, address: int, beats: int) -> None:
    """Write a burst."""
    master.write(address, [0x1234] * beats, [3] * beats)
