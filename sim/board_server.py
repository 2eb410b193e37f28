"""A simulated board behind a TCP port, as if its UART were wired to it."""

import select
import socket
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection

from golden.errors import UserError
from params.sdram import SdramConfig
from params.system import SystemConfig
from sim.board import MOST_BYTES, SimulatedBoard
from sim.errors import SimulationError

HOST = "127.0.0.1"

CYCLES_PER_LOOK = 2_000
"""Simulated between two looks at the connection."""

TAIL_CYCLES = 200_000
"""Simulated after the last byte, for an answer to come."""

SECONDS_PER_LOOK = 0.2
"""Between two looks at an idle connection."""


def serve(
    board: SimulatedBoard, listener: socket.socket, *, alive: Callable[[], bool] = lambda: True
) -> None:
    """Carry bytes between a board and the programs that connect, one after the other.

    The simulation stands still while nothing is on the line and no run is under way.

    Parameters
    ----------
    board : the board.
    listener : is listening.
    alive : asked now and then; the server ends when it says no.
    """
    while alive():
        if not select.select([listener], [], [], SECONDS_PER_LOOK)[0]:
            continue
        connection, _ = listener.accept()
        with connection:
            _carry(board, connection, alive)


def _carry(board: SimulatedBoard, connection: socket.socket, alive: Callable[[], bool]) -> None:
    """Carry bytes until the program hangs up."""
    tail = 0
    while alive():
        active = board.busy or tail > 0
        try:
            if select.select([connection], [], [], 0 if active else SECONDS_PER_LOOK)[0]:
                data = connection.recv(MOST_BYTES)
                if not data:
                    return
                board.write(data)
                tail = TAIL_CYCLES
            if not board.busy and tail <= 0:
                continue
            board.run(CYCLES_PER_LOOK)
            arrived = board.take()
            tail = TAIL_CYCLES if board.busy or arrived else tail - CYCLES_PER_LOOK
            if arrived:
                connection.sendall(arrived)
        except ConnectionError:
            return


class BoardServer:
    """A simulated board in a process of its own, which ends with this one.

    Parameters
    ----------
    config, memory, clock_hz : see `SimulatedBoard`.

    Members
    -------
    url : where it is, for pyserial.

    Raises
    ------
    MissingToolError, SimulationError : a tool is missing or the build failed.
    """

    def __init__(self, config: SystemConfig, *, memory: SdramConfig | int, clock_hz: int):
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve_board, args=(theirs, config, memory, clock_hz), daemon=True
        )
        self._process.start()
        theirs.close()
        try:
            answer = self._pipe.recv()
        except EOFError:
            answer = SimulationError("the simulated board ended before it could be reached")
        except BaseException:
            self.close()
            raise
        if isinstance(answer, Exception):
            self.close()
            raise answer
        self.url = f"socket://{HOST}:{answer}"

    def close(self) -> int:
        """End it; the violations of the SDRAM's rules that it has seen."""
        violations = 0
        with suppress(EOFError, OSError):
            self._pipe.send(None)
            violations = self._pipe.recv()
        self._process.join()
        return violations

    def __enter__(self) -> "BoardServer":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def _serve_board(
    pipe: Connection, config: SystemConfig, memory: SdramConfig | int, clock_hz: int
) -> None:
    """Serve until something, or the end, comes through the pipe."""
    try:
        board = SimulatedBoard(config, memory=memory, clock_hz=clock_hz)
        listener = socket.create_server((HOST, 0))
    except (UserError, OSError) as failure:
        pipe.send(failure)
        return
    with listener:
        pipe.send(listener.getsockname()[1])
        serve(board, listener, alive=lambda: not pipe.poll())
    with suppress(EOFError, OSError):
        pipe.recv()
        pipe.send(board.violations)
    board.close()
