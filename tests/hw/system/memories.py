"""Models for benches of the masters: readers and a writer of memory, and hostile memories."""

import random
from collections import defaultdict, deque

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from hw.system.ports import burst
from sim.streams import StreamDriver
from tests.hw.system.axi_blocks import CONFIG

BYTES = CONFIG.bus_bytes
PLACE_BITS = burst(CONFIG)["beats"].offset


def request(beat: int, beats: int) -> int:
    """The bits of a `ports.burst`."""
    return beat | beats << PLACE_BITS


def random_burst(draw: random.Random, limit: int) -> tuple[int, int]:
    """A burst of the beats below `limit` that crosses no multiple of the longest."""
    beat = draw.randrange(limit)
    room = CONFIG.burst_beats - beat % CONFIG.burst_beats
    return beat, draw.choice((1, room, draw.randint(1, room)))


class Reader:
    """A reader: `ask` for bursts; `beats` and their `cycles` are what came."""

    def __init__(self, dut, name: str, *, stalls: float = 0.0):
        self._requests = StreamDriver(dut, f"{name}__requests", stalls=stalls)
        self._dut = dut
        self._arriving = getattr(dut, f"{name}__arriving")
        self._beat = getattr(dut, f"{name}__beat")
        self.beats: list[int] = []
        self.cycles: list[int] = []
        self.taken = 0
        cocotb.start_soon(self._run())

    def ask(self, bursts) -> None:
        self._requests.send([request(*one) for one in bursts])

    @property
    def sent(self) -> int:
        return self._requests.sent

    async def collect(self, count: int, *, patience: int = 2000) -> list[int]:
        """Wait until `count` beats have come."""
        quiet, before = 0, len(self.beats)
        while len(self.beats) < count:
            await FallingEdge(self._dut.clk)
            quiet = quiet + 1 if len(self.beats) == before else 0
            before = len(self.beats)
            assert quiet < patience, f"{before} beats of {count}, then none for {quiet} cycles"
        return self.beats

    async def _run(self) -> None:
        cycle = 0
        while True:
            await FallingEdge(self._dut.clk)
            await ReadOnly()
            cycle += 1
            if self._arriving.value == 1:
                self.beats.append(self._beat.value.to_unsigned())
                self.cycles.append(cycle)


class Writer:
    """A writer: `write` bursts; `written` counts those that memory has."""

    def __init__(self, dut, name: str, *, stalls: float = 0.0):
        self._requests = StreamDriver(dut, f"{name}__requests", stalls=stalls)
        self._beats = StreamDriver(dut, f"{name}__beats", stalls=stalls)
        self._dut = dut
        self._written = getattr(dut, f"{name}__written")
        self.written = 0
        cocotb.start_soon(self._run())

    def write(self, burst: tuple[int, int], data: bytes, strobe: list[int]) -> None:
        """Queue a burst: its place, its bytes, and a mask of bytes for each beat."""
        self._requests.send([request(*burst)])
        self._beats.send(
            int.from_bytes(data[k * BYTES : (k + 1) * BYTES], "little") | mask << 8 * BYTES
            for k, mask in enumerate(strobe)
        )

    @property
    def beats_sent(self) -> int:
        return self._beats.sent

    async def finish(self, count: int, *, patience: int = 2000) -> None:
        """Wait until `count` bursts are written."""
        quiet, before = 0, self.written
        while self.written < count:
            await FallingEdge(self._dut.clk)
            quiet = quiet + 1 if self.written == before else 0
            before = self.written
            assert quiet < patience, f"{before} bursts of {count}, then none for {quiet} cycles"

    async def _run(self) -> None:
        while True:
            await FallingEdge(self._dut.clk)
            await ReadOnly()
            self.written += self._written.value == 1


class Faults:
    """Collects the faults of a master as pairs of code and place."""

    def __init__(self, dut, name: str):
        self.seen: list[tuple[int, int]] = []
        cocotb.start_soon(self._run(dut, name))

    async def _run(self, dut, name: str) -> None:
        while True:
            await FallingEdge(dut.clk)
            await ReadOnly()
            if getattr(dut, f"{name}__fault").value == 1:
                code = getattr(dut, f"{name}__fault_code").value.to_unsigned()
                place = getattr(dut, f"{name}__fault_place").value.to_unsigned()
                self.seen.append((code, place))


class MixingReadMemory:
    """Answers reads of different ids beat by beat in any order, some beats with an error.

    Parameters
    ----------
    name : prefix of the master's signals. stalls : probability of a pause.
    content : function of an address: the beat there.
    errors : probability that a beat is answered with an error.

    Members
    -------
    asked : id, address and beats of the bursts so far. errors : addresses of bursts, one for each
    beat with an error.
    """

    def __init__(self, dut, name: str, content, *, stalls: float = 0.0, errors: float = 0.0):
        self._axi = {
            signal: getattr(dut, f"{name}__axi__{signal}")
            for signal in (
                "arid", "araddr", "arlen", "arsize", "arburst", "arvalid", "arready",
                "rid", "rdata", "rresp", "rlast", "rvalid", "rready",
            )
        }  # fmt: skip
        self._clock = dut.clk
        self._content = content
        self._stalls = stalls
        self._errors = errors
        self._random = random.Random(f"{name} {cocotb.RANDOM_SEED}")
        self.asked: list[tuple[int, int, int]] = []
        self.failed: list[int] = []
        self._axi["arready"].value = 0
        self._axi["rvalid"].value = 0
        cocotb.start_soon(self._run())

    async def _run(self) -> None:
        axi, draw = self._axi, self._random
        queues: dict[int, deque] = defaultdict(deque)
        waiting = None
        offered = False
        while True:
            await FallingEdge(self._clock)
            axi["arready"].value = int(draw.random() >= self._stalls)
            ids = [k for k, queue in queues.items() if queue]
            if not offered and ids and draw.random() >= self._stalls:
                k = draw.choice(ids)
                address, beats, position = queues[k][0]
                last = position + 1 == beats
                error = draw.random() < self._errors
                if error:
                    self.failed.append(address)
                axi["rvalid"].value = 1
                axi["rid"].value = k
                axi["rdata"].value = self._content(address + BYTES * position)
                axi["rresp"].value = draw.choice((2, 3)) if error else draw.choice((0, 1))
                axi["rlast"].value = int(last)
                offered = True
                if last:
                    queues[k].popleft()
                else:
                    queues[k][0] = (address, beats, position + 1)
            elif not offered:
                axi["rvalid"].value = 0
                axi["rlast"].value = draw.getrandbits(1)
                axi["rresp"].value = draw.getrandbits(2)
            await ReadOnly()
            if offered and axi["rready"].value == 1:
                offered = False
            offer = None
            if axi["arvalid"].value == 1:
                offer = tuple(axi[n].value.to_unsigned() for n in ("arid", "araddr", "arlen"))
                assert axi["arsize"].value == CONFIG.byte_bits
                assert axi["arburst"].value == 1
            assert waiting in (None, offer), f"{waiting} was on offer and not taken, now {offer}"
            waiting = offer
            if offer and axi["arready"].value == 1:
                waiting = None
                k, address, length = offer
                self.asked.append((k, address, length + 1))
                queues[k].append((address, length + 1, 0))
