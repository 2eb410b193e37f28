"""Leads the reset of most of an ECP5's flip-flops over a global net.

The fabric's wires take longer than a cycle to all corners of a large FPGA, and there are none to
spare in a full one; of the nets that lead everywhere, 8 may end at resets.
"""

from collections import Counter

from boards.free_bits import free_bits

LEAST_LOADS = 1000
"""Flip-flops of a reset that takes a global net."""


def globalize_resets(module: dict, *, least: int = LEAST_LOADS) -> int:
    """Put a global buffer into each reset of `least` flip-flops or more; `module` is changed.

    What else hangs on such a net stays in front of the buffer.

    Parameters
    ----------
    module : of the synthesis tool's JSON, cells mapped to ECP5.

    Returns
    -------
    Resets that were found.
    """
    flip_flops = [cell for cell in module["cells"].values() if cell["type"] == "TRELLIS_FF"]
    loads = Counter(bit for cell in flip_flops for bit in cell["connections"].get("LSR", ()))
    free = free_bits(module)
    resets = [bit for bit, count in loads.items() if count >= least and isinstance(bit, int)]
    for number, bit in enumerate(resets):
        name, after = f"global_reset_{number}", next(free)
        module["cells"][name] = {
            "hide_name": 0,
            "type": "DCCA",
            "parameters": {},
            "attributes": {},
            "port_directions": {"CLKI": "input", "CE": "input", "CLKO": "output"},
            "connections": {"CLKI": [bit], "CE": ["1"], "CLKO": [after]},
        }
        module["netnames"][name] = {"hide_name": 0, "bits": [after], "attributes": {}}
        for cell in flip_flops:
            if cell["connections"].get("LSR") == [bit]:
                cell["connections"]["LSR"] = [after]
    return len(resets)
