"""The processing elements that multiply and accumulate floats."""

from amaranth.hdl import Module, Mux, Signal

from hw.chain import link_chains
from hw.delay import delayed
from hw.elements import Elements
from hw.float_element import FloatElement
from params.timing import FLOAT_MULTIPLIER_LATENCY, element_latency


class FloatElements(Elements):
    """Elements for float32 weights of filters that take turns, see `FloatElement`.

    The sums of a pass come one turn after the other, and all are kept before the first leaves:
    the chains carry those of one turn at a time.
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

        # The turn whose sums go to the chains next, and the cycles until they are free.
        links = config.elements_per_lane * config.chain_length
        following = Signal(range(config.turns))
        wait = Signal(range(links))
        draining = Signal()
        begin = Signal()
        load = Signal()
        number = Signal.like(following)
        m.d.comb += [
            begin.eq(store & (turn == config.turns - 1)),
            load.eq(begin | (draining & (wait == 0))),
            number.eq(Mux(begin, 0, following)),
        ]
        m.d.sync += self.captured.eq(begin)
        with m.If(load):
            m.d.sync += [
                wait.eq(links - 1),
                following.eq(number + 1),
                draining.eq(number != config.turns - 1),
            ]
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)

        elements = {}
        for n in range(config.elements_per_lane):
            for lane in range(config.lanes_per_group):
                multipliers = config.multipliers[lane % len(config.multipliers)]
                element = FloatElement(config, multipliers=multipliers)
                m.submodules[f"element_{n}_{lane}"] = elements[n, lane] = element
                m.d.comb += [
                    element.x.eq(self.x[lane]),
                    element.weight.eq(control.codes[n].weight),
                    element.skip.eq(skip),
                    element.first.eq(first),
                    element.store.eq(store),
                    element.turn.eq(turn),
                    element.load.eq(load),
                    element.number.eq(number),
                ]
        link_chains(m, config, elements, self.chains)
        return m
