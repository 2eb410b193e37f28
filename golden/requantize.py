"""Requantization: from accumulators to the activations of the next layer."""

from dataclasses import dataclass

import numpy as np

from golden.activations import ActivationFormat
from golden.errors import UserError

MULTIPLIER_BITS = 16
"""Width of the unsigned multipliers."""

MAX_SHIFT = 63
"""Largest right shift."""

RESIDUAL_FRACTION = 15
"""Bits behind the binary point of a residual's multiplier: one step of it may be nearly two of the
output."""

BLOCK = 1 << 16
"""Accumulators worked on at a time, to stay in the caches."""


class RequantizationError(UserError):
    """Requantization parameters are out of range, or would overflow 64 bits."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Requantization:
    """q = clamp(floor((acc * M + B + 2^(S-1)) / 2^S [+ r * Mr / 2^15]), low, high), per channel.

    One rounding to nearest, ties up; S = 0 adds no rounding term. The ReLU is the clamp. A residual
    r counts in fractions of an output step, whatever S is: a step of the accumulator is often a
    tiny fraction of one, a step of the residual never is.

    Parameters
    ----------
    multiplier : M, integers (cout,) in 0..65535.
    bias : B, int64 (cout,), in units of acc * M.
    shift : S, integers (cout,) in 0..63.
    low, high : clamp limits.
    residual_multiplier : Mr, integers (cout,) in 0..65535; None when nothing is added.

    Raises
    ------
    RequantizationError : a value out of range, or shapes that differ.
    """

    multiplier: np.ndarray
    bias: np.ndarray
    shift: np.ndarray
    low: int
    high: int
    residual_multiplier: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name, limit in (("multiplier", (1 << MULTIPLIER_BITS) - 1), ("shift", MAX_SHIFT)):
            object.__setattr__(self, name, _per_channel(getattr(self, name), name, 0, limit))
        object.__setattr__(self, "bias", _per_channel(self.bias, "bias", -(1 << 62), 1 << 62))
        if not self.multiplier.shape == self.bias.shape == self.shift.shape:
            raise RequantizationError(
                f"multiplier, bias and shift must have one value for each channel, but have "
                f"{len(self.multiplier)}, {len(self.bias)} and {len(self.shift)}"
            )
        if self.residual_multiplier is not None:
            name, limit = "residual_multiplier", (1 << MULTIPLIER_BITS) - 1
            values = _per_channel(self.residual_multiplier, name, 0, limit)
            object.__setattr__(self, name, values)
            if len(values) != self.channels:
                raise RequantizationError(
                    f"{name} has {len(values)} values, but must have one for each of the "
                    f"{self.channels} channels"
                )
        if self.low > self.high:
            raise RequantizationError(
                f"the clamp limits {self.low}..{self.high} are the wrong way round"
            )

    @property
    def channels(self) -> int:
        """Number of output channels."""
        return len(self.multiplier)

    def apply(self, acc: np.ndarray, residual: np.ndarray | None = None) -> np.ndarray:
        """Requantize.

        Parameters
        ----------
        acc : int64 (cout, height, width).
        residual : integers of the same shape to be added in, r; goes with `residual_multiplier`.

        Returns
        -------
        int64 (cout, height, width) in low..high.

        Raises
        ------
        RequantizationError : shapes or types that do not fit, or an intermediate result beyond
            64 bits.
        """
        acc = self._integers(acc, "accumulators")
        if (residual is None) != (self.residual_multiplier is None):
            raise RequantizationError("a residual and its multiplier go together: give both")
        # Both fractions over the same power of two: 2^S, or 2^15 where that is larger.
        right, raised = self.shift, np.zeros(self.channels, np.int64)
        scale = raised
        if residual is not None:
            residual = self._integers(residual, "residual")
            if residual.shape != acc.shape:
                raise RequantizationError(
                    f"the residual has shape {residual.shape}, but must have the accumulators' "
                    f"{acc.shape}"
                )
            right = np.maximum(self.shift, RESIDUAL_FRACTION)
            raised = right - self.shift
            scale = self.residual_multiplier << (right - RESIDUAL_FRACTION)
        if not acc.size:
            return acc.astype(np.int64)

        half = np.where(self.shift > 0, np.int64(1) << np.maximum(self.shift - 1, 0), 0)
        self._check_range(acc, residual, scale, half, raised)
        offset = (self.bias + half) << raised
        factor = self.multiplier << raised
        out = np.empty(acc.shape, np.int64)
        step = max(1, BLOCK // acc[0].size)
        for first in range(0, self.channels, step):
            part = slice(first, first + step)
            column = (part, None, None)
            np.multiply(acc[part], factor[column], out=out[part])
            if residual is not None:
                out[part] += residual[part] * scale[column]
            out[part] += offset[column]
            out[part] >>= right[column]
            np.clip(out[part], self.low, self.high, out=out[part])
        return out

    def _integers(self, values: np.ndarray, name: str) -> np.ndarray:
        values = np.asarray(values)
        if values.dtype.kind not in "iu" or values.dtype == np.uint64:
            raise RequantizationError(f"{name} are {values.dtype}, but must be signed integers")
        if values.ndim != 3 or values.shape[0] != self.channels:
            raise RequantizationError(
                f"{name} have shape {values.shape}, but must be (channel, y, x) with "
                f"{self.channels} channels"
            )
        return values

    def _check_range(
        self,
        acc: np.ndarray,
        residual: np.ndarray | None,
        scale: np.ndarray,
        half: np.ndarray,
        raised: np.ndarray,
    ) -> None:
        reach = _reach(acc)
        added = _reach(residual) if residual is not None else [0] * self.channels
        for channel in range(self.channels):
            bound = (
                reach[channel] * int(self.multiplier[channel])
                + abs(int(self.bias[channel]))
                + int(half[channel])
            )
            bound = (bound << int(raised[channel])) + added[channel] * int(scale[channel])
            if bound >> 63:
                raise RequantizationError(
                    f"requantizing channel {channel} may reach {bound}, beyond 64-bit integers: "
                    f"use a smaller multiplier and shift"
                )


def fit_requantization(
    acc: np.ndarray,
    output: ActivationFormat,
    relu: bool,
    rng: np.random.Generator | None = None,
) -> Requantization:
    """Parameters that spread given accumulators over the output range, as batch-norm would.

    Each channel is brought to mean 0 and three standard deviations to the largest output; with
    `rng`, its gain (times 3/4 to 5/4) and offset (up to one standard deviation) vary. Multipliers
    are normalised to 2^15..2^16-1. A constant channel comes out as a value within the range.

    Parameters
    ----------
    acc : integers (cout, height, width).
    output : format of the outputs.
    relu : whether negative outputs become 0.
    rng : source of the variation between channels; none without it.
    """
    acc = np.asarray(acc)
    count = len(acc)
    flat = acc.reshape(count, -1).astype(np.float64)
    mean, spread = flat.mean(axis=1), flat.std(axis=1)
    unit = output.high / 3
    gain = np.full(count, unit)
    offset = np.zeros(count)
    if rng is not None:
        gain *= rng.uniform(0.75, 1.25, count)
        offset += unit * rng.uniform(-1, 1, count)
    # A channel that never varies may have any gain; its offset becomes its value.
    constant = spread == 0
    offset = np.where(constant, np.abs(offset) + 1, offset)

    mantissa, exponent = np.frexp(gain / np.where(constant, unit, spread))
    multiplier = np.rint(np.ldexp(mantissa, MULTIPLIER_BITS)).astype(np.int64)
    shift = MULTIPLIER_BITS - exponent.astype(np.int64)
    carried = multiplier >> MULTIPLIER_BITS
    multiplier >>= carried
    shift = np.clip(shift - carried, 0, MAX_SHIFT)
    bias = np.rint(np.ldexp(offset, shift) - mean * multiplier).astype(np.int64)
    return Requantization(
        multiplier=multiplier,
        bias=bias,
        shift=shift,
        low=0 if relu else output.low,
        high=output.high,
    )


def _per_channel(values: object, name: str, low: int, high: int) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise RequantizationError(
            f"{name} is a {array.dtype} array of shape {array.shape}, but must hold one integer "
            f"for each channel"
        )
    if array.size and not low <= int(array.min()) <= int(array.max()) <= high:
        bad = next(int(v) for v in array if not low <= int(v) <= high)
        raise RequantizationError(f"{name} holds {bad}, but must lie in {low}..{high}")
    return array.astype(np.int64)


def _reach(values: np.ndarray) -> list[int]:
    """Largest magnitude of each channel, as Python integers."""
    flat = values.reshape(len(values), -1)
    highs, lows = flat.max(axis=1).tolist(), flat.min(axis=1).tolist()
    return [max(high, -low) for high, low in zip(highs, lows, strict=True)]
