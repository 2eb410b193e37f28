"""A board in Python, by the table of the protocol, that lives in a time of its own."""

from collections.abc import Callable
from dataclasses import replace

from host.frames import pack_frame, unpack_frame
from params.link import ANSWER, ANSWER_HEAD, COUNT, REQUEST, WORD, Identity, Kind, Status

FLAG = b"\x7e"

IDENTITY = Identity(requests=4, payload=64, bus=4, clock=50_000_000, memory=4096)


class FakeBoard:
    """A `Transport` to a board that answers `latency` seconds after a request.

    Parameters
    ----------
    lose_request, lose_answer : told the number of a frame, whether the line loses it.
    identity : what it is, `memory` of it the size of its memory.

    Members
    -------
    requests : kind, address and payload of all that came. sent : bytes to the board.
    most_waiting : requests under way at once, at most.
    """

    name = "a fake board"
    baud: float = 3_000_000

    def __init__(
        self,
        *,
        identity: Identity = IDENTITY,
        latency: float = 0.001,
        lose_request: Callable[[int], bool] = lambda _: False,
        lose_answer: Callable[[int], bool] = lambda _: False,
    ):
        self.identity = identity
        self.latency = latency
        self.lose_request = lose_request
        self.lose_answer = lose_answer
        self.contents = bytearray(identity.memory)
        self.registers: dict[int, int] = {}
        self.register_writes: list[tuple[int, int]] = []
        self.requests: list[tuple[int, int, bytes]] = []
        self.most_waiting = 0
        self.sent = 0
        self.closed = False
        self.identified = False
        self._written: tuple[int, int] | None = None
        self._kept = b""
        self._answers: list[tuple[float, bytes]] = []
        self._time = 0.0

    def write(self, data: bytes) -> None:
        self.sent += len(data)
        self._time += 10 * len(data) / self.baud
        *stretches, self._kept = (self._kept + data).split(FLAG)
        for stretch in stretches:
            body = unpack_frame(stretch) if stretch else None
            if body is None:
                continue
            kind, sequence, address = REQUEST.unpack_from(body)
            number = len(self.requests)
            self.requests.append((kind, address, body[REQUEST.size :]))
            if self.lose_request(number):
                continue
            payload, status = self._do(kind, sequence, address, body[REQUEST.size :])
            if self.lose_answer(number):
                continue
            head = ANSWER_HEAD.pack(kind | ANSWER, sequence)
            frame = pack_frame(head + payload + bytes([status]))
            self._answers.append((self._time + self.latency, frame))
            self.most_waiting = max(self.most_waiting, len(self._answers))

    def read(self, timeout: float) -> bytes:
        end = self._time + timeout
        if not self._answers or self._answers[0][0] > end:
            self._time = end
            return b""
        due, frame = self._answers.pop(0)
        self._time = max(self._time, due)
        return frame

    def now(self) -> float:
        return self._time

    def close(self) -> None:
        self.closed = True

    def _do(self, kind: int, sequence: int, address: int, payload: bytes) -> tuple[bytes, int]:
        before, self._written = self._written, None
        if kind == Kind.IDENTIFY:
            self.identified = True
            return self.identity.pack(), Status.OK
        if not self.identified:
            return b"", Status.UNIDENTIFIED
        if kind == Kind.WRITE_MEMORY:
            self.contents[address : address + len(payload)] = payload
            return b"", Status.OK
        if kind == Kind.READ_MEMORY:
            return bytes(self.contents[address : address + COUNT.unpack(payload)[0]]), Status.OK
        if address >= 64:
            return b"", Status.BUS_ERROR
        if kind == Kind.READ_REGISTER:
            return WORD.pack(self.registers.get(address, 0)), Status.OK
        if before is None or before[0] != sequence:
            self.registers[address] = WORD.unpack(payload)[0]
            self.register_writes.append((address, self.registers[address]))
        self._written = sequence, Status.OK
        return b"", Status.OK


class SilentBoard(FakeBoard):
    """Says the same to everything, or nothing."""

    def __init__(self, said: bytes = b""):
        super().__init__()
        self._said = said

    def read(self, timeout: float) -> bytes:
        self._time += min(timeout, 0.01)
        return self._said


def other(**changes) -> Identity:
    """Another identity."""
    return replace(IDENTITY, **changes)
