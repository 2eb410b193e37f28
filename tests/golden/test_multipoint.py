import numpy as np
import pytest

from golden.activations import ActivationFormat
from golden.layer import QuantizedConv
from golden.multipoint import multipoint, sample_patches
from golden.quantize import QuantizationError, quantize, relative_error
from golden.requantize import fit_requantization
from golden.shape import ConvShape, ShapeError
from golden.weights import MultipointWeights, WeightsError, integer_terms


def filters(seed=0, shape=(6, 4, 3, 3)):
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal(shape)
    weights[1] = np.exp2(rng.integers(-2, 1, shape[1:]))
    weights[2] = 0
    return weights.astype(np.float32)


def naive(weights, levels, tolerance, most, patches):
    """Filter by filter: the vectors of each, as lists of values."""
    result = []
    for row in weights.reshape(len(weights), -1).astype(np.float64):
        rest, points = row.copy(), []
        while len(points) < most:
            if points:
                wrong = sum(float(p @ rest) ** 2 for p in patches)
                if wrong <= tolerance * sum(float(p @ row) ** 2 for p in patches):
                    break
            point = quantize(rest, levels=levels, method="exact").dequantize()
            points.append(point)
            rest = rest - point
        result.append(points)
    return result


@pytest.mark.parametrize("tolerance", [0.0, 1e-3, 0.03, 1.0])
@pytest.mark.parametrize("seen", [False, True])
def test_equals_the_greedy_choice_filter_by_filter(tolerance, seen):
    weights = filters()
    rng = np.random.default_rng(1)
    patches = rng.standard_normal((50, 36)) * np.exp2(rng.integers(-4, 3, 36))
    got = multipoint(
        weights, levels=4, tolerance=tolerance, most=4, patches=patches if seen else None
    )
    expected = naive(weights, 4, tolerance, 4, patches if seen else np.eye(36))
    for c, points in enumerate(expected):
        for k, term in enumerate(got.terms):
            value = points[k] if k < len(points) else np.zeros(36)
            np.testing.assert_array_equal(term.dequantize()[c].reshape(-1), value)
    assert len(got.terms) == max(1, max(len([p for p in points if p.any()]) for points in expected))


def test_spends_vectors_where_outputs_need_them():
    weights = filters()
    got = multipoint(weights, levels=4, tolerance=0.01, most=5)
    used = [[bool(term.sign[c].any()) for term in got.terms] for c in range(6)]
    # Powers of two take one vector, zeros none, and the others more.
    assert sum(used[1]) == 1
    assert sum(used[2]) == 0
    assert all(sum(used[c]) >= 2 for c in (0, 3, 4, 5))
    for c in (0, 3, 4, 5):
        error = np.square(weights[c] - got.dequantize()[c]).sum() / np.square(weights[c]).sum()
        assert error <= 0.01
    one = quantize(weights, levels=4, method="exact", per_channel=True)
    assert relative_error(weights, got) < 0.2 * relative_error(weights, one)


def test_the_inputs_decide():
    # The first half of the taps sees next to nothing, so its error does not count.
    rng = np.random.default_rng(3)
    weights = np.concatenate([rng.standard_normal((1, 20)), np.ones((1, 20))], axis=1)
    quiet = np.concatenate([np.full((30, 20), 1e-6), np.ones((30, 20))], axis=1)
    quiet *= rng.standard_normal(quiet.shape)
    assert len(multipoint(weights, levels=2, patches=quiet).terms) == 1
    assert len(multipoint(weights, levels=2, patches=quiet[:, ::-1]).terms) > 1


def test_runs_as_a_layer_of_several_terms():
    shape = ConvShape(cin=4, cout=6, kernel=3, padding=1, height=5, width=6)
    found = multipoint(filters(), levels=4, tolerance=1e-3, most=3)
    terms, exponent, levels = integer_terms(found)
    assert len(terms) == 3
    np.testing.assert_array_equal(
        np.ldexp(terms.sum(axis=0).astype(float), exponent.reshape(-1, 1, 1, 1)),
        found.dequantize(),
    )
    inputs = ActivationFormat()
    x = np.random.default_rng(0).integers(0, 256, shape.input_shape)
    layer = QuantizedConv(
        shape=shape, terms=terms, levels=levels, input_format=inputs,
        requantization=fit_requantization(np.ones(shape.output_shape, int), inputs, relu=True),
    )  # fmt: skip
    sums = layer.accumulate(x)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    values = found.dequantize()[3]
    expected = (padded[:, 2:5, 3:6] * values).sum()
    assert sums[3, 2, 3] * 2.0 ** exponent[3] == pytest.approx(expected)


@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2)])
def test_patches_are_what_the_filters_see(stride, dilation):
    shape = ConvShape(
        cin=2, cout=1, kernel=(3, 2), stride=stride, dilation=dilation, padding=1, height=6, width=7
    )
    x = np.random.default_rng(0).standard_normal(shape.input_shape).astype(np.float32)
    patches = sample_patches(x, shape, 40, seed=5)
    every = set()
    for oy in range(shape.out_height):
        for ox in range(shape.out_width):
            patch = []
            for c in range(2):
                for ky in range(3):
                    for kx in range(2):
                        y, z = oy * stride + ky * dilation - 1, ox * stride + kx * dilation - 1
                        inside = 0 <= y < 6 and 0 <= z < 7
                        patch.append(float(x[c, y, z]) if inside else 0.0)
            every.add(tuple(patch))
    drawn = {tuple(patch) for patch in patches.tolist()}
    assert drawn <= every
    assert len(drawn) > len(every) / 3
    np.testing.assert_array_equal(patches, sample_patches(x, shape, 40, seed=5))
    with pytest.raises(ShapeError, match="map"):
        sample_patches(x[:1], shape, 4, seed=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tolerance": 2.0}, "tolerance is 2.0"),
        ({"most": 0}, "most is 0"),
        ({"patches": np.ones((3, 5))}, "patches have shape"),
        ({"bits": 4}, "bits or levels"),
    ],
)
def test_refusals(settings, message):
    with pytest.raises(QuantizationError, match=message):
        multipoint(filters(), levels=4, **settings)
    with pytest.raises(WeightsError, match="one shape"):
        MultipointWeights(())
