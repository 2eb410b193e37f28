"""Single-precision addition."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.float32 import EXPONENT_BITS, FRACTION_BITS
from params.timing import FLOAT_ADDER_LATENCY

GUARD_BITS = 3
"""Places below the larger operand: guard, round, and the sticky bit for all further ones."""


class FloatAdder(wiring.Component):
    """o = a + b in IEEE 754 binary32, to nearest even, as `golden.float32.add` defines it.

    One path for all operands. Which is larger is decided by the exponents alone. For a
    difference the larger one is complemented: ~larger + smaller is the complement of the
    difference, and saves the carry in and the complement of a shifted value. If exponents are
    equal and the difference came out negative, the sum is one less than the magnitude; it is
    then shifted up with ones behind it, and rounding adds the one at no cost, as such a
    difference is exact.

    Latency: `latency` cycles; throughput one sum per cycle, no stalls, no reset. Fed back to an
    operand, `latency` sums take turns.

    Members
    -------
    first : In(1), whether `a` counts as +0, whatever it is; for the first of a sum.
    a, b : In(32), whose NaNs are quiet (the first bit of the fraction is set, as it is in every
        result; a signalling NaN counts as an infinity).
    o : Out(32)
    """

    latency = FLOAT_ADDER_LATENCY

    def __init__(self):
        super().__init__({"first": In(1), "a": In(32), "b": In(32), "o": Out(32)})
        self.o = Signal(32, name="o", reset_less=True)

    def elaborate(self, platform):
        m = Module()

        def registered(value, name):
            signal = Signal(value.shape(), name=name, reset_less=True)
            m.d.sync += signal.eq(value)
            return signal

        def named(value, name):
            signal = Signal(value.shape(), name=name)
            m.d.comb += signal.eq(value)
            return signal

        fractions = [operand[:FRACTION_BITS] for operand in (self.a, self.b)]
        # An operand without an exponent is a zero, whatever its fraction.
        exponents = [
            self.a[FRACTION_BITS:-1] & (~self.first).replicate(EXPONENT_BITS),
            self.b[FRACTION_BITS:-1],
        ]
        signs = [self.a[-1] & ~self.first, self.b[-1]]
        zeros = [~exponent.any() for exponent in exponents]
        specials = [exponent.all() for exponent in exponents]

        # 1: which exponent is larger, and by how much. Without a carry the complement of a
        # negative difference is one short; the smaller operand is shifted by that one here.
        difference = named(exponents[0] - exponents[1], "difference")
        swapped = difference[-1]
        subtract = named(signs[0] ^ signs[1], "subtract")
        larger = registered(
            Mux(swapped, fractions[1], fractions[0]) ^ subtract.replicate(FRACTION_BITS), "larger"
        )
        # Beside an infinity nothing is added, so that it goes through as a number would.
        masked = named(Mux(swapped, zeros[0] | specials[1], zeros[1] | specials[0]), "masked")
        smaller = Signal(FRACTION_BITS + 2, reset_less=True)
        m.d.sync += smaller.eq(
            Mux(swapped, Cat(fractions[0], 1, 0), Cat(0, fractions[1], 1))
            & (~masked).replicate(len(smaller))
        )
        distance = registered(difference[:5] ^ swapped.replicate(5), "distance")
        far = registered((difference[5:8] ^ swapped.replicate(3)).any(), "far")
        both = [registered(exponent, f"exponent_{n}") for n, exponent in enumerate(exponents)]
        choice = registered(swapped, "choice")
        sign = registered(
            Mux(swapped, signs[1], signs[0]) & ~(subtract & zeros[0] & zeros[1]), "sign_0"
        )
        nans = [
            special & fraction[-1] for special, fraction in zip(specials, fractions, strict=True)
        ]
        nan = registered(nans[0] | nans[1] | (specials[0] & specials[1] & subtract), "nan_0")
        subtract = registered(subtract, "subtract_0")

        # 2 and 3: align the smaller operand; what falls off the end is remembered.
        def align(value, amount, mask=None):
            shift = 1 << amount
            enable = distance[amount]
            shifted = Mux(enable, value >> shift, value)
            if mask is not None:
                shifted &= mask.replicate(len(value))
            shifted = named(shifted, f"aligned_by_{shift}")
            return shifted, enable & value[:shift].any()

        def carried(position):
            nonlocal sign, nan, subtract, larger, exponent
            sign = registered(sign, f"sign_{position}")
            nan = registered(nan, f"nan_{position}")
            subtract = registered(subtract, f"subtract_{position}")
            larger = registered(larger, f"larger_{position}")
            exponent = registered(exponent, f"exponent_{position}")

        aligned, lost_16 = align(Cat(Const(0, 1), smaller), 4, ~far)
        aligned, lost_8 = align(aligned, 3)
        aligned = registered(aligned, "aligned_1")
        sticky = registered(lost_16 | lost_8, "sticky_1")
        # Two more than the larger exponent: one for the sum's carry, one as the places that the
        # sum is shifted by are subtracted by their complement.
        exponent = named(Mux(choice, both[1], both[0]) + 2, "exponent_0")
        distance = registered(distance[:3], "distance_1")
        carried(1)

        aligned, lost_4 = align(aligned, 2)
        aligned, lost_2 = align(aligned, 1)
        aligned = registered(aligned, "aligned_2")
        sticky = registered(sticky | lost_4 | lost_2, "sticky_2")
        distance = registered(distance[:1], "distance_2")
        carried(2)

        # 4: the last place of alignment, and the sum.
        aligned, lost = align(aligned, 0)
        augend = Cat(subtract.replicate(GUARD_BITS), larger, ~subtract, subtract)
        addend = named(Cat(sticky | lost, aligned, 0), "addend")
        total = registered((augend + addend)[: len(augend)], "total")
        carried(3)

        # 5 and 6: bring the leading one to the top, its place counted along.
        top = total[-1]
        invert = named(subtract & top, "invert")
        fill = named(subtract & ~top, "fill")
        normal = total ^ invert.replicate(len(total))

        def normalise(value, amount, fill, *, empty=None):
            shift = 1 << amount
            if empty is None:
                empty = named(~value[-shift:].any(), f"empty_{shift}")
            shifted = Mux(empty, Cat(fill.replicate(shift), value[:-shift]), value)
            return named(shifted, f"normal_by_{shift}"), empty

        same = [~(total[n : n + 3] ^ top.replicate(3)).any() for n in range(12, 27, 3)]
        empty = named((~top | subtract) & Cat(same).all(), "empty_16")
        normal, moved_16 = normalise(normal, 4, fill, empty=empty)
        normal, moved_8 = normalise(normal, 3, fill)
        normal = registered(normal, "normal_1")
        places = registered(Cat(moved_8, moved_16), "places_1")
        sign = named(sign ^ fill, "sign_of_sum")
        fill = registered(fill, "fill_1")
        sign = registered(sign, "sign_5")
        nan = registered(nan, "nan_5")
        exponent = registered(exponent, "exponent_5")

        normal, moved_4 = normalise(normal, 2, fill)
        normal, moved_2 = normalise(normal, 1, fill)
        normal = registered(normal, "normal_2")
        places = registered(Cat(moved_2, moved_4, places), "places_2")
        sign = registered(sign, "sign_6")
        nan = registered(nan, "nan_6")
        exponent = registered(exponent, "exponent_6")

        # 7: the last place, and one carry chain for rounding and exponent.
        up = normal[-1]
        low = len(normal) - 1 - FRACTION_BITS
        fraction = named(Mux(up, normal[low:-1], normal[low - 1 : -2]), "fraction")
        half = Mux(up, normal[low - 1], normal[low - 2])
        beyond = normal[: low - 2].any() | (up & normal[low - 2])
        increment = named(half & (beyond | fraction[0]), "increment")
        complement = Cat(up, ~places, Const(0b1111, 4))
        rounded = registered(
            (Cat(fraction, exponent) + Cat(increment, Const(0, FRACTION_BITS - 1), complement))[
                : FRACTION_BITS + EXPONENT_BITS + 1
            ],
            "rounded",
        )
        nothing = registered(~normal[-2:].any(), "nothing")
        sign = registered(sign & ~nan & normal[-2:].any(), "sign_7")
        nan = registered(nan, "nan_7")

        # 8: results out of range.
        fraction, exponent = rounded[:FRACTION_BITS], rounded[FRACTION_BITS:]
        flushed = named(nothing | exponent[-1] | ~exponent.any(), "flushed")
        infinite = named(exponent[:-1].all(), "infinite")
        o_fraction, o_exponent = self.o[: FRACTION_BITS - 1], self.o[FRACTION_BITS:-1]
        with m.If(flushed | infinite):
            m.d.sync += o_fraction.eq(0)
        with m.Else():
            m.d.sync += o_fraction.eq(fraction)
        with m.If(flushed):
            m.d.sync += o_exponent.eq(0)
        with m.Else():
            m.d.sync += o_exponent.eq(exponent)
        m.d.sync += [
            self.o[FRACTION_BITS - 1].eq(nan | (fraction[-1] & ~flushed & ~infinite)),
            self.o[-1].eq(sign),
        ]
        return m
