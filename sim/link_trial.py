"""Tries a link on a simulated line: what harm is done, and what comes of it."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from host.errors import LinkError
from host.frames import pack_request
from host.link import Link
from params.link import COUNT, WORD, Kind
from params.registers import OFFSETS
from sim.link_line import Board, Faults, SimulatedLine
from sim.link_mutations import mutate

TIMEOUT = 0.004
"""Seconds for the board to answer; there is no USB in between."""

BROKEN_PER_ROUND = 20
"""Frames with something wrong between two looks at the memory."""

LINES = {
    "good": Faults(),
    "bits": Faults(flips=3e-4),
    "many bits": Faults(flips=3e-3),
    "bytes": Faults(dropped=2e-3, duplicated=2e-3),
    "garbage": Faults(garbage=3e-3, pauses=3e-4),
    "pulled": Faults(cuts=6e-4),
    "all": Faults(
        flips=1e-4, dropped=4e-4, duplicated=4e-4, garbage=4e-4, pauses=1e-4, cuts=1e-4
    ),
}  # fmt: skip
"""How lines behave, by name."""


FORBIDDEN = ("wrong", "answered", "started", "next_lost", "violations")
"""Figures of an outcome that must be 0."""


@dataclass
class Outcome:
    """Figures of a trial.

    frames : sent by the link, `repeated` of them again. operations : reads and writes that it did;
        `given_up`, those that it told could not be done.
    broken : frames with something wrong that were sent besides, by kind.
    injected : faults of the line, by kind.
    wrong : bytes read or found in memory that are not what was written; registers likewise.
    answered : times that the board said something to such frames.
    started : runs too many or too few. violations : of the rules of AXI4.
    nexts : requests on a line that had just become good; `next_lost`, those not answered at once.
    """

    frames: int = 0
    repeated: int = 0
    silences: int = 0
    rejected: int = 0
    operations: int = 0
    given_up: int = 0
    nexts: int = 0
    broken: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    answered: int = 0
    started: int = 0
    next_lost: int = 0
    violations: int = 0
    cycles: int = 0

    @property
    def good(self) -> bool:
        """Whether nothing went wrong that must not."""
        return not any(getattr(self, name) for name in FORBIDDEN)


class Trial:
    """A link on a simulated line, what should be in memory and registers, and random operations.

    Parameters
    ----------
    seed : of all that is random.
    clock_ratio, fault : see `SimulatedLine`.
    """

    def __init__(self, board: Board, *, seed: int, clock_ratio: float = 1.0, fault: str = ""):
        self._line = SimulatedLine(board, seed=seed, clock_ratio=clock_ratio, fault=fault)
        self._draw = random.Random(f"trial {seed}")
        self._link = Link(self._line, timeout=TIMEOUT)
        self._board = board
        self._memory = bytearray(self._line.memory())
        self._registers = {"WINDOW_SIZE": 0, "COMMANDS": 0}
        self._starts = 0
        self.outcome = Outcome()

    def run(
        self, frames: int, *, faults: Faults, progress: Callable[[int], None] | None = None
    ) -> None:
        """Go on until `frames` more have been sent, over a line with `faults`."""
        statistics = self._link.statistics
        before = statistics.sent
        while (done := statistics.sent - before) < frames:
            self._line.faults = faults
            for _ in range(self._draw.randint(1, 12)):
                self._operate()
            self._line.faults = Faults()
            self._line.settle()
            self._next()
            self._look()
            if progress is not None:
                progress(min(frames, statistics.sent - before) - done)
        self._count()

    def send_broken(self, frames: int, *, progress: Callable[[int], None] | None = None) -> None:
        """Send `frames` frames that are not whole: none may do anything, nor be answered."""
        for first in range(0, frames, BROKEN_PER_ROUND):
            count = min(BROKEN_PER_ROUND, frames - first)
            for _ in range(count):
                kind, mutant = mutate(self._request(), self._draw)
                self.outcome.broken[kind] += 1
                self._line.write(mutant)
                # Some come one behind the other.
                if self._draw.random() < 0.5:
                    self.outcome.answered += bool(self._line.settle())
            self.outcome.answered += bool(self._line.settle())
            self._next()
            self._look()
            if progress is not None:
                progress(count)
        self._count()

    def close(self) -> None:
        """End the simulation."""
        self._link.close()

    def _operate(self) -> None:
        """Read or write something, and compare."""
        draw, link, memory = self._draw, self._link, self._memory
        self.outcome.operations += 1
        kind = draw.random()
        if kind < 0.15:
            self._use_register()
            return
        address, size = self._place()
        if kind < 0.55:
            try:
                got = link.read_memory(address, size)
            except LinkError:
                self.outcome.given_up += 1
                return
            self._compare(got, memory[address : address + size])
            return
        data = draw.randbytes(size) if draw.random() < 0.8 else bytes([0x7E, 0x7D] * size)[:size]
        try:
            link.write_memory(address, data)
            memory[address : address + size] = data
        except LinkError:
            # Any part may be written.
            self.outcome.given_up += 1
            self._restore()
            found = self._line.memory()[address : address + size]
            for k, byte in enumerate(found):
                self.outcome.wrong += byte not in (data[k], memory[address + k])
            memory[address : address + size] = found

    def _use_register(self) -> None:
        draw, link = self._draw, self._link
        name = draw.choice(("CONTROL", *self._registers))
        value = 1 if name == "CONTROL" else draw.getrandbits(32)
        try:
            if name != "CONTROL" and draw.random() < 0.5:
                self.outcome.wrong += link.read_register(OFFSETS[name]) != self._registers[name]
                return
            link.write_register(OFFSETS[name], value)
        except LinkError:
            self.outcome.given_up += 1
            self._restore()
            # Done once or not at all.
            if name == "CONTROL":
                self._starts += self._line.starts == self._starts + 1
            elif link.read_register(OFFSETS[name]) == value:
                self._registers[name] = value
            return
        if name == "CONTROL":
            self._starts += 1
        else:
            self._registers[name] = value

    def _restore(self) -> None:
        """Wait until what was under way is done, on a line that is good."""
        faults, self._line.faults = self._line.faults, Faults()
        self._line.settle()
        self._line.faults = faults

    def _next(self) -> None:
        """A request on a line that has become good gets through at once."""
        statistics = self._link.statistics
        sent = statistics.sent
        address = self._draw.randrange(self._board.memory_bytes)
        self.outcome.nexts += 1
        try:
            got = self._link.read_memory(address, 1)
        except LinkError:
            self.outcome.next_lost += 1
            return
        self.outcome.next_lost += statistics.sent != sent + 1
        self._compare(got, self._memory[address : address + 1])

    def _look(self) -> None:
        """Compare what is behind the bridge."""
        self._compare(self._line.memory(), self._memory)
        self.outcome.started += self._line.starts != self._starts
        self._starts = self._line.starts

    def _compare(self, got: bytes, expected: bytes | bytearray) -> None:
        if got != expected:
            self.outcome.wrong += sum(a != b for a, b in zip(got, expected, strict=True))

    def _place(self) -> tuple[int, int]:
        draw, bytes_there = self._draw, self._board.memory_bytes
        size = draw.choice((1, 2, draw.randint(1, 16), draw.randint(1, 100), draw.randint(1, 800)))
        return draw.randrange(bytes_there - size), size

    def _request(self) -> bytes:
        """A whole request, most of them for something that would be noticed."""
        draw = self._draw
        address, size = self._place()
        sequence = draw.getrandbits(16)
        kind = draw.random()
        if kind < 0.7:
            data = draw.randbytes(min(size, 60))
            return pack_request(Kind.WRITE_MEMORY, sequence, address, data)
        if kind < 0.9:
            control = OFFSETS["CONTROL"]
            return pack_request(Kind.WRITE_REGISTER, sequence, control, WORD.pack(1))
        return pack_request(Kind.READ_MEMORY, sequence, address, COUNT.pack(size))

    def _count(self) -> None:
        statistics, outcome = self._link.statistics, self.outcome
        outcome.frames = statistics.sent
        outcome.repeated = statistics.repeated
        outcome.silences = statistics.silences
        outcome.rejected = statistics.rejected
        outcome.injected = self._line.injected_in_all
        outcome.violations = self._line.violations
        outcome.cycles = self._line.cycles
