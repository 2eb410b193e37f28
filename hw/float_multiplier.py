"""Single-precision multiplication."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.errors import UserError
from golden.float32 import EXPONENT_BITS, FRACTION_BITS
from params.timing import FLOAT_MULTIPLIER_LATENCY

SIGNIFICAND_BITS = FRACTION_BITS + 1

LOW_BITS = 18
"""Bits of a significand's lower part: what an 18x18 multiplier takes of unsigned operands."""

HIGH_BITS = SIGNIFICAND_BITS - LOW_BITS

STICKY_BITS = 2 * SIGNIFICAND_BITS - FRACTION_BITS - 3
"""Low bits of the product of which only whether they are all zero matters."""

MULTIPLIERS = (4, 3, 2, 1, 0)
"""Numbers of 18x18 multipliers to choose from."""


class MultiplierError(UserError):
    """There is no way to build a product from that many multipliers."""


@dataclass(frozen=True)
class Part:
    """A part of a sum: `bits` times 2^`place`, where `bits` is `largest` at most."""

    bits: Value
    place: int
    largest: int


class FloatMultiplier(wiring.Component):
    """o = a * b in IEEE 754 binary32, to nearest even, as `golden.float32.multiply` defines it.

    The significands are cut into 18 lower and 6 higher bits, whose four products take an 18x18
    multiplier each, or fewer: products in logic are sums of pairs of rows x * y[i], where a carry
    chain of the ECP5 forms and adds both rows of a pair.

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

    latency = FLOAT_MULTIPLIER_LATENCY

    def __init__(self, multipliers: int = 4):
        if multipliers not in MULTIPLIERS:
            raise MultiplierError(
                f"a product cannot be made from {multipliers!r} multipliers; choose one of "
                f"{', '.join(map(str, MULTIPLIERS))}"
            )
        self._multipliers = multipliers
        super().__init__({"a": In(32), "b": In(32), "o": Out(32)})
        self.o = Signal(32, name="o", reset_less=True)

    def _parts(self, a: Value, b: Value) -> list[Part]:
        """Up to four parts of the product, neighbours to be added first."""
        a_low, a_high = a[:LOW_BITS], a[LOW_BITS:]
        b_low, b_high = b[:LOW_BITS], b[LOW_BITS:]
        low = _product(a_low, b_low, 0)
        if self._multipliers == 4:
            return [
                _product(a_low, b_high, LOW_BITS),
                _product(a_high, b_low, LOW_BITS),
                _product(a_high, b_high, 2 * LOW_BITS),
                low,
            ]
        if self._multipliers == 3:
            return [
                _product(a_low, b_high, LOW_BITS),
                _product(a_high, b_low, LOW_BITS),
                _rows(a_high, b_high, 2 * LOW_BITS),
                low,
            ]
        if self._multipliers == 2:
            return [low, _product(a_high, b_low, LOW_BITS), _rows(a, b_high, LOW_BITS)]
        if self._multipliers == 1:
            return [low, _rows(b_low, a_high, LOW_BITS), _rows(a, b_high, LOW_BITS)]
        return [
            _rows(a, b[place : place + HIGH_BITS], place)
            for place in range(0, SIGNIFICAND_BITS, HIGH_BITS)
        ]

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

        # 2: parts of the product.
        parts = [
            Part(registered(part.bits, f"part_{n}"), part.place, part.largest)
            for n, part in enumerate(self._parts(*operands))
        ]
        status, exponent = registered(status, "status_1"), registered(exponent, "exponent_1")

        # 3: their sum. Low bits that nothing is added to join the sticky bit.
        parts, lost = _split(parts)
        sticky = registered(Cat(lost).any(), "sticky_2")
        while len(parts) > 1:
            pairs = [parts[n : n + 2] for n in range(0, len(parts), 2)]
            parts = [_sum(pair, inner=len(pairs) > 1) for pair in pairs]
        (whole,) = parts
        product = registered(whole.bits, "product")
        status, exponent = registered(status, "status_2"), registered(exponent, "exponent_2")
        lost, product = (
            product[: STICKY_BITS - whole.place],
            product[STICKY_BITS - whole.place :],
        )
        sticky = named(sticky | lost.any(), "sticky")

        # 4: one carry chain for rounding and exponent, which is below 1 on underflow.
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

        # 5: results out of range.
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


def _product(x: Value, y: Value, place: int) -> Part:
    """x * y, for an 18x18 multiplier."""
    return Part(x * y, place, _all_ones(x) * _all_ones(y))


def _rows(x: Value, y: Value, place: int) -> Part:
    """x * y as a sum of pairs of rows."""
    rows = [Part(x & bit.replicate(len(x)), place + n, _all_ones(x)) for n, bit in enumerate(y)]
    pairs = [_sum(rows[n : n + 2]) for n in range(0, len(rows), 2)]
    while len(pairs) > 1:
        pairs = [_sum(pairs[:2]), *pairs[2:]]
    return pairs[0]


def _all_ones(x: Value) -> int:
    return (1 << len(x)) - 1


def _sum(parts: list[Part], *, inner: bool = False) -> Part:
    """The sum of two parts, no wider than needed, or the one part there is.

    With `inner` the sum is whole a term of another in the same cycle. It is then written as the
    complement of a difference, which is the same carry chain: the synthesis tool would merge two
    plain sums into one of three terms, which takes a third more logic.
    """
    if len(parts) == 1:
        return parts[0]
    low, high = sorted(parts, key=lambda part: part.place)
    distance = high.place - low.place
    largest = low.largest + (high.largest << distance)
    width = largest.bit_length() - distance
    upper = low.bits[distance:]
    if not len(upper):
        total = high.bits
    elif inner:
        total = ~(~Cat(upper, Const(0, width - len(upper))) - high.bits)[:width]
    else:
        total = (upper + high.bits)[:width]
    return Part(Cat(low.bits[:distance], total), low.place, largest)


def _split(parts: list[Part]) -> tuple[list[Part], list[Value]]:
    """Parts without the low bits that are final and only sticky, and those bits."""
    final = min(sorted(part.place for part in parts)[1], STICKY_BITS)
    kept, lost = [], []
    for part in parts:
        count = max(0, final - part.place)
        lost.append(part.bits[:count])
        kept.append(Part(part.bits[count:], part.place + count, part.largest >> count))
    return kept, lost
