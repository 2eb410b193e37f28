"""A simulated board at the end of a UART line that does harm, as a transport for `host.link`."""

import ctypes
import inspect
import random
import tempfile
from collections import Counter
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

import sim.axi_memory
from sim.harness import VERILOG
from sim.library import build_library
from sim.link_harness import LinkHarness

WRAPPER = Path(__file__).parent / "cpp" / "uart_line.cpp"

BYTE_BITS = 10
"""Of a byte on the line, with start and stop bit."""

CUT = 1 << 31

LONGEST_PAUSE = 0.005

LONGEST_CUT = 0.003
"""In seconds."""

SETTLED_BYTES = 16

MOST_BYTES = 4096
"""Taken from the simulation at once."""


@dataclass(frozen=True, kw_only=True)
class Board:
    """What is simulated: parameters of `LinkHarness`, and how its memory behaves.

    `stalls` is the probability that a channel of the memory pauses in a cycle, `latency` the cycles
    of a read, `order` as in `sim.axi_memory`.
    """

    clock_hz: int = 24_000_000
    baud: int = 3_000_000
    bus_bytes: int = 4
    memory_bytes: int = 1 << 16
    payload_bytes: int = 256
    stalls: float = 0.0
    latency: int = 8
    order: int = 0


@dataclass(frozen=True, kw_only=True)
class Faults:
    """How often a line does harm, as probabilities.

    flips : per bit time and direction, that the line is inverted.
    dropped, duplicated : per byte and direction, that it is lost, or comes twice.
    garbage : per byte and direction, that up to 40 bytes come before it that nobody sent, among
        them flags, escapes, and parts of frames that were sent.
    pauses : per byte to the board, that up to 5 ms pass before it.
    cuts : per byte to the board, that the cable is pulled in it, for up to 3 ms and for both
        directions; the line then rests at 1 or at 0.
    """

    flips: float = 0.0
    dropped: float = 0.0
    duplicated: float = 0.0
    garbage: float = 0.0
    pauses: float = 0.0
    cuts: float = 0.0


