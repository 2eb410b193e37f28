"""The blocks on AXI on the simulators, with random stalls on every channel."""

import random

import pytest

from hw.system.burst_splitter import BurstSplitter
from hw.system.read_master import ReadMaster
from hw.system.registers import Registers
from hw.system.write_master import WriteMaster
from sim.engine import Engine
from sim.errors import MissingToolError
from tests.hw.benches import run_bench
from tests.hw.mutants import mutant
from tests.hw.system.axi_blocks import MEMORY_BYTES, build_axi


@pytest.fixture(scope="module", params=list(Engine))
def blocks(request):
    """All blocks, compiled for each engine."""
    return built(request.param)


def built(engine, **options):
    """The blocks for `engine`; without Icarus, which is optional, the test is skipped."""
    try:
        return build_axi(engine, **options)
    except MissingToolError as missing:
        if engine == Engine.ICARUS:
            pytest.skip(str(missing))
        raise


@pytest.mark.parametrize(
    "bench", ["burst_splitter", "read_master", "write_master", "registers", "axi_memory"]
)
def test_block(blocks, bench, tmp_path):
    run(blocks, bench, tmp_path)


@pytest.mark.parametrize(
    ("block", "bench", "old", "new"),
    [
        (BurstSplitter, "burst_splitter", "ends = new.beats <= room", "ends = new.beats < room"),
        (ReadMaster, "read_master", "refused.eq(placed.outside | self.stop)", "refused.eq(0)"),
        (
            ReadMaster,
            "read_master",
            "(Array(open_bursts.counts)[reader] == 0)",
            "(open_bursts.counts[0] == 0)",
        ),
        (WriteMaster, "write_master", "dropping & (under_way == 0)", "dropping"),
        (WriteMaster, "write_master", "axi.wlast.eq(last)", "axi.wlast.eq(last & ~axi.wlast)"),
        (WriteMaster, "axi_memory", "Mux(last, 1, position + 1)", "position + 1"),
        (Registers, "registers", "if register.locked", "if False"),
    ],
)
def test_bench_notices_a_fault(block, bench, old, new, tmp_path):
    name = {
        BurstSplitter: "splitter", ReadMaster: "reader", WriteMaster: "writer",
        Registers: "registers",
    }[block]  # fmt: skip
    broken = built(Engine.ICARUS, **{name: mutant(block, old, new)}, fault=f"{old} -> {new}")
    with pytest.raises(AssertionError, match="FAIL"):
        run(broken, bench, tmp_path)


def run(blocks, bench, folder):
    """Run a bench in `folder`, where the memories find what they begin with."""
    content = random.Random(1).randbytes(MEMORY_BYTES - 1001)
    (folder / "memory.bin").write_bytes(content)
    run_bench(blocks, f"tests.hw.system.{bench}_bench", folder)
