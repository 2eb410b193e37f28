"""A slice of one row's lanes, with its own copy of the control."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.delay import delayed
from hw.float_elements import FloatElements
from hw.multiply_elements import MultiplyElements
from hw.payloads import beat
from hw.shift_elements import ShiftElements
from params import ArrayConfig
from params.arithmetic import Arithmetic
from params.timing import READ_LATENCY

ELEMENTS = {
    Arithmetic.SHIFT: ShiftElements,
    Arithmetic.INT8: MultiplyElements,
    Arithmetic.FLOAT32: FloatElements,
}
"""The processing elements of each arithmetic."""


class LaneGroup(wiring.Component):
    """Reads a word per beat, moves it across the lanes, and accumulates it.

    Beats pass from group to group, from the highest lanes to the lowest, one cycle per group:
    no control signal fans out over more than one group. A lane that takes its value from the
    group above finds it one cycle late, which the group above's outgoing registers make up for.

    Lane shifts are done in log2 stages: stage i moves the word 2^i lanes down.

    Latency: `lane_latency` cycles from `i` of the highest group to the shadow registers of the
    lowest. `Elements` tells how the sums leave.

    Members
    -------
    i : In(beat), from the group above; o : Out(beat), to the group below.
    signed : In, sign flag of the activations.
    address : Out, write : Out, to the activation memory; word : In, its answer.
    from_above, to_below : arrays per shift stage of the lanes that cross the border.
    outlets : Out(array of accumulators); captured : Out, in the cycle before they hold a filter's
        first sums.
    """

    def __init__(self, config: ArrayConfig):
        self._config = config
        crossing = data.StructLayout(
            {
                f"stage_{i}": data.ArrayLayout(config.activation_bits, 1 << i)
                for i in range(config.shift_bits)
            }
        )
        self._crossing = crossing
        super().__init__(
            {
                "i": In(beat(config)),
                "o": Out(beat(config)),
                "signed": In(1),
                "address": Out(range(config.depth)),
                "write": Out(1),
                "word": In(data.ArrayLayout(config.activation_bits, config.lanes_per_group)),
                "from_above": In(crossing),
                "to_below": Out(crossing),
                "outlets": Out(
                    data.ArrayLayout(signed(config.accumulator_bits), config.outlets_per_group)
                ),
                "captured": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        lanes = config.lanes_per_group

        m.d.sync += self.o.eq(self.i)
        step = self.o.step
        m.d.comb += [self.address.eq(step.address), self.write.eq(self.o.write)]

        values = [self.word[lane] for lane in range(lanes)]
        for stage in range(config.shift_bits):
            distance = 1 << stage
            shift = delayed(
                m, step.shift[stage], READ_LATENCY + stage, f"shift_{stage}", reset_less=True
            )
            crossing = self.from_above[f"stage_{stage}"]
            m.d.sync += [self.to_below[f"stage_{stage}"][n].eq(values[n]) for n in range(distance)]
            above = values[distance:] + [crossing[n] for n in range(distance)]
            moved = []
            for lane in range(lanes):
                value = Signal(
                    config.activation_bits, name=f"moved_{stage}_{lane}", reset_less=True
                )
                m.d.sync += value.eq(Mux(shift, above[lane], values[lane]))
                moved.append(value)
            values = moved

        m.submodules.elements = elements = ELEMENTS[config.arithmetic](config)
        m.d.comb += [elements.x[lane].eq(value) for lane, value in enumerate(values)]
        arrival = READ_LATENCY + config.shift_bits
        m.d.comb += [
            elements.control.eq(delayed(m, step.control, arrival, "control")),
            elements.clear.eq(delayed(m, step.control.last, arrival, "clear", init=1)),
            elements.signed.eq(self.signed),
            self.outlets.eq(elements.outlets),
            self.captured.eq(elements.captured),
        ]
        return m
