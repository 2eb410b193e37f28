"""One filter of one lane: multiply and accumulate integers."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.delay import delayed
from params import ArrayConfig
from params.config import INT8_LEVELS
from params.timing import INT8_MULTIPLIER_LATENCY


class MultiplyElement(wiring.Component):
    """Adds an activation times an int8 weight to an accumulator: acc += x * weight.

    A cycle with `skip` set adds nothing. `capture` moves the sum, the present step included, to
    the shadow register, which keeps it. `clear` empties the accumulator, with `capture` and in
    reset.

    Latency: `INT8_MULTIPLIER_LATENCY` cycles from `x` and `weight` to the product, one more to the
    accumulator. On an FPGA operands and product are registers of a multiplier; one of LUTs has
    registers behind every level of adders, for without them synthesis makes it twice as large.
    `skip` arrives with `x`, `capture` and `clear` with the product.

    Parameters
    ----------
    multipliers : 1 for a multiplier of the FPGA, 0 for one of LUTs.

    Members
    -------
    x : In(activation_bits), signed : In(1), the layer's sign flag of x
    weight : In(signed), skip, capture, clear : In(1)
    shadow : Out(accumulator)
    """

    def __init__(self, config: ArrayConfig, *, multipliers: int):
        self._config = config
        self._multipliers = multipliers
        accumulator = signed(config.accumulator_bits)
        super().__init__(
            {
                "x": In(config.activation_bits),
                "signed": In(1),
                "weight": In(signed(INT8_LEVELS)),
                "skip": In(1),
                "capture": In(1),
                "clear": In(1),
                "shadow": Out(accumulator),
            }
        )
        self.shadow = Signal(accumulator, name="shadow", reset_less=True)

    def elaborate(self, platform):
        m = Module()
        bits = self._config.activation_bits
        operand = Signal(signed(bits + 1), reset_less=True)
        weight = Signal(signed(INT8_LEVELS), reset_less=True)
        m.d.sync += weight.eq(self.weight)
        value = Cat(self.x, self.signed & self.x[-1]).as_signed()
        m.d.sync += operand.eq(Mux(self.skip, 0, value))
        product = self._product(m, operand, weight)
        accumulator = Signal(signed(self._config.accumulator_bits), reset_less=True)
        total = Signal(signed(self._config.accumulator_bits))
        m.d.comb += total.eq(accumulator + product)
        m.d.sync += accumulator.eq(Mux(self.clear, 0, total))
        with m.If(self.capture):
            m.d.sync += self.shadow.eq(total)
        return m

    def _product(self, m, operand, weight):
        """`INT8_MULTIPLIER_LATENCY - 1` cycles after the operands."""
        if self._multipliers:
            waiting = INT8_MULTIPLIER_LATENCY - 2
            operand = delayed(m, operand, waiting, "operand")
            weight = delayed(m, weight, waiting, "weight")
            return delayed(m, (operand * weight).as_signed(), 1, "product")
        # The highest bit of the weight subtracts.
        taken = [Mux(bit, operand, 0) for bit in weight]
        sums = [low + (high << 1) for low, high in zip(taken[:-2:2], taken[1:-2:2], strict=True)]
        sums.append(taken[-2] - (taken[-1] << 1))
        place = 2
        sums = [delayed(m, value.as_signed(), 1, f"sum_1_{n}") for n, value in enumerate(sums)]
        while len(sums) > 1:
            pairs = zip(sums[::2], sums[1::2], strict=True)
            sums = [
                delayed(m, (low + (high << place)).as_signed(), 1, f"sum_{place}_{n}")
                for n, (low, high) in enumerate(pairs)
            ]
            place *= 2
        return sums[0]
