"""Logic in front of carry chains moves into them, and what comes out stays the same."""

import copy

import numpy as np
import pytest
from amaranth.hdl import Cat, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from boards.carry_logic import pack_carry_logic
from boards.ecp5 import map_to_cells
from golden.float32 import add, multiply
from hw.float_adder import FloatAdder
from hw.float_multiplier import FloatMultiplier
from tests.boards.netlist import evaluate
from tests.golden.float32_operands import CLASSES

WIDTH = 8


class Sum(wiring.Component):
    """A sum behind logic of one kind."""

    def __init__(self, kind: str):
        self._kind = kind
        super().__init__({**dict.fromkeys("abcd", In(WIDTH)), "o": Out(WIDTH + 2)})

    def elaborate(self, platform):
        m = Module()
        a, b, c, d = self.a, self.b, self.c, self.d
        choice = d[0]
        m.d.comb += self.o.eq(
            {
                "rows": (a & b[0].replicate(WIDTH)) + ((a & b[1].replicate(WIDTH)) << 1),
                "choice": a + Mux(choice, b, c),
                "complement": Cat(1, a) + Cat(choice, b ^ choice.replicate(WIDTH)),
                "increment": Mux(choice, a, b) + c[0],
                "masks": (a & b) + (c & d),
                "too many": (a ^ b) + (c ^ d),
                "shared": (a + (b & c)) ^ (b & c),
                "difference": ~(~a - (b & c))[:WIDTH],
            }[self._kind]
        )
        return m


@pytest.mark.parametrize(
    ("kind", "packed"),
    [
        ("rows", 14), ("choice", 8), ("complement", 8), ("increment", 8), ("masks", 16),
        ("too many", 8), ("shared", 0), ("difference", 8),
    ],
)  # fmt: skip
def test_packing_keeps_the_sum(kind, packed, tmp_path):
    module = map_to_cells(Sum(kind), tmp_path, name="sum")["modules"]["sum"]
    before = copy.deepcopy(module)
    count = pack_carry_logic(module)
    tables = [
        sum(cell["type"] == "LUT4" for cell in each["cells"].values()) for each in (before, module)
    ]
    assert tables[0] - tables[1] == count >= packed

    rng = np.random.default_rng(1)
    operands = {name: rng.integers(0, 1 << WIDTH, 2000, np.uint64) for name in "abcd"}
    np.testing.assert_array_equal(
        evaluate(module, **operands)["o"], evaluate(before, **operands)["o"]
    )


def test_packed_float_units_equal_golden(tmp_path):
    rng = np.random.default_rng(2)
    drawn = [draw(rng, 2000) for draw in CLASSES.values()]
    a, b, c = (np.concatenate(operand) for operand in zip(*drawn, strict=True))
    product = multiply(a, b)
    first = rng.integers(0, 2, len(a), np.uint64)
    total = add(np.where(first, np.float32(0), product), c)
    for name, create, operands, expected in (
        ("adder", FloatAdder, {"a": product, "b": c}, total),
        ("multiplier_4", lambda: FloatMultiplier(4), {"a": a, "b": b}, product),
        ("multiplier_1", lambda: FloatMultiplier(1), {"a": a, "b": b}, product),
        ("multiplier_0", lambda: FloatMultiplier(0), {"a": a, "b": b}, product),
    ):
        netlist = map_to_cells(create(), tmp_path, name=name, wide_tables=False)
        module = netlist["modules"][name]
        assert pack_carry_logic(module) > 20
        inputs = {key: word.view(np.uint32).astype(np.uint64) for key, word in operands.items()}
        if name == "adder":
            inputs["first"] = first
        got = evaluate(module, **inputs)["o"]
        np.testing.assert_array_equal(got, expected.view(np.uint32), err_msg=name)
