"""Stands on the other side of a component's ports in Amaranth's simulator, cycle by cycle."""

import random
from collections import deque

from amaranth.hdl import Value
from amaranth.sim import Simulator


class Source:
    """Offers `words`, each an unsigned integer, with a pause before each at random.

    Members: `sent`, the number of words taken; `cycles`, when.
    """

    def __init__(self, stream, words, *, rng: random.Random, stalls: float = 0.0):
        self._stream = stream
        self._words = deque(words)
        self._rng = rng
        self._stalls = stalls
        self._offered = False
        self.sent = 0
        self.cycles: list[int] = []

    def drive(self, context) -> None:
        if self._offered:
            return
        payload = Value.cast(self._stream.payload)
        self._offered = bool(self._words) and self._rng.random() >= self._stalls
        context.set(self._stream.valid, self._offered)
        word = self._words[0] if self._offered else self._rng.getrandbits(len(payload))
        context.set(payload, word)

    def sample(self, context, cycle: int) -> None:
        if self._offered and context.get(self._stream.ready):
            self._words.popleft()
            self._offered = False
            self.sent += 1
            self.cycles.append(cycle)


class Sink:
    """Takes words and checks that valid and payload hold until the transfer.

    Members: `words`, unsigned integers; `cycles`, when each was taken; `held`, never ready if set.

    Parameters
    ----------
    taking : signal that is told of `ready` a cycle before.
    """

    def __init__(self, stream, *, rng: random.Random, stalls: float = 0.0, taking=None):
        self._stream = stream
        self._taking = taking
        self._coming = False
        self._rng = rng
        self._stalls = stalls
        self._waiting: int | None = None
        self._ready = False
        self.held = False
        self.words: list[int] = []
        self.cycles: list[int] = []

    def drive(self, context) -> None:
        ready = not self.held and self._rng.random() >= self._stalls
        if self._taking is not None:
            context.set(self._taking, ready)
            ready, self._coming = self._coming, ready
        self._ready = ready
        context.set(self._stream.ready, ready)

    def sample(self, context, cycle: int) -> None:
        word = None
        if context.get(self._stream.valid):
            word = context.get(Value.cast(self._stream.payload))
        assert self._waiting in (None, word), "what was on offer changed before the transfer"
        self._waiting = None if self._ready else word
        if self._ready and word is not None:
            self.words.append(word)
            self.cycles.append(cycle)


class Requests(Sink):
    """Takes bursts and checks them; `bursts` are pairs (first beat, beats)."""

    def __init__(self, port, config, *, rng: random.Random, stalls: float = 0.0):
        super().__init__(port.requests, rng=rng, stalls=stalls)
        self._config = config
        self.bursts: list[tuple[int, int]] = []

    def sample(self, context, cycle: int) -> None:
        super().sample(context, cycle)
        while len(self.bursts) < len(self.words):
            word = self.words[len(self.bursts)]
            beat = word & ((1 << self._config.beat_bits) - 1)
            beats = word >> self._config.beat_bits
            longest = self._config.burst_beats
            assert 1 <= beats <= longest
            assert beat // longest == (beat + beats - 1) // longest
            self.bursts.append((beat, beats))


