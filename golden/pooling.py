"""Max-pooling of integer activations."""

from dataclasses import dataclass

import numpy as np

from golden.shape import Pair, ShapeError, pair


@dataclass(frozen=True, kw_only=True)
class MaxPool:
    """The parameters of a max-pool, see `max_pool`.

    Parameters
    ----------
    kernel, stride, padding : an integer or a (y, x) pair, stored as a pair.
    ceil_mode : whether a last window may hang over the far edge.

    Raises
    ------
    ShapeError : a value out of range.
    """

    kernel: Pair
    stride: Pair
    padding: Pair = 0
    ceil_mode: bool = False

    def __post_init__(self) -> None:
        for name, least in (("kernel", 1), ("stride", 1), ("padding", 0)):
            object.__setattr__(self, name, pair(getattr(self, name), name=name, least=least))

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of what an image of `height` x `width` pixels becomes.

        Raises
        ------
        ShapeError : the padding exceeds half the kernel, or there is no output.
        """
        return _output_size((height, width), self.kernel, self.stride, self.padding, self.ceil_mode)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Pool integers (channel, y, x); see `max_pool`."""
        return max_pool(x, self.kernel, self.stride, self.padding, self.ceil_mode)


def max_pool(
    x: np.ndarray,
    kernel: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
) -> np.ndarray:
    """The largest value under each position of a window.

    Parameters
    ----------
    x : integers (channel, y, x).
    kernel, stride, padding : an integer or a (y, x) pair; `stride` is `kernel` when None. Padding
        never wins, and may be at most half the kernel.
    ceil_mode : let a last window hang over the far edge by less than its stride, if it starts
        inside the image or the padding before it, as Caffe and PyTorch do.

    Returns
    -------
    Array of the type of `x` (channel, output y, output x).

    Raises
    ------
    ShapeError : sizes out of range, an array that is not an integer image, or no output.
    """
    kernel = pair(kernel, name="kernel", least=1)
    stride = kernel if stride is None else pair(stride, name="stride", least=1)
    padding = pair(padding, name="padding", least=0)
    x = np.asarray(x)
    if x.dtype.kind not in "iu" or x.ndim != 3:
        raise ShapeError(
            f"max-pooling takes integers (channel, y, x), not {x.dtype} of shape {x.shape}"
        )
    height, width = _output_size(x.shape[1:], kernel, stride, padding, ceil_mode)

    reach = [(n - 1) * s + k for n, s, k in zip((height, width), stride, kernel, strict=True)]
    least = np.iinfo(x.dtype).min
    frame = [max(r, n + p) for r, n, p in zip(reach, x.shape[1:], padding, strict=True)]
    padded = np.full((x.shape[0], *frame), least, x.dtype)
    padded[:, padding[0] : padding[0] + x.shape[1], padding[1] : padding[1] + x.shape[2]] = x
    out = np.full((x.shape[0], height, width), least, x.dtype)
    for ky in range(kernel[0]):
        rows = padded[:, ky : ky + (height - 1) * stride[0] + 1 : stride[0]]
        for kx in range(kernel[1]):
            window = rows[:, :, kx : kx + (width - 1) * stride[1] + 1 : stride[1]]
            np.maximum(out, window, out=out)
    return out


def _output_size(size, kernel, stride, padding, ceil_mode) -> tuple[int, int]:
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise ShapeError(f"padding is {padding}, but may be at most half the kernel {kernel}")
    height, width = (
        _outputs(n, k, s, p, ceil_mode)
        for n, k, s, p in zip(size, kernel, stride, padding, strict=True)
    )
    if height < 1 or width < 1:
        raise ShapeError(f"the output is empty: a {kernel} window does not fit {size}")
    return height, width


def _outputs(size: int, kernel: int, stride: int, padding: int, ceil_mode: bool) -> int:
    room = size + 2 * padding - kernel
    if room < 0 and not ceil_mode:
        return 0
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    # A window beyond the image and its leading padding would see nothing at all.
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    return count
