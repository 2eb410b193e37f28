"""A host's way to memory and registers, over a UART."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.link.bit_clock import bit_step
from hw.link.executor import Executor
from hw.link.frame_decoder import FrameDecoder
from hw.link.frame_encoder import FRAME_BYTE, FrameEncoder
from hw.link.frame_queue import FrameQueue
from hw.link.uart_receiver import UartReceiver
from hw.link.uart_transmitter import UartTransmitter
from hw.stream_register import StreamBuffer
from hw.system.axi import axi_lite, axi_read, axi_write, check_address_bits
from params.config import ConfigError
from params.link import Identity

REQUESTS = 16
"""Frames that may wait."""

LEAST_QUEUE = 256
"""Bytes that may wait, at least."""

MOST_PAYLOAD = 1 << 14

MOST_BUS = 128


class LinkBridge(wiring.Component):
    """Answers the frames of `params.link` that come on a UART line; `docs/link.md` is its manual.

    Nothing of a request is done before its CRC has been found right. Whatever comes on `rx`, the
    next whole frame is taken: a flag begins a new one, and half a frame is given up after
    `idle_seconds` without a byte. A frame that comes while there is no room for it is lost as if on
    the line; room for a frame, and as much again, is there while memory keeps up.

    Memory is accessed in bursts of one whole beat, aligned to it, one at a time. Of beats that are
    written in part the strobes say which bytes.

    Parameters
    ----------
    clock_hz : of the system, whole Hz. baud : bits per second on the line, an eighth of it at most.
    bus_bytes, address_bits, id_bits : of the memory bus. Addresses of a request have 32 bits.
    payload_bytes : most bytes of a request's or an answer's payload.
    memory_bytes : size of the memory, for the host to know; 0 if it shall not.
    idle_seconds : after which half a frame is given up; a host must not pause longer in one.

    Members
    -------
    rx : In, tx : Out: the lines, 1 at rest. `rx` may change at any time.
    control : Out(axi_lite), to the registers.
    read : Out(axi_read), write : Out(axi_write), to memory.

    Raises
    ------
    ConfigError : a parameter is out of range.
    """

    def __init__(
        self,
        *,
        clock_hz: int,
        baud: int = 3_000_000,
        bus_bytes: int,
        address_bits: int = 32,
        id_bits: int = 1,
        payload_bytes: int = 1024,
        memory_bytes: int = 0,
        idle_seconds: float = 0.1,
    ):
        check_address_bits(address_bits)
        bit_step(clock_hz, baud)
        if bus_bytes not in (1 << k for k in range(1, MOST_BUS.bit_length())):
            raise ConfigError(
                f"bus_bytes is {bus_bytes}, but must be a power of two in 2..{MOST_BUS}"
            )
        for name, value, low, high in (
            ("clock_hz", clock_hz, 1, (1 << 32) - 1),
            ("payload_bytes", payload_bytes, 1, MOST_PAYLOAD),
            ("memory_bytes", memory_bytes, 0, (1 << 64) - 1),
        ):
            if not isinstance(value, int) or not low <= value <= high:
                raise ConfigError(f"{name} is {value}, but must be a whole number in {low}..{high}")
        if not 1 <= idle_seconds * baud <= 1 << 30:
            raise ConfigError(f"idle_seconds is {idle_seconds}, but must be a bit's time or more")
        self._uart = {"clock_hz": clock_hz, "baud": baud}
        self._idle_cycles = round(idle_seconds * clock_hz)
        self._bus = {"address_bits": address_bits, "id_bits": id_bits}
        self._depth = max(LEAST_QUEUE, 1 << (2 * payload_bytes - 1).bit_length())
        self._identity = Identity(
            requests=REQUESTS, payload=payload_bytes, bus=bus_bytes, clock=clock_hz,
            memory=memory_bytes,
        )  # fmt: skip
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                "control": Out(axi_lite()),
                "read": Out(axi_read(bus_bytes, **self._bus)),
                "write": Out(axi_write(bus_bytes, **self._bus)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver = receiver = UartReceiver(**self._uart)
        m.submodules.decoder = decoder = FrameDecoder(idle_cycles=self._idle_cycles)
        m.submodules.queue = queue = FrameQueue(depth=self._depth, frames=REQUESTS)
        m.submodules.executor = executor = Executor(
            self._identity, size_bits=(self._depth - 1).bit_length(), **self._bus
        )
        # Between the choice of a byte and that of what stands for it.
        m.submodules.answer = answer = StreamBuffer(FRAME_BYTE)
        m.submodules.encoder = encoder = FrameEncoder()
        m.submodules.transmitter = transmitter = UartTransmitter(**self._uart)
        m.d.comb += [
            receiver.rx.eq(self.rx),
            decoder.byte.eq(receiver.byte),
            decoder.valid.eq(receiver.valid),
            decoder.broken.eq(receiver.broken),
            queue.i.eq(decoder.o),
            queue.valid.eq(decoder.o_valid),
            queue.accept.eq(decoder.accept),
            queue.reject.eq(decoder.reject),
            self.tx.eq(transmitter.tx),
        ]
        connect(m, queue.sizes, executor.sizes)
        connect(m, queue.o, executor.bytes)
        connect(m, executor.answers, answer.i)
        connect(m, answer.o, encoder.i)
        connect(m, encoder.o, transmitter.i)
        connect(m, executor.control, flipped(self.control))
        connect(m, executor.read, flipped(self.read))
        connect(m, executor.write, flipped(self.write))
        return m
