"""The weight stream of one row: masks that tell the nonzero positions, and their codes."""

from dataclasses import dataclass

import numpy as np

from compiler.codes import code_fields, code_weights
from compiler.row_weights import RowWeights
from params import ArrayConfig, layouts, packing


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightStream:
    """Mask and code words of filter groups, packed as in `params.layouts`.

    Parameters
    ----------
    groups : int64 (n,), mask words of each filter group.
    code_words : int64 (n, code streams), code words of each filter, or of those that take turns.
    steps : int64 (n,), positions at which any of its filters takes a step.
    masks : uint8 (mask words, bytes), of all filter groups in order.
    codes : for each code stream uint8 (code words, bytes), of all filter groups in order.
    """

    groups: np.ndarray
    code_words: np.ndarray
    steps: np.ndarray
    masks: np.ndarray
    codes: tuple[np.ndarray, ...]

    def row_weights(self, config: ArrayConfig) -> RowWeights:
        """Where the weights are nonzero, read back from the packed words."""
        masks = packing.unpack(layouts.masks(config), self.masks).astype(np.uint64)
        return RowWeights(groups=self.groups, code_words=self.code_words, masks=masks)


def encode(
    weights: np.ndarray, config: ArrayConfig, *, present: np.ndarray | None = None
) -> WeightStream:
    """Encode filter groups.

    Parameters
    ----------
    weights : (n, F, runs, positions), such as the array takes; n filter groups.
    present : bool (runs, positions), where filters have weights at all; everywhere when None. A
        dense array takes a step at each of them, any other only where weights are nonzero.

    Returns
    -------
    The stream; every run is padded to whole mask words, and all-zero mask words at the end of a
    filter group are left out, but for one.
    """
    used = weights != 0
    if config.dense:
        everywhere = np.ones(weights.shape[2:], dtype=bool) if present is None else present
        used = np.broadcast_to(everywhere, (len(weights), 1, *everywhere.shape))
    row = RowWeights.of(used, config)
    # Axes: filter group, turn, element of a lane, run, position.
    split = (len(weights), config.turns, config.elements_per_lane)
    elements = weights.reshape(*split, *weights.shape[2:])
    codes = []
    for element in range(config.elements_per_lane):
        flags = used[:, element if config.masks_per_word > 1 else 0]
        taken = np.moveaxis(elements[:, :, element], 1, -1)[flags].reshape(-1)
        counts = config.turns * flags.sum(axis=(1, 2))
        codes.append(_pack_codes(taken, counts, row.code_words[:, element], config))
    return WeightStream(
        groups=row.groups,
        code_words=row.code_words,
        steps=row.steps,
        masks=packing.pack(layouts.masks(config), row.masks, len(row.masks)),
        codes=tuple(codes),
    )


def decode(stream: WeightStream, config: ArrayConfig, *, runs: int, length: int) -> np.ndarray:
    """The weights of a stream: the inverse of `encode`.

    Returns
    -------
    (n, F, runs, length), int64 or float32.
    """
    count = len(stream.groups)
    words = -(-length // config.mask_bits)
    values = packing.unpack(layouts.masks(config), stream.masks).astype(np.uint64)
    place = np.arange(config.mask_bits, dtype=np.uint64)
    bits = (values[..., None] >> place & np.uint64(1)).astype(bool)
    used = np.zeros((count, runs * words, config.masks_per_word, config.mask_bits), dtype=bool)
    used[np.arange(runs * words) < stream.groups[:, None]] = bits
    grids = []
    for element, words_of_codes in enumerate(stream.codes):
        flags = used[:, :, element if config.masks_per_word > 1 else 0]
        counts = config.turns * flags.sum(axis=(1, 2))
        slots = _slots(counts, stream.code_words[:, element], config)
        fields = packing.unpack(layouts.codes(config), words_of_codes)
        taken = {key: field.reshape(-1)[slots] for key, field in fields.items()}
        weights = code_weights(taken, config).reshape(-1, config.turns)
        grid = np.zeros((*flags.shape, config.turns), dtype=weights.dtype)
        grid[flags] = weights
        grids.append(np.moveaxis(grid, -1, 1))
    # Axes: filter group, turn, element, mask word, position.
    grid = np.stack(grids, axis=2).reshape(
        count, config.filters_per_row, runs, words * config.mask_bits
    )
    return grid[..., :length]


def _slots(counts: np.ndarray, code_words: np.ndarray, config: ArrayConfig) -> np.ndarray:
    """Place of every code, one filter's after the other's, counted in codes of the stream."""
    before = np.cumsum(code_words) - code_words
    gaps = config.codes_per_word * before - (np.cumsum(counts) - counts)
    return np.arange(counts.sum()) + np.repeat(gaps, counts)


def _pack_codes(
    weights: np.ndarray, counts: np.ndarray, code_words: np.ndarray, config: ArrayConfig
) -> np.ndarray:
    """Code words of weights that take a step, of filter groups that have `counts` of them."""
    total = int(code_words.sum())
    slots = _slots(counts, code_words, config)
    fields = {}
    for key, values in code_fields(weights, config).items():
        flat = np.zeros(total * config.codes_per_word, dtype=np.int64)
        flat[slots] = values
        fields[key] = flat.reshape(total, config.codes_per_word)
    return packing.pack(layouts.codes(config), fields, total)
