"""What a sum goes to beside its accumulator."""

import copy

from boards.sum_registers import pack_sum_registers


def flip_flop(datum: int, q: int) -> dict:
    """A flip-flop from `datum` to `q`."""
    return {
        "type": "TRELLIS_FF",
        "parameters": {},
        "port_directions": {"DI": "input", "Q": "output"},
        "connections": {"DI": [datum], "Q": [q]},
    }


def module(**flip_flops: tuple[int, int]) -> dict:
    """An adder of the bits 2 and 3, and of 4 and 5, to 6 and 7; and flip-flops (datum, q)."""
    ports = {"A0": 2, "B0": 3, "A1": 4, "B1": 5, "S0": 6, "S1": 7}
    adder = {
        "type": "CCU2C",
        "port_directions": {name: "output" if name[0] == "S" else "input" for name in ports},
        "connections": {name: [bit] for name, bit in ports.items()},
    }
    return {"cells": {"adder": adder, **{name: flip_flop(*ff) for name, ff in flip_flops.items()}}}


def test_the_accumulator_stays_beside_the_sum_and_others_go():
    netlist = module(other=(6, 20), accumulator=(6, 2), next_bit=(7, 4), last=(7, 21))
    before = copy.deepcopy(netlist)
    assert pack_sum_registers(netlist) == 2
    for name in ("adder", "accumulator", "next_bit"):
        assert netlist["cells"][name] == before["cells"][name]
    for name, datum in (("other", 6), ("last", 7)):
        cell = netlist["cells"][name]
        assert cell["parameters"]["SD"] == "0"
        assert cell["connections"] == {"M": [datum], "Q": before["cells"][name]["connections"]["Q"]}
        assert cell["port_directions"] == {"M": "input", "Q": "output"}


def test_a_sum_that_nobody_adds_to_may_go_anywhere():
    netlist = module(one=(6, 20), other=(6, 21), elsewhere=(30, 2))
    before = copy.deepcopy(netlist)
    assert pack_sum_registers(netlist) == 0
    assert netlist == before
