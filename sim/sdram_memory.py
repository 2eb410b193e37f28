# pyright: reportAttributeAccessIssue=false, reportGeneralTypeIssues=false
"""An SDRAM chip and its controller, to simulate systems with."""

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.sdram.controller import SdramController
from hw.system.axi import axi_read, axi_write
from params.sdram import BURST, RETENTION_NS, SdramConfig

LONGEST_OPEN_NS = 100_000
"""Longest time for which a row may be open: tRAS's upper limit in ISSI's datasheets."""


class SdramMemory(wiring.Component):
    """A memory on AXI4 made of a controller and the chip in `sim/verilog/sdram_model.v`.

    It has the members of `AxiMemory`. The chip's own times are what they are: `seed`, `stalls`,
    `latency`, `order`, `reload`, `low`, `high` and `broken` make no difference, and nothing is
    `outside`.

    Parameters
    ----------
    config : of the chip; `power_up` may be shortened.
    size : bytes that are simulated, a power of two, no more than `config.size`.
    id_bits : of reads and of writes, of which a system's have one bit.
    initial, final : names of the files it is loaded from and written to, in the folder of the run.
    controller : other parameters of the controller.
    chip : config that the chip checks instead; for tests that a fault is found.

    Members
    -------
    read : In(axi_read), write : In(axi_write)
    flush : In, when it rises the memory is written to `final`, once.
    violations : Out(32), of the chip's rules so far. last_violation : Out(8), kind of the last.
    refreshes : Out(32), so far.
    beats_read, beats_written : Out(64), so far.
    """

    def __init__(
        self,
        config: SdramConfig,
        *,
        size: int,
        address_bits: int = 32,
        id_bits: int = 1,
        write_id_bits: int = 1,
        initial: str = "memory.bin",
        final: str = "memory_after.bin",
        controller: dict | None = None,
        chip: SdramConfig | None = None,
    ):
        self._config = config
        self._options = {"address_bits": address_bits, "id_bits": id_bits} | (controller or {})
        self._parameters = chip_parameters(chip or config) | {
            "p_SIZE": size,
            "p_INITIAL": initial,
            "p_FINAL": final,
            "p_ROUND_TRIP": self._options.get("round_trip", 0),
        }
        data_bytes = config.data_bytes
        super().__init__(
            {
                "read": In(axi_read(data_bytes, address_bits=address_bits, id_bits=id_bits)),
                "write": In(
                    axi_write(data_bytes, address_bits=address_bits, id_bits=write_id_bits)
                ),
                "seed": In(32),
                "stalls": In(17),
                "latency": In(16),
                "order": In(2),
                "reload": In(1),
                "low": In(32),
                "high": In(32),
                "broken": In(32),
                "outside": Out(32),
                "flush": In(1),
                "violations": Out(32),
                "last_violation": Out(8),
                "refreshes": Out(32),
                "beats_read": Out(64),
                "beats_written": Out(64),
            }
        )

    def elaborate(self, platform):
        """The two, connected."""
        m = Module()
        m.submodules.controller = controller = SdramController(self._config, **self._options)
        connect(m, flipped(self.read), controller.read)
        for path, member, outer in self.write.signature.flatten(self.write):
            inner = getattr(controller.write, path[-1])
            # Of two widths where ids are.
            m.d.comb += inner.eq(outer) if member.flow == In else outer.eq(inner)
        pins = controller.pins
        m.submodules.chip = Instance(
            "sdram_model",
            **self._parameters,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            i_flush=self.flush,
            **{
                f"i_{name}": getattr(pins, name)
                for name in ("cke", "cs_n", "ras_n", "cas_n", "we_n", "ba", "a", "dqm")
            },
            i_dq_i=pins.dq_o,
            i_dq_driven=pins.dq_oe,
            o_dq_o=pins.dq_i,
            o_violations=self.violations,
            o_last_violation=self.last_violation,
            o_refreshes=self.refreshes,
        )
        m.d.sync += [
            self.beats_read.eq(self.beats_read + (self.read.rvalid & self.read.rready)),
            self.beats_written.eq(self.beats_written + (self.write.wvalid & self.write.wready)),
        ]
        return m


def chip_parameters(config: SdramConfig) -> dict[str, int]:
    """The parameters of the chip's model."""
    return {
        "p_BANK_BITS": config.bank_bits,
        "p_ROW_BITS": config.row_bits,
        "p_COLUMN_BITS": config.column_bits,
        "p_DATA_BYTES": config.data_bytes,
        "p_CAS_LATENCY": config.cas_latency,
        "p_BURST": BURST,
        "p_MODE": config.mode,
        "p_TRCD": config.cycles_rcd,
        "p_TRP": config.cycles_rp,
        "p_TRAS": config.cycles_ras,
        "p_TRAS_MAX": int(LONGEST_OPEN_NS * config.clock_mhz / 1000),
        "p_TRC": config.cycles_rc,
        "p_TRRD": config.cycles_rrd,
        "p_TWR": config.cycles_wr,
        "p_TRFC": config.cycles_rfc,
        "p_TMRD": config.cycles_mrd,
        "p_POWER_UP": config.cycles_power_up,
        "p_REFRESH_INTERVAL": int(RETENTION_NS * config.clock_mhz / 1000) >> config.row_bits,
        "p_REFRESHES": 1 << config.row_bits,
        "p_RETENTION": config.retention,
    }
