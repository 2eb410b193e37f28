# pyright: reportAttributeAccessIssue=false, reportGeneralTypeIssues=false
"""The array between files: the top level that is simulated."""

import inspect
from pathlib import Path

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Signal
from amaranth.lib import data, wiring
from amaranth.lib.enum import Enum
from amaranth.lib.wiring import In, Out

from hw.array import Array
from params import ArrayConfig
from params.packing import word_bytes
from sim.registered_reset import registered_reset

VERILOG = Path(__file__).parent / "verilog"
"""Folder of the Verilog modules of the benches."""

SOURCES = (VERILOG / "stream_source.v", VERILOG / "stream_sink.v")
"""The modules that read and write the streams' files."""

MADE_FROM = (Path(inspect.getfile(registered_reset)), Path(__file__))
"""Python files that the top level is made from, for `sim.build.build`."""


class Phase(Enum, shape=2):
    """What the harness does: the run table once, then loads, starts and computes each tile."""

    RUNS = 0
    LOAD = 1
    TILE = 2
    COMPUTE = 3


def delimited(payload) -> data.StructLayout:
    """A record of a stream that pauses: `end` is set on the last before a pause."""
    return data.StructLayout({"payload": payload, "end": 1})


class Harness(wiring.Component):
    """Drives the array's streams from files and writes its outputs to files.

    The simulator's own file access carries the data, so that a bench in Python need not act on
    every cycle. The run table is written once; then, tile by tile, the activation memory is
    loaded and the tile computed. The weight files start over for every tile. Every source and
    sink stalls at random, from `seed`.

    Members
    -------
    clk, rst : In, see `registered_reset`.
    seed : In(32); stalls : In(17), probability times 65536 that a stream pauses in a cycle.
    tiles : In(32), tiles to compute.
    finished : Out, all tiles are done.
    tiles_done : Out(32); words : Out(64), output words of all rows so far.
    compute_cycles, load_cycles : Out(64), cycles with a tile under way, and between tiles.
    """

    def __init__(self, config: ArrayConfig, *, array: Array | None = None):
        self._array = Array(config) if array is None else array
        super().__init__(
            {
                "clk": In(1),
                "rst": In(1),
                "seed": In(32),
                "stalls": In(17),
                "tiles": In(32),
                "finished": Out(1),
                "tiles_done": Out(32),
                "words": Out(64),
                "compute_cycles": Out(64),
                "load_cycles": Out(64),
            }
        )

    def elaborate(self, platform):
        m = Module()
        registered_reset(m, self.clk, self.rst)
        m.submodules.array = array = self._array
        config = array.config
        phase = Signal(Phase)
        salt = iter(range(1, 1 << 16))

        def source(name, payload, *, valid, ready, loop):
            m.submodules[f"source_{name}"] = Instance(
                "stream_source",
                p_WIDTH=payload.shape().size,
                p_BYTES=word_bytes(payload.shape()),
                p_LOOP=int(loop),
                p_SALT=next(salt),
                p_FILE=f"{name}.bin",
                i_clk=ClockSignal(),
                i_rst=ResetSignal(),
                i_seed=self.seed,
                i_stalls=self.stalls,
                i_ready=ready,
                o_valid=valid,
                o_payload=payload,
            )

        def delimited_source(name, port, during, following):
            record = Signal(delimited(port.payload.shape()), name=f"{name}_record")
            valid = Signal(name=f"{name}_valid")
            ready = Signal(name=f"{name}_ready")
            source(name, record, valid=valid, ready=ready, loop=False)
            m.d.comb += [
                port.payload.eq(record.payload),
                port.valid.eq(valid & (phase == during)),
                ready.eq(port.ready & (phase == during)),
            ]
            with m.If(port.valid & port.ready & record.end):
                m.d.sync += phase.eq(following)

        def stream_into(name, port, *, loop=True):
            source(name, port.payload, valid=port.valid, ready=port.ready, loop=loop)

        delimited_source("runs", array.runs, Phase.RUNS, Phase.LOAD)
        delimited_source("load", array.load, Phase.LOAD, Phase.TILE)
        tile_valid = Signal()
        source(
            "tiles",
            array.tiles.payload,
            valid=tile_valid,
            ready=array.tiles.ready & (phase == Phase.TILE),
            loop=False,
        )
        m.d.comb += array.tiles.valid.eq(tile_valid & (phase == Phase.TILE))
        with m.If(array.tiles.valid & array.tiles.ready):
            m.d.sync += phase.eq(Phase.COMPUTE)
        with m.If(array.done):
            m.d.sync += [phase.eq(Phase.LOAD), self.tiles_done.eq(self.tiles_done + 1)]

        counts = []
        for k in range(config.rows):
            stream_into(f"headers_{k}", array.headers[k])
            stream_into(f"masks_{k}", array.masks[k])
            for f in range(config.elements_per_lane):
                stream_into(f"codes_{k}_{f}", array.codes[k][f])
            if config.residuals:
                stream_into(f"residuals_{k}", array.residuals[k], loop=False)
            count = Signal(64, name=f"words_{k}")
            m.submodules[f"sink_{k}"] = Instance(
                "stream_sink",
                p_WIDTH=array.outputs[k].payload.shape().size,
                p_SALT=next(salt),
                p_FILE=f"outputs_{k}.hex",
                i_clk=ClockSignal(),
                i_rst=ResetSignal(),
                i_seed=self.seed,
                i_stalls=self.stalls,
                i_flush=self.finished,
                i_valid=array.outputs[k].valid,
                i_payload=array.outputs[k].payload,
                o_ready=array.outputs[k].ready,
                o_count=count,
            )
            counts.append(count)

        m.d.comb += self.finished.eq(self.tiles_done == self.tiles)
        m.d.sync += self.words.eq(sum(counts))
        with m.If(array.busy):
            m.d.sync += self.compute_cycles.eq(self.compute_cycles + 1)
        with m.Elif(~self.finished):
            m.d.sync += self.load_cycles.eq(self.load_cycles + 1)
        return m
