"""The order in which the words of a filter group go to a row, one kind after the other."""

from collections.abc import Iterator

import numpy as np

from compiler.program import RowStream
from params import ArrayConfig, layouts, packing
from params.commands import Packet

CHUNK = 16
"""Most mask words that are sent before the first code word that they need."""


def order_words(stream: RowStream, config: ArrayConfig) -> Iterator[list[tuple[int, int, int]]]:
    """For each filter group the parts of its mask and code words, in the order they are sent.

    A row that takes the parts one after the other never stops for good, whatever the lengths of
    its filters, if its buffers hold `mask_depth` mask words and, for each filter, `code_depth` code
    words. It can stop only where it misses a word that comes behind one that it has no room for:

    - All mask words of a chunk are sent before its first code word, but no more than `mask_depth`.
      Before them came all that the positions of earlier chunks need, so the row takes those
      positions, and the chunk finds its buffer empty.
    - The code words of a chunk are sent in batches: those that the positions up to some position
      begin to need, fewer than `code_depth` of any filter. A word is in use from the first position
      that takes a code of it, and words of earlier batches are in use, or have been, before the
      first position that needs one of this batch. That position is reached, since nothing before
      it needs a later word. From then on no buffer holds more than this batch and the word in use,
      which is `code_depth` words at most.

    Nor does a filter group that is taken several times stop: it fits the buffers, and has been sent
    as a whole before anything of the next, once the one before has left.

    Parameters
    ----------
    stream : of integers, whose filters take no turns.

    Yields
    ------
    Per filter group (kind, start, stop): words start to stop of the stream's masks if `kind` is
    that of `Packet.MASKS`, of its codes of filter kind - CODES otherwise.
    """
    masks = packing.unpack(layouts.masks(config), stream.masks).astype(np.uint64)
    first_mask = 0
    first_code = np.zeros(config.elements_per_lane, dtype=np.int64)
    for groups, code_words in zip(stream.weights.groups, stream.weights.code_words, strict=True):
        of_group = masks[first_mask : first_mask + groups]
        yield _order_group(of_group, first_mask, first_code, config)
        first_mask += int(groups)
        first_code = first_code + code_words


def _order_group(
    masks: np.ndarray, first_mask: int, first_code: np.ndarray, config: ArrayConfig
) -> list[tuple[int, int, int]]:
    filters = config.elements_per_lane
    per_word = config.codes_per_word
    # Dense filters have one mask in common.
    taken = np.broadcast_to(
        np.cumsum(np.bitwise_count(masks), axis=0, dtype=np.int64), (len(masks), filters)
    )
    begun = -(-taken // per_word)
    parts = []
    sent = np.zeros(filters, dtype=np.int64)
    chunk = min(CHUNK, config.mask_depth)
    for start in range(0, len(masks), chunk):
        stop = min(start + chunk, len(masks))
        parts.append((Packet.MASKS.value, first_mask + start, first_mask + stop))
        before = taken[start - 1] if start else np.zeros(filters, dtype=np.int64)
        for amounts in _batches(masks[start:stop], before, sent, begun[stop - 1], config):
            for f in np.flatnonzero(amounts):
                place = int(first_code[f] + sent[f])
                parts.append((Packet.CODES.value + int(f), place, place + int(amounts[f])))
            sent = sent + amounts
    return parts


def _batches(
    masks: np.ndarray, before: np.ndarray, sent: np.ndarray, begun: np.ndarray, config: ArrayConfig
) -> Iterator[np.ndarray]:
    """Split the code words of a chunk, from `sent` to `begun`, into batches, each int64 (F,).

    `before` counts the codes that earlier chunks take.
    """
    limit = config.code_depth - 1
    if (begun - sent <= limit).all():
        yield begun - sent
        return
    place = np.arange(config.mask_bits, dtype=np.uint64)
    bits = (masks[..., None] >> place & np.uint64(1)).astype(bool)
    needed = []
    for f in range(config.elements_per_lane):
        positions = np.flatnonzero(bits[:, f if config.masks_per_word > 1 else 0])
        firsts = np.arange(sent[f], begun[f]) * config.codes_per_word - before[f]
        needed.append(positions[firsts])
    done = np.zeros(len(needed), dtype=np.int64)
    while (done < begun - sent).any():
        # The batch ends before the first position that would begin one word too many.
        end = min(
            (int(at[n + limit]) for at, n in zip(needed, done, strict=True) if n + limit < len(at)),
            default=masks.shape[0] * config.mask_bits,
        )
        upto = np.array([np.searchsorted(at, end) for at in needed])
        yield upto - done
        done = upto
