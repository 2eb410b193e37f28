"""Repeats registers that lead to too many places.

A register that chooses for a word of all lanes has a thousand loads on half of an FPGA. A router
lets the branches of a net share wires: the last of them gets there on a long way round.
"""

import copy
import re
from collections import defaultdict

from boards.free_bits import free_bits

MOST_LOADS = 512
"""Loads that a register may have."""

LOADS = 256
"""Loads of each copy of one that has more."""


def repeat_registers(module: dict, *, most: int = MOST_LOADS, loads: int = LOADS) -> int:
    """Share out the loads of flip-flops with more than `most` to copies; `module` is changed.

    Each copy gets about `loads`, neighbours by name: those of the same lanes.

    Parameters
    ----------
    module : of the synthesis tool's JSON, cells mapped to ECP5.

    Returns
    -------
    Copies that were made.
    """
    cells = module["cells"]
    takers: dict[int, list[tuple[str, str, int]]] = defaultdict(list)
    for name, cell in cells.items():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "input":
                for place, bit in enumerate(bits):
                    takers[bit].append((name, port, place))
    free = free_bits(module)
    made = 0
    for name in [name for name, cell in cells.items() if cell["type"] == "TRELLIS_FF"]:
        own = takers[cells[name]["connections"]["Q"][0]]
        if len(own) <= most:
            continue
        own.sort(key=lambda taker: (_natural(taker[0]), *taker[1:]))
        parts = -(-len(own) // loads)
        for number in range(1, parts):
            copied, bit = f"{name}_copy_{number}", next(free)
            cells[copied] = copy.deepcopy(cells[name])
            cells[copied]["connections"]["Q"] = [bit]
            module["netnames"][copied] = {"hide_name": 0, "bits": [bit], "attributes": {}}
            for taker, port, place in own[
                len(own) * number // parts : len(own) * (number + 1) // parts
            ]:
                cells[taker]["connections"][port][place] = bit
            made += 1
    return made


def _natural(name: str) -> list[tuple[int, int, str]]:
    """By which names are sorted: digits count as a number."""
    parts = re.split(r"(\d+)", name)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]
