"""A master on AXI4 for benches of the SDRAM: many bursts at a time, pauses on every channel."""

import random
from collections import deque
from dataclasses import dataclass, field

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

BYTES = 2

CHANNELS = ("ar", "r", "aw", "w", "b")


@dataclass(eq=False)
class Burst:
    """A burst and how far it is; `start` and `end` are the cycles of its address and its end."""

    address: int
    id: int
    words: list[int] = field(default_factory=list)
    beats: int = 0
    start: int = 0
    end: int = 0
    done: bool = False

    def overlaps(self, other: "Burst") -> bool:
        """Whether the two have bytes in common."""
        return (
            self.address < other.address + BYTES * other.beats
            and other.address < self.address + BYTES * self.beats
        )


class Master:
    """Drives the ports `read` and `write`, and checks ids, ends and answers.

    Members
    -------
    stalls : probability of a pause of each channel.
    reads, writes : bursts that are not done. beats_read, beats_written : transfers so far.
    beats_answered : of writes, so far.
    cycle : number of the cycle.
    """

    def __init__(self, dut, draw: random.Random):
        self._dut = dut
        self._draw = draw
        self.stalls = dict.fromkeys(CHANNELS, 0.0)
        self.reads: deque[Burst] = deque()
        self.writes: deque[Burst] = deque()
        self._read_addresses: deque[Burst] = deque()
        self._write_addresses: deque[Burst] = deque()
        self._beats: deque[tuple[int, int, bool]] = deque()
        self.beats_read = 0
        self.beats_written = 0
        self.beats_answered = 0
        self.cycle = 0
        self._valid = dict.fromkeys(("ar", "aw", "w"), False)
        self._takes = (False, False)
        self._driven = dict(self._valid)
        self._signals = {
            name: getattr(dut, f"{port}__{name}")
            for port, names in (
                ("read", "araddr arlen arsize arburst arid arvalid arready "
                         "rdata rlast rid rresp rvalid rready"),
                ("write", "awaddr awlen awsize awburst awid awvalid awready "
                          "wdata wstrb wlast wvalid wready bid bresp bvalid bready"),
            )
            for name in names.split()
        }  # fmt: skip
        for name in ("arvalid", "rready", "awvalid", "wvalid", "bready"):
            self._signals[name].value = 0
        for name in ("ar", "aw"):
            self._signals[f"{name}size"].value = BYTES.bit_length() - 1
            self._signals[f"{name}burst"].value = 1
        dut.flush.value = 0
        self._running = cocotb.start_soon(self._run())

    def read(self, address: int, beats: int, id: int = 0) -> Burst:
        """Queue a read."""
        burst = Burst(address, id, beats=beats)
        self.reads.append(burst)
        self._read_addresses.append(burst)
        return burst

    def write(self, address: int, words: list[int], strobes: list[int], id: int = 0) -> Burst:
        """Queue a write."""
        burst = Burst(address, id, words, beats=len(words))
        self.writes.append(burst)
        self._write_addresses.append(burst)
        ends = [False] * (len(words) - 1) + [True]
        self._beats.extend(zip(words, strobes, ends, strict=True))
        return burst

    def stop(self) -> None:
        """Leave the signals as they are from now on."""
        self._running.cancel()

    async def step(self) -> None:
        """Until the end of a cycle."""
        await FallingEdge(self._dut.clk)

    async def finish(self, *, patience: int = 10_000) -> None:
        """Until all bursts are done."""
        limit = self.cycle + patience
        state = None
        while self.reads or self.writes:
            await self.step()
            following = (self.beats_read, self.beats_written, len(self.writes))
            if following != state:
                state, limit = following, self.cycle + patience
            assert self.cycle < limit, "no progress"

    async def _run(self) -> None:
        at = self._signals
        while True:
            await FallingEdge(self._dut.clk)
            self.cycle += 1
            for name, queue in (("ar", self._read_addresses), ("aw", self._write_addresses)):
                if not self._valid[name] and queue and not self._pauses(name):
                    burst = queue[0]
                    at[f"{name}addr"].value = burst.address
                    at[f"{name}len"].value = burst.beats - 1
                    at[f"{name}id"].value = burst.id
                    at[f"{name}valid"].value = 1
                    self._valid[name] = True
            if not self._valid["w"] and self._beats and not self._pauses("w"):
                word, strobe, last = self._beats[0]
                at["wdata"].value = word
                at["wstrb"].value = strobe
                at["wlast"].value = int(last)
                at["wvalid"].value = 1
                self._valid["w"] = True
            for name, before in self._driven.items():
                if before and not self._valid[name]:
                    at[f"{name}valid"].value = 0
            self._driven = dict(self._valid)
            takes_read, takes_answer = not self._pauses("r"), not self._pauses("b")
            if self._takes != (takes_read, takes_answer):
                self._takes = (takes_read, takes_answer)
                at["rready"].value, at["bready"].value = map(int, self._takes)
            await ReadOnly()
            ended = {
                name: self._valid[name] and at[f"{name}ready"].value == 1 for name in self._valid
            }
            if takes_read and at["rvalid"].value == 1:
                self._take_word()
            if takes_answer and at["bvalid"].value == 1:
                assert self.writes, "an answer to no write"
                burst = self.writes.popleft()
                assert at["bid"].value == burst.id
                assert at["bresp"].value == 0
                self.beats_answered += burst.beats
                burst.done, burst.end = True, self.cycle
            if ended["ar"]:
                self._read_addresses.popleft().start = self.cycle
            if ended["aw"]:
                self._write_addresses.popleft().start = self.cycle
            if ended["w"]:
                self._beats.popleft()
                self.beats_written += 1
            for name, gone in ended.items():
                if gone:
                    self._valid[name] = False

    def _take_word(self) -> None:
        at = self._signals
        assert self.reads, "a beat of no read"
        burst = self.reads[0]
        assert at["rid"].value == burst.id
        assert at["rresp"].value == 0
        burst.words.append(at["rdata"].value.to_unsigned())
        self.beats_read += 1
        last = len(burst.words) == burst.beats
        assert at["rlast"].value == last
        if last:
            self.reads.popleft()
            burst.done, burst.end = True, self.cycle

    def _pauses(self, channel: str) -> bool:
        probability = self.stalls[channel]
        return probability > 0 and self._draw.random() < probability
