"""One filter of one lane: shift and accumulate."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from params import ArrayConfig
from params.timing import element_latency


class ProcessingElement(wiring.Component):
    """Adds an activation, shifted left and perhaps complemented, to an accumulator.

    Per step: acc += x << exponent, or acc += ~(x << exponent) when `sign` is set. The complement
    is one less than the negative, which saves the carry-in of a subtraction; the compiler gives
    the ones back in the requantization offset (see `params.layouts.requantization`).

    The shifter has a stage for each bit of the exponent and a register behind each, but the last:
    its choice and the adder go into the same lookup tables.

    A cycle with `skip` set adds nothing. `capture` moves the sum, the present step included, to
    the shadow register, which keeps it. `clear` empties the accumulator: with `capture`, so that
    the next filter follows without a bubble, and in reset, so that no register here needs one.

    Latency: `stages` cycles from `x` to the accumulator. Control arrives with the stage it
    steers: `sign` and `exponent[0]` with `x`, `exponent[i]` i cycles later but the last with the
    addition, `skip` one cycle before that, `capture` and `clear` with it.

    Members
    -------
    x : In(activation_bits), signed : In(1), the layer's sign flag of x
    sign, skip, capture, clear : In(1); exponent : In(exponent_bits)
    shadow : Out(accumulator).
    """

    def __init__(self, config: ArrayConfig):
        self._config = config
        self.stages = element_latency(config)
        super().__init__(
            {
                "x": In(config.activation_bits),
                "signed": In(1),
                "sign": In(1),
                "exponent": In(config.exponent_bits),
                "skip": In(1),
                "capture": In(1),
                "clear": In(1),
                "shadow": Out(signed(config.accumulator_bits)),
            }
        )
        self.shadow = Signal(signed(config.accumulator_bits), name="shadow", reset_less=True)

    def elaborate(self, platform):
        m = Module()
        config = self._config
        value = Cat(self.x, self.signed & self.x[-1])
        # The complement of the bits that a left shift brings in is the sign itself.
        value, fill = (value ^ self.sign.replicate(len(value))).as_signed(), self.sign
        for stage in range(self.stages):
            if stage < config.exponent_bits - 1:
                value = self._shifted(value, fill, stage)
            shifted = Signal(value.shape(), name=f"shifted_{stage}", reset_less=True)
            following = Signal(name=f"fill_{stage}", reset_less=True)
            # A choice in an expression, not in a process: a simulator with four states that does
            # not run processes at time 0 would begin with unknown values.
            last = stage == self.stages - 1
            m.d.sync += [
                shifted.eq(Mux(self.skip, 0, value) if last else value),
                following.eq(Mux(self.skip, 0, fill) if last else fill),
            ]
            value, fill = shifted, following
        if config.exponent_bits:
            value = self._shifted(value, fill, config.exponent_bits - 1)

        accumulator = Signal(signed(config.accumulator_bits), reset_less=True)
        total = Signal(signed(config.accumulator_bits))
        m.d.comb += total.eq(accumulator + value)
        m.d.sync += accumulator.eq(Mux(self.clear, 0, total))
        with m.If(self.capture):
            m.d.sync += self.shadow.eq(total)
        return m

    def _shifted(self, value, fill, stage: int):
        """`value`, or 2^stage times it with `fill` coming in, as the exponent's bit says."""
        distance = 1 << stage
        moved = Cat(fill.replicate(distance), value).as_signed()
        width = min(len(moved), self._config.activation_bits + self._config.levels)
        return Mux(self.exponent[stage], moved, value)[:width].as_signed()
