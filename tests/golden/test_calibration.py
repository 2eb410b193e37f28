import math

import numpy as np
import pytest

from golden.activations import ActivationFormat
from golden.calibration import (
    CalibrationError,
    calibrated_mu,
    calibrated_scale,
    mse_step,
)
from golden.histogram import Histogram
from golden.quantize import quantize, relative_error
from golden.synthetic import table_3_2_weights


def quantization_error(values, output, step):
    """Squared error of `values`, each rounded and clamped."""
    total = 0.0
    for value in values:
        q = min(max(math.floor(value / step + 0.5), output.low), output.high)
        total += (q * step - value) ** 2
    return total


def samples(signed, seed=0, count=1500):
    rng = np.random.default_rng(seed)
    values = rng.standard_t(4, count).astype(np.float32)
    return values if signed else np.maximum(values, 0)


def search(values, output, steps):
    return min(steps, key=lambda step: quantization_error(values, output, step))


@pytest.mark.parametrize("bits", [4, 6, 8])
@pytest.mark.parametrize("signed", [False, True])
def test_step_is_as_good_as_a_search_over_the_values(bits, signed):
    values, output = samples(signed).tolist(), ActivationFormat(bits=bits, signed=signed)
    got = mse_step(np.array(values), output)
    widest = max(map(abs, values)) / output.high
    best = search(values, output, [widest * 2 ** (-i / 24) for i in range(24 * 5)])
    error = quantization_error(values, output, got)
    assert error <= 1.02 * quantization_error(values, output, best)
    if bits == 4:
        # And it clips: spreading the steps over all values is far worse.
        assert error < 0.85 * quantization_error(values, output, widest)


@pytest.mark.parametrize("scale", [0.013, 1.0, 117.0])
def test_power_of_two_step_is_the_best_power_of_two(scale):
    values, output = samples(True, seed=2) * scale, ActivationFormat(bits=8, signed=True)
    got = mse_step(values, output, power_of_two=True)
    assert got == search(values.tolist(), output, [2.0**e for e in range(-14, 6)])
    fitted = mse_step(values, output, power_of_two=True, method="gaussian")
    assert fitted in (got / 2, got, 2 * got)


def test_gaussian_step_is_the_optimum_of_a_gaussian():
    # The optimum of the density itself, by numerical integration one point at a time.
    output = ActivationFormat(bits=4, signed=True)
    points = [i / 100 for i in range(-600, 601)]
    weight = [math.exp(-x * x / 2) for x in points]

    def error(step):
        return sum(
            w * (min(max(math.floor(x / step + 0.5), -8), 7) * step - x) ** 2
            for x, w in zip(points, weight, strict=True)
        )

    optimum = min((0.2 + i / 500 for i in range(100)), key=error)
    rng = np.random.default_rng(1)
    few = [rng.standard_normal(300) for _ in range(20)]
    fitted = [mse_step(values, output, method="gaussian") for values in few]
    raw = [mse_step(values, output) for values in few]
    assert np.mean(fitted) == pytest.approx(optimum, rel=0.05)

    # From few values the fit finds a step that is nearer to the density's than theirs is.
    def excess(steps):
        return sum(error(step) for step in steps)

    assert excess(fitted) < excess(raw)


def test_values_of_one_magnitude_and_zeros():
    output = ActivationFormat()
    step = mse_step(np.array([0.0, 3.0, 3.0]), output)
    assert quantization_error([3.0], output, step) < 1e-3
    assert mse_step(np.zeros(5), output) == 1
    # Unsigned formats have nothing to say of negative values.
    assert mse_step(np.array([-1.0, -2.0]), output) == 1
    assert mse_step(np.array([-1.0, -2.0]), ActivationFormat(signed=True)) < 0.1


def test_zeros_do_not_move_the_step():
    values, output = samples(True), ActivationFormat(signed=True)
    histogram = Histogram.of(values)
    step = mse_step(histogram, output)
    histogram.add(np.zeros(10_000))
    assert mse_step(histogram, output) == step


def test_refusals():
    output = ActivationFormat()
    with pytest.raises(CalibrationError, match="'kl'"):
        mse_step(np.ones(3), output, method="kl")
    with pytest.raises(CalibrationError, match="images"):
        mse_step(Histogram(), output)


@pytest.mark.parametrize("levels", [1, 2, 4])
@pytest.mark.parametrize("method", ["mse", "gaussian"])
def test_mu_of_least_error(levels, method):
    weights = table_3_2_weights((16, 16, 3, 3))
    share = calibrated_mu(weights, levels, method=method)

    def error(mu):
        return relative_error(weights, quantize(weights, levels=levels, mu=mu, partial_sums=None))

    best = min(error(2 ** (-i / 8)) for i in range(33))
    assert error(share) <= 1.03 * best
    assert error(share) < 0.8 * error(0.75)


@pytest.mark.parametrize("levels", [1, 4])
def test_mu_of_partial_sums(levels):
    weights = table_3_2_weights((16, 16, 3, 3))
    share = calibrated_mu(weights, levels, partial_sums=2, method="mse")
    errors = [
        relative_error(weights, quantize(weights, levels=levels, mu=mu, partial_sums=2))
        for mu in (share, *(2 ** (-i / 8) for i in range(33)))
    ]
    assert errors[0] <= 1.03 * min(errors)


@pytest.mark.parametrize("levels", [1, 4, 16])
def test_scale_of_least_error(levels):
    weights = np.random.default_rng(0).standard_normal(800)

    def error(top):
        grid = [0.0] + [top * 2.0**-t for t in range(levels)]
        return sum(min((abs(w) - g) ** 2 for g in grid) for w in weights.tolist())

    got = calibrated_scale(weights, levels, method="mse")
    assert error(got) <= 1.02 * min(error(4.0 * 2 ** (-i / 12)) for i in range(48))


def test_all_zero_weights():
    assert calibrated_mu(np.zeros(4), 4) == 0.75
    assert calibrated_scale(np.zeros(4), 4) == 1
