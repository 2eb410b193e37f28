"""Frames from bytes."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from params.link import ANSWER, CHECK, ESCAPE, ESCAPED, FLAG, REQUEST

LEAST = REQUEST.size + CHECK.size
"""Bytes of the shortest frame."""


class FrameDecoder(wiring.Component):
    """Takes flags and escapes away and says of each frame whether it is whole.

    A frame ends with a flag, which begins the next. It is accepted if it is a request of `LEAST`
    bytes or more, its CRC is right, and all its bytes came well. Everything else is rejected:
    answers, what stands before the first flag, and a frame in which no byte comes for
    `idle_cycles`. After a byte that came broken nothing is taken until the next flag.

    Latency one cycle, throughput a byte every other cycle.

    Members
    -------
    byte : In(8), valid : In, a byte has come. broken : In, something that is none.
    o : Out(8), o_valid : Out, a byte of a frame.
    accept, reject : Out, high for a cycle: the frame whose bytes have come since the last of
        either is over, and right or not. An empty frame is neither.
    """

    def __init__(self, *, idle_cycles: int):
        self._idle_cycles = idle_cycles
        super().__init__(
            {
                "byte": In(8),
                "valid": In(1),
                "broken": In(1),
                "o": Out(8),
                "o_valid": Out(1),
                "accept": Out(1),
                "reject": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.crc = crc = CRC32_ISO_HDLC(data_width=8).create()
        in_frame = Signal()  # A flag has come, and nothing wrong since.
        escaped = Signal()
        count = Signal(range(LEAST + 1))  # Bytes of the frame, up to the least.
        is_answer = Signal()
        quiet = Signal(range(self._idle_cycles + 1))
        given_up = Signal()
        whole = Signal()

        flag = Signal()
        escape = Signal()
        m.d.comb += [
            flag.eq(self.valid & (self.byte == FLAG)),
            escape.eq(self.byte == ESCAPE),
            whole.eq((count == LEAST) & crc.match_detected & ~is_answer & ~escaped),
            crc.start.eq(self.accept | self.reject),
            crc.data.eq(self.o),
            crc.valid.eq(self.o_valid),
            given_up.eq((quiet == self._idle_cycles) & ~self.valid),
        ]
        m.d.sync += [
            self.o_valid.eq(self.valid & in_frame & ~flag & ~escape),
            self.o.eq(self.byte ^ Mux(escaped, ESCAPED, 0)),
            self.accept.eq(flag & whole),
            self.reject.eq((flag & ~whole & (count != 0)) | self.broken | given_up),
        ]
        with m.If(self.valid):
            m.d.sync += escaped.eq(escape)
        with m.If(self.o_valid):
            with m.If(count != LEAST):
                m.d.sync += count.eq(count + 1)
            with m.If(count == 0):
                m.d.sync += is_answer.eq((self.o & ANSWER) != 0)
        with m.If(flag):
            m.d.sync += [in_frame.eq(1), escaped.eq(0), count.eq(0)]
        with m.Elif(self.broken | given_up):
            m.d.sync += [in_frame.eq(0), escaped.eq(0), count.eq(0)]

        with m.If(self.valid | ~in_frame | given_up):
            m.d.sync += quiet.eq(0)
        with m.Else():
            m.d.sync += quiet.eq(quiet + 1)
        return m
