"""Single-precision multiplication."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.errors import UserError

FRACTION_BITS = 23
EXPONENT_BITS = 8
SIGNIFICAND_BITS = FRACTION_BITS + 1

LOW_BITS = 18
"""Bits of an operand's lower part: what an 18x18 multiplier takes of unsigned operands."""

STICKY_BITS = 2 * SIGNIFICAND_BITS - FRACTION_BITS - 3
"""Low bits of the product of which only whether they are all zero matters."""

MULTIPLIERS = (4, 3, 2, 1, 0)
"""Numbers of 18x18 multipliers to choose from."""


class MultiplierError(UserError):
    """There is no way to build a product from that many multipliers."""


@dataclass(frozen=True)
class Addend:
    """A registered part of a sum: `bits` times 2^`place`, at most `largest`."""

    bits: Value
    place: int
    largest: int


class FloatMultiplier(wiring.Component):
    """o = a * b in IEEE 754 binary32, to nearest even, as `golden.float32.multiply` defines it.

    The significands are cut into 18 lower and 6 higher bits, whose four products take an 18x18
    multiplier each, or fewer: products in logic are sums of pairs of rows x * y[i], where a carry
    chain of the ECP5 forms and adds both rows of a pair. All parts are added in a tree with a
    register behind every sum.

    Latency: `latency` cycles; throughput one product per cycle, no stalls, no reset.

    Parameters
    ----------
    multipliers : products of parts in 18x18 multipliers. 4: all. 3: not 6x6. 2: not the 6 higher
        bits of b. 1: 18x18 alone. 0: none.

    Members
    -------
    a, b : In(32); o : Out(32)

    Raises
    ------
    MultiplierError : `multipliers` is none of `MULTIPLIERS`.
    """

    def __init__(self, multipliers: int = 4):
        if multipliers not in MULTIPLIERS:
            raise MultiplierError(
                f"a product cannot be made from {multipliers!r} multipliers; choose one of "
                f"{', '.join(map(str, MULTIPLIERS))}"
            )
        self._multipliers = multipliers
        stages = 0
        addends = len(self._addends(Const(0, SIGNIFICAND_BITS), Const(0, SIGNIFICAND_BITS)))
        while addends > 1:
            addends, stages = (addends + 1) // 2, stages + 1
        self.latency = 4 + stages
        super().__init__({"a": In(32), "b": In(32), "o": Out(32)})
        self.o = Signal(32, name="o", reset_less=True)

    def _addends(self, a: Value, b: Value) -> list[Addend]:
        """Parts of the product, neighbours to be added first; their bits are not registered."""
        a_low, a_high = a[:LOW_BITS], a[LOW_BITS:]
        b_low, b_high = b[:LOW_BITS], b[LOW_BITS:]

        def product(x, y, place):
            return Addend(x * y, place, ((1 << len(x)) - 1) * ((1 << len(y)) - 1))

        def rows(x, y, place):
            pairs = []
            for n in range(0, len(y), 2):
                even, odd = ((x & bit.replicate(len(x))) for bit in y[n : n + 2])
                bits = (even + (odd << 1))[: len(x) + 2]
                pairs.append(Addend(bits, place + n, 3 * ((1 << len(x)) - 1)))
            return pairs

        low = product(a_low, b_low, 0)
        if self._multipliers == 4:
            high = product(a_high, b_high, 2 * LOW_BITS)
            return [
                product(a_low, b_high, LOW_BITS),
                product(a_high, b_low, LOW_BITS),
                # These two do not overlap.
                Addend(Cat(low.bits, high.bits), 0, low.largest + (high.largest << 2 * LOW_BITS)),
            ]
        if self._multipliers == 3:
            return [
                *rows(a_high, b_high, 2 * LOW_BITS),
                product(a_low, b_high, LOW_BITS),
                product(a_high, b_low, LOW_BITS),
                low,
            ]
        if self._multipliers == 2:
            first, second, third = rows(a, b_high, LOW_BITS)
            return [first, second, product(a_high, b_low, LOW_BITS), low, third]
        if self._multipliers == 1:
            return [*rows(b_low, a_high, LOW_BITS), low, *rows(a, b_high, LOW_BITS)]
        return rows(a, b, 0)

    def elaborate(self, platform):
        m = Module()

        def registered(value, name):
            signal = Signal(len(value), name=name, reset_less=True)
            m.d.sync += signal.eq(value)
            return signal

        def named(value, name):
            signal = Signal(len(value), name=name)
            m.d.comb += signal.eq(value)
            return signal

        # 1: operands, and what becomes of exponents and special values.
        fractions = [operand[:FRACTION_BITS] for operand in (self.a, self.b)]
        exponents = [operand[FRACTION_BITS:-1] for operand in (self.a, self.b)]
        zero = named(~exponents[0].any() | ~exponents[1].any(), "zero_operand")
        specials = [exponent.all() for exponent in exponents]
        special = named(specials[0] | specials[1], "special_operand")
        nans = [kind & fraction.any() for kind, fraction in zip(specials, fractions, strict=True)]
        nan = named(nans[0] | nans[1] | (zero & special), "nan_operand")
        status = registered(
            Cat((self.a[-1] ^ self.b[-1]) & ~nan, zero & ~special, special, nan), "status_0"
        )
        # The carry in is one of the two that make -127 of the -128 below; the other is no digit.
        exponent = (Cat(1, exponents[0]) + Cat(1, exponents[1]))[1:]
        exponent = registered(exponent, "exponent_0")
        operands = [
            Cat(registered(fraction, f"fraction_{name}"), 1)
            for name, fraction in zip("ab", fractions, strict=True)
        ]

        # 2: products of parts.
        addends = [
            Addend(registered(addend.bits, f"part_{n}"), addend.place, addend.largest)
            for n, addend in enumerate(self._addends(*operands))
        ]
        status, exponent = registered(status, "status_1"), registered(exponent, "exponent_1")

        # 3 and on: their sum. Low bits that nothing is added to any more join the sticky bit.
        sticky = Const(0, 1)
        stage = 2
        while len(addends) > 1:
            addends, lost = _retire(addends)
            sticky = registered(sticky | lost.any(), f"sticky_{stage}")
            addends = [
                _sum(registered, f"sum_{stage}_{n}", *addends[n : n + 2])
                for n in range(0, len(addends), 2)
            ]
            status = registered(status, f"status_{stage}")
            exponent = registered(exponent, f"exponent_{stage}")
            stage += 1
        (product,) = addends
        lost = product.bits[: STICKY_BITS - product.place]
        sticky = named(sticky | lost.any(), "sticky")
        product = product.bits[STICKY_BITS - product.place :]

        # One carry chain for rounding and exponent, which is below 1 on underflow.
        up = product[-1]
        fraction = named(Mux(up, product[2:-1], product[1:-2]), "fraction")
        half = Mux(up, product[1], product[0])
        increment = named(half & (sticky | (up & product[0]) | fraction[0]), "increment")
        bias = Cat(up, Const(0, EXPONENT_BITS - 2), Const(0b111, 3))
        rounded = registered(
            (Cat(fraction, exponent) + Cat(increment, Const(0, FRACTION_BITS - 1), bias))[
                : FRACTION_BITS + EXPONENT_BITS + 2
            ],
            "rounded",
        )
        sign, zero, special, nan = registered(status, "status")

        # Results out of range.
        fraction, exponent = rounded[:FRACTION_BITS], rounded[FRACTION_BITS:]
        flushed = named(zero | exponent[-1] | ~exponent.any(), "flushed")
        infinite = named(
            special | (~exponent[-1] & (exponent[-2] | exponent[:EXPONENT_BITS].all())), "infinite"
        )
        o_fraction, o_exponent = self.o[: FRACTION_BITS - 1], self.o[FRACTION_BITS:-1]
        with m.If(flushed | infinite):
            m.d.sync += o_fraction.eq(0)
        with m.Else():
            m.d.sync += o_fraction.eq(fraction)
        with m.If(flushed):
            m.d.sync += o_exponent.eq(0)
        with m.Else():
            m.d.sync += o_exponent.eq(exponent[:EXPONENT_BITS] | infinite.replicate(EXPONENT_BITS))
        m.d.sync += [
            self.o[FRACTION_BITS - 1].eq(nan | (fraction[-1] & ~flushed & ~infinite)),
            self.o[-1].eq(sign),
        ]
        return m


def _retire(addends: list[Addend]) -> tuple[list[Addend], Value]:
    """Addends without the low bits that are final and only sticky, and those bits."""
    places = sorted(addend.place for addend in addends)
    final = min(places[1], STICKY_BITS)
    kept, lost = [], []
    for addend in addends:
        count = max(0, final - addend.place)
        lost.append(addend.bits[:count])
        kept.append(Addend(addend.bits[count:], addend.place + count, addend.largest >> count))
    return kept, Cat(lost)


def _sum(registered, name: str, first: Addend, second: Addend | None = None) -> Addend:
    """The registered sum of two addends, or one of them registered; no wider than needed."""
    if second is None:
        return Addend(registered(first.bits, name), first.place, first.largest)
    if first.place > second.place:
        first, second = second, first
    distance = second.place - first.place
    largest = first.largest + (second.largest << distance)
    low, high = first.bits[:distance], first.bits[distance:]
    total = (high + second.bits)[: largest.bit_length() - distance]
    return Addend(registered(Cat(low, total), name), first.place, largest)
