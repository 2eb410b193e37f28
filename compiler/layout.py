"""How the activations of a tile lie in the array's memory."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from compiler.geometry import Axis, axes
from golden.shape import ConvShape


@dataclass(frozen=True, kw_only=True)
class Run:
    """An entry of the run table: `length` positions from word `base` up, moved by `shift` lanes."""

    shift: int
    base: int
    length: int


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The order of the activation words, and which weight each position of a run stands for.

    Lanes run along the columns of the image (its rows when `transposed`), passes along the other
    axis. Words are ordered [memory row][copy][phase][channel]. A copy holds the positions that
    lie `shifts` lanes further, so that copies times shifts reach over the whole kernel; to the
    hardware it is nothing but more channels. One run per lane shift covers, from the first
    memory row of a pass on, the [kernel row][copy][phase][channel] of its taps.

    Parameters
    ----------
    shape : the convolution.
    transposed : lanes run along the rows of the image.
    copies : copies of the activations, 1 .. the axis's shifts.
    flat : every pass has memory rows of its own, so that its lanes may be any output pixels;
        needs as many copies as the kernel has shifts.
    terms : powers of two per weight; each has runs of its own over the same positions.
    """

    shape: ConvShape
    transposed: bool = False
    copies: int = 1
    flat: bool = False
    terms: int = 1

    @cached_property
    def _axes(self) -> tuple[Axis, Axis]:
        y, x = axes(self.shape)
        return (x, y) if self.transposed else (y, x)

    @property
    def rows(self) -> Axis:
        """The axis that passes run along."""
        return self._axes[0]

    @property
    def columns(self) -> Axis:
        """The axis that lanes run along."""
        return self._axes[1]

    @cached_property
    def shifts(self) -> int:
        """Lane shifts in use: 0 .. shifts - 1."""
        return -(-self.columns.shifts // self.copies)

    @property
    def halo(self) -> int:
        """Lanes that a segment needs beyond its outputs."""
        return self.shifts - 1

    @cached_property
    def row_words(self) -> int:
        """Words of one memory row."""
        return self.copies * self.columns.phases * self.shape.cin

    @property
    def row_step(self) -> int:
        """Memory rows from one pass to the next."""
        return self.rows.kernel if self.flat else min(self.rows.step, self.rows.kernel)

    @property
    def pitch(self) -> int:
        """Words from one pass to the next."""
        return self.row_step * self.row_words

    @property
    def run_length(self) -> int:
        """Positions of one run."""
        return self.rows.kernel * self.row_words

    @property
    def runs(self) -> tuple[Run, ...]:
        """The run table."""
        return self.terms * tuple(
            Run(shift=shift, base=0, length=self.run_length) for shift in range(self.shifts)
        )

    def words(self, passes: int) -> int:
        """Words of a tile of `passes` passes."""
        return (passes - 1) * self.pitch + self.run_length

    def row_taps(self, passes: int) -> np.ndarray:
        """Kernel row, counted from the first pass's, that each memory row of a tile holds.

        Returns int (memory rows,); a flat layout has the kernel rows of one pass only.
        """
        if self.flat:
            return np.arange(self.rows.kernel)
        row = np.arange((passes - 1) * self.row_step + self.rows.kernel)
        if self.row_step == self.rows.step:
            return row
        return row // self.row_step * self.rows.step + row % self.row_step

    @cached_property
    def column_taps(self) -> np.ndarray:
        """Kernel column that each copy and phase holds at lane shift 0, int (copies * phases,)."""
        copy, phase = np.indices((self.copies, self.columns.phases)).reshape(2, -1)
        return copy * self.shifts * self.columns.step + phase

    @cached_property
    def weight_columns(self) -> np.ndarray:
        """Kernel column of each lane shift, copy and phase, int (shifts, copies * phases).

        `columns.kernel` stands for none: such positions have zero weights.
        """
        taps = np.arange(self.shifts)[:, None] * self.columns.step + self.column_taps
        return np.minimum(taps, self.columns.kernel)

    def empty_margins(self, residue: int) -> tuple[int, int]:
        """Lanes at the two ends of a whole strip of a column class that hold only zeros.

        Returns the number at the start and the number, at most `halo`, at the end. Strips side
        by side may share such lanes.
        """
        axis = self.columns
        lanes = np.arange(axis.class_length(residue) + self.halo)
        x = axis.origin(axis.output(lanes, residue))[:, None] + axis.dilation * self.column_taps
        empty = np.all((x < 0) | (x >= axis.size), axis=1)
        tail = empty[len(empty) - self.halo :] if self.halo else empty[:0]
        return _leading(empty), _leading(tail[::-1])

    def arrange(self, weights: np.ndarray) -> np.ndarray:
        """Weights in the order of the runs' positions.

        Parameters
        ----------
        weights : (terms, cout, cin, kernel height, kernel width), any dtype.

        Returns
        -------
        (cout, runs, run_length), zero where a position has no weight.
        """
        if self.transposed:
            weights = weights.swapaxes(3, 4)
        terms, cout = weights.shape[:2]
        padded = np.concatenate([weights, np.zeros_like(weights[..., :1])], axis=4)
        # (terms, cout, cin, kernel row, shift, copy and phase)
        taken = padded[..., self.weight_columns]
        ordered = taken.transpose(1, 0, 4, 3, 5, 2)
        return ordered.reshape(cout, terms * self.shifts, self.run_length)

    def collect(self, positions: np.ndarray) -> np.ndarray:
        """The weights that lie at the runs' positions: the inverse of `arrange`."""
        cout = len(positions)
        ordered = positions.reshape(
            cout, self.terms, self.shifts, self.rows.kernel, len(self.column_taps), self.shape.cin
        )
        # (terms, cout, cin, kernel row, shift, copy and phase)
        taken = ordered.transpose(1, 0, 5, 3, 2, 4)
        padded = np.zeros((*taken.shape[:4], self.columns.kernel + 1), dtype=positions.dtype)
        padded[..., self.weight_columns] = taken
        weights = padded[..., :-1]
        return weights.swapaxes(3, 4) if self.transposed else weights


def _leading(flags: np.ndarray) -> int:
    """How many flags at the start are set."""
    return len(flags) if flags.all() else int(flags.argmin())
