"""What a link is made of: something that carries bytes both ways, and may harm them."""

from typing import Protocol


class Transport(Protocol):
    """Bytes to and from a board.

    `name` is what messages call it, `baud` its bits per second, ten for a byte.
    """

    name: str
    baud: float

    def write(self, data: bytes) -> None:
        """Send `data`, now or later, in order.

        Raises
        ------
        LinkError : it cannot be sent.
        """
        ...

    def read(self, timeout: float) -> bytes:
        """What has arrived; waits for the first byte, `timeout` seconds at most.

        Raises
        ------
        LinkError : nothing can arrive any more.
        """
        ...

    def now(self) -> float:
        """The time in seconds that `timeout` is measured in."""
        ...

    def close(self) -> None:
        """Give it back."""
        ...
