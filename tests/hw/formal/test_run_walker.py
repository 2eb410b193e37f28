"""Proofs of the run walker: every mask word at its place in the activation memory."""

import pytest

from hw.run_walker import RunWalker
from params import ArrayConfig
from tests.hw.formal.prover import prove, reach, refute
from tests.hw.formal.run_walker_spec import RunWalkerSpec
from tests.hw.mutants import mutant


def spec(block=RunWalker, *, depth=16, filters=1, **options):
    config = ArrayConfig(
        lanes=4, rows=1, filters_per_row=filters, depth=depth, drain_width=1, mask_bits=4,
        max_runs=3, max_passes=4,
    )  # fmt: skip
    return RunWalkerSpec(block(config), config, **options)


@pytest.mark.parametrize(("depth", "filters"), [(16, 1), (16, 2), (22, 1)])
def test_walker(depth, filters):
    prove(spec(depth=depth, filters=filters, invariants=True))


def test_every_case_is_reached():
    reach(spec(), depth=16)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("word.as_value().any() | self.i.payload.last", "word.as_value().any()"),
        ("word.as_value().any() | self.i.payload.last", "1"),
        ("read.data.groups - 1", "read.data.groups"),
        ("offset.eq(offset + self.pitch)", "offset.eq(self.pitch)"),
        ("offset.eq(0)", "offset.eq(offset)"),
        ("[index.eq(0), within.eq(0), offset", "[index.eq(0), offset"),
        ("m.If(self.i.valid & self.i.ready)", "m.If(self.i.ready)"),
    ],
)
def test_broken_walker_is_refuted(old, new):
    refute(spec(mutant(RunWalker, old, new)), depth=12)
