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

    A cycle with `skip` set adds nothing. `capture` moves the sum, the present step included, to
    the shadow register; in every other cycle the shadow register takes the value of the chain.
    `clear` empties the accumulator: with `capture`, so that the next filter follows without a
    bubble, and in reset, so that no register here needs one.

    Latency: `stages` cycles from `x` to the accumulator. Control arrives with the stage it
    steers: `sign` and `exponent[0]` with `x`, `exponent[i]` i cycles later, `skip` in the last
    stage's cycle, `capture` and `clear` one cycle after that.

    Members
    -------
    x : In(activation_bits), signed : In(1), the layer's sign flag of x
    sign, skip, capture, clear : In(1); exponent : In(exponent_bits)
    chain : In, shadow register of the next lane; shadow : Out, this lane's.
    """

    def __init__(self, config: ArrayConfig):
        self._config = config
        self.stages = element_latency(config)
        accumulator = signed(config.accumulator_bits)
        super().__init__(
            {
                "x": In(config.activation_bits),
                "signed": In(1),
                "sign": In(1),
                "exponent": In(config.exponent_bits),
                "skip": In(1),
                "capture": In(1),
                "clear": In(1),
                "chain": In(accumulator),
                "shadow": Out(accumulator),
            }
        )
        self.shadow = Signal(accumulator, name="shadow", reset_less=True)

    def elaborate(self, platform):
        m = Module()
        config = self._config
        value = Cat(self.x, self.signed & self.x[-1]).as_signed()
        fill = Signal()
        for stage in range(self.stages):
            if stage < config.exponent_bits:
                distance = 1 << stage
                width = min(len(value) + distance, config.activation_bits + config.levels)
                amount = self.exponent[stage]
            else:
                distance, width, amount = 0, len(value), 0
            shifted = Signal(signed(width), name=f"shifted_{stage}", reset_less=True)
            # The complement of the bits that a left shift brings in is the sign itself.
            filling = self.sign if stage == 0 else fill
            before = value.as_unsigned() ^ self.sign.replicate(len(value)) if stage == 0 else value
            before = before.as_signed()
            if distance:
                moved = Cat(filling.replicate(distance), before).as_signed()
                source = Signal(signed(width), name=f"source_{stage}")
                with m.If(amount):
                    m.d.comb += source.eq(moved)
                with m.Else():
                    m.d.comb += source.eq(before)
            else:
                source = before
            if stage == self.stages - 1:
                with m.If(self.skip):
                    m.d.sync += shifted.eq(0)
                with m.Else():
                    m.d.sync += shifted.eq(source)
            else:
                m.d.sync += shifted.eq(source)
                following = Signal(name=f"fill_{stage}", reset_less=True)
                m.d.sync += following.eq(filling)
                fill = following
            value = shifted

        accumulator = Signal(signed(config.accumulator_bits), reset_less=True)
        total = Signal(signed(config.accumulator_bits))
        m.d.comb += total.eq(accumulator + value)
        with m.If(self.clear):
            m.d.sync += accumulator.eq(0)
        with m.Else():
            m.d.sync += accumulator.eq(total)
        m.d.sync += self.shadow.eq(Mux(self.capture, total, self.chain))
        return m
