"""The processing elements that multiply and accumulate floats."""

from amaranth.hdl import Module, Signal

from hw.delay import delayed
from hw.elements import Elements
from hw.float_element import FloatElement
from hw.outlets import collect
from params.timing import FLOAT_MULTIPLIER_LATENCY, element_latency


class FloatElements(Elements):
    """Elements for float32 weights of filters that take turns, see `FloatElement`.

    The sums of a pass come one turn after the other, and all are kept before the first leaves:
    the outlets give those of one turn at a time.
    """

    def elaborate(self, platform):
        m = Module()
        config, control = self._config, self.control
        depth = element_latency(config)
        # Weights are dense: all elements of a lane take a step or none does.
        step = control.enable[0]
        skip = delayed(m, ~step, FLOAT_MULTIPLIER_LATENCY, "skip", init=1)
        first = delayed(m, control.first & step, FLOAT_MULTIPLIER_LATENCY + 1, "first")
        store = delayed(m, control.last, depth, "store")
        turn = delayed(m, control.turn, depth, "turn")

        begin = Signal()
        m.d.comb += begin.eq(store & (turn == config.turns - 1))
        m.d.sync += self.captured.eq(begin)
        number = Signal.like(turn)
        sums = {}
        for n in range(config.elements_per_lane):
            for lane in range(config.lanes_per_group):
                multipliers = config.multipliers[lane % len(config.multipliers)]
                element = FloatElement(config, multipliers=multipliers)
                m.submodules[f"element_{n}_{lane}"] = element
                m.d.comb += [
                    element.x.eq(self.x[lane]),
                    element.weight.eq(control.codes[n].weight),
                    element.skip.eq(skip),
                    element.first.eq(first),
                    element.store.eq(store),
                    element.turn.eq(turn),
                    element.number.eq(number),
                ]
                sums[n, lane] = element.stored
        m.d.comb += number.eq(collect(m, config, begin, sums, self.outlets))
        return m
