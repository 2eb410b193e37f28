"""A row's weights as they lie in memory: packets of 32-bit units."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from compiler.program import RowStream
from compiler.system.weight_order import order_words
from golden.errors import UserError
from params import ArrayConfig, layouts, packing
from params.commands import NO_CHANNEL, WEIGHT_PACKET, Packet
from params.system import UNIT_BYTES

KIND_BITS = WEIGHT_PACKET["kind"].width


class PacketError(UserError):
    """A row's units are no sequence of packets; the message tells the unit and what is wrong."""


class RowWords(NamedTuple):
    """What the packets of a row hold.

    Parameters
    ----------
    headers : uint8 (filter groups, bytes) of `layouts.header`.
    masks : uint8 (mask words, bytes) of `layouts.masks`.
    codes : for each of the F filters uint8 (code words, bytes) of `layouts.codes`.
    places : int64 (filter groups, F), byte offsets of the channels, -1 for a missing filter.
    """

    headers: np.ndarray
    masks: np.ndarray
    codes: tuple[np.ndarray, ...]
    places: np.ndarray


def pack_row(stream: RowStream, config: ArrayConfig, places: np.ndarray) -> np.ndarray:
    """The units of a row: for each filter group its header and places, then masks and codes.

    Masks and codes come in the order in which the row needs them, so that it never stops for good;
    `compiler.system.weight_order.order_words` tells why.

    Parameters
    ----------
    stream : of integers, whose filters take no turns.
    places : int64 (filter groups, F), byte offset of each filter's channel in the output map, -1
        for a missing filter.

    Returns
    -------
    uint32 (units,); see `params.commands.Packet`.

    Raises
    ------
    PacketError : `places` of another shape, or a place that does not fit a unit.
    """
    expected = (len(stream.headers), config.filters_per_row)
    if places.shape != expected:
        raise PacketError(f"places have shape {places.shape}, but must have {expected}")
    if places.size and not (places.min() >= -1 and places.max() < NO_CHANNEL):
        bad = int(places.min() if places.min() < -1 else places.max())
        raise PacketError(f"a channel is at byte {bad}, but must be in 0..{NO_CHANNEL - 1}, or -1")
    headers = _to_units(stream.headers)
    channels = np.where(places < 0, NO_CHANNEL, places).astype(np.uint32)
    words = {
        Packet.MASKS.value: _to_units(stream.masks),
        **{Packet.CODES.value + f: _to_units(codes) for f, codes in enumerate(stream.codes)},
    }
    parts = []
    for group, order in enumerate(order_words(stream, config)):
        parts += [_first_unit(Packet.GROUP.value, 1), headers[group], channels[group]]
        for kind, start, stop in order:
            parts += [_first_unit(kind, stop - start), words[kind][start:stop].reshape(-1)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint32)


def channel_places(channels: np.ndarray, pitch: int) -> np.ndarray:
    """The places of channels, int64 of any shape, -1 for none, in a map."""
    return np.where(channels >= 0, channels * pitch, -1)


def row_bytes(stream: RowStream, config: ArrayConfig) -> int:
    """Bytes of the units of `pack_row`."""
    units = 0
    for order in order_words(stream, config):
        units += 1 + _group_units(config)
        units += sum(1 + (stop - start) * _units(kind, config) for kind, start, stop in order)
    return UNIT_BYTES * units


