"""The processing elements that multiply and accumulate integers."""

from amaranth.hdl import Module, Mux

from hw.delay import delayed
from hw.elements import Elements
from hw.multiply_element import MultiplyElement
from hw.outlets import collect
from params.timing import element_latency


class MultiplyElements(Elements):
    """Elements for int8 weights, see `MultiplyElement`."""

    def elaborate(self, platform):
        m = Module()
        config, control = self._config, self.control
        depth = element_latency(config)
        capture = delayed(m, control.last, depth, "capture")
        clear = delayed(m, self.clear, depth, "clear", init=1)
        m.d.sync += self.captured.eq(capture)
        sums = {}
        for f in range(config.filters_per_row):
            # Undefined bits of a code that is not there yet must not reach the sums.
            weight = Mux(control.enable[f], control.codes[f].weight, 0)
            for lane in range(config.lanes_per_group):
                multipliers = config.multipliers[lane % len(config.multipliers)]
                element = MultiplyElement(config, multipliers=multipliers)
                m.submodules[f"element_{f}_{lane}"] = element
                m.d.comb += [
                    element.x.eq(self.x[lane]),
                    element.signed.eq(self.signed),
                    element.weight.eq(weight),
                    element.skip.eq(~control.enable[f]),
                    element.capture.eq(capture),
                    element.clear.eq(clear),
                ]
                sums[f, lane] = element.shadow
        collect(m, config, capture, sums, self.outlets)
        return m
