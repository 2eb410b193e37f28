# amaranth: UnusedElaboratable=no
"""The floating-point units, bit by bit against `golden.float32`, on random operands by class."""

import numpy as np
import pytest

from golden.float32 import add, multiply
from hw.float_adder import FloatAdder
from hw.float_multiplier import MULTIPLIERS, FloatMultiplier, MultiplierError
from sim.engine import Engine
from sim.errors import MissingToolError
from tests.golden.float32_operands import CLASSES
from tests.hw.benches import run_bench
from tests.hw.float_harness import build_float, products
from tests.hw.mutants import mutant

RECORDS = {Engine.VERILATOR: 100_000, Engine.ICARUS: 2_000}
"""Triples of each class."""

SEED = 1


def built(engine, *kinds, **options):
    """The harness for `engine`; without Icarus, which is optional, the test is skipped."""
    try:
        return build_float(engine, *kinds, **options)
    except MissingToolError as missing:
        if engine == Engine.ICARUS:
            pytest.skip(str(missing))
        raise


def check(build, kinds, records, folder, monkeypatch):
    """Run `records` triples of every class one after the other, and compare all results."""
    rng = np.random.default_rng(SEED)
    drawn = [CLASSES[kind](rng, records) for kind in CLASSES]
    a, b, c = (np.concatenate(operand) for operand in zip(*drawn, strict=True))
    first = rng.integers(0, 8, len(a)) == 0
    words = np.stack([c, b, a], axis=1).view(np.uint32)
    octets = np.column_stack([first.astype(np.uint8), words.astype(">u4").view(np.uint8)])
    (folder / "operands.bin").write_bytes(octets.tobytes())
    monkeypatch.setenv("FLOAT_RECORDS", str(len(words)))
    run_bench(build, "tests.hw.float_bench", folder)

    octets = bytes.fromhex((folder / "results.hex").read_text().replace("\n", ""))
    product = multiply(a, b)
    expected = dict.fromkeys(products(kinds), product)
    zero = np.float32(0)
    expected["sum"] = add(np.where(first, zero, a), c)
    expected["multiply_add"] = add(np.where(first, zero, c), product)
    results = np.frombuffer(octets, ">u4").reshape(-1, len(expected))[:, ::-1]
    assert len(results) == len(words)
    for column, (name, values) in enumerate(expected.items()):
        wrong = np.flatnonzero(results[:, column] != values.view(np.uint32))
        for n in wrong[:1]:
            operands = " ".join([*(f"{word:08x}" for word in words[n, ::-1]), str(first[n])])
            raise AssertionError(
                f"{name} of {operands} ({list(CLASSES)[n // records]} {n % records}, seed "
                f"{SEED}) is {results[n, column]:08x}, expected {values.view(np.uint32)[n]:08x}; "
                f"{len(wrong)} results are wrong"
            )


@pytest.mark.parametrize("engine", list(Engine))
def test_units_equal_golden(engine, tmp_path, monkeypatch):
    check(built(engine), MULTIPLIERS, RECORDS[engine], tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("unit", "old", "new"),
    [
        # Ties away from zero; truncation; bits that fall off the end forgotten; and others.
        (FloatAdder, "half & (beyond | fraction[0])", "half"),
        (FloatAdder, "half & (beyond | fraction[0])", "0 & half"),
        (FloatAdder, "sticky | lost_4 | lost_2", "sticky | lost_2"),
        (FloatAdder, "4, ~far", "4"),
        (FloatAdder, "self.a[-1] & ~self.first", "self.a[-1]"),
        (FloatAdder, "subtract & zeros[0] & zeros[1]", "0"),
        (FloatMultiplier, "sticky | (up & product[0]) | fraction[0]", "1"),
        (FloatMultiplier, "sticky | (up & product[0]) | fraction[0]", "sticky | fraction[0]"),
        (FloatMultiplier, "sticky | lost.any()", "lost.any()"),
    ],
)
def test_bench_notices_a_fault(unit, old, new, tmp_path, monkeypatch):
    name = {FloatAdder: "adder", FloatMultiplier: "multiplier"}[unit]
    faulty = {name: mutant(unit, old, new)}
    broken = built(Engine.ICARUS, (4,), **faulty, fault=f"{old} -> {new}")
    with pytest.raises(AssertionError, match="expected"):
        check(broken, (4,), RECORDS[Engine.ICARUS], tmp_path, monkeypatch)


def test_other_numbers_of_multipliers_are_refused():
    with pytest.raises(MultiplierError, match="5"):
        FloatMultiplier(5)
