"""The SDRAM and its controller, compiled."""

import inspect
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import hw.sdram.controller
import sim.sdram_memory
from params.sdram import SdramConfig, as4c16m16_6, is42s16160_7, ulx3s
from sim.build import Build, build
from sim.engine import Engine
from sim.harness import VERILOG
from sim.sdram_memory import SdramMemory

MEMORY_BYTES = 1 << 18

ID_BITS = 2

QUICK = {"power_up": 5_000}
"""So many nanoseconds, for short simulations."""

CONFIGS = {
    "100_cl2": ulx3s(100, cas_latency=2, **QUICK),
    "142_cl3": ulx3s(142, cas_latency=3, **QUICK),
    "50_cl2": as4c16m16_6(50, cas_latency=2, postponed=1, **QUICK),
    "10_cl2": as4c16m16_6(10, cas_latency=2, **QUICK),
    "issi": is42s16160_7(100, cas_latency=3, **QUICK),
}


def build_sdram(
    name: str,
    *,
    engine: Engine = Engine.VERILATOR,
    controller: dict | None = None,
    chip: dict | None = None,
    parts: dict | None = None,
    fault: str = "",
) -> Build:
    """The config `name`, compiled.

    `controller` are parameters, `chip` other times of the chip, `parts` classes by name in
    `hw.sdram.controller`, and `fault` says what is wrong with them.
    """
    config: SdramConfig = CONFIGS[name]
    other = replace(config, **chip) if chip else None

    class Memory(SdramMemory):
        """Made with `parts`."""

        def elaborate(self, platform):
            m = super().elaborate(platform)
            controller = m.submodules.controller
            elaborate = controller.elaborate

            def elaborate_patched(platform):
                with ExitStack() as stack:
                    for part, block in (parts or {}).items():
                        stack.enter_context(patch.object(hw.sdram.controller, part, block))
                    return elaborate(platform)

            controller.elaborate = elaborate_patched
            return m

    return build(
        lambda: Memory(
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
