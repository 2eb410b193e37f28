"""Programs that only a special array or a hand can make."""

import dataclasses

import numpy as np
import pytest

from compiler import Program, compile_layer
from compiler.bounds import accumulator_range
from golden.requantize import Requantization
from golden.shape import ConvShape
from params import ArrayConfig, layouts, packing
from tests.sim.layers import FORMATS, make_case, random_case, run_case

UNSIGNED, SIGNED = FORMATS

FULL = ArrayConfig(
    name="full", lanes=4, rows=1, levels=9, accumulator_bits=17, depth=256, drain_width=2
)
"""An accumulator as narrow as it can be for nine levels."""

SHORT = ArrayConfig(
    name="short", lanes=8, rows=2, filters_per_row=2, levels=4, depth=512, drain_width=4,
    mask_bits=8, codes_per_word=4, mask_depth=8, code_depth=16,
)  # fmt: skip
"""Weight buffers of 64 positions and weights."""

BANKED = ArrayConfig(
    name="banked", lanes=2, rows=3, levels=2, depth=5000, drain_width=1, max_shift=1
)
"""An activation memory of three banks, the last cut short, in two copies."""


class Moved(Program):
    """The program with its activations elsewhere: every run reads a copy of its own."""

    def base(self, run: int) -> int:
        """First word of a run's copy."""
        words = self.layout.words(max(tile.passes for tile in self.tiles))
        runs = len(self.layout.runs)
        spare = self.config.depth - runs * words
        assert spare >= 0
        return spare - spare // 3 + run * words

    def run_table(self) -> np.ndarray:
        layout = layouts.run_write(self.config)
        table = packing.unpack(layout, super().run_table())
        table["run"]["base"] += [self.base(run) for run in range(len(self.layout.runs))]
        return packing.pack(layout, table, len(self.layout.runs))

    def load(self, tile: int, image: np.ndarray) -> np.ndarray:
        layout = layouts.load(self.config)
        words = packing.unpack(layout, super().load(tile, image))
        copies = [
            packing.pack(
                layout,
                {"address": words["address"] + self.base(run), "word": words["word"]},
                len(words["address"]),
            )
            for run in range(len(self.layout.runs))
        ]
        return np.concatenate(copies)


def moved(program: Program) -> Moved:
    """`program` with its activations moved."""
    fields = {field.name: getattr(program, field.name) for field in dataclasses.fields(program)}
    return Moved(**fields)


@pytest.mark.parametrize("terms", [1, 2])
def test_runs_may_start_anywhere(terms):
    shape = ConvShape(cin=6, cout=5, kernel=3, padding=1, height=6, width=12)
    case = random_case(shape, seed=terms, levels=4, terms=terms)
    program = moved(compile_layer(case.layer, SHORT))
    bases = packing.unpack(layouts.run_write(SHORT), program.run_table())["run"]["base"]
    assert len(set(bases)) == len(bases) >= terms
    assert min(bases) > 0
    run_case(case, SHORT, program=program, stalls=0.2)


def test_banks_of_the_activation_memory():
    shape = ConvShape(cin=300, cout=3, kernel=3, padding=1, height=2, width=2)
    case = random_case(shape, seed=5, levels=2, density=0.1)
    program = moved(compile_layer(case.layer, BANKED))
    last = program.base(len(program.layout.runs) - 1) + program.layout.words(
        max(tile.passes for tile in program.tiles)
    )
    assert program.base(0) < 2048
    assert last > 4096
    run_case(case, BANKED, program=program)


def test_filters_longer_than_the_weight_buffer():
    """Only tiles of one pass: the weights stream through."""
    shape = ConvShape(cin=12, cout=6, kernel=3, padding=1, height=4, width=3)
    case = random_case(shape, seed=6, levels=4, density=0.9)
    program = compile_layer(case.layer, SHORT)
    assert all((row.weights.groups > SHORT.mask_depth).all() for row in program.rows)
    assert all((row.weights.code_words > SHORT.code_depth).all() for row in program.rows)
    assert [tile.passes for tile in program.tiles] == [1] * len(program.tiles)
    run_case(case, SHORT, program=program, stalls=0.3)


