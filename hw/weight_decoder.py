"""The front of a row: from its weight streams to one step per nonzero weight."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.code_unpacker import CodeUnpacker
from hw.mask_decoder import MaskDecoder
from hw.payloads import step
from hw.replay_buffer import ReplayBuffer
from hw.run_walker import RunWalker
from hw.stream_register import StreamBuffer
from params import ArrayConfig, layouts


class WeightDecoder(wiring.Component):
    """Buffers a row's weights, replays them for every pass, and emits a step per position.

    Per filter group the masks and the codes lie in replay buffers of their own, which run ahead
    of each other; mask words become positions, and each position is joined with the codes of
    the filters that are nonzero there. Filters that take turns get a step each.

    Throughput one step per cycle, also across mask words, passes and filters.

    Members
    -------
    lengths : In(stream of the header's groups and code_words)
    masks : In(stream of layouts.masks), codes : In(array of streams of layouts.codes)
    runs, pitch : see RunWalker.
    passes : In, output rows of the tile.
    o : Out(stream of payloads.step)
    """

    def __init__(self, config: ArrayConfig):
        self._config = config
        super().__init__(
            {
                "lengths": In(stream.Signature(layouts.lengths(config))),
                "masks": In(stream.Signature(layouts.masks(config))),
                "codes": In(stream.Signature(layouts.codes(config))).array(
                    config.elements_per_lane
                ),
                "runs": In(stream.Signature(layouts.run_write(config))),
                "pitch": In(range(config.depth + 1)),
                "passes": In(range(config.max_passes + 1)),
                "o": Out(stream.Signature(step(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.mask_buffer = mask_buffer = ReplayBuffer(
            layouts.masks(config),
            depth=config.mask_depth,
            max_length=config.max_groups,
            max_passes=config.max_passes,
        )
        m.submodules.walker = walker = RunWalker(config)
        m.submodules.prefetch = prefetch = StreamBuffer(walker.o.payload.shape())
        m.submodules.decoder = decoder = MaskDecoder(config)
        m.submodules.positions = positions = StreamBuffer(decoder.o.payload.shape())
        connect(m, flipped(self.masks), mask_buffer.i)
        connect(m, flipped(self.runs), walker.runs)
        connect(m, mask_buffer.o, walker.i)
        connect(m, walker.o, prefetch.i)
        connect(m, prefetch.o, decoder.i)
        connect(m, decoder.o, positions.i)
        m.d.comb += [walker.pitch.eq(self.pitch), mask_buffer.passes.eq(self.passes)]

        code_buffers, unpackers = [], []
        for f in range(config.elements_per_lane):
            buffer = ReplayBuffer(
                layouts.codes(config),
                depth=config.code_depth,
                max_length=config.max_code_words,
                max_passes=config.max_passes,
            )
            # Between taking a code and fetching a word is the longest way in a row: it is cut.
            words = StreamBuffer(layouts.codes(config))
            unpacker = CodeUnpacker(config)
            m.submodules[f"code_buffer_{f}"] = buffer
            m.submodules[f"code_words_{f}"] = words
            m.submodules[f"unpacker_{f}"] = unpacker
            connect(m, flipped(self.codes[f]), buffer.i)
            connect(m, words.o, unpacker.i)
            m.d.comb += [
                buffer.passes.eq(self.passes),
                words.i.payload.eq(buffer.o.payload.word),
                words.i.valid.eq(buffer.o.valid),
                buffer.o.ready.eq(words.i.ready),
            ]
            code_buffers.append(buffer)
            unpackers.append(unpacker)

        # The lengths of the next groups wait in registers before each buffer.
        buffers = [mask_buffer, *code_buffers]
        amounts = [
            self.lengths.payload.groups,
            *(self.lengths.payload.code_words[f] for f in range(config.elements_per_lane)),
        ]
        stages = []
        for n, (buffer, amount) in enumerate(zip(buffers, amounts, strict=True)):
            stage = StreamBuffer(amount.shape())
            m.submodules[f"lengths_{n}"] = stage
            connect(m, stage.o, buffer.lengths)
            m.d.comb += [
                stage.i.payload.eq(amount),
                stage.i.valid.eq(self.lengths.valid & self.lengths.ready),
            ]
            stages.append(stage)
        m.d.comb += self.lengths.ready.eq(Cat(stage.i.ready for stage in stages).all())

        # Whether a step may go is known a cycle ahead: all that wait for it are close together.
        m.submodules.steps = steps = StreamBuffer(step(config))
        connect(m, steps.o, flipped(self.o))
        position = positions.o.payload
        enable = position.enable
        if config.dense:
            enable = position.enable[0].replicate(config.elements_per_lane)
        complete = Signal()
        go = Signal()
        missing = Cat(enable[f] & ~unpacker.o.valid for f, unpacker in enumerate(unpackers))
        turn = Signal(range(config.turns))
        last_turn = Signal()
        first = Signal(init=1)
        control = steps.i.payload.control
        m.d.comb += [
            complete.eq(positions.o.valid & ~missing.any()),
            go.eq(complete & steps.i.ready),
            last_turn.eq(turn == config.turns - 1),
            positions.o.ready.eq(go & last_turn),
            steps.i.valid.eq(complete),
            steps.i.payload.address.eq(position.base + position.index),
            steps.i.payload.shift.eq(position.shift),
            control.enable.eq(enable),
            *(control.codes[f].eq(unpacker.o.payload) for f, unpacker in enumerate(unpackers)),
            control.turn.eq(turn),
            control.first.eq(first),
            control.last.eq(position.last),
        ]
        with m.If(go):
            m.d.sync += turn.eq(Mux(last_turn, 0, turn + 1))
            with m.If(last_turn):
                m.d.sync += first.eq(position.last)
        for f, unpacker in enumerate(unpackers):
            m.d.comb += [
                unpacker.o.ready.eq(go & enable[f]),
                unpacker.flush.eq(go & position.last & last_turn),
            ]
        return m
