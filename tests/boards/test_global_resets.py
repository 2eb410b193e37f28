"""Large resets on global nets."""

import copy

from boards.global_resets import globalize_resets


def module(flip_flops: int) -> dict:
    """A module in which 2 is the reset of so many flip-flops, and goes into a LUT as well."""
    cells = {
        f"ff_{n}": {"type": "TRELLIS_FF", "connections": {"LSR": [2], "Q": [10 + n]}}
        for n in range(flip_flops)
    }
    cells["other"] = {"type": "TRELLIS_FF", "connections": {"LSR": ["0"], "Q": [4]}}
    cells["lut"] = {"type": "LUT4", "connections": {"A": [2], "Z": [5]}}
    return {"cells": cells, "netnames": {"reset": {"bits": [2]}}}


def test_a_large_reset_gets_a_buffer_and_nothing_else_changes():
    netlist = module(3)
    assert globalize_resets(netlist, least=3) == 1
    (buffer,) = [cell for cell in netlist["cells"].values() if cell["type"] == "DCCA"]
    assert buffer["connections"]["CLKI"] == [2]
    (after,) = buffer["connections"]["CLKO"]
    assert after not in (2, 4, 5, 10, 11, 12)
    assert [netlist["cells"][f"ff_{n}"]["connections"]["LSR"] for n in range(3)] == [[after]] * 3
    assert netlist["cells"]["lut"]["connections"]["A"] == [2]
    assert netlist["cells"]["other"]["connections"]["LSR"] == ["0"]


def test_a_small_reset_stays_as_it_is():
    netlist = module(3)
    before = copy.deepcopy(netlist)
    assert globalize_resets(netlist, least=4) == 0
    assert netlist == before
