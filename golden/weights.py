"""Weights that are zero, a power of two, or a sum of two powers of two."""

from dataclasses import dataclass

import numpy as np

from golden.errors import UserError

MAX_LEVELS = 32
"""Most magnitudes a nonzero weight may take."""

LARGEST_EXPONENT = 62
"""Largest power of two that an int64 weight can hold."""


class WeightsError(UserError):
    """Power-of-two weights are malformed, or do not fit an integer grid of 64 bits."""


@dataclass(frozen=True, eq=False)
class PowerOfTwoWeights:
    """Weights with values `sign * 2^(scale - level)`, the quantized states of the paper's (2.1).

    Parameters
    ----------
    sign : int8 array of any shape with values -1, 0, 1.
    level : uint8 array of the same shape with values below `levels`; 0 where `sign` is 0.
    scale : integer array s of shape () or, one value for each output channel, (cout,).
    levels : number n of magnitudes, 1 to 32.

    Raises
    ------
    WeightsError : a type, a shape or a value is not as above.
    """

    sign: np.ndarray
    level: np.ndarray
    scale: np.ndarray
    levels: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", np.asarray(self.scale))
        if not 1 <= self.levels <= MAX_LEVELS:
            raise WeightsError(f"levels is {self.levels}, but must be in 1..{MAX_LEVELS}")
        if self.sign.dtype != np.int8 or self.level.dtype != np.uint8:
            raise WeightsError(
                f"sign and level are {self.sign.dtype} and {self.level.dtype}, but must be int8 "
                f"and uint8"
            )
        if self.sign.shape != self.level.shape:
            raise WeightsError(
                f"sign and level must have one shape, but have {self.sign.shape} and "
                f"{self.level.shape}"
            )
        if self.scale.dtype.kind not in "iu" or self.scale.shape not in ((), self.sign.shape[:1]):
            raise WeightsError(
                f"scale is a {self.scale.dtype} array of shape {self.scale.shape}, but must hold "
                f"one integer, or one for each of the {self.sign.shape[:1]} output channels"
            )
        if self.sign.size and not -1 <= int(self.sign.min()) <= int(self.sign.max()) <= 1:
            raise WeightsError("sign holds a value outside -1, 0, 1")
        if self.level.size and int(self.level.max()) >= self.levels:
            raise WeightsError(
                f"level holds {int(self.level.max())}, but must stay below levels = {self.levels}"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the weight array."""
        return self.sign.shape

    @property
    def per_channel(self) -> bool:
        """Whether every output channel has a scale of its own."""
        return self.scale.ndim == 1

    @property
    def nonzeros(self) -> int:
        """Number of nonzero weights."""
        return int(np.count_nonzero(self.sign))

    @property
    def density(self) -> float:
        """Share of the weights that is not zero."""
        return self.nonzeros / self.sign.size if self.sign.size else 0.0

    def level_counts(self) -> np.ndarray:
        """Weights at each level from the top down, then the zeros: int64 (levels + 1,)."""
        counts = np.bincount(self.level.reshape(-1), minlength=self.levels + 1)
        zeros = self.sign.size - self.nonzeros
        # Zeros carry level 0, so they were counted there.
        counts[0] -= zeros
        counts[self.levels] = zeros
        return counts

    def dequantize(self) -> np.ndarray:
        """The values, float64."""
        return np.ldexp(self.sign.astype(np.float64), self._aligned(self.scale) - self.level)

    def integers(self) -> np.ndarray:
        """The weights as integers on the grid `2^(scale - (levels - 1))`: int64."""
        return self.sign.astype(np.int64) << (self.levels - 1 - self.level.astype(np.int64))

    def _aligned(self, per_row: np.ndarray) -> np.ndarray:
        """`per_row` as int32, shaped to meet the weights along their first axis."""
        row = per_row.astype(np.int32)
        return row.reshape(row.shape + (1,) * (self.sign.ndim - 1)) if row.ndim else row


@dataclass(frozen=True, eq=False)
class MultipointWeights:
    """Weights that are each a sum of power-of-two weights, every term with scales of its own.

    Parameters
    ----------
    terms : one or more terms of one shape.

    Raises
    ------
    WeightsError : no terms, or of different shapes.
    """

    terms: tuple[PowerOfTwoWeights, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", tuple(self.terms))
        if len({term.shape for term in self.terms}) != 1:
            raise WeightsError("weights of several terms take terms of one shape")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the weight array."""
        return self.terms[0].shape

    @property
    def per_channel(self) -> bool:
        """Whether an output channel has scales of its own."""
        return any(term.per_channel for term in self.terms)

    @property
    def nonzeros(self) -> int:
        """Nonzero terms, all counted: the shift-and-adds per output pixel."""
        return sum(term.nonzeros for term in self.terms)

    @property
    def density(self) -> float:
        """Nonzero terms per weight, 0 to the number of terms."""
        size = self.terms[0].sign.size
        return self.nonzeros / size if size else 0.0

    def dequantize(self) -> np.ndarray:
        """The values, float64."""
        return np.sum([term.dequantize() for term in self.terms], axis=0)


@dataclass(frozen=True, eq=False)
class TwoTermWeights(MultipointWeights):
    """Weights that are each a sum of two power-of-two weights, with scales of their own.

    Parameters
    ----------
    terms : the two terms, the larger first; one shape.

    Raises
    ------
    WeightsError : not two terms of one shape.
    """

    terms: tuple[PowerOfTwoWeights, PowerOfTwoWeights]

    def __post_init__(self) -> None:
        if len(tuple(self.terms)) != 2 or self.terms[0].shape != self.terms[1].shape:
            raise WeightsError("two-term weights take exactly two terms of one shape")
        super().__post_init__()


def integer_terms(
    weights: PowerOfTwoWeights | MultipointWeights,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Put all terms of `weights` on one integer grid.

    Returns
    -------
    terms : int64 (T,) + shape; every entry is 0 or plus or minus a power of two.
    exponent : integer array of shape () or (cout,): `terms.sum(0) * 2^exponent` are the values.
    levels : magnitudes the grid needs: every |term| is 2^e with e < levels. For a single term
        these are the levels of `weights`; for more they reach from the smallest magnitude in use
        (of each channel, if scales are per channel) to the largest.

    Raises
    ------
    WeightsError : the terms lie too far apart for 64-bit integers.
    """
    if isinstance(weights, PowerOfTwoWeights):
        return weights.integers()[None], weights.scale - (weights.levels - 1), weights.levels
    rows = weights.shape[0] if weights.per_channel else 1
    lowest = np.full(rows, np.iinfo(np.int64).max)
    for term in weights.terms:
        nonzero = (term.sign != 0).reshape(rows, -1)
        deepest = np.where(nonzero, term.level.reshape(rows, -1), 0).max(axis=1, initial=0)
        bottom = term.scale.astype(np.int64) - deepest
        lowest = np.where(nonzero.any(axis=1), np.minimum(lowest, bottom), lowest)
    # A channel without any nonzero term may lie on any grid.
    grid = np.where(lowest == np.iinfo(np.int64).max, 0, lowest)

    terms, largest = [], 0
    for term in weights.terms:
        top = (term.scale - grid).reshape(-1, 1)
        exponent = top - term.level.reshape(rows, -1).astype(np.int64)
        exponent = np.where(term.sign.reshape(rows, -1) != 0, exponent, 0)
        largest = max(largest, int(exponent.max(initial=0)))
        if largest > LARGEST_EXPONENT - 1:
            raise WeightsError(
                f"the terms are a factor 2^{largest} apart, but 64-bit integers hold 2^"
                f"{LARGEST_EXPONENT - 1}: use fewer terms, or weights of a narrower range"
            )
        terms.append(term.sign.astype(np.int64) << exponent.reshape(term.shape))
    exponents = grid if weights.per_channel else grid.reshape(())
    return np.stack(terms), exponents, 1 + largest
