"""Layers made for a simulation."""

import numpy as np
import pytest

from golden.quantize import quantize
from golden.shape import ConvShape
from golden.synthetic import table_3_2_weights
from sim.workload import create_workload
from tests.compiler.layers import naive_forward

SHAPE = ConvShape(cin=6, cout=9, kernel=3, padding=1, height=7, width=8)


def make(*, seed=3, signed_input=False, signed_output=True, activation_bits=8, terms=1):
    weights = quantize(table_3_2_weights(SHAPE.weight_shape), bits=4, terms=terms)
    return create_workload(
        SHAPE,
        weights,
        signed_input=signed_input,
        signed_output=signed_output,
        activation_bits=activation_bits,
        seed=seed,
    )


@pytest.mark.parametrize("terms", [1, 2])
@pytest.mark.parametrize("activation_bits", [4, 8])
@pytest.mark.parametrize("signed_output", [False, True])
@pytest.mark.parametrize("signed_input", [False, True])
def test_expected_outputs_are_those_of_naive_loops(
    signed_input, signed_output, activation_bits, terms
):
    workload = make(
        signed_input=signed_input,
        signed_output=signed_output,
        activation_bits=activation_bits,
        terms=terms,
    )
    np.testing.assert_array_equal(
        workload.expected, naive_forward(workload.layer, workload.image)
    )  # fmt: skip
    size = 1 << activation_bits
    for values, signed in ((workload.image, signed_input), (workload.expected, signed_output)):
        low = -size // 2 if signed else 0
        assert low <= values.min() <= low + size // 8
        assert low + size - size // 8 <= values.max() <= low + size - 1


def test_a_seed_repeats_the_image():
    first, again, other = make(seed=1), make(seed=1), make(seed=2)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.expected, again.expected)
    assert (first.image != other.image).any()
