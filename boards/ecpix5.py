"""The ECPIX-5 with an ECP5-85F; memory is on the chip."""

from boards.board import Board
from params import preset
from params.system import SystemConfig

ECPIX5 = Board(
    name="ecpix5",
    title="LambdaConcept ECPIX-5, LFE5UM5G-85F, 256 KiB on the chip",
    definition=("ecpix5", "ECPIX585Platform"),
    flow="ecp5",
    input_mhz=100,
    clock_mhz=80,
    system=SystemConfig(array=preset("small"), bus_bytes=4),
    memory=1 << 18,
    leds=(("rgb_led", 0, "g"), ("rgb_led", 1, "g")),
    programmer=("-b", "ecpix5_r03"),
)
