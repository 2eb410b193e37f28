"""Several streams into one, fairly."""

import operator
from functools import reduce

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.stream_register import StreamBuffer


class Arbiter(wiring.Component):
    """Takes from its inputs in turn, and says which one a transfer came from.

    After input k the next input with something on offer follows, counted k + 1, k + 2, ... and
    round. Latency one cycle, throughput one transfer per cycle, from one input or many. `i.ready`
    is up only on the input that is taken from; no path leads from `o.ready` to it.

    Parameters
    ----------
    shape : payload shape of every input.
    inputs : their number.

    Members
    -------
    i : In(stream of shape).array(inputs)
    o : Out(stream): `payload`, and `source`, the number of its input.
    """

    def __init__(self, shape, inputs: int):
        self._inputs = inputs
        self._shape = data.StructLayout(
            {"payload": shape, "source": max(1, (inputs - 1).bit_length())}
        )
        super().__init__(
            {
                "i": In(stream.Signature(shape)).array(inputs),
                "o": Out(stream.Signature(self._shape)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.buffer = buffer = StreamBuffer(self._shape)
        offered = Signal(self._inputs)
        later = Signal(self._inputs)  # The inputs behind the one that was taken from last.
        candidates = Signal(self._inputs)
        taken = Signal(self._inputs)  # One of the candidates: the lowest.
        m.d.comb += [
            offered.eq(Cat(i.valid for i in self.i)),
            candidates.eq(Mux((offered & later).any(), offered & later, offered)),
            taken.eq(candidates & ~_above_any(candidates)),
            buffer.i.valid.eq(offered.any()),
            buffer.i.payload.payload.eq(
                _any(Mux(taken[k], i.payload, 0) for k, i in enumerate(self.i))
            ),
            buffer.i.payload.source.eq(_any(Mux(taken[k], k, 0) for k in range(self._inputs))),
            self.o.valid.eq(buffer.o.valid),
            self.o.payload.eq(buffer.o.payload),
            buffer.o.ready.eq(self.o.ready),
        ]
        m.d.comb += [i.ready.eq(taken[k] & buffer.i.ready) for k, i in enumerate(self.i)]
        with m.If(buffer.i.valid & buffer.i.ready):
            m.d.sync += later.eq(_above_any(taken))
        return m


def _any(values):
    return reduce(operator.or_, values)


def _above_any(bits):
    """The bits above the lowest that is set. No sum: carry chains have a long way in and out."""
    return Cat(bits[:k].any() for k in range(len(bits)))
