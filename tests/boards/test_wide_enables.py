"""Drivers of their own for wide enables."""

import copy

from boards.wide_enables import separate_wide_enables


def lut(output: int, *inputs: int) -> dict:
    return {
        "type": "LUT4",
        "parameters": {"INIT": "1000000000000000"},
        "port_directions": {**dict.fromkeys("ABCD", "input"), "Z": "output"},
        "connections": {
            **{name: [bit] for name, bit in zip("ABCD", inputs, strict=False)},
            "Z": [output],
        },
    }


def flip_flop(output: int, enable: int) -> dict:
    return {
        "type": "TRELLIS_FF",
        "port_directions": {"DI": "input", "CE": "input", "Q": "output"},
        "connections": {"DI": ["0"], "CE": [enable], "Q": [output]},
    }


def mux(output: int, a: int, b: int, choice: int) -> dict:
    return {
        "type": "PFUMX",
        "port_directions": {**dict.fromkeys(("ALUT", "BLUT", "C0"), "input"), "Z": "output"},
        "connections": {"ALUT": [a], "BLUT": [b], "C0": [choice], "Z": [output]},
    }


def module(**driver) -> dict:
    """Three flip-flops enabled by bit 10, and a LUT that reads it."""
    cells = {f"ff_{n}": flip_flop(20 + n, 10) for n in range(3)} | {"other": lut(30, 10)}
    return {"cells": cells | driver, "netnames": {}}


def enables(netlist: dict) -> list:
    return [netlist["cells"][f"ff_{n}"]["connections"]["CE"] for n in range(3)]


def by_output(netlist: dict, bit: int) -> dict:
    (cell,) = [
        cell
        for cell in netlist["cells"].values()
        if [bit] in (cell["connections"].get("Z"), cell["connections"].get("Q"))
    ]
    return cell


def test_a_lut_is_doubled_for_the_enables_alone():
    netlist = module(gate=lut(10, 1, 2))
    assert separate_wide_enables(netlist, least=3) == 1
    assert enables(netlist)[0] != [10]
    assert len({bit for (bit,) in enables(netlist)}) == 1
    assert netlist["cells"]["other"]["connections"]["A"] == [10]
    own, old = by_output(netlist, enables(netlist)[0][0]), netlist["cells"]["gate"]
    assert own["parameters"] == old["parameters"]
    assert [own["connections"][port] for port in "AB"] == [[1], [2]]


def test_a_multiplexer_is_doubled_with_its_tables():
    netlist = module(a=lut(6, 1, 2), b=lut(7, 3), choose=mux(10, 6, 7, 4))
    assert separate_wide_enables(netlist, least=3) == 1
    own = by_output(netlist, enables(netlist)[0][0])["connections"]
    assert own["C0"] == [4]
    assert {own["ALUT"][0], own["BLUT"][0]}.isdisjoint({6, 7})
    assert by_output(netlist, own["ALUT"][0])["connections"]["A"] == [1]
    assert by_output(netlist, own["BLUT"][0])["connections"]["A"] == [3]


def test_a_flip_flop_is_doubled():
    netlist = module(register=flip_flop(10, 5))
    assert separate_wide_enables(netlist, least=3) == 1
    own = by_output(netlist, enables(netlist)[0][0])
    assert (own["type"], own["connections"]["CE"]) == ("TRELLIS_FF", [5])


def test_few_enables_enables_alone_and_other_drivers_stay():
    few = module(gate=lut(10, 1))
    alone = module(gate=lut(10, 1))
    del alone["cells"]["other"]
    carry = module(gate={**lut(10, 1), "type": "CCU2C"})
    for netlist, least in ((few, 4), (alone, 3), (carry, 3)):
        before = copy.deepcopy(netlist)
        assert separate_wide_enables(netlist, least=least) == 0
        assert netlist == before
