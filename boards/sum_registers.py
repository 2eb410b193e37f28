"""Keeps the flip-flop behind an adder's bit for the register that the adder adds to.

Each bit of a carry cell CCU2C has a flip-flop beside it. Where a sum goes to an accumulator and to
other registers, the placer gives that flip-flop to any of them; if it is not the accumulator, each
of its bits goes away and comes back over the fabric, in a path that leads through all of the adder.
"""

from collections import defaultdict

SUMS = ("S0", "S1")


def pack_sum_registers(module: dict) -> int:
    """Let what takes a sum beside its accumulator take it from the fabric; `module` is changed.

    A flip-flop has a datum from its own slice (DI) and one from the fabric (M), of which SD tells
    which counts.

    Parameters
    ----------
    module : of the synthesis tool's JSON, cells mapped to ECP5.

    Returns
    -------
    Flip-flops that take their datum from the fabric now.
    """
    takers = defaultdict(list)
    for cell in module["cells"].values():
        if cell["type"] == "TRELLIS_FF":
            takers[cell["connections"]["DI"][0]].append(cell)
    moved = 0
    for adder in [cell for cell in module["cells"].values() if cell["type"] == "CCU2C"]:
        wires = adder["connections"]
        inputs = {
            bits[0] for port, bits in wires.items() if adder["port_directions"][port] == "input"
        }
        for port in SUMS:
            registers = takers[wires[port][0]] if wires.get(port) else []
            accumulators = [cell for cell in registers if cell["connections"]["Q"][0] in inputs]
            if accumulators:
                for cell in registers:
                    if cell not in accumulators:
                        _take_from_fabric(cell)
                        moved += 1
    return moved


def _take_from_fabric(cell: dict) -> None:
    cell["parameters"]["SD"] = "0"
    cell["connections"]["M"] = cell["connections"].pop("DI")
    cell["port_directions"]["M"] = cell["port_directions"].pop("DI")
