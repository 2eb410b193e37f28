"""From accumulators to activations."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from params import ArrayConfig, layouts
from params.timing import (
    PART_BITS,
    RIGHT_SHIFT_STAGES_PER_CYCLE,
    accumulator_parts,
    epilogue_latency,
    residual_latency,
)


class Requantizer(wiring.Component):
    """q = clamp((accumulator * multiplier + offset) >> shift, low, high).

    With residuals q = clamp(floor((accumulator * multiplier + offset) / 2^shift
    + residual * residual_multiplier / 2^15), low, high).

    The product is summed from parts that fit one 18x18 multiplier each, in registers before and
    after. The right shift goes from its largest stage to its smallest and keeps, behind each
    stage, only the bits that the remaining stages can still bring into the result; what is cut
    off above is remembered as an overflow, which the clamp then resolves. The shift rounds
    down; rounding to nearest comes from the offset.

    Latency: `latency` cycles, throughput one value per cycle, no stalls.

    Members
    -------
    accumulator : In(signed), epilogue : In(layouts.requantization)
    clamp : In(layouts.clamp), constant during a tile.
    residual : In(signed), with the accumulator; of an array with residuals only.
    o : Out(activation_bits)
    """

    def __init__(self, config: ArrayConfig):
        self._config = config
        self._parts = accumulator_parts(config)
        self._stages = list(reversed(range(config.max_right_shift.bit_length())))
        self.latency = epilogue_latency(config)
        residual = {"residual": In(signed(config.activation_bits + 1))} if config.residuals else {}
        super().__init__(
            {
                "accumulator": In(signed(config.accumulator_bits)),
                "epilogue": In(layouts.requantization(config)),
                "clamp": In(layouts.clamp(config)),
                **residual,
                "o": Out(config.activation_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config

        def registered(value, name, shape=None):
            shape = shape if shape is not None else value.shape()
            signal = Signal(shape, name=name, reset_less=True)
            m.d.sync += signal.eq(value)
            return signal

        def delayed(value, cycles, name):
            for n in range(cycles):
                value = registered(value, f"{name}_{n}")
            return value

        multiplier = registered(self.epilogue.multiplier, "multiplier")
        parts = []
        for n in range(self._parts):
            piece = self.accumulator[n * PART_BITS : (n + 1) * PART_BITS]
            if n == self._parts - 1:
                piece = piece.as_signed()
            piece = registered(piece, f"piece_{n}")
            parts.append(registered(piece * multiplier, f"product_{n}"))

        width = config.offset_bits + 2
        total = delayed(self.epilogue.offset, 2, "offset")
        for n, part in enumerate(parts):
            part = delayed(part, n, f"waiting_{n}")
            total = registered(total + (part << n * PART_BITS), f"total_{n}", signed(width))

        shift = delayed(self.epilogue.shift, 2 + self._parts, "amount")
        overflow = Signal()
        # The bits behind the point, which a residual adds to, go through the shift as well. Before
        # it those above tell an overflow, which no residual, below 2^(bits + 1), makes up for.
        fraction = config.residual_fraction
        total = (total << fraction).as_signed()
        result_bits = config.activation_bits + 2 + config.residuals + fraction
        for position, stage in enumerate(self._stages):
            kept = min(len(total), result_bits + (1 << stage) - 1)
            moved = Signal(signed(len(total)), name=f"moved_{stage}")
            m.d.comb += moved.eq(Mux(shift[stage], total >> (1 << stage), total))
            lost = Signal(name=f"lost_{stage}")
            above = moved[kept - 1 :]
            m.d.comb += lost.eq(overflow | (above.any() & ~above.all()))
            # The sign must survive the cut: it is what an overflow clamps towards.
            narrowed = Cat(moved[: kept - 1], moved[-1]).as_signed()
            if (position + 1) % RIGHT_SHIFT_STAGES_PER_CYCLE and position + 1 < len(self._stages):
                total = Signal(signed(kept), name=f"narrowed_{stage}")
                m.d.comb += total.eq(narrowed)
                overflow = lost
            else:
                total = registered(narrowed, f"narrowed_{stage}", signed(kept))
                overflow = registered(lost, f"overflow_{stage}")
                shift = registered(shift, f"shift_{stage}")

        sign = total[-1]
        if config.residuals:
            waiting = residual_latency(config) - 1
            operand = delayed(self.residual, waiting, "residual")
            factor = delayed(self.epilogue.residual_multiplier, waiting, "residual_multiplier")
            added = registered(operand * factor, "residual_product")
            total = registered((total + added) >> fraction, "total")
            overflow, sign = registered(overflow, "overflow"), registered(sign, "sign")

        # Of its own, as the tile's is far away on an FPGA.
        clamp = Signal.like(self.clamp, name="clamp", reset_less=True)
        m.d.sync += clamp.eq(self.clamp)
        below = registered(Mux(overflow, sign, total < clamp.low), "below")
        above_high = registered(Mux(overflow, ~sign, total > clamp.high), "above_high")
        inside = registered(total, "inside")
        clamped = Mux(below, clamp.low, Mux(above_high, clamp.high, inside))
        m.d.comb += self.o.eq(registered(clamped[: config.activation_bits], "clamped"))
        return m
