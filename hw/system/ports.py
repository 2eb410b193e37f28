"""Layouts and signatures between the blocks of a system."""

from amaranth.hdl import unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from params.commands import PIECE
from params.system import OFFSET_BITS, SystemConfig


def burst(config: SystemConfig) -> data.StructLayout:
    """A request for `beats` beats, 1 to `burst_beats`, from beat `beat` of the window on.

    It does not cross a multiple of `burst_beats`.
    """
    return data.StructLayout(
        {"beat": unsigned(config.beat_bits), "beats": range(config.burst_beats + 1)}
    )


def span(config: SystemConfig) -> data.StructLayout:
    """Any number of neighbouring beats, one at least."""
    return data.StructLayout(
        {"beat": unsigned(config.beat_bits), "beats": unsigned(config.beat_bits)}
    )


def read_port(config: SystemConfig) -> wiring.Signature:
    """A reader of memory, seen from the reader.

    Beats come in the order of the requests, `arriving` in each cycle with one. The reader cannot
    hold them up: it asks for no more than it has room for.
    """
    return wiring.Signature(
        {
            "requests": Out(stream.Signature(burst(config))),
            "arriving": In(1),
            "beat": In(8 * config.bus_bytes),
        }
    )


def write_port(config: SystemConfig) -> wiring.Signature:
    """A writer of memory, seen from the writer.

    For every request `beats` follow, in order, each with a bit per byte that is written; they may
    be offered before their request. `written` is high for a cycle when memory has a burst.
    """
    return wiring.Signature(
        {
            "requests": Out(stream.Signature(burst(config))),
            "beats": Out(
                stream.Signature(
                    data.StructLayout(
                        {"data": 8 * config.bus_bytes, "strobe": unsigned(config.bus_bytes)}
                    )
                )
            ),
            "written": In(1),
        }
    )


def placed_piece(config: SystemConfig) -> data.StructLayout:
    """A piece whose `offset` counts from the start of the window; `index` and `final` are gone."""
    return data.StructLayout(
        {
            "lane": range(config.array.lanes),
            "count": range(config.array.lanes + 1),
            "double": unsigned(1),
            "last": unsigned(1),
            "offset": unsigned(OFFSET_BITS),
        }
    )


def table_piece(config: SystemConfig) -> data.StructLayout:
    """An entry of a table of pieces: a `PIECE` without its index, in as many bits as it needs."""
    return data.StructLayout({**placed_piece(config).members, "final": PIECE.members["final"]})


def word(config: SystemConfig) -> data.ArrayLayout:
    """A value of `activation_bits` for every lane."""
    return data.ArrayLayout(unsigned(config.array.activation_bits), config.array.lanes)