def unpack_row(units: np.ndarray, config: ArrayConfig) -> RowWords:
    """What the units of a row hold: the inverse of `pack_row`.

    Parameters
    ----------
    units : uint32 (units,).

    Raises
    ------
    PacketError : a packet of unknown kind, of no or too many words, or one that goes on behind the
        last unit; masks or codes before the first group; or a group whose words are not as many as
        its header says.
    """
    words: dict[int, list[np.ndarray]] = {
        kind: [] for kind in range(Packet.CODES.value + config.elements_per_lane)
    }
    # Words of each kind after each group's end.
    counts = []
    for kind, body in _packets(units, config):
        if kind == Packet.GROUP.value:
            counts.append([_count(parts) for parts in words.values()])
        words[kind].append(body)
    counts.append([_count(parts) for parts in words.values()])

    def joined(kind: int) -> np.ndarray:
        empty = np.zeros((0, _units(kind, config)), dtype=np.uint32)
        return np.concatenate([empty, *words[kind]])

    groups = joined(Packet.GROUP.value)
    headers = _to_bytes(groups[:, : -config.filters_per_row], layouts.header(config))
    channels = groups[:, -config.filters_per_row :].astype(np.int64)
    codes = range(Packet.CODES.value, Packet.CODES.value + config.elements_per_lane)
    _check_counts(np.diff(counts, axis=0)[:, Packet.MASKS.value :], headers, config)
    return RowWords(
        headers=headers,
        masks=_to_bytes(joined(Packet.MASKS.value), layouts.masks(config)),
        codes=tuple(_to_bytes(joined(kind), layouts.codes(config)) for kind in codes),
        places=np.where(channels == NO_CHANNEL, -1, channels),
    )


def _packets(units: np.ndarray, config: ArrayConfig) -> Iterator[tuple[int, np.ndarray]]:
    """The kind of each packet and its words, uint32 (words, units of a word)."""
    at = 0
    while at < len(units):
        first = int(units[at])
        kind, count = first & (1 << KIND_BITS) - 1, first >> KIND_BITS
        if kind >= Packet.CODES.value + config.elements_per_lane:
            raise PacketError(
                f"the packet at unit {at} is of kind {kind}, but must be below "
                f"{Packet.CODES.value + config.elements_per_lane}"
            )
        if kind == Packet.GROUP.value and count != 1:
            raise PacketError(f"the group at unit {at} has {count} words, but must have one")
        if not count:
            raise PacketError(f"the packet at unit {at} has no words, but must have one at least")
        if at == 0 and kind != Packet.GROUP.value:
            raise PacketError(f"the first packet is of kind {kind}, but must begin a group")
        size = count * _units(kind, config)
        body = units[at + 1 : at + 1 + size]
        if len(body) < size:
            raise PacketError(
                f"the packet at unit {at} has {size} more units, but only {len(body)} are left"
            )
        yield kind, body.reshape(count, -1)
        at += 1 + size


def _check_counts(counts: np.ndarray, headers: np.ndarray, config: ArrayConfig) -> None:
    lengths = packing.unpack(layouts.header(config), headers)["lengths"]
    expected = np.concatenate([lengths["groups"][:, None], lengths["code_words"]], axis=1)
    for group, (got, said) in enumerate(zip(counts.tolist(), expected.tolist(), strict=True)):
        if got != said:
            raise PacketError(
                f"group {group} has {got[0]} mask words and {got[1:]} code words, but its header "
                f"says {said[0]} and {said[1:]}"
            )


def _units(kind: int, config: ArrayConfig) -> int:
    """Units of a word of a packet; those of a group's only word are its header and places."""
    if kind == Packet.GROUP.value:
        return _group_units(config)
    layout = layouts.masks(config) if kind == Packet.MASKS.value else layouts.codes(config)
    return -(-packing.word_bytes(layout) // UNIT_BYTES)


def _group_units(config: ArrayConfig) -> int:
    header = -(-packing.word_bytes(layouts.header(config)) // UNIT_BYTES)
    return header + config.filters_per_row


def _first_unit(kind: int, words: int) -> np.ndarray:
    return np.array([kind | words << KIND_BITS], dtype=np.uint32)


def _to_units(words: np.ndarray) -> np.ndarray:
    """Bytes (words, bytes) as uint32 (words, units), each word padded to whole units."""
    count, size = words.shape
    padded = np.zeros((count, -(-size // UNIT_BYTES) * UNIT_BYTES), dtype=np.uint8)
    padded[:, :size] = words
    return padded.view("<u4").astype(np.uint32)


def _to_bytes(units: np.ndarray, layout) -> np.ndarray:
    """The inverse of `_to_units` for words of a layout."""
    octets = np.ascontiguousarray(units.astype("<u4")).view(np.uint8)
    return octets[:, : packing.word_bytes(layout)]


def _count(parts: list[np.ndarray]) -> int:
    return sum(map(len, parts))
