"""Serial ports: real ones, as pseudo-terminals, and pyserial's URLs."""

import os
import socket
import sys
import threading
import tty

import pytest

from host.errors import LinkError
from host.link import Link
from host.serial_port import SerialPort
from tests.host.fake_board import FakeBoard

DATA = bytes(range(256)) * 8


@pytest.fixture
def terminal():
    """The board's end of a pseudo-terminal, and the name of the other."""
    board, port = os.openpty()
    tty.setraw(port)
    yield board, os.ttyname(port)
    # The board's reading ends with the last use of the port.
    os.close(port)
    os.close(board)


def answer(receive, send):
    """Be a board until there is nothing more to receive."""
    board = FakeBoard()
    try:
        while arrived := receive():
            board.write(arrived)
            while said := board.read(1):
                send(said)
    except OSError:
        pass


def test_a_board_on_a_port(terminal):
    board, name = terminal
    thread = threading.Thread(
        target=answer, args=(lambda: os.read(board, 4096), lambda said: os.write(board, said))
    )
    thread.daemon = True
    thread.start()
    with Link.open(name, timeout=2.0) as link:
        link.write_memory(100, DATA)
        assert link.read_memory(100, len(DATA)) == DATA
        with pytest.raises(LinkError, match="in use by another program"):
            SerialPort(name)


def test_a_board_on_a_socket():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection:
                answer(lambda: connection.recv(4096), connection.sendall)

        thread = threading.Thread(target=serve)
        thread.start()
        with Link.open(f"socket://127.0.0.1:{server.getsockname()[1]}", timeout=2.0) as link:
            link.write_memory(0, DATA)
            assert link.read_memory(0, len(DATA)) == DATA
        thread.join(10)


def test_a_board_that_goes_away():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            server.accept()[0].close()

        thread = threading.Thread(target=serve)
        thread.start()
        name = f"socket://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(LinkError, match=f"{name} failed .*: is the board still connected"):
            Link.open(name, timeout=2.0)
        thread.join(10)


def test_an_echo():
    with pytest.raises(LinkError, match="no answer of a Zeroshift board"):
        Link.open("loop://", timeout=0.02)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("/dev/ttyNOWHERE7", "there is no port /dev/ttyNOWHERE7: "),
        ("nonsense://x", "nonsense://x cannot be opened: "),
        ("socket://127.0.0.1:1", "socket://127.0.0.1:1 cannot be opened: "),
        ("/dev/null", "/dev/null cannot be opened: "),
    ],
)
def test_ports_that_cannot_be_opened(name, told):
    with pytest.raises(LinkError, match=told):
        SerialPort(name)


def test_without_pyserial(monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(LinkError, match=r"pip install 'zeroshift\[host\]'"):
        SerialPort("loop://")
