"""The shift-and-accumulate array."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.activation_memory import ActivationMemory
from hw.row import Row
from params import ArrayConfig, layouts


class Array(wiring.Component):
    """Convolves tiles of an activation memory with power-of-two weights, zeros skipped.

    A tile is computed in three moves: `load` fills the activation memory, `runs` the run table,
    and a command on `tiles` starts the rows. Each row then takes its filters from its own weight
    streams and emits requantized activations; the rows meet again when the tile is done. The
    next command is taken then. Loads are accepted at any time, one per cycle, and take one slot
    of the even rows; weight words are taken ahead as far as the weight buffers reach.

    Every nonzero weight costs its row one cycle per pass. A pass takes at least
    `config.drain_words` cycles.

    Parameters
    ----------
    config : the array's parameters.

    Members
    -------
    load : In(stream of layouts.load), always ready.
    runs : In(stream of layouts.run_write), ready between tiles.
    tiles : In(stream of layouts.tile), ready between tiles.
    residuals : In(one stream of layouts.residuals per row), of an array with residuals only.
    headers, masks : In(one stream per row); codes : In(one stream per element of a lane and row).
    outputs : Out(one stream of layouts.outputs per row)
    busy : Out, a tile is under way; done : Out, high for one cycle at its end.
    """

    def __init__(self, config: ArrayConfig):
        self.config = config
        rows, elements = config.rows, config.elements_per_lane
        residuals = {"residuals": In(stream.Signature(layouts.residuals(config))).array(rows)}
        super().__init__(
            {
                **(residuals if config.residuals else {}),
                "load": In(stream.Signature(layouts.load(config))),
                "runs": In(stream.Signature(layouts.run_write(config))),
                "tiles": In(stream.Signature(layouts.tile(config))),
                "headers": In(stream.Signature(layouts.header(config))).array(rows),
                "masks": In(stream.Signature(layouts.masks(config))).array(rows),
                "codes": In(stream.Signature(layouts.codes(config))).array(rows, elements),
                "outputs": Out(stream.Signature(layouts.outputs(config))).array(rows),
                "busy": Out(1),
                "done": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        rows = [Row(config) for _ in range(config.rows)]
        for k, row in enumerate(rows):
            m.submodules[f"row_{k}"] = row
            connect(m, flipped(self.headers[k]), row.headers)
            connect(m, flipped(self.masks[k]), row.masks)
            for f in range(config.elements_per_lane):
                connect(m, flipped(self.codes[k][f]), row.codes[f])
            if config.residuals:
                connect(m, flipped(self.residuals[k]), row.residuals)
            connect(m, row.outputs, flipped(self.outputs[k]))

        self._connect_tiles(m, rows)
        self._connect_memory(m, rows)
        return m

    def _connect_tiles(self, m, rows):
        tile = Signal(layouts.tile(self.config))
        starting = Signal()
        m.d.comb += [self.tiles.ready.eq(~self.busy), self.runs.ready.eq(~self.busy)]
        started = Signal()
        finished = Signal()
        m.d.comb += [
            started.eq(self.tiles.valid & self.tiles.ready),
            finished.eq(self.busy & ~starting & Cat(row.done for row in rows).all()),
        ]
        m.d.sync += [
            starting.eq(started),
            self.busy.eq((self.busy | started) & ~finished),
            self.done.eq(finished),
        ]
        with m.If(started):
            m.d.sync += tile.eq(self.tiles.payload)
        for k, row in enumerate(rows):
            m.d.comb += [
                row.tile.eq(tile),
                row.start.eq(starting & tile.rows[k]),
                row.runs.payload.eq(self.runs.payload),
                row.runs.valid.eq(self.runs.valid & self.runs.ready),
            ]

    def _connect_memory(self, m, rows):
        config = self.config
        slice_layout = data.ArrayLayout(
            data.ArrayLayout(config.activation_bits, config.lanes_per_group), config.lane_groups
        )
        write = Signal()
        address = Signal(range(config.depth), reset_less=True)
        slices = Signal(slice_layout, reset_less=True)
        m.d.comb += self.load.ready.eq(1)
        m.d.sync += [
            write.eq(self.load.valid),
            address.eq(self.load.payload.address),
            slices.eq(self.load.payload.word.as_value()),
        ]
        for k, row in enumerate(rows):
            m.d.comb += [row.write.eq(write & (k % 2 == 0)), row.write_address.eq(address)]
        # A write travels down the lane groups like a step, and its data beside it.
        for g in reversed(range(config.lane_groups)):
            m.submodules[f"memory_{g}"] = ram = ActivationMemory(config)
            following = Signal(slice_layout, name=f"slices_{g}", reset_less=True)
            m.d.sync += following.eq(slices)
            slices = following
            m.d.comb += [ram.write.eq(rows[0].memory_write[g]), ram.data.eq(slices[g])]
            for k, row in enumerate(rows):
                m.d.comb += [
                    ram.address[k].eq(row.address[g]),
                    row.word[g].eq(ram.word[k]),
                ]
