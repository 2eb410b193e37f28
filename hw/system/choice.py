"""Chooses one of several values."""

from amaranth.hdl import Mux


def chosen(values: list, index):
    """`values[index]` as a tree of multiplexers; any of them if there is no such value."""
    for n in range((len(values) - 1).bit_length()):
        values = [
            Mux(index[n], values[i + 1], values[i]) if i + 1 < len(values) else values[i]
            for i in range(0, len(values), 2)
        ]
    return values[0]
