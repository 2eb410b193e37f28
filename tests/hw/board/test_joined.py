# amaranth: UnusedElaboratable=no
"""The join of two buses and the memory of block RAMs, with masters of a public AXI package."""

from pathlib import Path

import pytest

from hw.board.axi_join import AxiJoin
from hw.board.block_memory import BlockMemory
from params.config import ConfigError
from sim.build import build
from sim.engine import Engine
from sim.errors import MissingToolError
from tests.hw.benches import run_bench
from tests.hw.board import blocks
from tests.hw.board.blocks import JoinedMemory
from tests.hw.mutants import mutant

BENCH = "tests.hw.board.joined_bench"


def built(key, **parts):
    """Both, compiled for Icarus, which is optional and starts faster than it runs."""
    try:
        return build(
            lambda: JoinedMemory(**parts),
            key=key,
            engine=Engine.ICARUS,
            toplevel="joined",
            made_from=(Path(blocks.__file__),),
        )
    except MissingToolError as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("single_port", [False, True])
def test_two_masters(single_port, tmp_path):
    built_blocks = built(f"single port: {single_port}", single_port=single_port)
    run_bench(built_blocks, BENCH, tmp_path)


@pytest.mark.parametrize(
    ("name", "block", "old", "new"),
    [
        ("join", AxiJoin, "& buffer.i.payload.last", ""),
        ("memory", BlockMemory, "port.en.eq(moves)", "port.en.eq(1)"),
    ],
)  # fmt: skip
def test_the_bench_notices_a_fault(name, block, old, new, tmp_path):
    broken = built(f"{old} -> {new}", **{name: mutant(block, old, new)})
    with pytest.raises(AssertionError, match="FAIL"):
        run_bench(broken, BENCH, tmp_path)


@pytest.mark.parametrize("size", [0, 4, 12, 1000])
def test_sizes_that_no_memory_has_are_refused(size):
    with pytest.raises(ConfigError, match=f"size is {size}, but must be a power of two of 8"):
        BlockMemory(4, size=size)
