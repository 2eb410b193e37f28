"""The SDRAM and its controller, compiled."""

import inspect
from dataclasses import replace
from pathlib import Path

import sim.sdram_memory
from params.sdram import SdramConfig, as4c16m16_6, ulx3s
from sim.build import Build, build
from sim.engine import Engine
from sim.harness import VERILOG
from sim.sdram_memory import SdramMemory

MEMORY_BYTES = 1 << 20

ID_BITS = 2

QUICK = {"power_up": 2000}

CONFIGS = {
    "100_cl2": ulx3s(100, cas_latency=2, **QUICK),
    "143_cl3": ulx3s(143, cas_latency=3, **QUICK),
    "50_cl2": as4c16m16_6(50, cas_latency=2, postponed=1, **QUICK),
}


def build_sdram(
    name: str,
    *,
    engine: Engine = Engine.VERILATOR,
    controller: dict | None = None,
    chip: dict | None = None,
    memory: type = SdramMemory,
    fault: str = "",
) -> Build:
    """The config `name`; `controller` are parameters, `chip` other times of the chip."""
    config: SdramConfig = CONFIGS[name]
    other = replace(config, **chip) if chip else None
    return build(
        lambda: memory(
            config,
            size=MEMORY_BYTES,
            id_bits=ID_BITS,
            write_id_bits=ID_BITS,
            controller=controller,
            chip=other,
        ),
        key=f"{config} {controller} {other} {fault}",
        engine=engine,
        toplevel="sdram",
        sources=(VERILOG / "sdram_model.v",),
        made_from=(Path(inspect.getfile(sim.sdram_memory)),),
    )