class ReadMemory:
    """Answers a read port from `content`, bytes from the window's start on, repeated.

    Parameters: `latency` cycles from a request to its first beat at least, `gaps` the probability
    that no beat comes in a cycle. Member `requests`.
    """

    def __init__(
        self, port, config, content: bytes, *, rng: random.Random, latency: int = 1,
        gaps: float = 0.0, stalls: float = 0.0,
    ):  # fmt: skip
        self.requests = Requests(port, config, rng=rng, stalls=stalls)
        self._port = port
        self._width = config.bus_bytes
        self._content = content
        self._rng = rng
        self._latency = latency
        self._gaps = gaps
        self._cycle = 0
        self._known = 0
        self._beats: deque[tuple[int, int]] = deque()
        assert len(content) % self._width == 0

    def drive(self, context) -> None:
        self.requests.drive(context)
        arriving = bool(
            self._beats and self._beats[0][0] <= self._cycle and self._rng.random() >= self._gaps
        )
        value = self._rng.getrandbits(8 * self._width)
        if arriving:
            start = self._beats.popleft()[1] * self._width % len(self._content)
            value = int.from_bytes(self._content[start : start + self._width], "little")
        context.set(self._port.arriving, arriving)
        context.set(self._port.beat, value)

    def sample(self, context, cycle: int) -> None:
        self.requests.sample(context, cycle)
        self._cycle = cycle + 1
        for beat, beats in self.requests.bursts[self._known :]:
            self._beats.extend((cycle + self._latency, beat + n) for n in range(beats))
        self._known = len(self.requests.bursts)


class WriteMemory:
    """Takes what a write port writes; `written` maps places of bytes to values.

    Parameters: `latency` cycles from a burst's last beat until it is confirmed at least, `stalls`
    of beats and `request_stalls`; beats are not taken before their request if `orderly`. Members:
    `beats`, `requests`, and `pending`, true while there is something that is not confirmed.
    """

    def __init__(
        self, port, config, *, rng: random.Random, latency: int = 1, stalls: float = 0.0,
        request_stalls: float = 0.0, orderly: bool = False,
    ):  # fmt: skip
        self.requests = Requests(port, config, rng=rng, stalls=request_stalls)
        self.beats = Sink(port.beats, rng=rng, stalls=stalls)
        self.written: dict[int, int] = {}
        self._port = port
        self._width = config.bus_bytes
        self._rng = rng
        self._latency = latency
        self._orderly = orderly
        self._cycle = 0
        self._places: deque[int] = deque()
        self._ends: list[int] = []
        self._confirmations: deque[int] = deque()
        self._known = 0
        self._stored = 0

    @property
    def pending(self) -> bool:
        return (
            bool(self._confirmations)
            or self._stored < len(self.beats.words)
            or self._stored < (self._ends[-1] if self._ends else 0)
        )

    def drive(self, context) -> None:
        self.requests.drive(context)
        self.beats.held = self._orderly and not self._places
        self.beats.drive(context)
        confirmed = bool(self._confirmations and self._confirmations[0] <= self._cycle)
        context.set(self._port.written, confirmed)
        if confirmed:
            self._confirmations.popleft()

    def sample(self, context, cycle: int) -> None:
        self.requests.sample(context, cycle)
        self.beats.sample(context, cycle)
        self._cycle = cycle + 1
        for beat, beats in self.requests.bursts[self._known :]:
            self._places.extend(beat + n for n in range(beats))
            self._ends.append((self._ends[-1] if self._ends else 0) + beats)
        self._known = len(self.requests.bursts)
        while self._places and self._stored < len(self.beats.words):
            word = self.beats.words[self._stored]
            place = self._places.popleft() * self._width
            data, strobe = word & ((1 << 8 * self._width) - 1), word >> 8 * self._width
            assert strobe
            for n in range(self._width):
                if strobe >> n & 1:
                    self.written[place + n] = data >> 8 * n & 0xFF
            self._stored += 1
            if self._stored in self._ends:
                self._confirmations.append(
                    cycle + self._latency + self._rng.randrange(self._latency)
                )


def simulate(component, agents, until, *, limit: int = 20_000, watch=None) -> int:
    """Run until `until()` is true; returns the cycles.

    `watch(context)` is called in every cycle, once all inputs are driven.

    Raises
    ------
    AssertionError : it did not become true within `limit` cycles.
    """
    cycles = 0

    async def bench(context):
        nonlocal cycles
        while not until():
            assert cycles < limit, f"not done after {limit} cycles"
            for agent in agents:
                agent.drive(context)
            for agent in agents:
                agent.sample(context, cycles)
            if watch is not None:
                watch(context)
            await context.tick()
            cycles += 1

    simulator = Simulator(component)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    return cycles
