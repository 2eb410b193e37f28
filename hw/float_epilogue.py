"""From sums of floats to activations."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.float_adder import FloatAdder
from params import ArrayConfig, layouts
from params.config import FLOAT_BITS


class FloatEpilogue(wiring.Component):
    """o = accumulator + bias, and with a ReLU +0 where that is negative.

    Latency `epilogue_latency` cycles, throughput one value per cycle, no stalls.

    Members
    -------
    accumulator : In(32), epilogue : In(layouts.epilogue)
    clamp : In(layouts.clamp), constant during a tile.
    o : Out(32)
    """

    def __init__(self, config: ArrayConfig):
        super().__init__(
            {
                "accumulator": In(signed(FLOAT_BITS)),
                "epilogue": In(layouts.epilogue(config)),
                "clamp": In(layouts.clamp(config)),
                "o": Out(FLOAT_BITS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.adder = adder = FloatAdder()
        bias = Signal(FLOAT_BITS, reset_less=True)
        total = Signal(FLOAT_BITS, reset_less=True)
        m.d.sync += [
            bias.eq(self.epilogue.bias),
            total.eq(self.accumulator),
            self.o.eq(Mux(self.clamp.relu & adder.o[-1], 0, adder.o)),
        ]
        m.d.comb += [adder.a.eq(total), adder.b.eq(bias)]
        return m
