"""The ULX3S with an ECP5-85F, and its SDRAM of 32 MB."""

from boards.board import Board
from params import preset, sdram
from params.system import SystemConfig

ULX3S = Board(
    name="ulx3s",
    title="Radiona ULX3S, LFE5U-85F, 32 MB of SDR SDRAM",
    definition=("ulx3s", "ULX3S_85F_Platform"),
    flow="ecp5",
    input_mhz=25,
    clock_mhz=80,
    seed=2,
    system=SystemConfig(array=preset("ulx3s"), bus_bytes=2),
    memory=sdram.ulx3s,
    programmer=("-b", "ulx3s"),
)
