"""Drivers and monitors of streams for cocotb benches, with random stalls.

Everything happens at the falling edge of the clock: what is driven there has settled long before
the rising edge at which a transfer takes place, so both simulators see the same.
"""

import random
from collections import deque
from collections.abc import Callable, Iterable

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

PERIOD_NS = 2


async def start(dut, *, cycles: int = 2) -> None:
    """Start the clock of `dut` and reset it; returns at a falling edge."""
    dut.rst.value = 1
    Clock(dut.clk, PERIOD_NS, unit="ns").start()
    for _ in range(cycles + 1):
        await FallingEdge(dut.clk)
    dut.rst.value = 0


class StreamDriver:
    """Offers words on an input stream of the top level, with random pauses before each.

    A word on offer stays until its transfer; the payload is random while there is none.

    Parameters
    ----------
    dut, name : the stream's ports are `<name>__payload`, `<name>__valid`, `<name>__ready`.
    seed : of the pauses; the name goes in as well, so that streams differ.
    stalls : probability in [0, 1) that nothing is offered in a cycle.

    Members
    -------
    sent : number of words transferred.
    """

    def __init__(self, dut, name: str, *, seed: int | None = None, stalls: float = 0.0):
        self._clock = dut.clk
        self._payload = getattr(dut, f"{name}__payload")
        self._valid = getattr(dut, f"{name}__valid")
        self._ready = getattr(dut, f"{name}__ready")
        self._random = _generator(name, seed)
        self._stalls = stalls
        self._words: deque[int] = deque()
        self.sent = 0
        self._valid.value = 0
        cocotb.start_soon(self._run())

    def send(self, words: Iterable[int]) -> None:
        """Queue `words`, each an unsigned integer."""
        self._words.extend(words)

    async def _run(self) -> None:
        offered = False
        while True:
            await FallingEdge(self._clock)
            if self._words and self._random.random() >= self._stalls:
                self._valid.value = 1
                self._payload.value = self._words.popleft()
                await ReadOnly()
                while self._ready.value != 1:
                    await FallingEdge(self._clock)
                    await ReadOnly()
                offered = True
                self.sent += 1
            elif offered:
                self._valid.value = 0
                self._payload.value = self._random.getrandbits(len(self._payload))
                offered = False


class StreamMonitor:
    """Takes words from an output stream of the top level, with random pauses.

    It checks that valid and payload hold until the transfer.

    Parameters
    ----------
    dut, name, seed : as for `StreamDriver`.
    stalls : probability in [0, 1) that the monitor is not ready in a cycle.
    callback : called with each word, at its transfer.
    partial : words may have undefined bits (X), in fields that do not count for them.

    Members
    -------
    words : the words so far, as unsigned integers; an undefined bit is 0.
    undefined : for each, its undefined bits, as an unsigned integer with ones there.
    cycles : for each, the cycle of its transfer, counted from the monitor's start.
    """

    def __init__(
        self,
        dut,
        name: str,
        *,
        seed: int | None = None,
        stalls: float = 0.0,
        callback: Callable[[int], None] | None = None,
        partial: bool = False,
    ):
        self._name = name
        self._clock = dut.clk
        self._payload = getattr(dut, f"{name}__payload")
        self._valid = getattr(dut, f"{name}__valid")
        self._ready = getattr(dut, f"{name}__ready")
        self._random = _generator(name, seed)
        self._stalls = stalls
        self._callback = callback
        self._partial = partial
        self._cycle = 0
        self.words: list[int] = []
        self.undefined: list[int] = []
        self.cycles: list[int] = []
        self._ready.value = 0
        cocotb.start_soon(self._run())

    async def collect(self, count: int, *, patience: int = 1000) -> list[int]:
        """Wait until `count` words have come; returns all words so far.

        Raises
        ------
        AssertionError : no word came for `patience` cycles.
        """
        while len(self.words) < count:
            quiet = self._cycle - (self.cycles[-1] if self.cycles else 0)
            assert quiet <= patience, (
                f"{self._name}: {len(self.words)} words of {count}, then none for {quiet} cycles"
            )
            await FallingEdge(self._clock)
        return self.words

    async def _run(self) -> None:
        waiting = None
        while True:
            await FallingEdge(self._clock)
            ready = self._random.random() >= self._stalls
            self._ready.value = int(ready)
            await ReadOnly()
            self._cycle += 1
            word, undefined = self._offer()
            assert waiting in (None, word), (
                f"{self._name}: {_shown(waiting)} was on offer and not taken, now {_shown(word)} is"
            )
            waiting = None if ready else word
            if ready and word is not None:
                self.words.append(word)
                self.undefined.append(undefined)
                self.cycles.append(self._cycle)
                if self._callback is not None:
                    self._callback(word)

    def _offer(self) -> tuple[int | None, int]:
        """The word on offer, None when there is none, and its undefined bits."""
        if self._valid.value != 1:
            return None, 0
        value = self._payload.value
        if value.is_resolvable:
            return value.to_unsigned(), 0
        assert self._partial, f"{self._name}: a word has undefined bits: {value}"
        bits = str(value)
        undefined = int("".join("01"[bit not in "01"] for bit in bits), 2)
        return int("".join("01"[bit == "1"] for bit in bits), 2), undefined


def _generator(name: str, seed: int | None) -> random.Random:
    """Random numbers for the stream `name`, from cocotb's logged seed when none is given."""
    return random.Random(f"{name} {cocotb.RANDOM_SEED if seed is None else seed}")


def _shown(word: int | None) -> str:
    return "nothing" if word is None else f"{word:#x}"
