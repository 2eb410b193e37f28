"""The executor against the table of the protocol, with memory and registers that pause and fail."""

import random

import pytest
from amaranth.sim import Simulator

from host.frames import Answer
from hw.link.executor import Executor
from params.link import COUNT, REQUEST, WORD, Identity, Kind, Status
from tests.hw.link.agents import CLOCK, Slaves
from tests.hw.system.streams import Sink, Source

PAYLOAD = 48

LIMIT = 4096
"""Bytes of memory."""

OFFSETS = 64
"""Bytes of registers."""

IDENTIFY = (Kind.IDENTIFY, 0, b"")


class Board:
    """An executor and what stands behind it; `run` gives requests to it, one behind the other."""

    def __init__(self, *, bus_bytes=4, seed=0, stalls=0.3):
        self.identity = Identity(
            requests=7, payload=PAYLOAD, bus=bus_bytes, clock=123_456_789, memory=LIMIT
        )
        self._executor = Executor(self.identity, size_bits=8, address_bits=40, id_bits=2)
        self.slaves = Slaves(
            self._executor, bus_bytes=bus_bytes, limit=LIMIT, offsets=OFFSETS, seed=seed
        )
        self._stalls = stalls

    def run(self, *requests) -> list[Answer]:
        """The answers to requests (kind, address, payload) with sequence numbers from 0 on.

        A fourth item is a sequence number of its own.
        """
        frames = [
            REQUEST.pack(kind, own[0] if own else k, address) + payload
            for k, (kind, address, payload, *own) in enumerate(requests)
        ]
        executor = self._executor
        sizes = Source(executor.sizes, map(len, frames), stalls=self._stalls)
        octets = Source(executor.bytes, b"".join(frames), stalls=self._stalls, seed=1)
        answers = Sink(executor.answers, stalls=self._stalls)

        async def wait(ctx):
            cycles = 0
            while sum(word >> 8 for word in answers.words) < len(requests):
                await ctx.tick()
                cycles += 1
                assert cycles < 30_000, "not every request is answered"

        simulator = Simulator(executor)
        simulator.add_clock(CLOCK)
        for bench in (sizes.send, octets.send, wait):
            simulator.add_testbench(bench)
        for bench in (answers.take, *self.slaves.testbenches):
            simulator.add_testbench(bench, background=True)
        simulator.run()
        result, body = [], b""
        for word in answers.words:
            body += bytes([word & 0xFF])
            if word >> 8:
                result.append(
                    Answer(
                        body[0] ^ 0x80, int.from_bytes(body[1:3], "little"), body[3:-1], body[-1]
                    )
                )
                body = b""
        assert not body
        assert [answer.kind for answer in result] == [request[0] for request in requests]
        if all(len(request) == 3 for request in requests):
            assert [answer.sequence for answer in result] == list(range(len(requests)))
        return result


def statuses(answers):
    return [answer.status for answer in answers]


def test_nothing_is_done_before_it_is_identified():
    board = Board()
    before = bytes(board.slaves.memory)
    answers = board.run(
        (Kind.WRITE_MEMORY, 0, b"abcd"),
        (Kind.READ_MEMORY, 0, COUNT.pack(4)),
        (Kind.WRITE_REGISTER, 4, WORD.pack(1)),
        (Kind.READ_REGISTER, 4, b""),
        (77, 0, b"x"),
        (Kind.IDENTIFY, 0, b"x"),
        (Kind.READ_REGISTER, 4, b""),
        IDENTIFY,
        (Kind.READ_REGISTER, 4, b""),
    )
    refused = [Status.UNIDENTIFIED] * 5
    assert statuses(answers) == [*refused, Status.BAD_SIZE, Status.UNIDENTIFIED, 0, 0]
    assert answers[7].payload == board.identity.pack()
    assert not board.slaves.writes
    assert board.slaves.memory == before


@pytest.mark.parametrize(("bus_bytes", "stalls"), [(2, 0.3), (4, 0.0), (4, 0.5), (64, 0.3)])
def test_memory(bus_bytes, stalls):
    rng = random.Random(f"{bus_bytes} {stalls}")
    board = Board(bus_bytes=bus_bytes, seed=5, stalls=stalls)
    shadow = bytearray(board.slaves.memory)
    requests, wanted = [IDENTIFY], [board.identity.pack()]
    for k in range(16):
        size = rng.choice((1, 2, bus_bytes, PAYLOAD, rng.randint(1, PAYLOAD)))
        size = min(size, PAYLOAD)
        address = rng.choice((0, LIMIT - size, rng.randrange(LIMIT - size)))
        if k % 2:
            requests.append((Kind.READ_MEMORY, address, COUNT.pack(size)))
            wanted.append(bytes(shadow[address : address + size]))
        else:
            data = rng.randbytes(size)
            shadow[address : address + size] = data
            requests.append((Kind.WRITE_MEMORY, address, data))
            wanted.append(b"")
    answers = board.run(*requests)
    assert [answer.payload for answer in answers] == wanted
    assert not any(statuses(answers))
    assert board.slaves.memory == shadow


