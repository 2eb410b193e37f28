"""Slow paths, estimated from netlists that are made by hand."""

import pytest

from boards.path_estimate import (
    CARRY_NS,
    CLOCK_TO_OUTPUT_NS,
    NET_NS,
    RAM_NS,
    RAM_REGISTER_NS,
    estimate_paths,
)

LUT_NS = 0.24
SUM_NS = 0.45


def cell(kind, outputs, **inputs):
    """A cell; nets by port, of `outputs` those that it drives."""
    wires = {port: net if isinstance(net, list) else [net] for port, net in inputs.items()}
    return {
        "type": kind,
        "parameters": {},
        "connections": wires | {port: [net] for port, net in outputs.items()},
        "port_directions": dict.fromkeys(wires, "input") | dict.fromkeys(outputs, "output"),
    }


def flip_flop(name, d, q, **controls):
    return {f"{name}_TRELLIS_FF_Q": cell("TRELLIS_FF", {"Q": q}, DI=d, CLK=1, **controls)}


def lut(name, z, *inputs):
    pins = dict(zip("ABCD", (*inputs, *4 * ["0"]), strict=False))
    return {f"{name}_LUT4_Z": cell("LUT4", {"Z": z}, **pins)}


def slowest(cells, **options):
    return estimate_paths({"cells": cells, "ports": {}}, **({"least_ns": 0.0} | options))


def test_a_path_is_the_sum_of_its_cells_and_nets():
    cells = (
        flip_flop("top.a.x", "0", 10) | lut("top.a.one", 11, 10) | lut("top.b.two", 12, 11, 10)
        | flip_flop("top.b.y", 12, 13)
    )  # fmt: skip
    (path,) = slowest(cells)
    assert (path.start, path.end, path.levels, path.ends) == ("top.a.x", "top.b.y", 2, 1)
    assert path.nanoseconds == pytest.approx(CLOCK_TO_OUTPUT_NS + 3 * NET_NS + 2 * LUT_NS)
    assert slowest(cells, least_ns=5) == []


def test_paths_are_told_apart_by_their_blocks():
    cells = flip_flop("top.a.x", "0", 10) | lut("top.a.one", 11, 10)
    for n in range(3):
        cells |= flip_flop(f"top.b.y{n}", 11, 20 + n) | flip_flop(f"top.c.z{n}", 10, 30 + n)
    paths = slowest(cells, depth=2)
    assert [(path.end[:5], path.ends) for path in paths] == [("top.b", 3), ("top.c", 3)]
    (path,) = slowest(cells, depth=1)
    assert (path.end[:5], path.ends) == ("top.b", 6)


def test_enables_resets_and_addresses_are_ends():
    cells = flip_flop("x", "0", 10) | flip_flop("y", "0", 11, CE=10, LSR=10)
    cells |= {"ram": cell("TRELLIS_DPR16X4", {"DO": 12}, RAD=[10], WAD=[10], DI=[10], WRE=10)}
    cells |= {"block": cell("DP16KD", {"DOA0": 13}, ADA0=10, CLKA=10)}
    assert sum(path.ends for path in slowest(cells)) == 6


def test_a_carry_chain_is_one_level_and_fast_inside():
    cells = flip_flop("x", "0", 10)
    for n in range(8):
        carry = "0" if n == 0 else 20 + n
        cells[f"sum{n}_CCU2C_S0"] = cell(
            "CCU2C", {"COUT": 21 + n, "S0": 40 + n, "S1": 60 + n}, A0=10 if n == 0 else "0",
            A1="0", CIN=carry,
        )  # fmt: skip
    cells |= flip_flop("y", 47, 99)
    (path,) = slowest(cells)
    assert path.levels == 1
    expected = CLOCK_TO_OUTPUT_NS + NET_NS + SUM_NS + 6 * CARRY_NS + SUM_NS + NET_NS
    assert path.nanoseconds == pytest.approx(expected)


@pytest.mark.parametrize(("mode", "time"), [("NOREG", RAM_NS), ("OUTREG", RAM_REGISTER_NS)])
def test_a_block_ram_gives_its_word_late_without_its_register(mode, time):
    ram = cell("DP16KD", {"DOB3": 10})
    ram["parameters"] = {"REGMODE_B": mode}
    (path,) = slowest({"ram_DOB3": ram} | flip_flop("y", 10, 11))
    assert path.nanoseconds == pytest.approx(time + NET_NS)


def test_many_loads_make_a_net_slow():
    cells = flip_flop("x", "0", 10) | flip_flop("y", 10, 11)
    few = slowest(cells)[0].nanoseconds
    for n in range(150):
        cells |= flip_flop(f"z{n}", 10, 100 + n)
    assert slowest(cells)[0].nanoseconds == pytest.approx(few + 1.0)


def test_a_loop_of_logic_ends():
    cells = flip_flop("x", "0", 10) | lut("one", 11, 10, 12) | lut("two", 12, 11)
    assert slowest(cells | flip_flop("y", 12, 13))[0].nanoseconds > 0
