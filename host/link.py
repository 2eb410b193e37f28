"""A board's memory and registers."""

import random
from collections.abc import Callable

from host.errors import LinkError
from host.exchange import Exchange, Statistics
from host.frames import Answer
from host.request import Request
from host.serial_port import SerialPort
from host.transport import Transport
from params.link import (
    ADDRESS_BITS,
    IDENTITY,
    REGISTER_SPACE,
    VERSION,
    WORD,
    Identity,
    Kind,
    Status,
)

TIMEOUT = 0.2
"""Seconds. The slowest on the way is a USB adapter that collects bytes, 16 ms."""

Progress = Callable[[int, int], None]
"""Is told the bytes that are done, and all that are to be."""


class Link:
    """A board over a transport, such as a `SerialPort`; `Link.open` makes both.

    Calls return when the board has done what they ask for. No data is taken whose CRC is wrong;
    what is lost or harmed on the way is sent again.

    Parameters
    ----------
    transport : to the board. The link closes it.
    timeout : seconds that board and transport may take to answer, without the time of the line.

    Members
    -------
    identity : what the board tells of itself. statistics : of frames, so far.

    Raises
    ------
    LinkError : no board answers, or one of another protocol version; in all methods: the board
        does not answer any more or refuses.
    """

    identity: Identity

    def __init__(self, transport: Transport, *, timeout: float = TIMEOUT):
        self._transport = transport
        # An answer to a program that had the board before must not be taken for one to this.
        first = random.SystemRandom().randrange(1 << 16)
        self._exchange = Exchange(transport, timeout=timeout, first=first)
        try:
            self.identity = self._identify()
        except BaseException:
            transport.close()
            raise
        self._exchange.set_limits(window=self.identity.requests, payload=self.identity.payload)

    @classmethod
    def open(cls, port: str, *, baud: float = 3_000_000, timeout: float = TIMEOUT) -> "Link":
        """The board on a serial port, or on a URL of pyserial's.

        Raises
        ------
        LinkError : there is no such port, or no board answers.
        """
        return cls(SerialPort(port, baud=baud), timeout=timeout)

    @property
    def statistics(self) -> Statistics:
        """What has happened so far."""
        return self._exchange.statistics

    def read_memory(self, address: int, size: int, *, progress: Progress | None = None) -> bytes:
        """`size` bytes from `address` on."""
        self._check_span(address, size)
        result = bytearray(size)
        done = 0
        work = [Request(Kind.READ_MEMORY, address, size=size)] if size else []
        for request, answer in self._exchange.run(work):
            self._check(request, answer)
            place = request.address - address
            result[place : place + request.size] = answer.payload
            done += request.size
            if progress is not None:
                progress(done, size)
        return bytes(result)

    def write_memory(self, address: int, data: bytes, *, progress: Progress | None = None) -> None:
        """Write `data` to `address` and what follows it."""
        size = len(data)
        self._check_span(address, size)
        done = 0
        work = [Request(Kind.WRITE_MEMORY, address, data=memoryview(data))] if size else []
        for request, answer in self._exchange.run(work):
            self._check(request, answer)
            done += request.length
            if progress is not None:
                progress(done, size)

    def read_register(self, offset: int) -> int:
        """The register `offset` bytes from the first."""
        _check_offset(offset)
        ((request, answer),) = self._exchange.run([Request(Kind.READ_REGISTER, offset)])
        self._check(request, answer)
        return WORD.unpack(answer.payload)[0]

    def write_register(self, offset: int, value: int) -> None:
        """Write a register, once, whatever is lost on the way."""
        _check_offset(offset)
        if not 0 <= value < 1 << 32:
            raise LinkError(f"a register holds 32 bits, which {value:#x} does not fit")
        request = Request(Kind.WRITE_REGISTER, offset, data=WORD.pack(value))
        ((request, answer),) = self._exchange.run([request])
        self._check(request, answer)

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _identify(self) -> Identity:
        ((_, answer),) = self._exchange.run([Request(Kind.IDENTIFY)])
        version = answer.payload[0]
        if version != VERSION:
            raise LinkError(
                f"the board on {self._transport.name} speaks version {version} of the link, and "
                f"this program version {VERSION}: flash a board design of this release"
            )
        if answer.status != Status.OK or len(answer.payload) != IDENTITY.size:
            raise LinkError(
                f"the board on {self._transport.name} does not say what it is: flash it again"
            )
        return Identity.unpack(answer.payload)

    def _check_span(self, address: int, size: int) -> None:
        most = self.identity.memory or 1 << ADDRESS_BITS
        if address < 0 or size < 0 or address + size > most:
            raise LinkError(
                f"the board has {most} bytes of memory, so {size} bytes at {address:#x} are not "
                f"there"
            )

    def _check(self, request: Request, answer: Answer) -> None:
        if answer.status == Status.OK:
            return
        what = f"{request.kind.name} at {request.address:#x}"
        if answer.status == Status.UNIDENTIFIED:
            raise LinkError(
                f"the board on {self._transport.name} was reset, and what it held is lost: load "
                f"it again"
            )
        if answer.status == Status.BUS_ERROR:
            raise LinkError(f"the board refused {what}: nothing is there, or not at this time")
        known = answer.status in set(Status)
        name = Status(answer.status).name if known else f"status {answer.status}"
        raise LinkError(f"the board refused {what} with {name}")


def _check_offset(offset: int) -> None:
    if offset % 4 or not 0 <= offset < REGISTER_SPACE:
        raise LinkError(f"no register can lie at {offset:#x}: give a multiple of 4 below 0x1000")
