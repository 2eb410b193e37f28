"""A slice of one row's lanes, with its own copy of the control."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.payloads import beat
from hw.processing_element import ProcessingElement
from params import ArrayConfig
from params.timing import READ_LATENCY, element_latency


class LaneGroup(wiring.Component):
    """Reads a word per beat, moves it across the lanes, and accumulates it.

    Beats pass from group to group, from the highest lanes to the lowest, one cycle per group:
    no control signal fans out over more than one group. A lane that takes its value from the
    group above finds it one cycle late, which the group above's outgoing registers make up for.

    Lane shifts are done in log2 stages: stage i moves the word 2^i lanes down.

    Latency: `lane_latency` cycles from `i` of the highest group to the shadow registers of the
    lowest. After a step with `last` the chains shift out the sums: chain c carries the lanes
    c * chain_length upwards of this group, lane by lane, filter 0 first.

    Members
    -------
    i : In(beat), from the group above; o : Out(beat), to the group below.
    signed : In, sign flag of the activations.
    address : Out, write : Out, to the activation memory; word : In, its answer.
    from_above, to_below : arrays per shift stage of the lanes that cross the border.
    chains : Out(array of accumulators), captured : Out, the chains hold a filter's first sums.
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
                "chains": Out(
                    data.ArrayLayout(signed(config.accumulator_bits), config.chains_per_group)
                ),
                "captured": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        lanes = config.lanes_per_group

        def delayed(signal, cycles, name, init=0):
            for n in range(cycles):
                registered = Signal(signal.shape(), name=f"{name}_{n + 1}", init=init)
                m.d.sync += registered.eq(signal)
                signal = registered
            return signal

        m.d.sync += self.o.eq(self.i)
        step = self.o.step
        m.d.comb += [self.address.eq(step.address), self.write.eq(self.o.write)]

        values = [self.word[lane] for lane in range(lanes)]
        for stage in range(config.shift_bits):
            distance = 1 << stage
            shift = delayed(step.shift[stage], READ_LATENCY + stage, f"shift_{stage}")
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

        arrival = READ_LATENCY + config.shift_bits
        depth = element_latency(config)
        capture = delayed(step.last, arrival + depth, "capture")
        clear = delayed(step.last, arrival + depth, "clear", init=1)
        m.d.sync += self.captured.eq(capture)
        chain_ends = [None] * config.chains_per_group
        for f in reversed(range(config.filters_per_row)):
            code = step.codes[f]
            sign = delayed(code.sign, arrival, f"sign_{f}")
            exponent = [
                delayed(code.exponent[n], arrival + n, f"exponent_{f}_{n}")
                for n in range(config.exponent_bits)
            ]
            skip = delayed(~step.enable[f], arrival + depth - 1, f"skip_{f}", init=1)
            for lane in reversed(range(lanes)):
                chain = lane // config.chain_length
                element = ProcessingElement(config)
                m.submodules[f"element_{f}_{lane}"] = element
                m.d.comb += [
                    element.x.eq(values[lane]),
                    element.signed.eq(self.signed),
                    element.sign.eq(sign),
                    element.skip.eq(skip),
                    element.capture.eq(capture),
                    element.clear.eq(clear),
                ]
                m.d.comb += [element.exponent[n].eq(bit) for n, bit in enumerate(exponent)]
                if chain_ends[chain] is not None:
                    m.d.comb += element.chain.eq(chain_ends[chain])
                chain_ends[chain] = element.shadow
        m.d.comb += [self.chains[n].eq(end) for n, end in enumerate(chain_ends)]
        return m
