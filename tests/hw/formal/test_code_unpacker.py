"""Proofs of the code unpacker: every code of a pass, and none of the padding."""

import pytest

from hw.code_unpacker import CodeUnpacker
from params import ArrayConfig
from tests.hw.formal.code_unpacker_spec import CodeUnpackerSpec
from tests.hw.formal.prover import prove, reach, refute
from tests.hw.mutants import mutant


def spec(block=CodeUnpacker, *, codes_per_word=3, **options):
    config = ArrayConfig(lanes=4, rows=1, depth=16, drain_width=1, codes_per_word=codes_per_word)
    return CodeUnpackerSpec(block(config), config, **options)


@pytest.mark.parametrize("codes_per_word", [1, 2, 3, 8])
def test_unpacker(codes_per_word):
    prove(spec(codes_per_word=codes_per_word, invariants=True))


def test_every_case_is_reached():
    reach(spec(), depth=8)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(self.flush & (take | (taken != 0)))", "(self.flush & take)"),
        ("(self.flush & (take | (taken != 0)))", "(self.flush & (taken != 0))"),
        ("~drop.replicate(len(taken))", "-1"),
        ("~self.o.valid | drop", "~self.o.valid"),
        ("word.as_value() >> self._config.code_bits", "word.as_value()"),
    ],
)
def test_broken_unpacker_is_refuted(old, new):
    refute(spec(mutant(CodeUnpacker, old, new)), depth=8)
