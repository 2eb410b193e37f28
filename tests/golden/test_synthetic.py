"""The paper's Tables 3.2 and 3.3: one tensor gives all three quantized columns of each."""

import numpy as np
import pytest

from golden.quantize import quantize
from golden.synthetic import SIX_BIT_COUNTS, SIX_BIT_ZEROS, TABLE_3_3, table_3_2_weights

# The rows of the table from the bottom up: percentages from the top level down.
TABLE = {
    4: [0.003, 0.228, 1.408, 15.479],
    5: [0.003, 0.228, 1.408, 6.700, 17.706, 24.270, 21.221, 18.392],
    6: [0.003, 0.228, 1.408, 6.700, 17.706, 24.270, 21.221, 13.509, 7.343, 3.776, 1.964, 0.922,
        0.486, 0.233, 0.141, 0.060],
}  # fmt: skip
ZEROS = {4: 82.882, 5: 10.072, 6: 0.030}


@pytest.fixture(scope="module")
def weights():
    return table_3_2_weights((64, 64, 3, 3), seed=5)


@pytest.mark.parametrize("bits", TABLE)
@pytest.mark.parametrize("partial_sums", [4, None])
def test_percentages(weights, bits, partial_sums):
    got = quantize(weights, bits=bits, partial_sums=partial_sums)
    percent = 100 * got.level_counts() / weights.size
    assert percent[:-1].round(3).tolist() == TABLE[bits]
    # The table's zeros are what its rounded rows leave of 100.
    assert round(100 - sum(TABLE[bits]), 3) == ZEROS[bits]
    assert percent[-1] == pytest.approx(ZEROS[bits], abs=2e-3)


def test_the_six_bit_counts(weights):
    got = quantize(weights, bits=6).level_counts()
    assert got.tolist() == [*SIX_BIT_COUNTS, SIX_BIT_ZEROS]


@pytest.mark.parametrize("bits", TABLE)
def test_the_top_level_is_the_row_of_one_half(weights, bits):
    assert quantize(weights, bits=bits).scale == -1


@pytest.mark.parametrize("shape", [(64, 3, 7, 7), (50, 40, 3, 3), (7,)])
def test_the_percentages_hold_at_any_size(shape):
    weights = table_3_2_weights(shape)
    assert weights.shape == shape
    assert weights.dtype == np.float32
    for bits, zeros in ZEROS.items():
        density = quantize(weights, bits=bits).density
        assert density == pytest.approx(1 - zeros / 100, abs=1.01 / weights.size + 1e-4)


def test_the_seed_decides_places_and_signs():
    first, again, other = (table_3_2_weights((500,), seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(np.abs(first), np.abs(other))
    np.testing.assert_array_equal(np.sort(np.abs(first)), np.sort(np.abs(other)))


def test_table_3_3():
    """Of the levels below its top the table's 6-bit column, and the zeros of all three."""
    weights = TABLE_3_3.weights((100, 1000), seed=2)
    got = quantize(weights, bits=6)
    assert got.scale == -4
    # The one weight that reaches the top level would be 0.000 % of the table's 4.7 million.
    assert got.level_counts().tolist() == [1, 21, *TABLE_3_3.counts[2:], TABLE_3_3.zeros[6]]
    for bits, zeros in TABLE_3_3.zeros.items():
        other = quantize(weights, bits=bits)
        assert other.scale == -4
        assert other.level_counts()[-1] == zeros
