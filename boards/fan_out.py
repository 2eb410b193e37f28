"""Repeats registers that lead to too many places.

A router lets the branches of a net share wires: the last of them gets there on a long way round,
if the loads are many, or if they lie far apart, as those of a word of all lanes do.
"""

import copy
import re
from collections import defaultdict

from boards.free_bits import free_bits

MOST_LOADS = 256
"""Loads that a register may have."""

LOADS = 128
"""Loads of each copy of one that has more."""

WORDS = r"\.(load_unit|gatherer|scatterer)\."
"""Registers, by name, that lead to all lanes of a word late in a cycle."""

MOST_OF_A_WORD = 48
"""Loads that one of these may have."""

PART_OF_A_WORD = 32
"""Loads of each copy of one of these that has more."""


def repeat_far_registers(module: dict) -> int:
    """Share out the loads of flip-flops that lead to many places, or to many of a word's lanes.

    Changes `module` and returns how many copies were made, as `repeat_registers`.
    """
    of_words = repeat_registers(module, most=MOST_OF_A_WORD, loads=PART_OF_A_WORD, only=WORDS)
    return of_words + repeat_registers(module, most=MOST_LOADS, loads=LOADS)


def repeat_registers(module: dict, *, most: int, loads: int, only: str = "") -> int:
    """Share out the loads of flip-flops with more than `most` to copies; `module` is changed.

    Each copy gets about `loads`, neighbours by name: those of the same lanes.

    Parameters
    ----------
    module : of the synthesis tool's JSON, cells mapped to ECP5.
    only : regular expression that a flip-flop's name must have a match for.

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
        if len(own) <= most or not re.search(only, name):
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
