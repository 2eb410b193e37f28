"""The filters of one lane, by turns: multiply and accumulate floats."""

from amaranth.hdl import Const, Module, Mux, Signal, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from hw.float_adder import FloatAdder
from hw.float_multiplier import FloatMultiplier
from params import ArrayConfig
from params.config import FLOAT_BITS

NEGATIVE_ZERO = Const(1 << FLOAT_BITS - 1, FLOAT_BITS)
"""What added to any number leaves it as it is."""


class FloatElement(wiring.Component):
    """Adds the rounded product of an activation and a weight to the accumulator whose turn it is.

    The accumulators have no memory but the adder's own registers: a sum comes out of it when
    the next product for the same filter goes in. Every cycle is one filter's turn, also one in
    which nothing is to be added; a product of -0 then takes the sum round unchanged.

    `store` keeps the sum of turn `turn` in a memory beside, which shows that of turn `number`.

    Latency: `element_latency` cycles from `x` and `weight` to the sum, with which `store` and
    `turn` arrive; `skip` arrives with the product, `first` one cycle later, with the sum that it
    makes +0.

    Parameters
    ----------
    multipliers : 18x18 multipliers of its multiplier.

    Members
    -------
    x, weight : In(32); skip, first, store : In(1); turn, number : In(range(turns))
    stored : Out(32)
    """

    def __init__(self, config: ArrayConfig, *, multipliers: int):
        self._config = config
        self._multipliers = multipliers
        super().__init__(
            {
                "x": In(FLOAT_BITS),
                "weight": In(FLOAT_BITS),
                "skip": In(1),
                "first": In(1),
                "store": In(1),
                "turn": In(range(config.turns)),
                "number": In(range(config.turns)),
                "stored": Out(signed(FLOAT_BITS)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.multiplier = multiplier = FloatMultiplier(self._multipliers)
        m.submodules.adder = adder = FloatAdder()
        product = Signal(FLOAT_BITS, reset_less=True)
        m.d.sync += product.eq(Mux(self.skip, NEGATIVE_ZERO, multiplier.o))
        m.d.comb += [
            multiplier.a.eq(self.x),
            multiplier.b.eq(self.weight),
            adder.first.eq(self.first),
            adder.a.eq(adder.o),
            adder.b.eq(product),
        ]
        m.submodules.sums = sums = memory.Memory(
            shape=FLOAT_BITS, depth=self._config.turns, init=[]
        )
        write, read = sums.write_port(), sums.read_port(domain="comb")
        m.d.comb += [
            write.addr.eq(self.turn),
            write.data.eq(adder.o),
            write.en.eq(self.store),
            read.addr.eq(self.number),
            self.stored.eq(read.data),
        ]
        return m