def test_registers():
    board = Board()
    answers = board.run(
        IDENTIFY,
        (Kind.WRITE_REGISTER, 8, WORD.pack(0x1234_5678)),
        (Kind.READ_REGISTER, 8, b""),
        (Kind.READ_REGISTER, 12, b""),
        (Kind.WRITE_REGISTER, OFFSETS, WORD.pack(5)),
        (Kind.READ_REGISTER, OFFSETS, b""),
        (Kind.READ_REGISTER, 8, b""),
    )
    assert statuses(answers) == [0, 0, 0, 0, Status.BUS_ERROR, Status.BUS_ERROR, 0]
    assert [answer.payload for answer in answers[1:]] == [
        b"", WORD.pack(0x1234_5678), WORD.pack(0), b"", b"", WORD.pack(0x1234_5678)
    ]  # fmt: skip
    assert board.slaves.writes == [(8, 0x1234_5678), (OFFSETS, 5)]


def test_a_register_is_written_once():
    board = Board()
    write = (Kind.WRITE_REGISTER, 8, WORD.pack(1))
    failing = (Kind.WRITE_REGISTER, OFFSETS, WORD.pack(2))
    read = (Kind.READ_MEMORY, 0, COUNT.pack(1))
    answers = board.run(
        (*IDENTIFY, 3),
        (*write, 3),  # The number of another kind of request is no repetition.
        (*write, 3),
        (*write, 3),
        (*write, 4),
        (*failing, 5),
        (*failing, 5),
        (*write, 4),
        (*read, 4),  # In between: the number may be used again.
        (*write, 4),
        (*IDENTIFY, 6),
        (*write, 4),
    )
    assert board.slaves.writes == [(8, 1), (8, 1), (OFFSETS, 2), (8, 1), (8, 1), (8, 1)]
    bad = {5, 6}
    assert statuses(answers) == [Status.BUS_ERROR if k in bad else 0 for k in range(12)]
    assert [answer.sequence for answer in answers] == [3, 3, 3, 3, 4, 5, 5, 4, 4, 4, 6, 4]


def test_what_cannot_be_done_is_refused():
    board = Board()
    before = bytes(board.slaves.memory)
    refused = [
        ((Kind.WRITE_MEMORY, 0, b""), Status.BAD_SIZE),
        ((Kind.WRITE_MEMORY, 0, bytes(PAYLOAD + 1)), Status.BAD_SIZE),
        ((Kind.WRITE_MEMORY, 0, bytes(200)), Status.BAD_SIZE),
        ((Kind.READ_MEMORY, 0, COUNT.pack(0)), Status.BAD_SIZE),
        ((Kind.READ_MEMORY, 0, COUNT.pack(PAYLOAD + 1)), Status.BAD_SIZE),
        ((Kind.READ_MEMORY, 0, COUNT.pack(0xFFFF)), Status.BAD_SIZE),
        ((Kind.READ_MEMORY, 0, b""), Status.BAD_SIZE),
        ((Kind.READ_MEMORY, 0, bytes(3)), Status.BAD_SIZE),
        ((Kind.READ_REGISTER, 0, b"x"), Status.BAD_SIZE),
        ((Kind.READ_REGISTER, 2, b""), Status.BAD_ADDRESS),
        ((Kind.READ_REGISTER, 0x1000, b""), Status.BAD_ADDRESS),
        ((Kind.READ_REGISTER, 0x8000_0000, b""), Status.BAD_ADDRESS),
        ((Kind.WRITE_REGISTER, 1, WORD.pack(0)), Status.BAD_ADDRESS),
        ((Kind.WRITE_REGISTER, 8, WORD.pack(0)[1:]), Status.BAD_SIZE),
        ((Kind.WRITE_REGISTER, 8, WORD.pack(0) + b"x"), Status.BAD_SIZE),
        ((Kind.IDENTIFY, 0, b"x"), Status.BAD_SIZE),
        ((0, 0, b""), Status.UNKNOWN_KIND),
        ((6, 0, bytes(9)), Status.UNKNOWN_KIND),
        ((127, 0, bytes(90)), Status.UNKNOWN_KIND),
    ]
    answers = board.run(IDENTIFY, *(request for request, _ in refused))
    assert statuses(answers) == [Status.OK, *(status for _, status in refused)]
    assert all(not answer.payload for answer in answers[1:])
    assert board.slaves.memory == before
    assert not board.slaves.writes


def test_errors_of_memory_are_told():
    board = Board(bus_bytes=4)
    answers = board.run(
        IDENTIFY,
        (Kind.WRITE_MEMORY, LIMIT - 3, b"abcdefghijkl"),
        (Kind.READ_MEMORY, LIMIT - 3, COUNT.pack(3)),
        (Kind.READ_MEMORY, LIMIT - 3, COUNT.pack(5)),
        (Kind.READ_MEMORY, LIMIT - 3, COUNT.pack(3)),
        (Kind.WRITE_MEMORY, 0xFFFF_FFFE, b"abc"),
        (Kind.WRITE_MEMORY, 0, b"z"),
    )
    assert statuses(answers) == [0, Status.BUS_ERROR, 0, Status.BUS_ERROR, 0, Status.BUS_ERROR, 0]
    assert answers[2].payload == answers[3].payload[:3] == b"abc"
    assert len(answers[3].payload) == 5
    assert board.slaves.memory[:1] == b"z"
