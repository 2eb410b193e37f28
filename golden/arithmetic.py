"""How to evaluate integer filters exactly with floating-point matrix products.

A sum of integers comes out exact in floating point, in whatever order it is taken, as long as no
partial sum leaves the range in which the format holds every integer. No partial sum of a filter
exceeds sum |w| * max |x|. Where that is too much for a format, the taps are cut into parts whose
results are added as 64-bit integers, and large weights into two digits.
"""

from dataclasses import dataclass

import numpy as np

from golden.errors import UserError

EXACT = {"float32": 1 << 24, "float64": 1 << 53, "int64": (1 << 63) - 1}
"""Largest magnitude up to which each number format holds every integer."""

ARITHMETICS = ("auto", *EXACT)
"""Names to choose an arithmetic by; "auto" takes the fastest exact one."""

COST = {"float32": 1.0, "float64": 2.1, "int64": 100.0}
"""Time of one multiply-add, relative to float32."""

CONVERSION = 48.0
"""Time to widen one sum and add it to the output, in float32 multiply-adds."""

SEGMENTS = 64
"""Pieces of a filter from which parts are put together."""


class ExactnessError(UserError):
    """Integers are too large for exact evaluation; the message says by how much."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A way to evaluate filters that is proven exact.

    Parameters
    ----------
    arithmetic : "float32", "float64" or "int64".
    digits : digits a weight is cut into, each in a matrix product of its own.
    digit_bits : bits of a lower digit.
    parts : first tap of each part of the filters.
    bound : no result exceeds this magnitude: the largest sum |w| times the largest |x|.
    """

    arithmetic: str
    digits: int
    digit_bits: int
    parts: tuple[int, ...]
    bound: int

    def __str__(self) -> str:
        """One line for reports."""
        return (
            f"{self.arithmetic}, {self.digits} digit(s), {len(self.parts)} part(s), results "
            f"within {self.bound} (below 2^{self.bound.bit_length()})"
        )


def plan(filters: np.ndarray, largest: int, arithmetic: str = "auto") -> Plan:
    """The fastest exact evaluation of `filters` on activations up to `largest` in magnitude.

    Parameters
    ----------
    filters : int64 (cout, taps), or int32 where `narrow` allows it.
    largest : bound of the activations' magnitude.
    arithmetic : one of `ARITHMETICS`.

    Raises
    ------
    ExactnessError : unknown arithmetic, results may exceed 64 bits, or the arithmetic asked for
        cannot be exact.
    """
    if arithmetic not in ARITHMETICS:
        raise ExactnessError(
            f"no arithmetic is called {arithmetic!r}; choose one of {', '.join(ARITHMETICS)}"
        )
    taps = filters.shape[1]
    peak = _peak(filters)
    if peak * largest * taps > EXACT["int64"]:
        bound = max(sum(abs(w) for w in row) for row in filters.tolist()) * largest
        if bound > EXACT["int64"]:
            raise ExactnessError(
                f"a filter's results may reach {bound}, beyond 64-bit integers: use fewer levels "
                f"or smaller activations"
            )
    # Here no magnitude can be that of the smallest integer unless nothing is multiplied by it.
    magnitudes = np.abs(filters)
    starts = np.unique(np.arange(SEGMENTS) * taps // SEGMENTS)
    whole = np.add.reduceat(magnitudes, starts, axis=1)
    bound = int(whole.sum(axis=1).max()) * largest

    best, best_cost = None, float("inf")
    for name in EXACT if arithmetic == "auto" else (arithmetic,):
        for digits in (1, 2) if name != "int64" else (1,):
            if digits * (taps * COST[name] + CONVERSION) >= best_cost:
                continue
            width = -(-peak.bit_length() // digits)
            segments = [whole] if digits == 1 else _digit_segments(magnitudes, width, starts)
            parts = _parts(segments, starts, EXACT[name] // max(largest, 1))
            if not parts:
                continue
            cost = digits * (taps * COST[name] + len(parts) * CONVERSION)
            if cost < best_cost:
                best_cost = cost
                best = Plan(
                    arithmetic=name, digits=digits, digit_bits=width, parts=parts, bound=bound
                )
    if best is None:
        raise ExactnessError(
            f"{arithmetic} cannot evaluate these filters exactly: weights up to {peak} times "
            f"activations up to {largest} leave the {EXACT[arithmetic]} within which it holds "
            f"every integer, even in parts; use 'auto'"
        )
    return best


def narrow(filters: np.ndarray) -> np.ndarray:
    """`filters` (cout, taps) as int32 if no sum of a filter's magnitudes can leave that type."""
    return filters.astype(np.int32) if _peak(filters) * filters.shape[1] < 1 << 31 else filters


def split(filters: np.ndarray, how: Plan) -> np.ndarray:
    """The digits of `filters` in the plan's number format: (digits * cout, taps), lowest first."""
    if how.digits == 1:
        return filters.astype(how.arithmetic)
    cout, taps = filters.shape
    matrix = np.empty((2 * cout, taps), how.arithmetic)
    # Digits take the sign of the weight, so that they never exceed it in magnitude.
    negative = filters >> (8 * filters.itemsize - 1)
    low = np.abs(filters)
    low &= (1 << how.digit_bits) - 1
    low ^= negative
    low -= negative
    matrix[:cout] = low
    np.subtract(filters, low, out=low)
    low >>= how.digit_bits
    matrix[cout:] = low
    return matrix


def _peak(filters: np.ndarray) -> int:
    # The smallest integer of a type has no magnitude in that type.
    return max(int(filters.max()), -int(filters.min()))


def _digit_segments(magnitudes: np.ndarray, width: int, starts: np.ndarray) -> list[np.ndarray]:
    low = magnitudes & ((1 << width) - 1)
    return [np.add.reduceat(digit, starts, axis=1) for digit in (low, magnitudes >> width)]


def _parts(segments: list[np.ndarray], starts: np.ndarray, limit: int) -> tuple[int, ...]:
    """First taps of parts in which no filter's sum of magnitudes exceeds `limit`; () if none do."""
    sums = np.concatenate(segments)
    parts, total = [], None
    for start, segment in zip(starts.tolist(), sums.T, strict=True):
        if int(segment.max()) > limit:
            return ()
        if total is None or int((total + segment).max()) > limit:
            parts.append(start)
            total = segment
        else:
            total = total + segment
    return tuple(parts)
