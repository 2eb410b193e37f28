"""An array as a part of something larger, whose clock is that of its own paths."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In


class Isolated(wiring.Component):
    """An array whose handshake signals come from flip-flops and go to flip-flops.

    Placed by itself, an array has ports without a place. A signal that leaves by one and is used
    inside as well would be led far away and back. Made for measuring: streams through these
    flip-flops would lose words.

    Parameters
    ----------
    array : what is measured; the members are its own.
    """

    def __init__(self, array: wiring.Component):
        self.array = array
        super().__init__(array.signature)

    def elaborate(self, platform):
        m = Module()
        m.submodules.array = array = self.array
        inner = {path: value for path, _, value in array.signature.flatten(array)}
        for path, member, outer in self.signature.flatten(self):
            source, target = (outer, inner[path]) if member.flow == In else (inner[path], outer)
            domain = m.d.sync if path[-1] in ("valid", "ready") else m.d.comb
            domain += target.eq(source)
        return m
