"""Proofs of the mask decoder: exactly the set bits, in order, under any back-pressure."""

import pytest

from hw.mask_decoder import MaskDecoder
from params import ArrayConfig
from tests.hw.formal.mask_decoder_spec import MaskDecoderSpec
from tests.hw.formal.prover import prove, reach, refute
from tests.hw.mutants import mutant


def spec(block=MaskDecoder, *, mask_bits=4, filters=1, **options):
    config = ArrayConfig(
        lanes=4, rows=1, filters_per_row=filters, depth=16, drain_width=1, mask_bits=mask_bits
    )
    return MaskDecoderSpec(block(config), config, **options)


@pytest.mark.parametrize(
    ("mask_bits", "filters"),
    [(4, 1), (6, 2), (32, 1), pytest.param(32, 2, marks=pytest.mark.slow)],
)
def test_decoder(mask_bits, filters):
    prove(spec(mask_bits=mask_bits, filters=filters, invariants=True), gates=mask_bits > 8)


@pytest.mark.parametrize("filters", [1, 2])
def test_every_case_is_reached(filters):
    reach(spec(filters=filters), depth=8)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("remaining.eq(remaining & before)", "remaining.eq(before)"),
        ("_count(m, remaining) <= 2", "_count(m, remaining) <= 1"),
        ("_count(m, union) <= 1", "_count(m, union) == 1"),
        ("before.eq(_any_before(remaining))", "before.eq(_any_before(remaining[1:]) << 1)"),
        ("self.o.ready | ~self.o.valid", "1"),
        ("~busy | (picked.i.ready & only)", "~busy | only"),
        ("~busy | (picked.i.ready & only)", "~busy"),
        ("picked.i.valid.eq(busy)", "picked.i.valid.eq(busy & (remaining != 0))"),
        ("(picked.o.payload.masks[n] & bit).any()", "picked.o.payload.masks[n].any()"),
        ("if i >> n & 1", "if i >> n & 1 and i != 3"),
    ],
)
def test_broken_decoder_is_refuted(old, new):
    refute(spec(mutant(MaskDecoder, old, new), filters=2), depth=8)
