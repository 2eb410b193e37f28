"""A whole board in simulation, at the end of a UART line."""

import ctypes
import tempfile
from contextlib import chdir
from pathlib import Path

from params.sdram import SdramConfig
from params.system import SystemConfig
from sim.board_harness import MADE_FROM, BoardHarness
from sim.harness import VERILOG
from sim.library import build_library

CYCLES_PER_BIT = 8
"""Of the line: the fastest that a link takes, as simulated cycles cost time."""

MOST_BYTES = 4096
"""Taken from the simulation at once."""

WRAPPER = Path(__file__).parent / "cpp" / "board.cpp"


class SimulatedBoard:
    """A board's design, with its SDRAM where it has one, bit by bit at a UART line.

    It is a `host.transport.Transport` in simulated time.

    Parameters
    ----------
    config, memory : see `hw.board.core.BoardCore`.
    clock_hz : of the board.

    Members
    -------
    cycles : of the board's clock so far.

    Raises
    ------
    MissingToolError, SimulationError : a tool is missing or the build failed.
    """

    name = "the simulated board"

    def __init__(self, config: SystemConfig, *, memory: SdramConfig | int, clock_hz: int):
        self.baud = clock_hz / CYCLES_PER_BIT
        self.cycles = 0
        self._clock_hz = clock_hz
        self._library = _library(config, memory, clock_hz)
        # Where the memory finds no file to begin with.
        with tempfile.TemporaryDirectory() as folder, chdir(folder):
            self._board = self._library.board_create(CYCLES_PER_BIT)

    def write(self, data: bytes) -> None:
        """Send `data`."""
        self._library.board_send(self._board, data, len(data))

    def read(self, timeout: float) -> bytes:
        """What comes within `timeout` seconds of simulated time; returns with the first bytes."""
        self.run(max(1, round(timeout * self._clock_hz)))
        return self.take()

    def now(self) -> float:
        """Simulated seconds."""
        return self.cycles / self._clock_hz

    def close(self) -> None:
        """End the simulation."""
        if self._board is not None:
            self._library.board_delete(self._board)
            self._board = None

    def run(self, cycles: int) -> None:
        """Go on for `cycles` or until a byte has come."""
        self.cycles = self._library.board_run(self._board, cycles)

    def take(self) -> bytes:
        """The bytes that have come."""
        taken = ctypes.create_string_buffer(MOST_BYTES)
        count = self._library.board_take(self._board, taken, MOST_BYTES)
        return taken.raw[:count]

    @property
    def busy(self) -> bool:
        """Whether bytes are on the line, or a run is under way."""
        return bool(self._library.board_busy(self._board))

    @property
    def violations(self) -> int:
        """Of the rules of the SDRAM so far."""
        return self._library.board_violations(self._board)


def _library(config: SystemConfig, memory: SdramConfig | int, clock_hz: int) -> ctypes.CDLL:
    def create() -> BoardHarness:
        baud = clock_hz // CYCLES_PER_BIT
        return BoardHarness(config, memory=memory, clock_hz=clock_hz, baud=baud)

    library = build_library(
        create,
        key=repr((config, memory, clock_hz)),
        toplevel="board",
        verilog=(VERILOG / "sdram_model.v",),
        wrapper=WRAPPER,
        made_from=MADE_FROM,
    )
    board = ctypes.c_void_p
    for name, result, *arguments in (
        ("create", board, ctypes.c_uint32),
        ("delete", None, board),
        ("send", None, board, ctypes.c_char_p, ctypes.c_size_t),
        ("run", ctypes.c_uint64, board, ctypes.c_uint64),
        ("take", ctypes.c_size_t, board, ctypes.c_char_p, ctypes.c_size_t),
        ("busy", ctypes.c_int, board),
        ("violations", ctypes.c_uint32, board),
    ):
        function = getattr(library, f"board_{name}")
        function.restype, function.argtypes = result, arguments
    return library
