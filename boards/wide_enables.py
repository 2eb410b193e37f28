"""Gives an enable of many flip-flops, and a choice for many multiplexers, a driver of its own.

A placer puts a driver amid its loads. Where those of a word of all lanes are spread over a large
part of the FPGA, the few others, which decide what comes next, would be reached late.
"""

import copy
from collections import Counter
from collections.abc import Iterator

from boards.free_bits import free_bits

LEAST_LOADS = 48
"""Loads of a kind that are worth a driver."""

WIDE_PORTS = ("CE", "LSR", "C0")
"""Enables and resets of flip-flops, and what a multiplexer chooses by."""

INPUTS = {"LUT4": (), "PFUMX": ("ALUT", "BLUT"), "L6MUX21": ("D0", "D1"), "TRELLIS_FF": ()}
"""Cells that are doubled, and the inputs that must come from a cell of its own."""

OUTPUTS = ("Z", "Q")


def separate_wide_enables(module: dict, *, least: int = LEAST_LOADS) -> int:
    """Double the driver of each net with `least` loads of a wide kind that has others besides.

    Parameters
    ----------
    module : of the synthesis tool's JSON, cells mapped to ECP5; it is changed.

    Returns
    -------
    Drivers that were doubled.
    """
    cells = module["cells"]
    driver: dict[int, str] = {}
    loads: dict[int, list[tuple[str, str]]] = {}
    for name, cell in cells.items():
        for port, bits in cell["connections"].items():
            for bit in bits:
                if cell["port_directions"][port] == "output":
                    driver[bit] = name
                else:
                    loads.setdefault(bit, []).append((name, port))
    doubling = _Doubling(cells, driver, free_bits(module))
    doubled = 0
    for bit, users in list(loads.items()):
        counts = Counter(port for _, port in users)
        wide = [
            (name, port) for name, port in users if port in WIDE_PORTS and counts[port] >= least
        ]
        if not wide or len(wide) == len(users) or not doubling.possible(bit):
            continue
        (own,) = doubling.double(bit)
        module["netnames"][f"{driver[bit]}_wide"] = {
            "hide_name": 0,
            "bits": [own],
            "attributes": {},
        }
        for name, port in wide:
            cells[name]["connections"][port] = [own]
        doubled += 1
    return doubled


class _Doubling:
    """Makes second copies of cells.

    Parameters
    ----------
    cells : by name; copies are added. driver : of each bit the cell. free : bits for new wires.
    """

    def __init__(self, cells: dict, driver: dict[int, str], free: Iterator[int]):
        self._cells = cells
        self._driver = driver
        self._free = free

    def possible(self, bit: int) -> bool:
        """Whether what drives the bit can be doubled."""
        cell = self._cells.get(self._driver.get(bit, ""))
        return (
            cell is not None
            and cell["type"] in INPUTS
            and all(self.possible(cell["connections"][port][0]) for port in INPUTS[cell["type"]])
        )

    def double(self, bit: int) -> list[int]:
        """The bit of a copy of what drives `bit`, as connections have it."""
        name = self._driver[bit]
        twin = copy.deepcopy(self._cells[name])
        for port in INPUTS[twin["type"]]:
            twin["connections"][port] = self.double(twin["connections"][port][0])
        own = next(self._free)
        (output,) = [port for port in OUTPUTS if twin["connections"].get(port) == [bit]]
        twin["connections"][output] = [own]
        self._cells[f"{name}_twin_{own}"] = twin
        return [own]
