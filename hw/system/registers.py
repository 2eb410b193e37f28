"""The registers of a system, on AXI4-Lite."""

import operator
from functools import reduce

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.system.axi import Response, axi_lite, check_address_bits
from params.commands import Fault
from params.registers import COUNTERS, REGISTERS, WINDOW_ALIGNMENT_BITS, Access, Field, Register
from params.system import OFFSET_BITS


class Registers(wiring.Component):
    """What `params.registers` describes.

    An access to an offset without a register, a write to a register without a writable field,
    a write to a locked register during a run and a start during a run change nothing and are
    answered with SLVERR. The lowest two bits of an address do not count. WSTRB says which bytes are
    written.

    An answer comes two cycles after its request; throughput one access of each kind every two
    cycles. Address and data of a write may come in any order. All outputs come from registers.

    Parameters
    ----------
    address_bits : of the memory bus, 32 to 64.
    digest : of the system's parameters, 32 bits.

    Members
    -------
    axi : In(axi_lite)
    start : Out, a run begins: high for a cycle.
    busy : In, a run is under way: from the cycle after `start` on.
    finished : In, high for a cycle: the run is over, with or without a fault.
    fault : In, high for a cycle: a fault has occurred. The first since the start is kept.
    fault_code : In(Fault), fault_place : In(32), of that fault.
    base : Out(address_bits), size : Out(32), commands : Out(32): the memory window, and the offset
        of the first command. They are constant during a run.
    cycles, compute, wait_load, wait_store, wait_weights : In(64), the counters.
    interrupt : Out, a cycle behind: done or error is set, and interrupts are enabled.

    Raises
    ------
    ConfigError : `address_bits` is out of range.
    """

    def __init__(self, *, address_bits: int = 32, digest: int = 0):
        check_address_bits(address_bits)
        self._address_bits = address_bits
        self._digest = digest
        self._lite = axi_lite()
        super().__init__(
            {
                "axi": In(self._lite),
                "start": Out(1),
                "busy": In(1),
                "finished": In(1),
                "fault": In(1),
                "fault_code": In(Fault),
                "fault_place": In(OFFSET_BITS),
                "base": Out(address_bits),
                "size": Out(OFFSET_BITS),
                "commands": Out(OFFSET_BITS),
                "interrupt": Out(1),
            }
            | {name.lower(): In(64) for name in COUNTERS}
        )

    def elaborate(self, platform):
        m = Module()
        axi = self.axi
        code = Signal(Fault)
        place = Signal(OFFSET_BITS)
        values = self._values(code, place)

        # Write: address and data are each kept until both are there.
        address = Signal.like(axi.awaddr)
        mask = Signal(32)
        word = Signal(32)
        address_kept = Signal()
        word_kept = Signal()
        write = Signal()
        m.d.comb += [
            axi.awready.eq(~address_kept),
            axi.wready.eq(~word_kept),
            write.eq(address_kept & word_kept & (~axi.bvalid | axi.bready)),
        ]
        with m.If(axi.awready):
            m.d.sync += [address_kept.eq(axi.awvalid), address.eq(axi.awaddr)]
        with m.If(axi.wready):
            m.d.sync += [
                word_kept.eq(axi.wvalid),
                word.eq(axi.wdata),
                mask.eq(Cat(strobe.replicate(8) for strobe in axi.wstrb)),
            ]
        with m.If(write):
            m.d.sync += [address_kept.eq(0), word_kept.eq(0)]

        running = Signal()
        m.d.comb += running.eq(self.busy | self.start)
        accepted = Signal()
        accepts = []
        stored = word & mask
        start = values["CONTROL", "start"]
        for register in REGISTERS:
            if not register.writable:
                continue
            here = Signal(name=f"write_{register.name.lower()}")
            # A field that starts a run is refused during one, as is all of a locked register.
            blocked = running if register.locked else Const(0)
            if register.name == "CONTROL":
                blocked = running & stored[0]
            m.d.comb += here.eq((address[2:] == register.offset // 4) & ~blocked)
            accepts.append(here)
            for field in register.fields:
                value = values[register.name, field.name]
                bits = slice(field.low, field.low + field.width)
                if field.access == Access.STORED and len(value):
                    with m.If(write & here):
                        m.d.sync += value.eq((value & ~mask[bits]) | stored[bits])
                elif field.access == Access.EVENT:
                    with m.If(write & here & stored[field.low]):
                        m.d.sync += value.eq(0)
                elif field.access == Access.PULSE:
                    m.d.comb += value.eq(write & here & stored[field.low])
        m.d.comb += accepted.eq(_any(accepts))
        with m.If(write):
            m.d.sync += [
                axi.bvalid.eq(1),
                axi.bresp.eq(Mux(accepted, Response.OKAY, Response.SLVERR)),
            ]
        with m.Elif(axi.bready):
            m.d.sync += axi.bvalid.eq(0)

        # Events. They come after what the bus clears, so that none is lost.
        done, error = values["STATUS", "done"], values["STATUS", "error"]
        m.d.sync += self.start.eq(start)
        with m.If(self.finished):
            m.d.sync += done.eq(1)
        with m.If(self.fault):
            m.d.sync += error.eq(1)
            with m.If(code == Fault.NONE):
                m.d.sync += [code.eq(self.fault_code), place.eq(self.fault_place)]
        with m.If(start):
            m.d.sync += [done.eq(0), error.eq(0), code.eq(Fault.NONE), place.eq(0)]
        m.d.sync += self.interrupt.eq((done | error) & values["CONTROL", "interrupt_enable"])
        m.d.comb += [
            self.base.eq(
                Cat(
                    Const(0, WINDOW_ALIGNMENT_BITS),
                    values["WINDOW_BASE", "base"],
                    values["WINDOW_BASE_HIGH", "base"],
                )
            ),
            self.size.eq(values["WINDOW_SIZE", "size"]),
            self.commands.eq(values["COMMANDS", "offset"]),
        ]

        # Read.
        chosen = Signal(len(REGISTERS))
        read_kept = Signal()
        read = Signal()
        m.d.comb += [
            axi.arready.eq(~read_kept),
            read.eq(read_kept & (~axi.rvalid | axi.rready)),
        ]
        with m.If(axi.arready):
            m.d.sync += [
                read_kept.eq(axi.arvalid),
                chosen.eq(Cat(axi.araddr[2:] == register.offset // 4 for register in REGISTERS)),
            ]
        with m.If(read):
            m.d.sync += [
                read_kept.eq(0),
                axi.rvalid.eq(1),
                axi.rdata.eq(
                    _any(
                        Mux(here, _word(register, values), 0)
                        for here, register in zip(chosen, REGISTERS, strict=True)
                    )
                ),
                axi.rresp.eq(Mux(chosen.any(), Response.OKAY, Response.SLVERR)),
            ]
        with m.Elif(axi.rready):
            m.d.sync += axi.rvalid.eq(0)
        return m

    def _values(self, code, place):
        """The signal of every field, by the names of register and field."""
        status = {
            ("STATUS", "busy"): self.busy | self.start,
            ("FAULT", "code"): code.as_value(),
            ("PLACE", "place"): place,
            ("CONFIG", "digest"): Const(self._digest, 32),
        }
        for name in COUNTERS:
            counter = getattr(self, name.lower())
            status[name, "count"] = counter[:32]
            status[f"{name}_HIGH", "count"] = counter[32:]
        # Of the upper half of the base, only what the bus has.
        widths = {("WINDOW_BASE_HIGH", "base"): self._address_bits - 32}

        def value(register: Register, field: Field):
            key = register.name, field.name
            if field.access == Access.CONSTANT:
                return Const(field.value, field.width)
            if field.access == Access.STATUS:
                return status[key]
            return Signal(
                widths.get(key, field.width), name=f"{register.name}_{field.name}".lower()
            )

        return {
            (register.name, field.name): value(register, field)
            for register in REGISTERS
            for field in register.fields
        }


def _word(register, values):
    """What `register` reads as."""
    return _any(
        values[register.name, field.name] << field.low
        for field in register.fields
        if field.access != Access.PULSE
    )


def _any(values):
    return reduce(operator.or_, values)
