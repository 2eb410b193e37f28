# pyright: reportAttributeAccessIssue=false, reportGeneralTypeIssues=false
"""A board's design and its SDRAM: the top level that whole boards are simulated with."""

import inspect
from pathlib import Path

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.board.core import BoardCore
from params.sdram import SdramConfig
from params.system import SystemConfig
from sim.registered_reset import registered_reset
from sim.sdram_memory import chip_parameters

MADE_FROM = (Path(inspect.getfile(registered_reset)), Path(__file__))
"""Python files that the top level is made from, for `sim.build.build`."""


class BoardHarness(wiring.Component):
    """A `BoardCore`, and the chip in `sim/verilog/sdram_model.v` where it has an SDRAM.

    Parameters
    ----------
    config, memory, clock_hz, baud : see `BoardCore`.

    Members
    -------
    clk, rst : In, see `registered_reset`.
    rx : In, tx : Out, lines of the UART. running : Out, a run is under way.
    violations : Out(32), of the rules of the SDRAM so far.
    """

    def __init__(
        self, config: SystemConfig, *, memory: SdramConfig | int, clock_hz: int, baud: int
    ):
        self._memory = memory
        self._core = BoardCore(config, memory=memory, clock_hz=clock_hz, baud=baud)
        super().__init__(
            {
                "clk": In(1),
                "rst": In(1),
                "rx": In(1, init=1),
                "tx": Out(1),
                "running": Out(1),
                "violations": Out(32),
            }
        )

    def elaborate(self, platform):
        """The two, connected."""
        m = Module()
        registered_reset(m, self.clk, self.rst)
        m.submodules.core = core = self._core
        m.d.comb += [core.rx.eq(self.rx), self.tx.eq(core.tx), self.running.eq(core.running)]
        if isinstance(self._memory, SdramConfig):
            pins = core.sdram
            m.submodules.chip = Instance(
                "sdram_model",
                **chip_parameters(self._memory),
                p_SIZE=self._memory.size,
                p_INITIAL="memory.bin",
                p_FINAL="memory_after.bin",
                i_clk=ClockSignal(),
                i_rst=ResetSignal(),
                i_flush=0,
                **{
                    f"i_{name}": getattr(pins, name)
                    for name in ("cke", "cs_n", "ras_n", "cas_n", "we_n", "ba", "a", "dqm")
                },
                i_dq_i=pins.dq_o,
                i_dq_driven=pins.dq_oe,
                o_dq_o=pins.dq_i,
                o_violations=self.violations,
            )
        return m
