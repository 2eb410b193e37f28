"""The Arty A7 with an Artix-7 100T; memory is on the chip. It is built with Vivado."""

from boards.board import Board
from params import preset
from params.system import SystemConfig

ARTY_A7 = Board(
    name="arty_a7",
    title="Digilent Arty A7-100T, 256 KiB on the chip",
    definition=("arty_a7", "ArtyA7_100Platform"),
    flow="vivado",
    input_mhz=100,
    clock_mhz=80,
    system=SystemConfig(array=preset("small"), bus_bytes=4),
    memory=1 << 18,
    programmer=("-b", "arty_a7_100t"),
)
