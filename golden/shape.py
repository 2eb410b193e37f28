"""The shape of a convolution: sizes in, sizes out, and the work between them."""

import dataclasses
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from golden.errors import UserError

Pair = int | tuple[int, int]


class ShapeError(UserError):
    """A shape is impossible, refused, or does not match the data; the message says which."""


def pair(value: object, *, name: str, least: int) -> tuple[int, int]:
    """`value`, an integer or a (y, x) pair, as a (y, x) pair of integers not below `least`.

    Raises
    ------
    ShapeError : not one or two integers, or one below `least`.
    """
    parts = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(parts) != 2:
        raise ShapeError(f"{name} is {value!r}, but must be an integer or a (y, x) pair")
    return _integer(parts[0], name, least), _integer(parts[1], name, least)


def _integer(value: object, name: str, least: int) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = least - 1
    if number < least:
        raise ShapeError(f"{name} is {value!r}, but must be an integer of at least {least}")
    return number


@dataclass(frozen=True, kw_only=True)
class ConvShape:
    """A two-dimensional convolution of one image; images are (channel, y, x).

    Parameters
    ----------
    cin, cout : input and output channels.
    kernel, stride, dilation, padding : an integer or a (y, x) pair, stored as a pair; padding is
        that many exact zeros on both sides.
    height, width : size of the input image.
    groups : 1; grouped convolutions are refused.

    Raises
    ------
    ShapeError : a value is out of range, the convolution is grouped, or the output is empty.
    """

    cin: int
    cout: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    height: int
    width: int
    groups: int = 1

    if TYPE_CHECKING:
        # The constructor takes more than the fields hold.
        def __init__(
            self,
            *,
            cin: int,
            cout: int,
            kernel: Pair,
            stride: Pair = 1,
            dilation: Pair = 1,
            padding: Pair = 0,
            height: int,
            width: int,
            groups: int = 1,
        ) -> None: ...

    def __post_init__(self) -> None:
        for name in ("cin", "cout", "height", "width", "groups"):
            object.__setattr__(self, name, _integer(getattr(self, name), name, 1))
        for name, least in (("kernel", 1), ("stride", 1), ("dilation", 1), ("padding", 0)):
            object.__setattr__(self, name, pair(getattr(self, name), name=name, least=least))
        if self.groups != 1:
            raise ShapeError(
                f"grouped convolution is refused: groups is {self.groups}, but every filter must "
                f"read all input channels, so run the groups as layers of their own"
            )
        if self.out_height < 1 or self.out_width < 1:
            reach = self.reach
            raise ShapeError(
                f"the output is empty: a kernel that reaches over {reach[0]}x{reach[1]} pixels "
                f"does not fit the {self.height}x{self.width} input with padding "
                f"{self.padding[0]}x{self.padding[1]}"
            )

    @property
    def reach(self) -> tuple[int, int]:
        """Input pixels from a kernel's first tap to its last, both counted, as (y, x)."""
        return self._reach(0), self._reach(1)

    def _reach(self, axis: int) -> int:
        return (self.kernel[axis] - 1) * self.dilation[axis] + 1

    def _output(self, axis: int, size: int) -> int:
        room = size + 2 * self.padding[axis] - self._reach(axis)
        return room // self.stride[axis] + 1

    @property
    def out_height(self) -> int:
        """Rows of the output."""
        return self._output(0, self.height)

    @property
    def out_width(self) -> int:
        """Columns of the output."""
        return self._output(1, self.width)

    @property
    def out_pixels(self) -> int:
        """Pixels of one output channel."""
        return self.out_height * self.out_width

    @property
    def taps(self) -> int:
        """Weights of one filter."""
        return self.cin * self.kernel[0] * self.kernel[1]

    @property
    def weights(self) -> int:
        """Weights of the layer."""
        return self.cout * self.taps

    @property
    def macs(self) -> int:
        """Multiply-accumulates of a dense evaluation, padding counted."""
        return self.weights * self.out_pixels

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(cout, cin, kernel y, kernel x)."""
        return (self.cout, self.cin, *self.kernel)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(cin, height, width)."""
        return self.cin, self.height, self.width

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """(cout, output height, output width)."""
        return self.cout, self.out_height, self.out_width

    def cropped(self, height: int, width: int) -> "ConvShape":
        """The same layer on a crop of its input, cut to the layer's own size where larger.

        Raises
        ------
        ShapeError : a size is not a positive integer, or the crop leaves no output.
        """
        return dataclasses.replace(
            self,
            height=min(_integer(height, "height", 1), self.height),
            width=min(_integer(width, "width", 1), self.width),
        )
