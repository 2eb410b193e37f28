"""A memory with commands in it, good or hostile, and how it is run."""

from dataclasses import dataclass

from params.system import LARGEST_BURST_BYTES
from sim.fuzz_images import GoodImage

MEMORY_BYTES = 1 << 15
"""Of the simulated memory; the window lies somewhere in it."""

BASES = tuple(range(LARGEST_BURST_BYTES, MEMORY_BYTES // 2, LARGEST_BURST_BYTES))
"""Where a window may begin."""


@dataclass(frozen=True, kw_only=True)
class FuzzCase:
    """One run.

    Parameters
    ----------
    kind : how the commands were made; "good" for commands that must do their work.
    contents : of the memory, from the start of the window on.
    base : of the window.
    window_size, commands : for the registers.
    latency, stalls, order : of the memory, see `sim.axi_memory`.
    broken : address from which on memory answers with errors, 0 for none.
    rest : cycles from the end of the run to the start of the next.
    good : what must have been computed at the end; None if nothing need be.
    """

    kind: str
    contents: bytes
    base: int
    window_size: int
    commands: int
    latency: int
    stalls: int
    order: int
    broken: int
    rest: int
    good: GoodImage | None = None

    @property
    def memory(self) -> bytes:
        """Contents of the whole memory; bytes that nobody owns are not zero."""
        before = bytes([0xA5]) * self.base
        return (before + self.contents).ljust(MEMORY_BYTES, b"\x5a")
