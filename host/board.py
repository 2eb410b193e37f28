"""What a driver needs of a board: memory and registers."""

from collections.abc import Callable
from typing import Protocol

from params.link import Identity

Progress = Callable[[int, int], None]
"""Is told the bytes that are done, and all that are to be."""


class Board(Protocol):
    """Memory and registers behind a link, as `host.link.Link` offers them.

    All methods raise a LinkError when the board does not answer or refuses.
    """

    identity: Identity

    def read_memory(self, address: int, size: int, *, progress: Progress | None = None) -> bytes:
        """`size` bytes from `address` on."""
        ...

    def write_memory(self, address: int, data: bytes, *, progress: Progress | None = None) -> None:
        """Write `data` to `address` and what follows it."""
        ...

    def read_register(self, offset: int) -> int:
        """The register `offset` bytes from the first."""
        ...

    def write_register(self, offset: int, value: int) -> None:
        """Write a register, once."""
        ...
