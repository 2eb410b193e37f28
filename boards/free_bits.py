"""Names for new wires of a netlist."""

from collections.abc import Iterator
from itertools import count


def free_bits(module: dict) -> Iterator[int]:
    """Numbers of wires that a module of the synthesis tool's JSON does not have, one by one."""
    nets = [net["bits"] for net in module["netnames"].values()]
    for cell in module["cells"].values():
        nets += cell["connections"].values()
    return count(1 + max((bit for bits in nets for bit in bits if isinstance(bit, int)), default=1))
