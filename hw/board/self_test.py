"""An array that tries itself, over and over, on a layer that is built in."""

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.enum import Enum
from amaranth.lib.wiring import Out, connect

from hw.array import Array
from hw.board.word_player import WordPlayer
from params import ArrayConfig, layouts


@dataclass(frozen=True, kw_only=True)
class Script:
    """What an array is given for one tile, and what it must give: words as integers.

    Parameters
    ----------
    loads, runs : of `layouts.load` and `layouts.run_write`; tile : of `layouts.tile`.
    headers, masks : for each row, of `layouts.header` and `layouts.masks`.
    codes : for each row and filter, of `layouts.codes`.
    outputs : for each row (word of `layouts.outputs`, bits of it that count).
    """

    loads: Sequence[int]
    runs: Sequence[int]
    tile: int
    headers: Sequence[Sequence[int]]
    masks: Sequence[Sequence[int]]
    codes: Sequence[Sequence[Sequence[int]]]
    outputs: Sequence[Sequence[tuple[int, int]]]


class Phase(Enum, shape=2):
    """What a self-test does."""

    REWIND = 0
    FILL = 1
    COMPUTE = 2


class SelfTest(wiring.Component):
    """Runs a script again and again, and compares every output with what it must be.

    Parameters
    ----------
    config : of the array. script : what is run.

    Members
    -------
    passed : Out, the script has been run, and nothing has been wrong since the beginning.
    failed : Out, an output was wrong, missing or too many, once.
    """

    def __init__(self, config: ArrayConfig, script: Script):
        self._config = config
        self._script = script
        super().__init__({"passed": Out(1), "failed": Out(1)})

    def elaborate(self, platform):
        m = Module()
        config, script = self._config, self._script
        m.submodules.array = array = Array(config)
        phase = Signal(Phase)
        rewind = Signal()
        m.d.comb += rewind.eq(phase == Phase.REWIND)

        def player(name, shape, words):
            m.submodules[name] = made = WordPlayer(shape, words)
            m.d.comb += made.rewind.eq(rewind)
            return made

        loads = player("loads", layouts.load(config), script.loads)
        runs = player("runs", layouts.run_write(config), script.runs)
        tile = player("tile", layouts.tile(config), [script.tile])
        connect(m, loads.o, array.load)
        connect(m, runs.o, array.runs)
        m.d.comb += [
            array.tiles.payload.eq(tile.o.payload),
            array.tiles.valid.eq(tile.o.valid & (phase == Phase.COMPUTE)),
            tile.o.ready.eq(array.tiles.ready & (phase == Phase.COMPUTE)),
        ]

        word = layouts.outputs(config).size
        wrong, complete = [], []
        for k in range(config.rows):
            for name, shape in (("headers", layouts.header), ("masks", layouts.masks)):
                words = player(f"{name}_{k}", shape(config), getattr(script, name)[k])
                connect(m, words.o, getattr(array, name)[k])
            for f in range(config.elements_per_lane):
                words = player(f"codes_{k}_{f}", layouts.codes(config), script.codes[k][f])
                connect(m, words.o, array.codes[k][f])
            expected = player(
                f"outputs_{k}",
                data.StructLayout({"value": word, "counts": word}),
                [value | counts << word for value, counts in script.outputs[k]],
            )
            given, wanted = array.outputs[k], expected.o
            differs = (given.payload.as_value() ^ wanted.payload.value) & wanted.payload.counts
            m.d.comb += [
                given.ready.eq(wanted.valid | expected.done),
                wanted.ready.eq(given.valid),
            ]
            wrong.append(given.valid & ((wanted.valid & differs.any()) | expected.done))
            complete.append(expected.done)

        m.d.sync += self.failed.eq(
            self.failed | Cat(wrong).any() | (array.done & ~Cat(complete).all())
        )
        with m.If(self.failed):
            m.d.sync += self.passed.eq(0)
        with m.Elif(array.done):
            m.d.sync += self.passed.eq(1)
        with m.Switch(phase):
            with m.Case(Phase.REWIND):
                m.d.sync += phase.eq(Phase.FILL)
            with m.Case(Phase.FILL):
                with m.If(loads.done & runs.done):
                    m.d.sync += phase.eq(Phase.COMPUTE)
            with m.Case(Phase.COMPUTE):
                with m.If(array.done):
                    m.d.sync += phase.eq(Phase.REWIND)
        return m
