"""A row: one stream of filters across all lanes."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.drain import Drain
from hw.lane_group import LaneGroup
from hw.payloads import beat
from hw.weight_decoder import WeightDecoder
from params import ArrayConfig, layouts
from params.timing import CHANNELS_AHEAD


class Row(wiring.Component):
    """Computes the filters of its streams, one after the other, for every pass of a tile.

    Between `start` and `done` the row takes headers up to the one with `end`; weight words are
    taken ahead at any time. One step is issued per cycle unless its weights have not arrived,
    the drain cannot take the end of a pass yet, or a write to the activation memory has the slot.

    Members
    -------
    start : In, begins a tile; done : Out, nothing of a tile is under way.
    tile : In(layouts.tile), constant between start and done.
    headers, masks, codes : In(streams), the row's weights.
    runs : In(stream of layouts.run_write)
    write : In, write_address : In, takes this cycle's slot to write the activation memory.
    address, memory_write, word : per lane group, to and from the activation memory.
    residuals : In(stream of layouts.residuals), of an array with residuals only.
    outputs : Out(stream of layouts.outputs)
    """

    def __init__(self, config: ArrayConfig):
        self._config = config
        word = data.ArrayLayout(config.activation_bits, config.lanes_per_group)
        residuals = {"residuals": In(stream.Signature(layouts.residuals(config)))}
        super().__init__(
            {
                **(residuals if config.residuals else {}),
                "start": In(1),
                "done": Out(1),
                "tile": In(layouts.tile(config)),
                "headers": In(stream.Signature(layouts.header(config))),
                "masks": In(stream.Signature(layouts.masks(config))),
                "codes": In(stream.Signature(layouts.codes(config))).array(
                    config.elements_per_lane
                ),
                "runs": In(stream.Signature(layouts.run_write(config))),
                "write": In(1),
                "write_address": In(range(config.depth)),
                "address": Out(range(config.depth)).array(config.lane_groups),
                "memory_write": Out(1).array(config.lane_groups),
                "word": In(word).array(config.lane_groups),
                "outputs": Out(stream.Signature(layouts.outputs(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.weights = weights = WeightDecoder(config)
        m.submodules.drain = drain = Drain(config)
        connect(m, flipped(self.masks), weights.masks)
        connect(m, flipped(self.runs), weights.runs)
        for f in range(config.elements_per_lane):
            connect(m, flipped(self.codes[f]), weights.codes[f])
        connect(m, drain.words, flipped(self.outputs))
        m.d.comb += [
            weights.pitch.eq(self.tile.pitch),
            weights.passes.eq(self.tile.passes),
            drain.passes.eq(self.tile.passes),
            drain.clamp.eq(self.tile.clamp),
        ]
        if config.residuals:
            connect(m, flipped(self.residuals), drain.residuals)
            m.d.comb += [
                drain.adds.eq(self.tile.residual),
                drain.signed.eq(self.tile.residual_signed),
            ]

        # Headers of the next tile wait outside: its number of passes may be another.
        admitting = Signal()
        # Decided a cycle before. Only an admission would make it wrong, and none follows at once.
        may_admit = Signal()
        admitted = Signal()
        # Filter groups whose last pass has not ended, and passes of the present one that have.
        pending = Signal(range(2 * CHANNELS_AHEAD + 2))
        ended = Signal(range(config.max_passes + 1))
        finished = Signal()
        header = self.headers.payload
        m.d.comb += [
            weights.lengths.payload.eq(header.lengths),
            drain.epilogues.payload.eq(header.epilogue),
            self.headers.ready.eq(may_admit),
            admitted.eq(self.headers.valid & may_admit),
            weights.lengths.valid.eq(admitted),
            drain.epilogues.valid.eq(admitted),
        ]
        m.d.sync += may_admit.eq(
            (admitting | self.start) & ~admitted & drain.epilogues.ready & weights.lengths.ready
        )
        with m.If(self.start):
            m.d.sync += admitting.eq(1)
        with m.Elif(admitted & header.end):
            m.d.sync += admitting.eq(0)

        # The accumulators that filters use by turns go round, and a step waits for its own: the
        # bit that is set tells how many cycles the next step has to wait.
        lag = Signal(config.turns, init=1)
        step = weights.o.payload
        control = step.control
        issue = Signal()
        m.d.comb += [
            weights.o.ready.eq(
                ~self.write & lag[0] & (~(control.last & (control.turn == 0)) | drain.may_end)
            ),
            issue.eq(weights.o.valid & weights.o.ready),
            drain.ends.eq(issue & control.last & (control.turn == config.turns - 1)),
            finished.eq(drain.ends & (ended == self.tile.passes - 1)),
            self.done.eq(~admitting & (pending == 0) & drain.empty),
        ]
        with m.If(~issue):
            m.d.sync += lag.eq(lag.rotate_right(1))
        m.d.sync += pending.eq(pending + admitted - finished)
        with m.If(drain.ends):
            m.d.sync += ended.eq(Mux(finished, 0, ended + 1))

        beats = Signal(beat(config))
        m.d.comb += [
            beats.step.eq(step),
            beats.write.eq(self.write),
            beats.step.address.eq(Mux(self.write, self.write_address, step.address)),
            beats.step.control.enable.eq(Mux(issue, control.enable, 0)),
            beats.step.control.last.eq(issue & control.last),
        ]

        above = None
        is_signed = self.tile.signed
        for g in reversed(range(config.lane_groups)):
            group = LaneGroup(config)
            m.submodules[f"group_{g}"] = group
            if above is not None:
                # Constant during a tile, and at each group before the first step.
                following = Signal(name=f"signed_{g}", reset_less=True)
                m.d.sync += following.eq(is_signed)
                is_signed = following
            m.d.comb += [
                group.i.eq(beats if above is None else above.o),
                group.signed.eq(is_signed),
                self.address[g].eq(group.address),
                self.memory_write[g].eq(group.write),
                group.word.eq(self.word[g]),
            ]
            if above is None:
                m.d.comb += drain.captured.eq(group.captured)
            else:
                m.d.comb += group.from_above.eq(above.to_below)
            for c in range(config.outlets_per_group):
                m.d.comb += drain.outlets[g * config.outlets_per_group + c].eq(group.outlets[c])
            above = group
        return m
