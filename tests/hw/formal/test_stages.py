"""Proofs of the register stages: a payload holds, none is lost, doubled or out of order."""

import pytest

from hw.stream_register import StreamBuffer, StreamRegister
from hw.system.skid_buffer import SkidBuffer
from tests.hw.formal.prover import prove, reach, refute
from tests.hw.formal.stage_spec import SHAPE, SkidSpec, StageSpec
from tests.hw.mutants import mutant


def register(block=StreamRegister):
    return StageSpec(block(SHAPE), capacity=1, passes_ready=True)


def buffer(block=StreamBuffer, **options):
    return StageSpec(block(SHAPE), capacity=2, passes_ready=False, **options)


def test_register():
    prove(register())
    reach(register(), depth=5)


def test_buffer():
    prove(buffer(invariants=True))
    reach(buffer(), depth=5)


def test_skid():
    prove(SkidSpec(SkidBuffer(SHAPE)))
    reach(SkidSpec(SkidBuffer(SHAPE)), depth=5)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("self.o.ready | ~self.o.valid", "1"),
        ("self.o.ready | ~self.o.valid", "self.o.ready"),
        ("self.o.valid.eq(self.i.valid)", "self.o.valid.eq(self.o.valid | self.i.valid)"),
    ],
)
def test_broken_register_is_refuted(old, new):
    refute(register(mutant(StreamRegister, old, new)), depth=6)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("spare.eq(self.i.payload)", "spare.eq(spare)"),
        ("spare_full.eq(0)", "spare_full.eq(spare_full)"),
        ("self.i.ready.eq(~spare_full)", "self.i.ready.eq(1)"),
        ("m.Elif(self.i.valid)", "m.Elif(self.i.valid & self.o.valid & ~self.i.ready)"),
        ("m.If(~spare_full)", "m.If(1)"),
        ("m.If(self.o.ready | ~self.o.valid)", "m.If(self.o.ready)"),
    ],
)
def test_broken_buffer_is_refuted(old, new):
    refute(buffer(mutant(StreamBuffer, old, new)), depth=6)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("full.eq(self.o.valid & ~self.o.ready)", "full.eq(self.i.valid & ~self.o.ready)"),
        ("m.If(~full)", "m.If(1)"),
        ("Mux(full, kept, self.i.payload)", "self.i.payload"),
        ("self.i.ready.eq(~full)", "self.i.ready.eq(~full | self.o.ready)"),
    ],
)
def test_broken_skid_is_refuted(old, new):
    refute(SkidSpec(mutant(SkidBuffer, old, new)(SHAPE)), depth=6)
