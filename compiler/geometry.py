"""One axis of a convolution as a convolution of stride one over phases.

With stride s and dilation d, let g = gcd(s, d), s' = s / g and d' = d / g. Output o = d' * j + rho
and kernel tap k = q * s' + r read input g * d' * (s' * (j + q) + r) + rho * s - padding. So each
residue rho is a convolution of its own, and each phase r a channel of its own, in which position
j + q follows position j: the hardware sees neither stride nor dilation.
"""

from dataclasses import dataclass
from math import gcd
from typing import cast

from golden.shape import ConvShape


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis of a convolution.

    Parameters
    ----------
    kernel, stride, dilation, padding : of the convolution along this axis.
    size, outputs : length of the input and of the output.
    """

    kernel: int
    stride: int
    dilation: int
    padding: int
    size: int
    outputs: int

    @property
    def step(self) -> int:
        """s': kernel taps from one position to the next."""
        return self.stride // gcd(self.stride, self.dilation)

    @property
    def classes(self) -> int:
        """d': residue classes of the outputs."""
        return self.dilation // gcd(self.stride, self.dilation)

    @property
    def phases(self) -> int:
        """Input phases that carry weights."""
        return min(self.step, self.kernel)

    @property
    def shifts(self) -> int:
        """Positions, one per whole step, that a kernel reaches over."""
        return -(-self.kernel // self.step)

    def class_length(self, residue: int) -> int:
        """Outputs of one residue class."""
        return max(0, -(-(self.outputs - residue) // self.classes))

    def output(self, position, residue: int):
        """Output number of a position of a class."""
        return self.classes * position + residue

    def origin(self, output):
        """Input that kernel tap 0 of an output reads; tap k reads k * dilation further."""
        return self.stride * output - self.padding


def axes(shape: ConvShape) -> tuple[Axis, Axis]:
    """The y and the x axis of a convolution."""
    pairs = cast(
        tuple[tuple[int, int], ...], (shape.kernel, shape.stride, shape.dilation, shape.padding)
    )
    sizes = (shape.height, shape.width), (shape.out_height, shape.out_width)
    y, x = (
        Axis(kernel=k, stride=s, dilation=d, padding=p, size=n, outputs=o)
        for k, s, d, p, n, o in zip(*pairs, *sizes, strict=True)
    )
    return y, x
