"""Comparison of what the array gave with what the golden model says."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Mismatch:
    """The first output, in the order of channel, y, x, that is not as expected."""

    channel: int
    y: int
    x: int
    got: int | float
    expected: int | float
    count: int

    def __str__(self) -> str:
        return (
            f"output (channel {self.channel}, y {self.y}, x {self.x}) is {self.got}, "
            f"expected {self.expected}; {self.count} outputs differ"
        )


def first_mismatch(got: np.ndarray, expected: np.ndarray) -> Mismatch | None:
    """The first difference of two arrays (channels, height, width), or None.

    Integers are compared by value, floats bit by bit.
    """
    if got.shape != expected.shape:
        raise ValueError(f"shapes differ: {got.shape} and {expected.shape}")
    if got.dtype == np.float32 and expected.dtype == np.float32:
        places = np.argwhere(got.view(np.uint32) != expected.view(np.uint32))
    else:
        places = np.argwhere(got != expected)
    if not len(places):
        return None
    channel, y, x = (int(index) for index in places[0])
    return Mismatch(
        channel=channel,
        y=y,
        x=x,
        got=got[channel, y, x].item(),
        expected=expected[channel, y, x].item(),
        count=len(places),
    )
