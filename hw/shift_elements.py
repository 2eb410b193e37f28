"""The processing elements that shift and accumulate."""

from amaranth.hdl import Module

from hw.delay import delayed
from hw.elements import Elements
from hw.outlets import collect
from hw.processing_element import ProcessingElement
from params.timing import element_latency


class ShiftElements(Elements):
    """Elements for weights that are 0 or plus or minus a power of two, see `ProcessingElement`."""

    def elaborate(self, platform):
        m = Module()
        config, control = self._config, self.control
        depth = element_latency(config)
        capture = delayed(m, control.last, depth, "capture")
        clear = delayed(m, self.clear, depth, "clear", init=1)
        m.d.sync += self.captured.eq(capture)
        sums = {}
        for f in range(config.filters_per_row):
            code = control.codes[f]
            exponent = [
                delayed(m, code.exponent[n], cycles, f"exponent_{f}_{n}", reset_less=True)
                for n, cycles in enumerate([*range(config.exponent_bits - 1), depth])
                if n < config.exponent_bits
            ]
            skip = delayed(m, ~control.enable[f], depth - 1, f"skip_{f}", init=1)
            for lane in range(config.lanes_per_group):
                element = ProcessingElement(config)
                m.submodules[f"element_{f}_{lane}"] = element
                m.d.comb += [
                    element.x.eq(self.x[lane]),
                    element.signed.eq(self.signed),
                    element.sign.eq(code.sign),
                    element.skip.eq(skip),
                    element.capture.eq(capture),
                    element.clear.eq(clear),
                ]
                m.d.comb += [element.exponent[n].eq(bit) for n, bit in enumerate(exponent)]
                sums[f, lane] = element.shadow
        collect(m, config, capture, sums, self.outlets)
        return m
