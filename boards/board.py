"""A board: what is known of it, and what is put on it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from boards.clocks import Ecp5Clock, SameClock, Series7Clock
from boards.tools import ToolError
from hw.link.bit_clock import bit_step
from params import ArrayConfig
from params.sdram import SdramConfig
from params.system import SystemConfig

CLOCKS = {"ecp5": Ecp5Clock, "ice40": SameClock, "vivado": Series7Clock}
"""What makes the system's clock, by flow."""


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board and the system that is put on it.

    Parameters
    ----------
    name : by which it is chosen. title : what it is.
    definition : module and class of its pins in `amaranth_boards`.
    flow : the tools that make its bitstream, of `CLOCKS`.
    seed : of the placement that the clock was found with.
    input_mhz : the board's clock. clock_mhz : the system's, unless another is asked for.
    system : parameters of the system; None where none fits, and the link has the memory for itself.
    self_test : parameters of an array that tries itself, where there is no system.
    memory : the SDRAM as a function of its clock in MHz, or bytes of block RAM.
    single_port : the RAM has one port.
    baud : of the link.
    leds : resources, numbers and, where they have such, parts of two LEDs, see `BoardCore`.
    programmer : arguments of openFPGALoader that choose the board.
    """

    name: str
    title: str
    definition: tuple[str, str]
    flow: str
    input_mhz: float
    clock_mhz: float
    system: SystemConfig | None
    memory: Callable[..., SdramConfig] | int
    self_test: ArrayConfig | None = None
    single_port: bool = False
    baud: int = 3_000_000
    seed: int = 1
    leds: tuple[tuple[str, int, str | None], ...] = (("led", 0, None), ("led", 1, None))
    programmer: tuple[str, ...] = ()

    @property
    def memory_bytes(self) -> int:
        """Bytes of the memory."""
        return self.memory(self.clock_mhz).size if callable(self.memory) else self.memory

    @property
    def array(self) -> ArrayConfig | None:
        """Parameters of the array, the system's or the one that tries itself."""
        return self.self_test if self.system is None else self.system.array

    def check_clock(self, clock_mhz: float) -> None:
        """Make sure that the system can have a clock.

        Raises
        ------
        ClockError : it cannot be made.
        ConfigError : the SDRAM or the link does not go with it.
        """
        CLOCKS[self.flow].check(self.input_mhz, clock_mhz)
        if callable(self.memory):
            self.memory(clock_mhz)
        bit_step(round(1e6 * clock_mhz), self.baud)

    def platform(self) -> Any:
        """A new platform of Amaranth.

        Raises
        ------
        ToolError : the board definitions are not installed.
        """
        module, name = self.definition
        try:
            kind = getattr(import_module(f"amaranth_boards.{module}"), name)
        except ModuleNotFoundError as failure:
            raise ToolError(
                "amaranth-boards is not installed: pip install 'zeroshift[boards]'"
            ) from failure
        return kind(toolchain="Vivado") if self.flow == "vivado" else kind()
