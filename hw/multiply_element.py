"""One filter of one lane: multiply and accumulate integers."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from params import ArrayConfig
from params.config import INT8_LEVELS


class MultiplyElement(wiring.Component):
    """Adds an activation times an int8 weight to an accumulator: acc += x * weight.

    A cycle with `skip` set adds nothing. `capture` moves the sum, the present step included, to
    the shadow register; in every other cycle the shadow register takes the value of the chain.
    `clear` empties the accumulator, with `capture` and in reset.

    Latency: two cycles from `x` and `weight` to the accumulator, for the operands and for the
    product; on an FPGA both are registers of the multiplier. `skip` arrives with `x`, `capture`
    and `clear` with the product.

    Parameters
    ----------
    multipliers : 1 for a multiplier of the FPGA, 0 for one of LUTs.

    Members
    -------
    x : In(activation_bits), signed : In(1), the layer's sign flag of x
    weight : In(signed), skip, capture, clear : In(1)
    chain : In, shadow register of the next lane; shadow : Out, this lane's.
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
                "chain": In(accumulator),
                "shadow": Out(accumulator),
            }
        )
        self.shadow = Signal(accumulator, name="shadow", reset_less=True)

    def elaborate(self, platform):
        m = Module()
        bits = self._config.activation_bits
        operand = Signal(signed(bits + 1), reset_less=True)
        weight = Signal(signed(INT8_LEVELS), reset_less=True)
        product = Signal(signed(bits + INT8_LEVELS), reset_less=True)
        with m.If(self.skip):
            m.d.sync += operand.eq(0)
        with m.Else():
            m.d.sync += operand.eq(Cat(self.x, self.signed & self.x[-1]).as_signed())
        m.d.sync += [
            weight.eq(self.weight),
            product.eq(operand * weight if self._multipliers else _multiply(m, operand, weight)),
        ]
        accumulator = Signal(signed(self._config.accumulator_bits), reset_less=True)
        total = Signal(signed(self._config.accumulator_bits))
        m.d.comb += total.eq(accumulator + product)
        with m.If(self.clear):
            m.d.sync += accumulator.eq(0)
        with m.Else():
            m.d.sync += accumulator.eq(total)
        m.d.sync += self.shadow.eq(Mux(self.capture, total, self.chain))
        return m


def _multiply(m, operand, weight):
    """The product as a tree of adders over the bits of `weight`, the highest of which subtracts."""
    rows = [Mux(bit, operand, 0) for bit in weight[:-1]]
    rows.append(Mux(weight[-1], -operand, 0))
    terms = [row << n for n, row in enumerate(rows)]
    while len(terms) > 1:
        sums = []
        for n in range(0, len(terms) - 1, 2):
            total = Signal(signed(len(terms[n + 1]) + 1), name=f"sum_{len(terms)}_{n}")
            m.d.comb += total.eq(terms[n] + terms[n + 1])
            sums.append(total)
        terms = sums + terms[len(terms) - len(terms) % 2 :]
    return terms[0]
