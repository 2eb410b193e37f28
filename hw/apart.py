"""Registers of the same value that stay apart."""

from amaranth.hdl import Signal


def register_apart(m, value, name: str):
    """`value`, unsigned, a cycle later: 0 after a reset, in a register for a single purpose.

    It keeps the complement, so that synthesis does not merge it with a register of the value. What
    enables a word of all lanes lies amid that word, far from all else on a large FPGA.
    """
    width = len(value)
    complement = Signal(width, name=name, init=(1 << width) - 1)
    m.d.sync += complement.eq(~value)
    return ~complement
