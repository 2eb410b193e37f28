"""Moves flip-flops around ECP5 multipliers into the multipliers' own registers.

The synthesis tool infers MULT18X18D without its registers. A multiplier that stands between
registers in fabric pays its whole delay and the way to it and back within one cycle.
"""

from collections import Counter

OPERANDS = ("A", "B")
OPERAND_BITS = 18
PRODUCT_BITS = 36
RESETS = ("RST0", "RST1", "RST2", "RST3")


def pack_dsp_registers(module: dict) -> int:
    """Pack registers into the multipliers of a synthesized module, which is changed in place.

    An operand takes its registers in when every bit is a constant or comes from a plain
    flip-flop (no enable, reset to 0), all of them with one reset and on the multiplier's one
    clock. The product does when every bit that is used goes to such a flip-flop and nowhere else.
    Flip-flops whose output nothing reads any more are removed.

    Parameters
    ----------
    module : of the synthesis tool's JSON, cells mapped to ECP5.

    Returns
    -------
    Registers packed, as operands and products.
    """
    cells = module["cells"]
    drivers, readers = {}, Counter()
    sinks: dict[int, list[tuple[str, str]]] = {}
    for name, cell in cells.items():
        for port, bits in cell["connections"].items():
            for bit in bits:
                if cell["port_directions"][port] == "output":
                    drivers[bit] = name
                else:
                    readers[bit] += 1
                    sinks.setdefault(bit, []).append((name, port))
    for port in module["ports"].values():
        if port["direction"] == "output":
            readers.update(bit for bit in port["bits"] if isinstance(bit, int))

    packed = 0
    for cell in [cell for cell in cells.values() if cell["type"] == "MULT18X18D"]:
        wires = cell["connections"]
        for operand in OPERANDS:
            bits = {n: wires[f"{operand}{n}"][0] for n in range(OPERAND_BITS)}
            registers = {
                n: cells.get(drivers.get(bit)) for n, bit in bits.items() if isinstance(bit, int)
            }
            if not _common_control(cell, registers.values()):
                continue
            for n, register in registers.items():
                wires[f"{operand}{n}"] = register["connections"]["DI"]
                readers[bits[n]] -= 1
                readers[wires[f"{operand}{n}"][0]] += 1
            _enable(cell, f"INPUT{operand}", next(iter(registers.values())))
            packed += 1

        used = {
            n: wires[f"P{n}"][0]
            for n in range(PRODUCT_BITS)
            if readers[wires.get(f"P{n}", [None])[0]]
        }
        loads = [sinks.get(bit, []) for bit in used.values()]
        if not all(len(load) == 1 and load[0][1] == "DI" for load in loads) or any(
            readers[bit] != 1 for bit in used.values()
        ):
            continue
        names = [load[0][0] for load in loads]
        if not _common_control(cell, [cells[name] for name in names]):
            continue
        _enable(cell, "OUTPUT", cells[names[0]])
        for n, name in zip(used, names, strict=True):
            wires[f"P{n}"] = cells.pop(name)["connections"]["Q"]
        packed += 1

    for name in [name for name, cell in cells.items() if cell["type"] == "TRELLIS_FF"]:
        if not readers[cells[name]["connections"]["Q"][0]]:
            del cells[name]
    return packed


def _common_control(cell: dict, registers) -> bool:
    """Whether a multiplier's registers can do what these flip-flops do."""
    registers = list(registers)
    if not registers or any(r is None or r["type"] != "TRELLIS_FF" for r in registers):
        return False
    for register in registers:
        parameters = register["parameters"]
        if (
            parameters.get("CEMUX", "1").strip() != "1"
            or parameters.get("REGSET", "RESET") != "RESET"
            or parameters.get("SRMODE", "LSR_OVER_CE") != "LSR_OVER_CE"
            or parameters.get("CLKMUX", "CLK") != "CLK"
            or parameters.get("LSRMUX", "LSR") != "LSR"
        ):
            return False
    clocks = {_clock(register) for register in registers}
    clocks.update(cell["connections"].get("CLK0", []))
    return len(clocks) == 1 and len({_reset(register) for register in registers}) == 1


def _clock(register: dict):
    return register["connections"]["CLK"][0]


def _reset(register: dict):
    return register["connections"].get("LSR", ["0"])[0]


def _enable(cell: dict, which: str, register: dict) -> None:
    """Switch the registers `which` of a multiplier on, controlled as the flip-flop is."""
    wires, reset = cell["connections"], _reset(register)
    line = next(name for name in RESETS if wires.get(name, [reset]) == [reset])
    for port, bit in (("CLK0", _clock(register)), ("CE0", "1"), (line, reset)):
        wires[port] = [bit]
        cell["port_directions"][port] = "input"
    cell["parameters"] |= {
        f"REG_{which}_CLK": "CLK0",
        f"REG_{which}_CE": "CE0",
        f"REG_{which}_RST": line,
        "CLK0_DIV": "ENABLED",
        "RESETMODE": "SYNC",
        "GSR": "DISABLED",
    }
