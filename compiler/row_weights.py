"""Where the weights of one row's stream are nonzero: what its timing depends on."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from params import ArrayConfig, layouts, packing


@dataclass(frozen=True, kw_only=True, eq=False)
class RowWeights:
    """Lengths and masks of a row's filter groups, without the codes.

    Parameters
    ----------
    groups : int64 (n,), mask words of each of n filter groups.
    code_words : int64 (n, code streams), code words of each of its filters, or of all that take
        turns.
    masks : uint64 (mask words, masks per word), of all filter groups in order; bit b of a filter's
        mask tells that its weight at the word's position b takes a step.
    """

    groups: np.ndarray
    code_words: np.ndarray
    masks: np.ndarray

    @classmethod
    def of(cls, used: np.ndarray, config: ArrayConfig) -> "RowWeights":
        """From where weights take a step.

        Every run is padded to whole mask words, and all-zero mask words at the end of a filter
        group are left out, but for one.

        Parameters
        ----------
        used : bool (n, masks per word, runs, positions), n filter groups.
        """
        words = _mask_words(used, config.mask_bits)
        occupied = (words != 0).any(axis=2)
        length = occupied.shape[1]
        last = length - occupied[:, ::-1].argmax(axis=1)
        groups = np.where(occupied.any(axis=1), last, 1)
        counts = config.turns * np.bitwise_count(words).sum(axis=1, dtype=np.int64)
        # Dense filters have one mask in common.
        counts = np.broadcast_to(counts, (len(counts), config.elements_per_lane)).copy()
        return cls(
            groups=groups,
            code_words=-(-counts // config.codes_per_word),
            masks=words[np.arange(length) < groups[:, None]],
        )

    @property
    def steps(self) -> np.ndarray:
        """int64 (n,), positions of each filter group at which any of its filters takes a step."""
        if not len(self.groups):
            return np.zeros(0, dtype=np.int64)
        union = np.bitwise_or.reduce(self.masks, axis=1)
        first = np.cumsum(self.groups) - self.groups
        return np.add.reduceat(np.bitwise_count(union).astype(np.int64), first)

    def cycles(self, config: ArrayConfig) -> np.ndarray:
        """int64 (n,), cycles of a pass over each group if only steps and drains take time."""
        return np.maximum(config.turns * self.steps, config.drain_words)

    def fits(self, config: ArrayConfig) -> bool:
        """Whether every filter group fits the weight buffers, so that passes can replay it."""
        return bool(
            self.groups.max(initial=0) <= config.mask_depth
            and self.code_words.max(initial=0) <= config.code_depth
        )

    def bytes(self, config: ArrayConfig) -> int:
        """Bytes of the packed headers, masks and codes."""
        header, masks, codes = _word_bytes(config)
        return (
            header * len(self.groups) + masks * len(self.masks) + codes * int(self.code_words.sum())
        )


@lru_cache(maxsize=64)
def _word_bytes(config: ArrayConfig) -> tuple[int, int, int]:
    """Bytes of a word of the headers, of the masks and of the codes."""
    streams = layouts.header, layouts.masks, layouts.codes
    header, masks, codes = (packing.word_bytes(stream(config)) for stream in streams)
    return header, masks, codes


def _mask_words(used: np.ndarray, mask_bits: int) -> np.ndarray:
    """Masks of all runs, one after the other, uint64 (n, mask words, F)."""
    count, filters, runs, length = used.shape
    words = -(-length // mask_bits)
    padded = np.zeros((count, runs, words * mask_bits, filters), dtype=bool)
    padded[:, :, :length] = used.transpose(0, 2, 3, 1)
    bits = padded.reshape(count, runs * words, mask_bits, filters)
    octets = np.zeros((count, runs * words, filters, 8), dtype=np.uint8)
    packed = np.packbits(bits, axis=2, bitorder="little").swapaxes(2, 3)
    octets[..., : packed.shape[-1]] = packed
    return octets.view("<u8")[..., 0]
