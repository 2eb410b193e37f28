"""Does what requests ask for, and answers them."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.enum import Enum
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.link.byte_reader import ByteReader
from hw.link.byte_writer import ByteWriter
from hw.link.frame_encoder import FRAME_BYTE
from hw.link.register_port import RegisterPort
from hw.system.axi import axi_lite, axi_read, axi_write
from params.link import (
    ANSWER,
    ANSWER_HEAD,
    COUNT,
    IDENTITY,
    REGISTER_SPACE,
    REQUEST,
    WORD,
    Identity,
    Kind,
    Status,
)


class Step(Enum, shape=4):
    """What the executor does.

    IDLE : waits for a frame. HEAD : takes its head. LOOK, JUDGE : says what follows.
    ARGUMENTS, CHECK : takes what is asked for, and looks at it. ACCESS, ACCESSED : a register.
    WRITE, WRITTEN : memory. DRAIN : takes what is left of a frame that is refused.
    ANSWER, PAYLOAD, STATUS : the parts of an answer.
    """

    IDLE = 0
    HEAD = 1
    LOOK = 2
    JUDGE = 3
    ARGUMENTS = 4
    CHECK = 5
    ACCESS = 6
    ACCESSED = 7
    WRITE = 8
    WRITTEN = 9
    DRAIN = 10
    ANSWER = 11
    PAYLOAD = 12
    STATUS = 13


class Executor(wiring.Component):
    """Carries out requests, one after the other, as `params.link` tells.

    A request is answered when it is done, and the next is begun when the answer has been taken.
    What is read from memory goes into the answer as it comes, and the status behind it. A beat of a
    memory that waits for the link is none: see `ByteReader`.

    Parameters
    ----------
    identity : what IDENTIFY is answered with.
    size_bits : width of the size of a frame.

    Members
    -------
    sizes, bytes : In(stream), accepted frames, see `FrameQueue`.
    answers : Out(stream of FRAME_BYTE)
    control : Out(axi_lite), read : Out(axi_read), write : Out(axi_write)
    """

    def __init__(self, identity: Identity, *, size_bits: int, address_bits: int, id_bits: int):
        self._identity = identity
        self._bus = {"address_bits": address_bits, "id_bits": id_bits}
        self._left_bits = max(size_bits, identity.payload.bit_length())
        super().__init__(
            {
                "sizes": In(stream.Signature(size_bits)),
                "bytes": In(stream.Signature(8)),
                "answers": Out(stream.Signature(FRAME_BYTE)),
                "control": Out(axi_lite()),
                "read": Out(axi_read(identity.bus, **self._bus)),
                "write": Out(axi_write(identity.bus, **self._bus)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        identity = self._identity
        m.submodules.registers = registers = RegisterPort()
        m.submodules.reader = reader = ByteReader(bus_bytes=identity.bus, **self._bus)
        m.submodules.writer = writer = ByteWriter(bus_bytes=identity.bus, **self._bus)
        connect(m, registers.axi, flipped(self.control))
        connect(m, reader.axi, flipped(self.read))
        connect(m, writer.axi, flipped(self.write))

        step = Signal(Step)
        kind = Signal(8)
        sequence = Signal(16)
        address = Signal(32)
        value = Signal(32)
        # Bytes of the frame that are to come; later, of the answer's payload.
        left = Signal(self._left_bits)
        place = Signal(range(max(REQUEST.size, IDENTITY.size)))
        status = Signal(Status)
        identified = Signal()
        # The request before was a write to a register, with this sequence number and end.
        written = Signal()
        written_sequence = Signal(16)
        written_status = Signal(Status)

        # What there is to know of a head, a cycle later.
        is_kind = {one: Signal(name=f"is_{one.name.lower()}") for one in Kind}
        m.d.sync += [flag.eq(kind == one) for one, flag in is_kind.items()]
        bad_size = Signal()
        bad_address = Signal()
        self._look(m, kind, left, address, bad_size, bad_address)

        frame, answer = self.bytes, self.answers
        last = Signal()
        taken = Signal()
        sent = Signal()
        placed = Signal(32)
        m.d.comb += [
            last.eq(left == 1),
            taken.eq(frame.valid & frame.ready),
            sent.eq(answer.valid & answer.ready),
            placed.eq(address + 1),
            registers.offset.eq(address),
            registers.value.eq(value),
            writer.i.payload.byte.eq(frame.payload),
            writer.i.payload.address.eq(address),
            writer.i.payload.last.eq(last),
            reader.address.eq(address),
            reader.last.eq(last),
        ]
        with m.If(taken):
            m.d.sync += left.eq(left - 1)

        with m.Switch(step):
            with m.Case(Step.IDLE):
                m.d.comb += self.sizes.ready.eq(1)
                m.d.sync += [left.eq(self.sizes.payload), place.eq(0), status.eq(Status.OK)]
                with m.If(self.sizes.valid):
                    m.d.sync += step.eq(Step.HEAD)

            with m.Case(Step.HEAD):
                m.d.comb += frame.ready.eq(1)
                with m.If(frame.valid):
                    head = Cat(kind, sequence, address)
                    m.d.sync += [head.eq(Cat(head[8:], frame.payload)), place.eq(place + 1)]
                    with m.If(place == REQUEST.size - 1):
                        m.d.sync += step.eq(Step.LOOK)

            with m.Case(Step.LOOK):
                m.d.sync += step.eq(Step.JUDGE)

            with m.Case(Step.JUDGE):
                m.d.sync += [place.eq(0), step.eq(Step.DRAIN)]
                with m.If(~is_kind[Kind.WRITE_REGISTER]):
                    m.d.sync += written.eq(0)
                with m.If(~identified & ~is_kind[Kind.IDENTIFY]):
                    m.d.sync += status.eq(Status.UNIDENTIFIED)
                with m.Elif(~Cat(is_kind.values()).any()):
                    m.d.sync += status.eq(Status.UNKNOWN_KIND)
                with m.Elif(bad_address):
                    m.d.sync += status.eq(Status.BAD_ADDRESS)
                with m.Elif(bad_size):
                    m.d.sync += status.eq(Status.BAD_SIZE)
                with m.Elif(is_kind[Kind.IDENTIFY]):
                    m.d.sync += [identified.eq(1), left.eq(IDENTITY.size), step.eq(Step.ANSWER)]
                with m.Elif(is_kind[Kind.WRITE_MEMORY]):
                    m.d.sync += step.eq(Step.WRITE)
                with m.Elif(is_kind[Kind.READ_REGISTER]):
                    m.d.sync += step.eq(Step.ACCESS)
                with m.Else():
                    m.d.sync += step.eq(Step.ARGUMENTS)

            with m.Case(Step.ARGUMENTS):
                m.d.comb += frame.ready.eq(1)
                with m.If(frame.valid):
                    m.d.sync += value.eq(Cat(value[8:], frame.payload))
                    with m.If(last):
                        m.d.sync += step.eq(Step.CHECK)

            with m.Case(Step.CHECK):
                with m.If(is_kind[Kind.READ_MEMORY]):
                    count = value[-8 * COUNT.size :]
                    m.d.sync += step.eq(Step.ANSWER)
                    with m.If((count != 0) & (count <= identity.payload)):
                        m.d.sync += left.eq(count)
                    with m.Else():
                        m.d.sync += status.eq(Status.BAD_SIZE)
                with m.Elif(written & (sequence == written_sequence)):
                    m.d.sync += [status.eq(written_status), step.eq(Step.ANSWER)]
                with m.Else():
                    m.d.sync += step.eq(Step.ACCESS)

            with m.Case(Step.ACCESS):
                m.d.comb += [
                    registers.read.eq(is_kind[Kind.READ_REGISTER]),
                    registers.write.eq(is_kind[Kind.WRITE_REGISTER]),
                ]
                m.d.sync += step.eq(Step.ACCESSED)

            with m.Case(Step.ACCESSED):
                outcome = Mux(registers.failed, Status.BUS_ERROR, Status.OK)
                with m.If(registers.done):
                    m.d.sync += [status.eq(outcome), value.eq(registers.got), step.eq(Step.ANSWER)]
                    with m.If(is_kind[Kind.WRITE_REGISTER]):
                        m.d.sync += [
                            written.eq(1),
                            written_sequence.eq(sequence),
                            written_status.eq(outcome),
                        ]
                    with m.Elif(~registers.failed):
                        m.d.sync += left.eq(WORD.size)

            with m.Case(Step.WRITE):
                m.d.comb += [writer.i.valid.eq(frame.valid), frame.ready.eq(writer.i.ready)]
                with m.If(taken):
                    m.d.sync += address.eq(placed)
                    with m.If(last):
                        m.d.sync += step.eq(Step.WRITTEN)

            with m.Case(Step.WRITTEN):
                with m.If(writer.idle):
                    m.d.sync += step.eq(Step.ANSWER)

            with m.Case(Step.DRAIN):
                m.d.comb += frame.ready.eq(left != 0)
                with m.If(left == 0):
                    m.d.sync += step.eq(Step.ANSWER)

            with m.Case(Step.ANSWER):
                m.d.comb += [
                    answer.valid.eq(1),
                    answer.payload.byte.eq(
                        Array((kind | ANSWER, sequence[:8], sequence[8:]))[place[:2]]
                    ),
                ]
                with m.If(sent):
                    m.d.sync += place.eq(place + 1)
                    with m.If(place == ANSWER_HEAD.size - 1):
                        m.d.sync += [
                            place.eq(0),
                            step.eq(Mux(left == 0, Step.STATUS, Step.PAYLOAD)),
                        ]

            with m.Case(Step.PAYLOAD):
                with m.If(is_kind[Kind.READ_MEMORY]):
                    m.d.comb += [
                        reader.wanted.eq(1),
                        reader.o.ready.eq(answer.ready),
                        answer.valid.eq(reader.o.valid),
                        answer.payload.byte.eq(reader.o.payload),
                    ]
                with m.Elif(is_kind[Kind.IDENTIFY]):
                    octets = Array(Const(octet, 8) for octet in identity.pack())
                    m.d.comb += [answer.valid.eq(1), answer.payload.byte.eq(octets[place])]
                with m.Else():
                    m.d.comb += [answer.valid.eq(1), answer.payload.byte.eq(value[:8])]
                with m.If(sent):
                    m.d.sync += [
                        address.eq(placed),
                        value.eq(value[8:]),
                        place.eq(place + 1),
                        left.eq(left - 1),
                    ]
                    with m.If(last):
                        m.d.sync += step.eq(Step.STATUS)

            with m.Case(Step.STATUS):
                m.d.comb += [
                    answer.valid.eq(1),
                    answer.payload.byte.eq(status),
                    answer.payload.last.eq(1),
                ]
                with m.If(sent):
                    m.d.sync += step.eq(Step.IDLE)

        with m.If(reader.failed | writer.failed):
            m.d.sync += status.eq(Status.BUS_ERROR)
        return m

    def _look(self, m, kind, left, address, bad_size, bad_address):
        """Say whether a request of its kind can be of that size, and at that address."""
        most = self._identity.payload
        in_registers = (address[:2] == 0) & (address < REGISTER_SPACE)
        m.d.sync += bad_address.eq(0)
        with m.Switch(kind):
            with m.Case(Kind.READ_MEMORY):
                m.d.sync += bad_size.eq(left != COUNT.size)
            with m.Case(Kind.WRITE_MEMORY):
                m.d.sync += bad_size.eq((left == 0) | (left > most))
            with m.Case(Kind.WRITE_REGISTER):
                m.d.sync += [bad_size.eq(left != WORD.size), bad_address.eq(~in_registers)]
            with m.Case(Kind.READ_REGISTER):
                m.d.sync += [bad_size.eq(left != 0), bad_address.eq(~in_registers)]
            with m.Default():
                m.d.sync += bad_size.eq(left != 0)
