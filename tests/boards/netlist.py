"""Synthesized pipelines as functions of arrays: every register is taken for a wire."""

import numpy as np

PINS = "ABCD"


def evaluate(module: dict, **inputs: np.ndarray) -> dict[str, np.ndarray]:
    """The outputs of a pipeline without feedback once its inputs have come through.

    Only right where all ways from an input to an output pass as many registers, so that a vector
    meets itself everywhere; that is part of what a comparison with the definition checks.

    Parameters
    ----------
    module : of the synthesis tool's JSON, cells mapped to ECP5.
    inputs : uint64 (vectors,), by port.
    """
    count = len(next(iter(inputs.values())))
    levels: dict = {"0": np.zeros(count, bool), "1": np.ones(count, bool)}
    levels["x"] = levels["0"]
    for name, values in inputs.items():
        for n, bit in enumerate(module["ports"][name]["bits"]):
            levels[bit] = (values >> np.uint64(n) & np.uint64(1)).astype(bool)
    drivers = {
        bit: cell
        for cell in module["cells"].values()
        for port, bits in cell["connections"].items()
        if cell["port_directions"][port] == "output"
        for bit in bits
    }

    def level(bit) -> np.ndarray:
        # A stack of one's own: carry chains and pipelines are too deep for Python's.
        stack = [bit]
        while stack:
            if stack[-1] in levels:
                stack.pop()
                continue
            cell = drivers[stack[-1]]
            missing = [source for source in _sources(cell) if source not in levels]
            if missing:
                stack += missing
            else:
                _apply(cell, levels)
        return levels[bit]

    return {
        name: sum(
            level(bit).astype(np.uint64) << np.uint64(n) for n, bit in enumerate(port["bits"])
        )
        for name, port in module["ports"].items()
        if port["direction"] == "output"
    }


def _sources(cell: dict) -> list:
    unread = {"CLK", "CLK0", "CE0", "RST0"}
    return [
        bit
        for port, bits in cell["connections"].items()
        if cell["port_directions"][port] == "input" and port not in unread
        for bit in bits
    ]


def _apply(cell: dict, levels: dict) -> None:
    """Put the outputs of `cell` into `levels`, which holds its inputs."""
    wires, parameters = cell["connections"], cell["parameters"]

    def pin(port: str) -> np.ndarray:
        return levels[wires[port][0]]

    def lookup(table: int, ports: list[str]) -> np.ndarray:
        index = sum(pin(port).astype(np.uint8) << n for n, port in enumerate(ports))
        return (np.array([table >> n & 1 for n in range(16)], bool))[index]

    kind = cell["type"]
    if kind == "LUT4":
        levels[wires["Z"][0]] = lookup(int(parameters["INIT"], 2), list(PINS))
    elif kind in ("PFUMX", "L6MUX21"):
        high, low, choice = ("ALUT", "BLUT", "C0") if kind == "PFUMX" else ("D1", "D0", "SD")
        levels[wires["Z"][0]] = np.where(pin(choice), pin(high), pin(low))
    elif kind == "CCU2C":
        carry = pin("CIN")
        for half in "01":
            assert parameters[f"INJECT1_{half}"] == "NO"
            table = int(parameters[f"INIT{half}"], 2)
            propagate = lookup(table, [f"{name}{half}" for name in PINS])
            levels[wires[f"S{half}"][0]] = propagate ^ carry
            generate = lookup(table & 15, [f"A{half}", f"B{half}"])
            carry = np.where(propagate, carry, generate)
        levels[wires["COUT"][0]] = carry
    elif kind == "MULT18X18D":
        a, b = (
            sum(pin(f"{name}{n}").astype(np.uint64) << np.uint64(n) for n in range(18))
            for name in "AB"
        )
        for n in range(36):
            levels[wires[f"P{n}"][0]] = (a * b >> np.uint64(n) & np.uint64(1)).astype(bool)
    else:
        assert kind == "TRELLIS_FF", kind
        assert parameters.get("CEMUX", "1").strip() == "1"
        value = pin("DI")
        if "LSR" in wires:
            value = np.where(pin("LSR"), parameters["REGSET"].strip() == "SET", value)
        levels[wires["Q"][0]] = value
