"""Serial ports, by name or by one of pyserial's URLs."""

import contextlib
import errno
import time
from typing import Any

from host.errors import LinkError

POLL_SECONDS = 0.0005
"""Between two looks at a port on which nothing has arrived."""

MOST_BYTES = 1 << 16
"""Taken from a port at once."""

WRITE_SECONDS = 10.0
"""Without a byte gone after which a port is given up."""


class SerialPort:
    """A serial port of 8 data bits, no parity and one stop bit: a `Transport`.

    Parameters
    ----------
    name : of the port (/dev/ttyUSB0, COM3), or a URL as of `serial.serial_for_url`, such as
        socket://host:port.
    baud : bits per second.

    Raises
    ------
    LinkError : pyserial is missing, or the port cannot be opened.
    """

    def __init__(self, name: str, *, baud: float = 3_000_000):
        self.name = name
        self.baud = baud
        self._port = _open(name, baud)
        # Drivers of FTDI chips keep bytes back for 16 ms to send more at once; not all can be told.
        with contextlib.suppress(AttributeError, NotImplementedError, OSError, ValueError):
            self._port.set_low_latency_mode(True)

    def write(self, data: bytes) -> None:
        """Send `data`; see `Transport`."""
        with self._faults():
            self._port.write(data)

    def read(self, timeout: float) -> bytes:
        """What has arrived; see `Transport`."""
        end = self.now() + timeout
        with self._faults():
            # A blocking read would wait for a number of bytes; how many will come is not known.
            while not (arrived := self._port.read(MOST_BYTES)) and self.now() < end:
                time.sleep(POLL_SECONDS)
        return arrived

    def now(self) -> float:
        """Seconds."""
        return time.monotonic()

    def close(self) -> None:
        """Close the port."""
        # pyserial lets go of a socket without closing it if its other end is closed.
        with contextlib.closing(getattr(self._port, "_socket", None) or contextlib.ExitStack()):
            self._port.close()

    @contextlib.contextmanager
    def _faults(self):
        try:
            yield
        except OSError as failure:  # pyserial's own are derived from it.
            raise LinkError(
                f"{self.name} failed ({failure}): is the board still connected?"
            ) from failure


def need_pyserial() -> Any:
    """The module `serial`.

    Raises
    ------
    LinkError : it is not installed.
    """
    try:
        import serial
    except ImportError as failure:
        raise LinkError(
            "serial ports need pyserial, which is not installed: pip install 'zeroshift[host]'"
        ) from failure
    return serial


def _open(name: str, baud: float) -> Any:
    serial = need_pyserial()
    try:
        return serial.serial_for_url(
            name, baudrate=round(baud), timeout=0, write_timeout=WRITE_SECONDS, exclusive=True
        )
    except (OSError, ValueError) as failure:
        raise LinkError(_why(name, failure)) from failure


def _why(name: str, failure: Exception) -> str:
    """Why a port could not be opened, in a sentence."""
    number = getattr(failure, "errno", None)
    if number == errno.ENOENT or isinstance(failure, FileNotFoundError):
        return f"there is no port {name}: {_ports()}"
    if number == errno.EACCES:
        return f"you may not use {name}: join its group, on Debian with adduser $USER dialout"
    if number in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK):
        return f"{name} is in use by another program: end that first"
    return f"{name} cannot be opened: {failure}"


def _ports() -> str:
    """What ports there are, in words."""
    from serial.tools.list_ports import comports

    found = sorted(port.device for port in comports())
    if not found:
        return "no serial port is there, so connect the board or check its cable"
    return f"there {'are' if len(found) > 1 else 'is'} {', '.join(found)}"
