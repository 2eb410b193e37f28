"""The weight stream of one row: masks that tell the nonzero positions, and their codes."""

from dataclasses import dataclass

import numpy as np

from compiler import codes
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
    count, filters, runs, length = weights.shape
    words = -(-length // config.mask_bits)
    padded = np.zeros((count, filters, runs, words * config.mask_bits), dtype=weights.dtype)
    padded[..., :length] = weights
    grid = padded.reshape(count, filters, runs * words, config.mask_bits)
    if config.dense:
        template = np.zeros((runs, words * config.mask_bits), dtype=bool)
        template[:, :length] = True if present is None else present
        template = template.reshape(1, 1, runs * words, config.mask_bits)
        used = np.broadcast_to(template, (count, 1, *template.shape[2:]))
    else:
        used = grid != 0
    union = used.any(axis=1)

    occupied = union.any(axis=2)
    last = runs * words - occupied[:, ::-1].argmax(axis=1)
    groups = np.where(occupied.any(axis=1), last, 1)
    kept = np.arange(runs * words) < groups[:, None]
    words_used = used.swapaxes(1, 2)[kept]
    place = np.uint64(1) << np.arange(config.mask_bits, dtype=np.uint64)
    values = (words_used * place).sum(axis=2, dtype=np.uint64)
    masks = packing.pack(layouts.masks(config), values, len(values))

    # Axes: filter group, filters that take turns, element of a lane, mask word, position.
    split = grid.reshape(count, config.elements_per_lane, config.turns, *grid.shape[2:])
    streams, counts = [], np.zeros((count, config.elements_per_lane), dtype=np.int64)
    for element in range(config.elements_per_lane):
        flags = used[:, element if used.shape[1] > 1 else 0]
        counts[:, element] = config.turns * flags.sum(axis=(1, 2))
        streams.append(np.moveaxis(split[:, element], 1, -1)[flags].reshape(-1))
    code_words = -(-counts // config.codes_per_word)
    return WeightStream(
        groups=groups,
        code_words=code_words,
        steps=union.sum(axis=(1, 2)),
        masks=masks,
        codes=tuple(
            _pack_codes(stream, counts[:, element], code_words[:, element], config)
            for element, stream in enumerate(streams)
        ),
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
        weights = codes.weights(taken, config).reshape(-1, config.turns)
        grid = np.zeros((*flags.shape, config.turns), dtype=weights.dtype)
        grid[flags] = weights
        grids.append(np.moveaxis(grid, -1, 1))
    # Axes: filter group, element, turn, mask word, position.
    grid = np.stack(grids, axis=1).reshape(
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
    for key, values in codes.fields(weights, config).items():
        flat = np.zeros(total * config.codes_per_word, dtype=np.int64)
        flat[slots] = values
        fields[key] = flat.reshape(total, config.codes_per_word)
    return packing.pack(layouts.codes(config), fields, total)
