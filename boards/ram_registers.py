"""Moves flip-flops behind ECP5 block RAMs into the RAMs' own output registers.

The synthesis tool infers DP16KD without its output registers, whose word comes 5.8 ns after the
clock: most of a cycle is gone before it reaches a flip-flop in fabric.
"""

PORTS = ("A", "B")
WORD_BITS = 18


def pack_ram_registers(module: dict) -> int:
    """Pack registers into the block RAMs of a synthesized module, which is changed in place.

    A port's output takes its registers in when every bit that is read goes to one plain flip-flop
    (no enable, no reset, the port's clock) and nowhere else.

    Parameters
    ----------
    module : of the synthesis tool's JSON, cells mapped to ECP5.

    Returns
    -------
    Ports whose registers were packed.
    """
    cells = module["cells"]
    sinks: dict[int, list[str | None]] = {}
    for name, cell in cells.items():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] != "output":
                for bit in bits:
                    sinks.setdefault(bit, []).append(name if port == "DI" else None)
    for port in module["ports"].values():
        if port["direction"] == "output":
            for bit in port["bits"]:
                sinks.setdefault(bit, []).append(None)

    packed = 0
    for ram in [cell for cell in cells.values() if cell["type"] == "DP16KD"]:
        wires = ram["connections"]
        for port in PORTS:
            outputs = [f"DO{port}{n}" for n in range(WORD_BITS)]
            used = {
                output: sinks[wires[output][0]]
                for output in outputs
                if output in wires and wires[output] and wires[output][0] in sinks
            }
            if not used or not all(
                len(names) == 1 and names[0] and _plain(cells[names[0]], wires[f"CLK{port}"])
                for names in used.values()
            ):
                continue
            for output, names in used.items():
                wires[output] = cells.pop(names[0])["connections"]["Q"]
            wires[f"OCE{port}"] = ["1"]
            ram["parameters"][f"REGMODE_{port}"] = "OUTREG"
            packed += 1
    return packed


def _plain(cell: dict, clock: list) -> bool:
    """Whether a flip-flop passes its input on in every cycle of `clock`, whatever happens."""
    parameters, wires = cell["parameters"], cell["connections"]
    return (
        cell["type"] == "TRELLIS_FF"
        and parameters.get("CEMUX", "1").strip() == "1"
        and parameters.get("CLKMUX", "CLK") == "CLK"
        and wires.get("LSR", ["0"]) == ["0"]
        and wires["CLK"] == clock
    )