class SimulatedLine:
    """A `host.transport.Transport` to a `LinkBridge` in simulation, which lives in its time.

    Parameters
    ----------
    faults : may be set anew at any time.
    seed : of all that is random.
    clock_ratio : the host's bit, in bits of the board.
    fault : what is wrong with the hardware, if a test has made something wrong.

    Members
    -------
    injected : faults so far, by kind. cycles : of the board's clock so far.
    """

    name = "the simulated board"

    def __init__(
        self,
        board: Board,
        *,
        faults: Faults | None = None,
        seed: int = 1,
        clock_ratio: float = 1.0,
        fault: str = "",
    ):
        self.baud: float = board.baud
        self._board = board
        self._library = _library(board, fault)
        self._draw = random.Random(f"line {seed}")
        # Where the memory finds no file to begin with, and leaves what it holds.
        self._folder = tempfile.TemporaryDirectory(prefix="zeroshift-link-")
        with chdir(self._folder.name):
            self._line = self._library.line_create(
                clock_ratio * board.clock_hz / board.baud, seed, round(65536 * board.stalls),
                board.latency, board.order,
            )  # fmt: skip
        self._sent = b"\x7e\x7d"
        self.cycles = 0
        self.injected: Counter[str] = Counter()
        self.faults = faults or Faults()

    @property
    def faults(self) -> Faults:
        """What the line does to bytes."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = faults
        self._library.line_flips(self._line, round(faults.flips * (1 << 32)))

    def write(self, data: bytes) -> None:
        """Send `data`, as far as the line lets it."""
        symbols = []
        self._sent = (self._sent + data)[-512:]
        draw, faults = self._draw, self._faults
        for byte in self._harm(data):
            if draw.random() < faults.pauses:
                self.injected["pauses"] += 1
                bits = draw.randrange(1, int(LONGEST_PAUSE * self.baud))
                symbols += [0xFFFF | 16 << 16] * (bits // 16)
            if draw.random() < faults.cuts:
                self.injected["cuts"] += 1
                # The cut begins within the byte.
                bits = draw.randrange(1, int(LONGEST_CUT * self.baud))
                before = draw.randrange(BYTE_BITS)
                symbols += [_bits(byte, 0, before), CUT | draw.randrange(2) << 16 | bits]
                symbols.append(_bits(byte, before, BYTE_BITS))
            else:
                symbols.append(_bits(byte, 0, BYTE_BITS))
        array = (ctypes.c_uint32 * len(symbols))(*symbols)
        self._library.line_send(self._line, array, len(symbols))

    def read(self, timeout: float) -> bytes:
        """What comes within `timeout` seconds of simulated time; returns with the first bytes."""
        cycles = max(1, round(timeout * self._board.clock_hz))
        self.cycles = self._library.line_run(self._line, cycles, 1)
        return bytes(self._harm(self._take()))

    def now(self) -> float:
        """Simulated seconds."""
        return self.cycles / self._board.clock_hz

    def close(self) -> None:
        """End the simulation."""
        if self._line is not None:
            self._library.line_delete(self._line)
            self._line = None
            self._folder.cleanup()

    def reset(self) -> None:
        """Reset the board; its memory keeps what it holds."""
        self._library.line_reset(self._line)

    def settle(self) -> bytes:
        """Let the board do all that has been sent; returns what it says, which no fault harms."""
        said = b""
        while self._library.line_busy(self._line):
            self.cycles = self._library.line_run(self._line, 1_000, 0)
        # Until no byte of an answer has come for the time of several.
        quiet = round(SETTLED_BYTES * BYTE_BITS * self._board.clock_hz / self._board.baud)
        while True:
            self.cycles = self._library.line_run(self._line, quiet, 0)
            if not (taken := self._take()):
                return said
            said += taken

    def memory(self) -> bytes:
        """What the board's memory holds, seen from behind."""
        with chdir(self._folder.name):
            self._library.line_flush(self._line)
            return Path("memory_after.bin").read_bytes()

    @property
    def starts(self) -> int:
        """How often a run was started."""
        return self._library.line_starts(self._line)

    @property
    def violations(self) -> int:
        """Of the rules of AXI4, see `AxiMemory`."""
        return self._library.line_violations(self._line)

    @property
    def injected_in_all(self) -> Counter[str]:
        """Faults so far, with bits inverted."""
        return self.injected + Counter(flips=self._library.line_flipped(self._line))

    def _take(self) -> bytes:
        """What has come; a UART gives a byte without its stop bit to a program, too."""
        taken = (ctypes.c_uint16 * MOST_BYTES)()
        count = self._library.line_take(self._line, taken, MOST_BYTES)
        return bytes(byte & 0xFF for byte in taken[:count])

    def _harm(self, data: bytes) -> bytearray:
        """What is left of `data`."""
        draw, faults = self._draw, self._faults
        if not (faults.dropped or faults.duplicated or faults.garbage):
            return bytearray(data)
        result = bytearray()
        for byte in data:
            if draw.random() < faults.garbage:
                self.injected["garbage"] += 1
                result += self._garbage()
            if draw.random() < faults.dropped:
                self.injected["dropped"] += 1
                continue
            result.append(byte)
            if draw.random() < faults.duplicated:
                self.injected["duplicated"] += 1
                result.append(byte)
        return result

    def _garbage(self) -> bytes:
        draw = self._draw
        count = draw.randint(1, 40)
        kind = draw.randrange(3)
        if kind == 0:
            return draw.randbytes(count)
        if kind == 1:
            return bytes(draw.choice((0x7E, 0x7D, 0x5E, 0x5D, 0x00, 0xFF)) for _ in range(count))
        first = draw.randrange(len(self._sent))
        return self._sent[first : first + count]


def _bits(byte: int, first: int, stop: int) -> int:
    """The symbol of bits `first` to `stop` - 1 of a byte on the line."""
    levels = byte << 1 | 1 << (BYTE_BITS - 1)
    return levels >> first & ((1 << (stop - first)) - 1) | (stop - first) << 16


def _library(board: Board, fault: str) -> ctypes.CDLL:
    parameters = {
        name: getattr(board, name)
        for name in ("clock_hz", "baud", "bus_bytes", "memory_bytes", "payload_bytes")
    }

    def create() -> LinkHarness:
        return LinkHarness(**parameters)

    library = build_library(
        create,
        key=f"{parameters} {fault}",
        toplevel="link",
        verilog=(VERILOG / "axi_memory.v",),
        wrapper=WRAPPER,
        made_from=tuple(Path(inspect.getfile(module)) for module in (LinkHarness, sim.axi_memory)),
    )
    line = ctypes.c_void_p
    for name, result, *arguments in (
        ("create", line, ctypes.c_double, ctypes.c_uint64, *[ctypes.c_uint32] * 3),
        ("delete", None, line),
        ("flips", None, line, ctypes.c_uint32),
        ("send", None, line, ctypes.POINTER(ctypes.c_uint32), ctypes.c_size_t),
        ("run", ctypes.c_uint64, line, ctypes.c_uint64, ctypes.c_int),
        ("take", ctypes.c_size_t, line, ctypes.POINTER(ctypes.c_uint16), ctypes.c_size_t),
        ("busy", ctypes.c_int, line),
        ("reset", None, line),
        ("flush", None, line),
        ("flipped", ctypes.c_uint64, line),
        ("starts", ctypes.c_uint32, line),
        ("violations", ctypes.c_uint32, line),
    ):
        function = getattr(library, f"line_{name}")
        function.restype, function.argtypes = result, arguments
    return library
