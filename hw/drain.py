"""The end of a row: takes the sums, makes activations of sums, and hands out words."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, signed
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.delay import delayed
from hw.float_epilogue import FloatEpilogue
from hw.memory_queue import MemoryQueue
from hw.requantizer import Requantizer
from hw.stream_register import StreamRegister
from params import ArrayConfig, layouts
from params.arithmetic import Arithmetic
from params.timing import CHANNELS_AHEAD, epilogue_latency, output_capacity, residual_capacity


class Drain(wiring.Component):
    """Takes the sums from the lanes' outlets through the epilogue units into an output FIFO.

    Nothing in here can stall: a pass may end (`accept`) only while the FIFO has room for all its
    words and the outlets will be free by the time its sums reach them. That is the row's only
    back-pressure, so neither lanes nor epilogue units need a hold.

    Throughput one output word per cycle; passes end at least `config.drain_words` cycles apart,
    and at least two.

    With residuals a pass may also end only when those of all its words have come.

    Members
    -------
    may_end : Out, a step with `last` may be issued; ends : In, one is.
    outlets : In(accumulators, the lowest lanes first); each lane group is a cycle later than the
        one above.
    captured : In, the highest lane group has a pass's first sums on its outlets a cycle later.
    epilogues : In(stream), F entries per filter group; passes : In, of the tile.
    clamp : In, of the tile.
    residuals : In(stream of layouts.residuals), with residuals; adds, signed : In, of the tile.
    words : Out(stream of layouts.outputs)
    empty : Out, every word of every ended pass has been taken.
    """

    def __init__(self, config: ArrayConfig):
        self._config = config
        self._epilogues = data.ArrayLayout(layouts.epilogue(config), config.filters_per_row)
        residuals = {
            "residuals": In(stream.Signature(layouts.residuals(config))),
            "adds": In(1),
            "signed": In(1),
        }
        super().__init__(
            {
                **(residuals if config.residuals else {}),
                "may_end": Out(1),
                "ends": In(1),
                "outlets": In(
                    data.ArrayLayout(signed(config.accumulator_bits), config.drain_width)
                ),
                "captured": In(1),
                "epilogues": In(stream.Signature(self._epilogues)),
                "passes": In(range(config.max_passes + 1)),
                "clamp": In(layouts.clamp(config)),
                "words": Out(stream.Signature(layouts.outputs(config))),
                "empty": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        words = config.drain_words

        m.submodules.queue = queue = fifo.SyncFIFOBuffered(
            width=self._epilogues.size, depth=CHANNELS_AHEAD
        )
        m.d.comb += [
            queue.w_data.eq(self.epilogues.payload),
            queue.w_en.eq(self.epilogues.valid),
            self.epilogues.ready.eq(queue.w_rdy),
        ]

        # The pass on its way out: its epilogues, its filter and lane of the moment.
        current = Signal(self._epilogues, reset_less=True)
        filter_index = Signal(range(config.filters_per_row))
        lane = Signal(range(config.lanes_per_outlet))
        draining = Signal()
        passed = Signal(range(config.max_passes + 1))
        end_of_pass = Signal()
        last_pass = Signal()
        m.d.comb += last_pass.eq(passed == self.passes - 1)
        # A cycle late, and still in time: passes end two cycles apart at least.
        m.d.sync += queue.r_en.eq(self.captured & last_pass)
        m.d.comb += end_of_pass.eq(
            (lane == config.lanes_per_outlet - 1) & (filter_index == config.filters_per_row - 1)
        )
        with m.If(draining):
            m.d.sync += lane.eq(lane + 1)
            with m.If(lane == config.lanes_per_outlet - 1):
                m.d.sync += [lane.eq(0), filter_index.eq(filter_index + 1)]
            with m.If(end_of_pass):
                m.d.sync += draining.eq(0)
        with m.If(self.captured):
            m.d.sync += [
                draining.eq(1),
                lane.eq(0),
                filter_index.eq(0),
                current.eq(queue.r_data),
                passed.eq(passed + 1),
            ]
            with m.If(last_pass):
                m.d.sync += passed.eq(0)

        # Parameters go down the lane groups along with the sums, one cycle per group.
        # So does the tile's clamp, which is constant until all sums have left.
        parameters = Signal(layouts.epilogue(config))
        clamp = self.clamp
        m.d.comb += parameters.eq(
            Array(current[f] for f in range(config.filters_per_row))[filter_index]
        )
        residual, enough = (), 1
        if config.residuals:
            residual, enough = self._queue_residuals(m, draining)
        unit = FloatEpilogue if config.arithmetic == Arithmetic.FLOAT32 else Requantizer
        outputs = Signal(layouts.outputs(config))
        for group in reversed(range(config.lane_groups)):
            for outlet in range(
                group * config.outlets_per_group, (group + 1) * config.outlets_per_group
            ):
                m.submodules[f"epilogue_{outlet}"] = epilogue = unit(config)
                m.d.comb += [
                    epilogue.accumulator.eq(self.outlets[outlet]),
                    epilogue.epilogue.eq(parameters),
                    epilogue.clamp.eq(clamp),
                ]
                if config.residuals:
                    # Groups below come later.
                    late = config.lane_groups - 1 - group
                    raw = delayed(m, residual[outlet], late, f"residual_{outlet}", reset_less=True)
                    sign = self.signed & raw[-1]
                    m.d.comb += epilogue.residual.eq(Cat(raw, sign).as_signed())
                # The groups above are done earlier: hold what they give until group 0 is.
                m.d.comb += outputs[outlet].eq(
                    delayed(m, epilogue.o, group, f"held_{outlet}", reset_less=True)
                )
            if group:
                following = Signal.like(parameters, name=f"parameters_{group - 1}", reset_less=True)
                lower = Signal.like(self.clamp, name=f"clamp_{group - 1}", reset_less=True)
                m.d.sync += [following.eq(parameters), lower.eq(clamp)]
                parameters, clamp = following, lower
        arriving = Signal(config.lane_groups - 1 + epilogue_latency(config))
        m.d.sync += arriving.eq(Cat(draining, arriving))

        capacity = output_capacity(config)
        # With those in registers at its output it has `capacity` words: a block RAM takes half a
        # cycle to give one, and the way to all lanes of a word is long.
        m.submodules.fifo = buffer = MemoryQueue(layouts.outputs(config), depth=capacity - 2)
        m.submodules.output = output = StreamRegister(layouts.outputs(config))
        connect(m, buffer.o, output.i)
        connect(m, output.o, flipped(self.words))
        m.d.comb += [buffer.i.payload.eq(outputs), buffer.i.valid.eq(arriving[-1])]

        room = Signal(range(capacity + 1), init=capacity)
        wait = Signal(range(words + 1))
        taken = Signal()
        m.d.comb += [
            taken.eq(self.words.valid & self.words.ready),
            self.empty.eq(room == capacity),
        ]
        m.d.sync += [
            room.eq(room + taken - Mux(self.ends, words, 0)),
            self.may_end.eq(~self.ends & (room >= words) & (wait == 0) & enough),
        ]
        with m.If(self.ends):
            m.d.sync += wait.eq(max(words - 2, 0))
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        return m

    def _queue_residuals(self, m, draining):
        """The residual of the word that is drained, and whether those of another pass are here."""
        config = self._config
        words, capacity = config.drain_words, residual_capacity(config)
        layout = layouts.residuals(config)
        # With the one at its output it has `capacity` words. In a block RAM: an FPGA has some to
        # spare, and less of all else.
        m.submodules.residual_queue = queue = MemoryQueue(layout, depth=capacity - 1, block=True)
        # Words of passes that have not ended.
        count = Signal(range(capacity + 1))
        taken = Signal()
        m.d.comb += [
            queue.i.payload.eq(self.residuals.payload),
            queue.i.valid.eq(self.residuals.valid),
            self.residuals.ready.eq(queue.i.ready),
            taken.eq(self.residuals.valid & self.residuals.ready),
            queue.o.ready.eq(draining & self.adds),
        ]
        m.d.sync += count.eq(count + taken - Mux(self.ends & self.adds, words, 0))
        word = Signal(layout)
        with m.If(self.adds):
            m.d.comb += word.eq(queue.o.payload)
        return word, ~self.adds | (count >= words)
