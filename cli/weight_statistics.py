"""Statistics of a layer's weights, as in section 3.2 of the LBW-Net paper."""

from dataclasses import dataclass

import numpy as np

from cli.quantization import Quantization
from golden.moments import Moments
from golden.weights import PowerOfTwoWeights

FLOAT_BYTES = 4
"""Bytes of an FP32 weight."""

NORMAL_LOG10_P = -5.0
"""The paper calls weights far from normal when the test's probability is below 10^-5."""


@dataclass(frozen=True, kw_only=True, eq=False)
class QuantizedStatistics:
    """A layer's weights at one bit-width.

    Parameters
    ----------
    name : of the column, such as "4-bit lbw".
    shares : of all weights, by octave: of those with 2^k <= |w| < 2^(k+1) under k.
    zeros : share of the zeros.
    levels : weights at each level, from the top down.
    density : share of the weights that is not zero.
    bytes : of the weight stream: a bit per position, a code per nonzero.
    """

    name: str
    shares: dict[int, float]
    zeros: float
    levels: tuple[int, ...]
    density: float
    bytes: int


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightStatistics:
    """A layer's float weights, and what quantizers make of them.

    Parameters
    ----------
    name : of the layer.
    weights : the float weights.
    moments : of the weights.
    shares, zeros : as for `QuantizedStatistics`.
    quantized : one for each quantizer.
    """

    name: str
    weights: np.ndarray
    moments: Moments
    shares: dict[int, float]
    zeros: float
    quantized: tuple[QuantizedStatistics, ...]

    @property
    def float_bytes(self) -> int:
        """Bytes of the float weights."""
        return FLOAT_BYTES * self.weights.size

    @property
    def octaves(self) -> range:
        """Octaves of the table: from the smallest that a quantizer uses to the largest weight."""
        used = [octave for column in self.quantized for octave in column.shares]
        highest = max([*self.shares, *used], default=0)
        return range(min(used, default=highest), highest + 1)

    def report(self) -> dict:
        """The figures, for JSON."""
        moments = self.moments
        return {
            "name": self.name,
            "shape": list(self.weights.shape),
            "mean": moments.mean,
            "deviation": moments.deviation,
            "skewness": moments.skewness,
            "excess_kurtosis": moments.kurtosis,
            "normality_statistic": moments.statistic,
            "normality_log10_p": moments.log10_p,
            "float_bytes": self.float_bytes,
            "float_shares": _keys(self.shares) | {"zero": self.zeros},
            "quantized": {
                column.name: {
                    "density": column.density,
                    "bytes": column.bytes,
                    "times_smaller": self.float_bytes / column.bytes,
                    "shares": _keys(column.shares) | {"zero": column.zeros},
                }
                for column in self.quantized
            },
        }


def weight_statistics(
    name: str, weights: np.ndarray, quantizers: dict[str, Quantization]
) -> WeightStatistics:
    """The statistics of a layer.

    Parameters
    ----------
    name : of the layer.
    weights : float (cout, cin, kernel height, kernel width).
    quantizers : by the names of their columns.

    Raises
    ------
    MomentsError, QuantizationError : weights without a distribution, or settings out of range.
    """
    columns = []
    for column, quantization in quantizers.items():
        result = quantization.apply(weights)
        assert isinstance(result, PowerOfTwoWeights), "one term a weight"
        shares, zeros = octave_shares(result.dequantize())
        columns.append(
            QuantizedStatistics(
                name=column,
                shares=shares,
                zeros=zeros,
                density=result.density,
                levels=tuple(result.level_counts()[:-1].tolist()),
                bytes=stream_bytes(result),
            )
        )
    shares, zeros = octave_shares(weights)
    return WeightStatistics(
        name=name, weights=weights, moments=Moments.of(weights), shares=shares, zeros=zeros,
        quantized=tuple(columns),
    )  # fmt: skip


def octave_shares(values: np.ndarray) -> tuple[dict[int, float], float]:
    """The share of the values in each octave, by floor(log2 |value|), and that of the zeros."""
    nonzero = values[values != 0]
    octaves, counts = np.unique(np.frexp(np.abs(nonzero))[1] - 1, return_counts=True)
    shares = {int(k): int(n) / values.size for k, n in zip(octaves, counts, strict=True)}
    return shares, 1 - nonzero.size / values.size


def stream_bytes(weights: PowerOfTwoWeights) -> int:
    """Bytes of the masks and codes in the array's weight stream, without its headers."""
    # A sign, and the level in as many bits as it takes.
    code = 1 + (weights.levels - 1).bit_length()
    return -(-(weights.sign.size + code * weights.nonzeros) // 8)


def _keys(shares: dict[int, float]) -> dict[str, float]:
    return {f"2^{octave}": share for octave, share in shares.items()}
