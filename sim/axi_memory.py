# pyright: reportAttributeAccessIssue=false, reportGeneralTypeIssues=false
"""The memory that systems are simulated with."""

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.system.axi import axi_read, axi_write


class AxiMemory(wiring.Component):
    """A memory on AXI4: the module in `sim/verilog/axi_memory.v`, which says what it does.

    Parameters
    ----------
    data_bytes, address_bits, id_bits : of the bus. The signals of writes have an id of one bit.
    size : bytes.
    initial, final : names of the files it is loaded from and written to, in the folder of the run.
    queue : bursts that may be under way each way.

    Members
    -------
    read : In(axi_read), write : In(axi_write)
    seed : In(32); stalls : In(17), probability times 65536 that a channel pauses in a cycle.
    latency : In(16), cycles from the address of a read to its first beat.
    order : In(2), how addresses and data of writes are taken.
    flush : In, when it rises the memory is written to `final`, once.
    reload : In, when it rises the memory is loaded from `initial` again.
    low, high : In(address_bits), the first byte that may be touched, and the first behind them.
    broken : In(address_bits), bytes from there on are answered with an error, unless it is 0.
    violations : Out(32), of the rules of AXI4 so far.
    outside : Out(32), bursts so far that touch a byte that may not be.
    beats_read, beats_written : Out(64), so far.
    """

    def __init__(
        self,
        data_bytes: int,
        *,
        size: int,
        address_bits: int = 32,
        id_bits: int = 1,
        initial: str = "memory.bin",
        final: str = "memory_after.bin",
        queue: int = 64,
    ):
        self._parameters = {
            "p_DATA_BYTES": data_bytes,
            "p_ADDRESS_BITS": address_bits,
            "p_ID_BITS": id_bits,
            "p_SIZE": size,
            "p_QUEUE": queue,
            "p_INITIAL": initial,
            "p_FINAL": final,
        }
        super().__init__(
            {
                "read": In(axi_read(data_bytes, address_bits=address_bits, id_bits=id_bits)),
                "write": In(axi_write(data_bytes, address_bits=address_bits)),
                "seed": In(32),
                "stalls": In(17),
                "latency": In(16),
                "order": In(2),
                "flush": In(1),
                "reload": In(1),
                "low": In(address_bits),
                "high": In(address_bits),
                "broken": In(address_bits),
                "violations": Out(32),
                "outside": Out(32),
                "beats_read": Out(64),
                "beats_written": Out(64),
            }
        )

    def elaborate(self, platform):
        """The module and its wires."""
        m = Module()
        wires = {
            f"{'i' if member.flow == In else 'o'}_{path[-1]}": value
            for path, member, value in self.signature.flatten(self)
            if not path[-1].startswith(UNUSED)
        }
        m.submodules.memory = Instance(
            "axi_memory", i_clk=ClockSignal(), i_rst=ResetSignal(), **self._parameters, **wires
        )
        return m


UNUSED = tuple(f"{channel}{name}" for channel in ("ar", "aw") for name in (
    "lock", "cache", "prot", "qos",
))  # fmt: skip
"""Signals that make no difference to a memory."""