def test_filters_as_long_as_the_weight_buffer():
    """A replay whose block takes every word of the buffer, so that nothing is taken ahead."""
    shape = ConvShape(cin=64, cout=9, kernel=1, height=3, width=4)
    case = random_case(shape, seed=7, levels=4, density=1.0)
    program = compile_layer(case.layer, SHORT)
    assert all((row.weights.groups == SHORT.mask_depth).all() for row in program.rows)
    assert max(row.weights.code_words.max() for row in program.rows) == SHORT.code_depth
    assert max(tile.passes for tile in program.tiles) > 1
    run_case(case, SHORT, program=program, stalls=0.3)


def full_case(weights: list[int], inputs, value: int, *, target: int):
    """A filter on a constant image whose accumulator is `target`, told apart from its neighbours.

    The bias leaves what is left of the sum without the bits that no output could hold.
    """
    shape = ConvShape(cin=len(weights), cout=1, kernel=1, height=1, width=4)
    terms = np.array(weights, dtype=np.int64).reshape(1, *shape.weight_shape)
    negatives = sum(weight < 0 for weight in weights)
    total = sum(weights) * value
    assert total - negatives == target
    requantization = Requantization(
        multiplier=np.array([1]),
        bias=np.array([50 - total]),
        shift=np.array([0]),
        low=-128,
        high=127,
    )
    return make_case(
        shape,
        terms,
        rng=np.random.default_rng(0),
        inputs=inputs,
        image=np.full((shape.cin, 1, 4), value),
        requantization=requantization,
    )


@pytest.mark.parametrize(
    ("weights", "inputs", "value", "target"),
    [
        ([256, 1], UNSIGNED, 255, (1 << 16) - 1),
        ([-1] * 256, UNSIGNED, 255, -(1 << 16)),
        ([256, 256], SIGNED, -128, -(1 << 16)),
        ([-4] * 128 + [-1], SIGNED, -128, (1 << 16) - 1),
    ],
    ids=["unsigned highest", "unsigned lowest", "signed lowest", "signed highest"],
)
def test_the_accumulator_at_its_very_limit(weights, inputs, value, target):
    """Sums, negative weights' complements included, that fill the accumulator's last bit."""
    case = full_case(weights, inputs, value, target=target)
    bounds = accumulator_range(case.layer.terms, inputs, FULL)
    assert target in (bounds.low[0], bounds.high[0])
    assert bounds.bits == FULL.accumulator_bits
    assert np.all(case.expected == 50)
    run_case(case, FULL)


@pytest.mark.parametrize("multiplier", [0, 1, 40_000, (1 << 16) - 1])
def test_the_requantizer_at_its_limits(multiplier):
    """The largest sums, multipliers, offsets and shifts together."""
    limit = 1 << FULL.offset_bits - 1
    shifts = [FULL.max_right_shift - n for n in (0, 1, 4, 7, 8)] + [20]
    shape = ConvShape(cin=256, cout=4 * len(shifts), kernel=1, height=1, width=4)
    # Two filters with the greatest sum, then two with the least.
    terms = np.zeros((1, *shape.weight_shape), dtype=np.int64)
    terms[0, 0::4, :2, 0, 0] = terms[0, 1::4, :2, 0, 0] = [256, 1]
    terms[0, 2::4] = terms[0, 3::4] = -1
    shift = np.repeat(shifts, 4)
    negatives = (terms < 0).sum(axis=(0, 2, 3, 4))
    offset = np.resize([limit - 1, -limit], shape.cout)
    image = np.repeat(np.array([[[255, 0, 128, 1]]]), shape.cin, axis=0)
    case = make_case(
        shape,
        terms,
        rng=np.random.default_rng(0),
        image=image,
        requantization=Requantization(
            multiplier=np.full(shape.cout, multiplier),
            bias=offset - (np.int64(1) << shift - 1) - multiplier * negatives,
            shift=shift,
            low=-128,
            high=127,
        ),
    )
    assert {-128, -1, 0, 127} < set(np.unique(case.expected))
    run_case(case, FULL)
