"""What the controller knows of a bank."""

from amaranth.hdl import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.sdram.spacing import Spacing
from params.sdram import SdramConfig


class Bank(wiring.Component):
    """Follows the commands to a bank; all outputs are those of a cycle later.

    Members
    -------
    activate : In, `row` is opened. precharge : In, the row is closed. write : In, a word is
        written, masked or not. close : In, the row is closed with those of all banks.
    open : Out, row `open_row` is open.
    activate_waits, precharge_waits, access_waits : Out, it is too early for such a command.
    """

    def __init__(self, config: SdramConfig):
        self._config = config
        super().__init__(
            {
                "activate": In(1),
                "precharge": In(1),
                "write": In(1),
                "close": In(1),
                "row": In(config.row_bits),
                "open": Out(1),
                "open_row": Out(config.row_bits),
                "activate_waits": Out(1),
                "precharge_waits": Out(1),
                "access_waits": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.activates = activates = Spacing(config.cycles_rc, config.cycles_rp)
        m.submodules.precharges = precharges = Spacing(config.cycles_ras, config.cycles_wr)
        m.submodules.accesses = accesses = Spacing(config.cycles_rcd)
        m.d.comb += [
            activates.events[0].eq(self.activate),
            activates.events[1].eq(self.precharge),
            precharges.events[0].eq(self.activate),
            precharges.events[1].eq(self.write),
            accesses.events[0].eq(self.activate),
            self.activate_waits.eq(activates.waits),
            self.precharge_waits.eq(precharges.waits),
            self.access_waits.eq(accesses.waits),
        ]
        m.d.sync += [
            self.open.eq((self.open | self.activate) & ~self.precharge & ~self.close),
            self.open_row.eq(Mux(self.activate, self.row, self.open_row)),
        ]
        return m
