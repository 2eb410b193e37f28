# amaranth: UnusedElaboratable=no
"""What a board has apart from clock and pins, as a host sees it."""

import dataclasses
import json

import pytest
from amaranth.hdl import Fragment

from hw.board.core import BoardCore
from params import ArrayConfig
from params.config import ConfigError
from params.sdram import ulx3s
from params.system import SystemConfig
from sim.build import build
from sim.engine import Engine
from sim.errors import MissingToolError
from tests.hw.benches import run_bench

SMALLEST = SystemConfig(
    array=ArrayConfig(
        lanes=2, rows=1, depth=4, max_shift=1, drain_width=1, mask_depth=2, code_depth=2
    ),
    bus_bytes=4,
    burst_beats=4,
    buffered_beats=8,
    pieces=2,
)

MEMORY_BYTES = 1 << 12
CYCLES_PER_BIT = 8


@pytest.mark.parametrize(
    "config",
    [pytest.param(SMALLEST, marks=pytest.mark.slow, id="system"), pytest.param(None, id="link")],
)
def test_a_host_sees_memory_and_registers(config, tmp_path):
    try:
        built = build(
            lambda: BoardCore(
                config,
                memory=MEMORY_BYTES,
                single_port=config is None,
                clock_hz=CYCLES_PER_BIT * 1_000_000,
                baud=1_000_000,
            ),
            key=f"{config} {MEMORY_BYTES} {CYCLES_PER_BIT}",
            engine=Engine.ICARUS,
            toplevel="board",
        )
    except MissingToolError as missing:
        pytest.skip(str(missing))
    settings = {
        "memory_bytes": MEMORY_BYTES, "bus_bytes": config.bus_bytes if config else 2,
        "system": config is not None, "cycles_per_bit": CYCLES_PER_BIT,
    }  # fmt: skip
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    run_bench(built, "tests.hw.board.core_bench", tmp_path)


def test_a_bus_of_another_width_than_the_sdram_is_refused():
    with pytest.raises(ConfigError, match="bus_bytes is 4, but must be the 2 of the SDRAM"):
        BoardCore(SMALLEST, memory=ulx3s(100), clock_hz=100_000_000)
    narrow = dataclasses.replace(SMALLEST, bus_bytes=2)
    core = BoardCore(narrow, memory=ulx3s(100), clock_hz=100_000_000)
    assert "sdram" in core.signature.members
    # The parts that it has made want to be used.
    Fragment.get(core, None)
