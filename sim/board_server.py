"""A simulated board behind a TCP port, as if its UART were wired to it."""

import select
import socket
from collections.abc import Callable

from sim.board import MOST_BYTES, SimulatedBoard

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


def _carry(
    board: SimulatedBoard, connection: socket.socket, alive: Callable[[], bool]
) -> None:
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
            tail = TAIL_CYCLES if board.busy else tail - CYCLES_PER_LOOK
            arrived = board.take()
            if arrived:
                connection.sendall(arrived)
        except ConnectionError:
            return


def listen() -> socket.socket:
    """A socket that listens on a free port of this machine."""
    return socket.create_server((HOST, 0))
