"""A row's weights as they lie in memory: units of packets, see `params.commands.WEIGHT_PACKET`."""

from dataclasses import dataclass

import numpy as np

from compiler.program import RowStream
from params import ArrayConfig, layouts, packing
from params.commands import NO_CHANNEL, Packet
from params.system import UNIT_BYTES


@dataclass(frozen=True, kw_only=True, eq=False)
class UnpackedRow:
    """What a row is sent for a tile.

    Parameters
    ----------
    headers, masks : packed words, uint8 (words, bytes).
    codes : for each code stream packed words.
    places : int64 (groups, F), bytes from the map's start, `NO_CHANNEL` for a missing filter.
    """

    headers: np.ndarray
    masks: np.ndarray
    codes: tuple[np.ndarray, ...]
    places: np.ndarray


def pack_row(stream: RowStream, config: ArrayConfig, places: np.ndarray) -> np.ndarray:
    """The units of a row's weights.

    Parameters
    ----------
    places : int64 (groups, F), place of each channel in the map, `NO_CHANNEL` for none.

    Returns
    -------
    uint32 (units,).
    """
    weights = stream.weights
    headers, masks = _units(stream.headers), _units(stream.masks)
    codes = [_units(words) for words in stream.codes]
    mask = 0
    code = [0] * len(codes)
    parts = []
    for group, place in enumerate(places):
        parts += [_head(Packet.GROUP.value, 1), headers[group], place.astype(np.uint32)]
        count = int(weights.groups[group])
        parts += _packet(Packet.MASKS.value, masks[mask : mask + count])
        mask += count
        for element, words in enumerate(codes):
            count = int(weights.code_words[group, element])
            own = words[code[element] : code[element] + count]
            parts += _packet(Packet.CODES.value + element, own)
            code[element] += count
    return np.concatenate(parts)


def unpack_row(units: np.ndarray, config: ArrayConfig) -> UnpackedRow:
    """The words in a row's units, uint32 (units,): the inverse of `pack_row`.

    Raises
    ------
    ValueError : the packets are malformed.
    """
    streams = config.elements_per_lane
    sizes = {
        Packet.GROUP.value: packing.word_bytes(layouts.header(config)),
        Packet.MASKS.value: packing.word_bytes(layouts.masks(config)),
        **dict.fromkeys(
            range(Packet.CODES.value, Packet.CODES.value + streams),
            packing.word_bytes(layouts.codes(config)),
        ),
    }
    found: dict[int, list[np.ndarray]] = {kind: [] for kind in sizes}
    places = []
    at = 0
    while at < len(units):
        kind, count = int(units[at]) & 0xFF, int(units[at]) >> 8
        if kind not in sizes:
            raise ValueError(f"unit {at} begins a packet of the unknown kind {kind}")
        if kind == Packet.GROUP.value and count != 1:
            raise ValueError(f"the filter group at unit {at} has {count} headers")
        width = -(-sizes[kind] // UNIT_BYTES)
        own = units[at + 1 : at + 1 + count * width]
        at += 1 + count * width
        if kind == Packet.GROUP.value:
            places.append(units[at : at + config.filters_per_row].astype(np.int64))
            at += config.filters_per_row
        if at > len(units):
            raise ValueError("the last packet is cut off")
        octets = own.astype("<u4").view(np.uint8).reshape(count, width * UNIT_BYTES)
        found[kind].append(octets[:, : sizes[kind]])
    joined = {
        kind: np.concatenate(parts) if parts else np.zeros((0, sizes[kind]), dtype=np.uint8)
        for kind, parts in found.items()
    }
    return UnpackedRow(
        headers=joined[Packet.GROUP.value],
        masks=joined[Packet.MASKS.value],
        codes=tuple(joined[Packet.CODES.value + n] for n in range(streams)),
        places=np.array(places).reshape(-1, config.filters_per_row),
    )


def channel_places(channels: np.ndarray, pitch: int) -> np.ndarray:
    """The places of channels, int64 of any shape, -1 for none, in a map."""
    return np.where(channels >= 0, channels * pitch, NO_CHANNEL)


def _head(kind: int, words: int) -> np.ndarray:
    return np.array([kind | words << 8], dtype=np.uint32)


def _packet(kind: int, words: np.ndarray) -> list[np.ndarray]:
    """A packet of words in units, uint32 (words, units); none when there are no words."""
    return [_head(kind, len(words)), words.reshape(-1)] if len(words) else []


def _units(words: np.ndarray) -> np.ndarray:
    """Packed words, uint8 (words, bytes), as uint32 (words, units)."""
    count, size = words.shape
    padded = np.zeros((count, -(-size // UNIT_BYTES) * UNIT_BYTES), dtype=np.uint8)
    padded[:, :size] = words
    return padded.view("<u4").astype(np.uint32)
