"""Registers with many loads."""

import copy

from boards.fan_out import MOST_LOADS, MOST_OF_A_WORD, repeat_far_registers, repeat_registers


def module(loads: int) -> dict:
    """A flip-flop from 2 to 3, with so many LUTs at 3, the last of them on two pins."""
    cells = {
        "ff": {
            "type": "TRELLIS_FF",
            "parameters": {"GSR": "DISABLED"},
            "port_directions": {"DI": "input", "CLK": "input", "Q": "output"},
            "connections": {"DI": [2], "CLK": [4], "Q": [3]},
        }
    }
    for n in range(loads):
        last = n == loads - 1
        cells[f"lut_{n}"] = {
            "type": "LUT4",
            "port_directions": {"A": "input", "B": "input", "Z": "output"},
            "connections": {"A": [3], "B": [3 if last else 5], "Z": [10 + n]},
        }
    return {"cells": cells, "netnames": {"q": {"bits": [3]}}}


def chosen(netlist: dict, n: int) -> dict:
    """The flip-flop that leads to a LUT."""
    (bit,) = netlist["cells"][f"lut_{n}"]["connections"]["A"]
    (cell,) = [cell for cell in netlist["cells"].values() if cell["connections"].get("Q") == [bit]]
    return cell


def test_loads_are_shared_out_among_neighbours():
    netlist = module(11)
    assert repeat_registers(netlist, most=11, loads=4) == 2
    first, middle, last = (chosen(netlist, n) for n in (0, 5, 10))
    bits = [cell["connections"]["Q"][0] for cell in (first, middle, last)]
    assert len({*bits, 2, 4, 5, *range(10, 21)}) == 3 + 3 + 11
    for copied in (middle, last):
        assert copied["parameters"] == first["parameters"]
        assert copied["connections"] | {"Q": [3]} == first["connections"]
    # In the order of their numbers, 10 behind 9.
    assert [chosen(netlist, n) is first for n in range(11)] == [True] * 4 + [False] * 7
    assert [chosen(netlist, n) is last for n in range(11)] == [False] * 8 + [True] * 3
    assert netlist["cells"]["lut_10"]["connections"]["B"] == last["connections"]["Q"]
    assert netlist["cells"]["lut_9"]["connections"]["B"] == [5]


def test_a_register_that_leads_to_few_is_left_alone():
    netlist = module(10)
    before = copy.deepcopy(netlist)
    assert repeat_registers(netlist, most=11, loads=4) == 0
    assert netlist == before


def test_a_register_that_leads_to_a_word_of_all_lanes_has_few_loads():
    plain = module(MOST_OF_A_WORD + 1)
    assert repeat_far_registers(plain) == 0
    word = module(MOST_OF_A_WORD + 1)
    word["cells"]["core.load_unit.gatherer.lower"] = word["cells"].pop("ff")
    assert repeat_far_registers(word) == 1
    assert repeat_far_registers(module(2 * MOST_LOADS)) == 4
