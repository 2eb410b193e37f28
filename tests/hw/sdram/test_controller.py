"""The SDRAM controller against a chip that checks its commands."""

import json
import random
import re

import pytest

from hw.sdram.maintenance import Maintenance
from hw.sdram.read_path import ReadPath
from hw.sdram.scheduler import Scheduler
from hw.sdram.write_path import WritePath
from sim.engine import Engine
from sim.errors import MissingToolError
from tests.hw.benches import run_bench
from tests.hw.mutants import mutant
from tests.hw.sdram.blocks import CONFIGS, MEMORY_BYTES, build_sdram

LEAST = {
    "long reads in order": 0.98,
    "long writes in order": 0.98,
    "reads of 32 beats in order": 0.98,
    "reads of 16 beats in order": 0.98,
    "reads of 32 beats at random": 0.92,
    "writes of 32 beats at random": 0.92,
    "reads of 16 beats at random": 0.87,
    "reads and writes of 32 beats at random": 0.90,
}
"""Beats per cycle at 100 MHz with a CAS latency of 2."""


QUICK = ("100_cl2", "142_cl3")
"""Configurations that are tried on the second simulator each time."""


def slow(*values):
    """Parameters of a test that is slow."""
    return pytest.param(*values, marks=pytest.mark.slow)


def run(built, bench, folder, **settings):
    (folder / "memory.bin").write_bytes(random.Random(1).randbytes(MEMORY_BYTES))
    (folder / "settings.json").write_text(json.dumps(settings))
    run_bench(built, f"tests.hw.sdram.{bench}_bench", folder)


def on_icarus(name, **options):
    """Compiled for Icarus, which is optional and starts faster than it runs."""
    try:
        return build_sdram(name, engine=Engine.ICARUS, **options)
    except MissingToolError as missing:
        pytest.skip(str(missing))


def test_random_traffic(tmp_path):
    run(build_sdram("100_cl2"), "traffic", tmp_path, accesses=10_000)


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_much_random_traffic(name, tmp_path):
    run(build_sdram(name), "traffic", tmp_path, accesses=25_000)


@pytest.mark.parametrize("name", [name if name in QUICK else slow(name) for name in CONFIGS])
def test_random_traffic_on_icarus(name, tmp_path):
    run(on_icarus(name), "traffic", tmp_path, accesses=250)


def test_small_buffers_and_a_longer_way(tmp_path):
    controller = {"queue": 4, "read_beats": 16, "write_beats": 256, "turn_beats": 1}
    built = on_icarus("142_cl3", controller=controller | {"round_trip": 2})
    run(built, "traffic", tmp_path, accesses=250)


@pytest.mark.slow
def test_every_row_is_refreshed_in_64_ms(tmp_path):
    run(build_sdram("10_cl2"), "retention", tmp_path, cycles=1_400_000)


def test_throughput(tmp_path):
    run(build_sdram("100_cl2"), "throughput", tmp_path, least=LEAST)


@pytest.mark.parametrize(
    ("name", "slower", "kind"),
    [
        slow("100_cl2", {"power_up": 5_100}, 1),
        slow("100_cl2", {"rcd": 31}, 3),
        ("100_cl2", {"rp": 31}, 4),
        slow("100_cl2", {"ras": 51}, 5),
        slow("issi", {"rc": 61}, 6),
        slow("100_cl2", {"rrd": 21}, 7),
        slow("100_cl2", {"wr": 21}, 8),
        slow("100_cl2", {"rfc": 71}, 9),
        slow("100_cl2", {"mrd": 200}, 10),
    ],
)
def test_a_chip_that_is_a_cycle_slower_is_noticed(name, slower, kind, tmp_path):
    broken = on_icarus(name, chip=slower)
    with pytest.raises(AssertionError, match=kind_of_violation(kind)):
        run(broken, "traffic", tmp_path, accesses=1000)


@pytest.mark.parametrize(
    ("name", "block", "old", "new", "found"),
    [
        ("10_cl2", Maintenance, "(owed >= config.postponed) | ", "", 11),
        slow("10_cl2", Scheduler, "Cat(bank.precharge_waits", "Cat(bank.activate_waits", 8),
        slow("100_cl2", Scheduler, "config.cas_latency + BURST + 1", "config.cas_latency", 12),
        slow("100_cl2", Scheduler, "self.mask.eq(column & now.write)", "self.mask.eq(0)", (8, 13)),
        slow("100_cl2", Scheduler, "& ~fresh & ~same_bank", "& ~fresh", None),
        slow("100_cl2", Scheduler, "& ~now.column[0] & ~final", "& ~final", None),
        ("100_cl2", Scheduler, "is_open & ~equal, ahead_miss", "0, ahead_miss", 2),
        slow("100_cl2", ReadPath, "self.room.eq(left > 1)", "self.room.eq(1)", None),
        slow(
            "100_cl2",
            WritePath,
            "answers.w_en.eq(self.writes & self.last)",
            "answers.w_en.eq(self.writes)",
            None,
        ),
    ],
)
def test_a_fault_is_noticed(name, block, old, new, found, tmp_path):
    parts = {block.__name__: mutant(block, old, new)}
    controller = {"read_beats": 32}
    broken = on_icarus(name, parts=parts, controller=controller, fault=f"{old} -> {new}")
    with pytest.raises(AssertionError, match=kind_of_violation(found) if found else "FAIL"):
        run(broken, "traffic", tmp_path, accesses=2000)


def kind_of_violation(kinds):
    """What the bench says about a violation."""
    listed = kinds if isinstance(kinds, tuple) else (kinds,)
    return re.compile(f"the last of kind ({'|'.join(map(str, listed))})\\b")
