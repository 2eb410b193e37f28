"""The weight stream of one row: masks that tell the nonzero positions, and their codes."""

from dataclasses import dataclass

import numpy as np

from compiler.row_weights import RowWeights
from params import ArrayConfig, layouts, packing


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightStream:
    """Mask and code words of filter groups, packed as in `params.layouts`.

    Parameters
    ----------
    groups : int64 (n,), mask words of each filter group.
    code_words : int64 (n, F), code words of each of its filters.
    steps : int64 (n,), positions at which any of its filters is nonzero.
    masks : uint8 (mask words, bytes), of all filter groups in order.
    codes : for each of the F filters uint8 (code words, bytes), of all filter groups in order.
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


def encode(weights: np.ndarray, config: ArrayConfig) -> WeightStream:
    """Encode filter groups.

    Parameters
    ----------
    weights : int64 (n, F, runs, positions), each 0 or +-2^e with e < levels; n filter groups.

    Returns
    -------
    The stream; every run is padded to whole mask words, and all-zero mask words at the end of a
    filter group are left out, but for one.
    """
    filters = weights.shape[1]
    used = weights != 0
    row = RowWeights.of(used, config)
    masks = packing.pack(layouts.masks(config), row.masks, len(row.masks))
    counts = used.sum(axis=(2, 3))
    codes = tuple(
        _pack_codes(weights[:, f][used[:, f]], counts[:, f], row.code_words[:, f], config)
        for f in range(filters)
    )
    return WeightStream(
        groups=row.groups, code_words=row.code_words, steps=row.steps, masks=masks, codes=codes
    )


def decode(stream: WeightStream, config: ArrayConfig, *, runs: int, length: int) -> np.ndarray:
    """The weights of a stream: the inverse of `encode`.

    Returns
    -------
    int64 (n, F, runs, length).
    """
    count, filters = stream.code_words.shape
    words = -(-length // config.mask_bits)
    values = packing.unpack(layouts.masks(config), stream.masks).astype(np.uint64)
    place = np.arange(config.mask_bits, dtype=np.uint64)
    bits = (values[..., None] >> place & np.uint64(1)).astype(bool)
    used = np.zeros((count, runs * words, filters, config.mask_bits), dtype=bool)
    used[np.arange(runs * words) < stream.groups[:, None]] = bits
    grid = np.zeros((count, filters, runs * words, config.mask_bits), dtype=np.int64)
    for f in range(filters):
        flags = used[:, :, f]
        counts = flags.sum(axis=(1, 2))
        fields = packing.unpack(layouts.codes(config), stream.codes[f])
        slots = _slots(counts, stream.code_words[:, f], config)
        sign, exponent = (fields[key].reshape(-1)[slots] for key in ("sign", "exponent"))
        grid[:, f][flags] = (1 - 2 * sign) << exponent
    padded = grid.reshape(count, filters, runs, words * config.mask_bits)
    return padded[..., :length]


def _slots(counts: np.ndarray, code_words: np.ndarray, config: ArrayConfig) -> np.ndarray:
    """Place of every code, one filter's after the other's, counted in codes of the stream."""
    before = np.cumsum(code_words) - code_words
    gaps = config.codes_per_word * before - (np.cumsum(counts) - counts)
    return np.arange(counts.sum()) + np.repeat(gaps, counts)


def _pack_codes(
    weights: np.ndarray, counts: np.ndarray, code_words: np.ndarray, config: ArrayConfig
) -> np.ndarray:
    """Code words of the nonzero weights of filters that have `counts` of them."""
    total = int(code_words.sum())
    slots = _slots(counts, code_words, config)
    fields = {}
    for key, values in (("sign", weights < 0), ("exponent", exponents(weights))):
        flat = np.zeros(total * config.codes_per_word, dtype=np.int64)
        flat[slots] = values
        fields[key] = flat.reshape(total, config.codes_per_word)
    return packing.pack(layouts.codes(config), fields, total)


def exponents(weights: np.ndarray) -> np.ndarray:
    """e of nonzero weights +-2^e, exact: frexp gives 0.5 * 2^(e + 1)."""
    return np.frexp(np.abs(weights).astype(np.float64))[1].astype(np.int64) - 1
