"""Places bursts in the memory window."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.system.ports import burst
from params.system import OFFSET_BITS, SystemConfig


def placed_burst(config: SystemConfig, address_bits: int) -> data.StructLayout:
    """A burst, the address of its first byte on the bus, and whether it leaves the window."""
    return data.StructLayout(
        {"burst": burst(config), "address": unsigned(address_bits), "outside": unsigned(1)}
    )


class WindowCheck(wiring.Component):
    """Adds the window's base to the place of each burst and checks it against the window's size.

    Latency one cycle, throughput one burst per cycle. `i.ready` follows `o.ready` within the
    cycle; valid and payload are registered.

    Parameters
    ----------
    address_bits : of the bus.

    Members
    -------
    i : In(stream of ports.burst)
    o : Out(stream of placed_burst)
    base : In(address_bits), address of the window's first byte.
    size : In(32), bytes of the window. A beat of which only a part is inside is outside.
    """

    def __init__(self, config: SystemConfig, *, address_bits: int):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(burst(config))),
                "o": Out(stream.Signature(placed_burst(config, address_bits))),
                "base": In(address_bits),
                "size": In(OFFSET_BITS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        byte_bits = self._config.byte_bits
        end = Signal(self._config.beat_bits + 1)
        m.d.comb += [
            end.eq(self.i.payload.beat + self.i.payload.beats),
            self.i.ready.eq(self.o.ready | ~self.o.valid),
        ]
        with m.If(self.i.ready):
            m.d.sync += [
                self.o.valid.eq(self.i.valid),
                self.o.payload.burst.eq(self.i.payload),
                self.o.payload.address.eq(self.base + (self.i.payload.beat << byte_bits)),
                self.o.payload.outside.eq(end > self.size[byte_bits:]),
            ]
        return m
