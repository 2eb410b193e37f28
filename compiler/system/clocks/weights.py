"""The weights of an image: packets and headers as the rows meet them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from compiler.system.image import SystemImage
from compiler.system.weight_packets import KIND_BITS, unpack_row
from params import ArrayConfig, layouts, packing
from params.commands import Packet
from params.system import UNIT_BITS, UNIT_BYTES

# Columns of the table of sequences: where a row's weights begin in the other tables.
FIRST_PACKET, PACKETS, FIRST_GROUP, FIRST_MASK, SEQUENCE = range(5)


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightTables:
    """All weights that the commands send.

    Parameters
    ----------
    sequences : int64 (commands, SEQUENCE), for each command of the weight unit.
    packets : int64 (packets, 2), stream number and words: 0 for a group, 2 for masks, 3 + f for
        codes of filter f.
    groups : int64 (filter groups, 3 + 2 F): `end`, bits of the missing filters, mask words, code
        words of each filter, byte of each filter's channel in the map.
    masks : int64 (mask words, F), the bits of each filter.
    units : int64 (3 + F,), units of a word of each stream: header, places, masks, codes.
    """

    sequences: np.ndarray
    packets: np.ndarray
    groups: np.ndarray
    masks: np.ndarray
    units: np.ndarray


END, MISSING, LENGTHS, CODE_LENGTHS = range(4)
"""Columns of the table of groups; F lengths of code streams are followed by F places."""


def weight_tables(image: SystemImage, sent: Iterable[tuple[int, int, int]]) -> WeightTables:
    """The tables of the weights that commands send.

    Parameters
    ----------
    sent : (command, address, units) of each.
    """
    array = image.config.array
    streams = array.elements_per_lane
    packets = [np.zeros((0, 2), dtype=np.int64)]
    groups = [np.zeros((0, CODE_LENGTHS + 2 * streams), dtype=np.int64)]
    masks = [np.zeros((0, streams), dtype=np.int64)]
    sequences = np.zeros((image.command_count + 2, SEQUENCE), dtype=np.int64)
    known: dict[tuple[int, int], list[int]] = {}
    firsts = [0, 0, 0]
    for command, address, units in sent:
        if (address, units) not in known:
            start = address - image.address
            octets = image.contents[start : start + units * UNIT_BYTES]
            parts = _tables(octets.view("<u4"), array)
            for table, part in zip((packets, groups, masks), parts, strict=True):
                table.append(part)
            known[address, units] = [firsts[0], len(parts[0]), firsts[1], firsts[2]]
            firsts = [first + len(part) for first, part in zip(firsts, parts, strict=True)]
        sequences[command] = known[address, units]
    sizes = [
        layouts.header(array).size,
        UNIT_BITS * array.filters_per_row,
        layouts.masks(array).size,
        *[layouts.codes(array).size] * streams,
    ]
    return WeightTables(
        sequences=sequences,
        packets=np.concatenate(packets),
        groups=np.concatenate(groups),
        masks=np.concatenate(masks),
        units=np.array([-(-size // UNIT_BITS) for size in sizes]),
    )


def _tables(units: np.ndarray, array: ArrayConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Packets, groups and masks of a row."""
    words = unpack_row(units.astype(np.uint32), array)
    headers = packing.unpack(layouts.header(array), words.headers)
    missing = ((words.places < 0) << np.arange(array.filters_per_row)).sum(axis=1)
    lengths = headers["lengths"]
    columns = [headers["end"], missing, lengths["groups"], lengths["code_words"], words.places]
    groups = np.column_stack(columns).astype(np.int64)
    masks = packing.unpack(layouts.masks(array), words.masks).astype(np.uint64).view(np.int64)
    masks = np.broadcast_to(masks, (len(masks), array.elements_per_lane))
    return _packets(units, array), groups, masks


def _packets(units: np.ndarray, array: ArrayConfig) -> np.ndarray:
    sizes = {
        Packet.GROUP.value: -(-layouts.header(array).size // UNIT_BITS) + array.filters_per_row,
        Packet.MASKS.value: -(-layouts.masks(array).size // UNIT_BITS),
    }
    of_codes = -(-layouts.codes(array).size // UNIT_BITS)
    found, at = [], 0
    while at < len(units):
        first = int(units[at])
        kind, words = first & (1 << KIND_BITS) - 1, first >> KIND_BITS
        found.append((kind if kind == Packet.GROUP.value else kind + 1, words))
        at += 1 + words * sizes.get(kind, of_codes)
    return np.array(found, dtype=np.int64).reshape(-1, 2)
