"""Exact integer convolution at the speed of floating-point matrix products."""

import copy
import dataclasses
from collections.abc import Iterator

import numpy as np

from golden.arithmetic import EXACT, ExactnessError, Plan, narrow, plan, split
from golden.shape import ConvShape, ShapeError
from golden.threads import share

__all__ = ["Convolution", "ExactnessError", "convolve"]

BLOCK_BYTES = 32 << 20
"""Size of a thread's column matrix. Smaller ones gain nothing alone and lose much on a busy
machine, where the threads of every matrix product wait for each other."""

COPY_BYTES = 2 << 20
"""Activations converted at a time: what stays in the caches for the reductions that follow."""


class Convolution:
    """Filters made ready for exact evaluation on activations of a known magnitude.

    Parameters
    ----------
    weights : integers (cout, cin, kernel y, kernel x).
    shape : the convolution.
    largest : bound of the activations' magnitude.
    arithmetic : "auto", or "float32", "float64" or "int64" to insist on one.

    Members
    -------
    plan : the arithmetic that was chosen, with the bound that proves it exact.

    Raises
    ------
    ShapeError : weights of another shape or type.
    ExactnessError : results may exceed 64 bits, or the arithmetic asked for cannot be exact.
    """

    plan: Plan

    def __init__(
        self, weights: np.ndarray, shape: ConvShape, *, largest: int, arithmetic: str = "auto"
    ) -> None:
        filters = _integers(weights, "weights", shape.weight_shape)
        if filters.dtype == np.uint64 and int(filters.max()) > EXACT["int64"]:
            raise ExactnessError("weights exceed signed 64-bit integers: use fewer levels")
        filters = filters.reshape(shape.cout, shape.taps).astype(np.int64, copy=False)
        filters = narrow(filters)
        self.shape, self.largest = shape, largest
        self.plan = plan(filters, largest, arithmetic)
        self._matrix = split(filters, self.plan)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Convolve.

        Parameters
        ----------
        x : integers (cin, height, width) within the range.

        Returns
        -------
        int64 (cout, output height, output width).

        Raises
        ------
        ShapeError : another shape or type.
        ExactnessError : an activation beyond `largest` in magnitude.
        """
        padded, largest = _pad(x, self.shape)
        if largest > self.largest:
            raise ExactnessError(
                f"activations reach {largest} in magnitude, but exactness was proven up to "
                f"{self.largest}"
            )
        return self._run(padded)

    def resized(self, height: int, width: int) -> "Convolution":
        """The same filters for images of another size; their matrix is shared.

        Raises
        ------
        ShapeError : the image is too small for the filters.
        """
        other = copy.copy(self)
        other.shape = dataclasses.replace(self.shape, height=height, width=width)
        return other

    def _run(self, padded: np.ndarray) -> np.ndarray:
        shape = self.shape
        out = np.empty((shape.cout, shape.out_pixels), np.int64)
        row_bytes = shape.taps * shape.out_width * self._matrix.itemsize
        rows = min(max(1, BLOCK_BYTES // row_bytes), shape.out_height)

        def work(first: int, step: int) -> None:
            tops = range(first * rows, shape.out_height, step * rows)
            scratch = np.empty((0, 0), self._matrix.dtype)
            for where, columns in self._columns(padded, tops, rows):
                if scratch.shape[1] != columns.shape[1]:
                    scratch = np.empty((len(self._matrix), columns.shape[1]), self._matrix.dtype)
                self._accumulate(columns, scratch, out[:, where])

        share(work, -(-shape.out_height // rows))
        return out.reshape(shape.output_shape)

    def _accumulate(self, columns: np.ndarray, sums: np.ndarray, out: np.ndarray) -> None:
        """Evaluate all filters on a column matrix (taps, pixels); `sums` is scratch."""
        cout, starts = self.shape.cout, self.plan.parts
        for index, (start, stop) in enumerate(zip(starts, (*starts[1:], None), strict=True)):
            np.matmul(self._matrix[:, start:stop], columns[start:stop], out=sums)
            if index == 0:
                out[:] = sums[:cout]
            else:
                out += sums[:cout].astype(np.int64)
            for digit in range(1, self.plan.digits):
                upper = sums[digit * cout : (digit + 1) * cout].astype(np.int64)
                upper <<= digit * self.plan.digit_bits
                out += upper

    def _columns(
        self, padded: np.ndarray, tops: range, rows: int
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """The activations under the filters' taps, (taps, pixels), for `rows` output rows each.

        They are valid until the next ones are taken.
        """
        shape = self.shape
        (kernel_y, kernel_x), (stride_y, stride_x) = shape.kernel, shape.stride
        dilation_y, dilation_x = shape.dilation
        kind = self._matrix.dtype
        width = shape.out_width
        # A 1x1 filter reads the activations where they lie.
        direct = shape.kernel == shape.stride == (1, 1) and padded.dtype == kind
        buffer = np.empty((0 if direct else shape.cin, kernel_y, kernel_x, rows * width), kind)
        for top in tops:
            count = min(rows, shape.out_height - top)
            pixels = slice(top * width, (top + count) * width)
            if direct:
                yield pixels, padded.reshape(shape.cin, -1)[:, pixels]
                continue
            if count < rows:
                buffer = np.empty((shape.cin, kernel_y, kernel_x, count * width), kind)
            columns = buffer.reshape(shape.cin, kernel_y, kernel_x, count, width)
            for ky in range(kernel_y):
                first = top * stride_y + ky * dilation_y
                window = padded[:, first : first + (count - 1) * stride_y + 1 : stride_y]
                for kx in range(kernel_x):
                    left = kx * dilation_x
                    right = left + (width - 1) * stride_x + 1
                    columns[:, ky, kx] = window[:, :, left:right:stride_x]
            yield pixels, columns.reshape(shape.taps, -1)


def convolve(
    x: np.ndarray, weights: np.ndarray, shape: ConvShape, *, arithmetic: str = "auto"
) -> np.ndarray:
    """Convolve integers exactly.

    Parameters
    ----------
    x : integers (cin, height, width).
    weights : integers (cout, cin, kernel y, kernel x).
    shape : the convolution.
    arithmetic : "auto", or "float32", "float64" or "int64" to insist on one.

    Returns
    -------
    int64 (cout, output height, output width).

    Raises
    ------
    ShapeError : arrays of another shape or type.
    ExactnessError : results may exceed 64 bits, or the arithmetic asked for cannot be exact.
    """
    padded, largest = _pad(x, shape)
    return Convolution(weights, shape, largest=largest, arithmetic=arithmetic)._run(padded)


def _pad(x: np.ndarray, shape: ConvShape) -> tuple[np.ndarray, int]:
    """`x` in its frame of zeros, float32 if that is exact, else int64; and its largest magnitude.

    Reductions and copies of float32 are several times faster than those of int64.
    """
    x = _integers(x, "activations", shape.input_shape)
    for kind in (np.float32, np.int64):
        padded, largest = _pad_as(kind, x, shape)
        # Rounding is monotonic: what comes out below the limit was exact.
        if kind is np.float32 and largest < EXACT["float32"]:
            return padded, largest
    if x.dtype == np.uint64 and int(x.max()) > EXACT["int64"]:
        raise ExactnessError("activations exceed signed 64-bit integers: use narrower ones")
    return padded, largest


def _pad_as(kind: type, x: np.ndarray, shape: ConvShape) -> tuple[np.ndarray, int]:
    (top, left), (_, height, width) = shape.padding, shape.input_shape
    padded = np.empty((shape.cin, height + 2 * top, width + 2 * left), kind)
    channels = max(1, COPY_BYTES // padded[0].nbytes)
    largest = []

    def work(first: int, step: int) -> None:
        for start in range(first * channels, shape.cin, step * channels):
            part = padded[start : start + channels]
            part[:, :top] = part[:, top + height :] = 0
            part[:, :, :left] = part[:, :, left + width :] = 0
            part[:, top : top + height, left : left + width] = x[start : start + channels]
            largest.append(max(int(part.max()), -int(part.min())))

    share(work, -(-shape.cin // channels))
    return padded, max(largest)


def _integers(array: np.ndarray, name: str, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(array)
    if array.dtype.kind not in "iu":
        raise ShapeError(f"{name} are {array.dtype}, but must be integers")
    if array.shape != shape:
        raise ShapeError(f"{name} have shape {array.shape}, but the layer takes {shape}")
    return array
