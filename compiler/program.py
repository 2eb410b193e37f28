"""A layer compiled for the array."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from compiler.activations import from_raw, to_raw
from compiler.epilogue import clamp_fields
from compiler.layout import Layout
from compiler.schedule import Schedule
from compiler.stream import WeightStream
from compiler.tile import Tile
from compiler.tiling import TilePlan
from golden.activations import ActivationFormat
from golden.float_layer import FloatConv
from golden.layer import IntegerConv
from golden.shape import ConvShape
from params import ArrayConfig, layouts, packing


@dataclass(frozen=True, kw_only=True, eq=False)
class RowStream:
    """What a row reads for every tile, packed as in `params.layouts`.

    Parameters
    ----------
    channels : int64 (filter groups, F), output channels, -1 for a missing filter.
    headers : uint8 (filter groups, bytes).
    weights : masks and codes; `masks` and `codes` give its words.
    """

    channels: np.ndarray
    headers: np.ndarray
    weights: WeightStream

    @property
    def masks(self) -> np.ndarray:
        """uint8 (mask words, bytes)."""
        return self.weights.masks

    @property
    def codes(self) -> tuple[np.ndarray, ...]:
        """For each of the F filters of a group uint8 (code words, bytes)."""
        return self.weights.codes

    def cycles(self, config: ArrayConfig) -> int:
        """Cycles of a pass when only the steps, and draining a filter group, take time."""
        return int(np.maximum(config.turns * self.weights.steps, config.drain_words).sum())

    @property
    def bytes(self) -> int:
        """Bytes of headers, masks and codes."""
        return sum(words.size for words in (self.headers, self.masks, *self.codes))


@dataclass(frozen=True, kw_only=True, eq=False)
class Program:
    """Everything the array is given for a layer, and where its outputs go.

    The bench writes the run table once, and for each tile the activation words and then the
    command; every row reads its stream once per tile.

    Parameters
    ----------
    config : the array.
    layer : the convolution; its `shape`.
    plan : the tiles.
    rows : for each row of the array its stream; without filter groups where it has none.
    """

    config: ArrayConfig
    layer: IntegerConv | FloatConv
    plan: TilePlan
    rows: tuple[RowStream, ...]

    @property
    def shape(self) -> ConvShape:
        """The convolution."""
        return self.layer.shape

    @property
    def layout(self) -> Layout:
        """The layout of the activation words."""
        return self.plan.layout

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """The tiles in order."""
        return self.plan.tiles

    @property
    def schedule(self) -> Schedule:
        """What its timing depends on, read back from the packed streams."""
        return Schedule(
            config=self.config,
            plan=self.plan,
            channels=tuple(row.channels for row in self.rows),
            weights=tuple(row.weights.row_weights(self.config) for row in self.rows),
        )

    @cached_property
    def active_rows(self) -> tuple[int, ...]:
        """Rows that have filters: the others take no part and give no outputs."""
        return tuple(k for k, row in enumerate(self.rows) if len(row.channels))

    def run_table(self) -> np.ndarray:
        """The words that write the run table, uint8 (runs, bytes) of `layouts.run_write`."""
        runs = self.layout.runs
        fields = {
            "shift": np.array([run.shift for run in runs]),
            "base": np.array([run.base for run in runs]),
            "groups": np.array([-(-run.length // self.config.mask_bits) for run in runs]),
        }
        table = {"index": np.arange(len(runs)), "run": fields}
        return packing.pack(layouts.run_write(self.config), table, len(runs))

    def command(self, tile: int) -> np.ndarray:
        """The command of a tile, uint8 (1, bytes) of `layouts.tile`."""
        fields = {
            "passes": self.tiles[tile].passes,
            "pitch": self.layout.pitch,
            "rows": sum(1 << row for row in self.active_rows),
            "signed": isinstance(self.layer, IntegerConv) and self.layer.input_format.signed,
            "clamp": clamp_fields(self.layer),
        }
        if self.config.residuals:
            added = self.residual_format
            fields["residual"] = added is not None
            fields["residual_signed"] = added is not None and added.signed
        return packing.pack(layouts.tile(self.config), fields, 1)

    @property
    def residual_format(self) -> ActivationFormat | None:
        """Of the map that is added to the sums; None when none is."""
        return self.layer.residual_format if isinstance(self.layer, IntegerConv) else None

    def residuals(self, tile: int, row: int, residual: np.ndarray) -> np.ndarray:
        """The words that are added to a row's output words of a tile.

        Parameters
        ----------
        residual : integers (cout, out_height, out_width) of the residual's format.

        Returns
        -------
        Packed uint8 (words, bytes) of `layouts.residuals`.
        """
        channel, pixel = self.places(tile, row)
        flat = residual.reshape(self.shape.cout, -1)
        raw = np.where(pixel >= 0, flat[channel, pixel], 0) & (1 << self.config.activation_bits) - 1
        return packing.pack(layouts.residuals(self.config), raw, len(raw))

    def activations(self, tile: int, image: np.ndarray) -> np.ndarray:
        """The activation words of a tile.

        Parameters
        ----------
        tile : its number.
        image : (cin, height, width), the input activations, integers or float32.

        Returns
        -------
        Raw activations, uint8 or uint32 (words, lanes); word n is for address n.

        Raises
        ------
        ActivationError, FloatLayerError, ShapeError : an image that does not fit the layer.
        """
        raw = to_raw(self.layer, image, self.config)
        return self.tiles[tile].activations(self.layout, raw)

    def load(self, tile: int, image: np.ndarray) -> np.ndarray:
        """The words that write a tile's activations, uint8 (words, bytes) of `layouts.load`."""
        words = self.activations(tile, image)
        fields = {"address": np.arange(len(words)), "word": words}
        return packing.pack(layouts.load(self.config), fields, len(words))

    def places(self, tile: int, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Where the elements of a row's output words belong.

        Returns
        -------
        channel, pixel : int64 (words, drain_width), the output channel and the output pixel
        y * out_width + x of each element; both -1 for an element that is dropped.
        """
        config = self.config
        pixels = self.tiles[tile].pixels
        by_word = pixels.reshape(len(pixels), config.drain_width, config.lanes_per_outlet)
        # Axes: filter group, pass, filter, word of the outlet, outlet.
        pixel = by_word.swapaxes(1, 2)[None, :, None]
        channel = self.rows[row].channels[:, None, :, None, None]
        channel, pixel = np.broadcast_arrays(channel, pixel)
        used = (channel >= 0) & (pixel >= 0)

        def in_words(array):
            return np.where(used, array, -1).reshape(-1, config.drain_width)

        return in_words(channel), in_words(pixel)

    def assemble(self, outputs: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
        """The output image from the rows' output words.

        Parameters
        ----------
        outputs : for each tile and each row the words it gave, packed uint8 (words, bytes) of
            `layouts.outputs`; what stands for a row that is not active is not looked at.

        Returns
        -------
        int64 or float32 (cout, out_height, out_width).
        """
        dtype = np.float32 if isinstance(self.layer, FloatConv) else np.int64
        image = np.zeros((self.shape.cout, self.shape.out_pixels), dtype=dtype)
        for tile, rows in enumerate(outputs):
            for row in self.active_rows:
                channel, pixel = self.places(tile, row)
                used = pixel >= 0
                image[channel[used], pixel[used]] = self.values(rows[row])[used]
        return image.reshape(self.shape.cout, self.shape.out_height, self.shape.out_width)

    def values(self, words: np.ndarray) -> np.ndarray:
        """The activations in packed output words, int64 or float32 (words, drain_width)."""
        raw = packing.unpack(layouts.outputs(self.config), words)
        return from_raw(self.layer, raw, self.config)

    def golden(self, image: np.ndarray, residual: np.ndarray | None = None) -> np.ndarray:
        """The outputs that the array must give, by the golden model.

        Floats are summed in the array's order.

        Parameters
        ----------
        image : (cin, height, width), the input activations, integers or float32.
        residual : (cout, out_height, out_width), what is added to the sums, if anything is.

        Returns
        -------
        int64 or float32 (cout, out_height, out_width).
        """
        if isinstance(self.layer, FloatConv):
            return self.layer.forward(image, self.order)
        return self.layer.forward(image, residual)

    @property
    def order(self) -> np.ndarray:
        """Taps of a filter in the order of their steps, int64 (terms * taps,).

        Each is a place in the flattened (cin, kernel height, kernel width).
        """
        shape = self.shape
        places = np.arange(1, 1 + shape.taps).reshape(1, 1, *shape.weight_shape[1:])
        terms = np.repeat(places, self.layout.terms, axis=0)
        positions = self.layout.arrange(terms).reshape(-1)
        return positions[positions > 0] - 1

    @property
    def nonzeros(self) -> int:
        """Weights that take a step: the nonzero ones over all terms, all of them when dense."""
        return self.shape.weights if self.config.dense else self.layer.nonzeros

    @property
    def lower_bound_cycles(self) -> int:
        """Cycles in which every processing element does one useful step each."""
        return -(-self.nonzeros * self.shape.out_pixels // self.config.processing_elements)

    @property
    def lane_packing(self) -> float:
        """Share of the lanes that compute an output, over all passes."""
        return self.plan.lane_packing

    @property
    def passes(self) -> int:
        """Passes over the filters, summed over the tiles."""
        return self.plan.passes

    @property
    def ideal_cycles(self) -> int:
        """Cycles of the busiest row when only steps and drains take time: no loads, no stalls."""
        return self.passes * max(row.cycles(self.config) for row in self.rows)

    @property
    def load_words(self) -> int:
        """Activation words written, summed over the tiles."""
        return self.plan.load_words

    @property
    def bits_per_weight(self) -> float:
        """Bits of masks and codes per weight of the layer, zeros included."""
        mask_bits, code_bits = layouts.masks(self.config).size, layouts.codes(self.config).size
        bits = sum(
            mask_bits * len(row.masks) + code_bits * sum(map(len, row.codes)) for row in self.rows
        )
        return bits / self.shape.weights

    @property
    def weight_bytes(self) -> int:
        """Bytes of headers, masks and codes that go to the rows, summed over the tiles."""
        return len(self.tiles) * sum(row.bytes for row in self.rows)
