"""The floating-point units between files: a record of operands a cycle, a record of results."""

from amaranth.hdl import Cat, ClockSignal, Instance, Module, ResetSignal, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.float_adder import FloatAdder
from hw.float_multiplier import MULTIPLIERS, FloatMultiplier
from params.packing import word_bytes
from sim.build import Build, build
from sim.engine import Engine
from sim.harness import VERILOG

OPERANDS = data.StructLayout({"a": 32, "b": 32, "c": 32, "first": 1})
"""A record of `operands.bin`; with `first` the sum's a and the multiply-add's c count as +0."""


def products(kinds: tuple[int, ...]) -> dict[str, int]:
    """Names of the results of multipliers, and how many 18x18 multipliers each has."""
    return {f"product_{count}": count for count in kinds}


def results(kinds: tuple[int, ...]) -> data.StructLayout:
    """A line of `results.hex`: a * b of every kind of multiplier, a + c, a * b + c."""
    return data.StructLayout(dict.fromkeys([*products(kinds), "sum", "multiply_add"], 32))


class FloatHarness(wiring.Component):
    """Multipliers of several kinds, an adder, and the first multiplier followed by an adder.

    All stand side by side; their results are delayed to come out together.

    Members
    -------
    seed : In(32), stalls : In(17), as in the array's harness.
    records : In(32), records to read; finished : Out, as many have been written.
    """

    def __init__(
        self,
        kinds: tuple[int, ...],
        *,
        adder: type = FloatAdder,
        multiplier: type = FloatMultiplier,
    ):
        self._kinds = kinds
        self._adder, self._multiplier = adder, multiplier
        super().__init__({"seed": In(32), "stalls": In(17), "records": In(32), "finished": Out(1)})

    def elaborate(self, platform):
        m = Module()
        operands, valid = Signal(OPERANDS), Signal()
        m.submodules.source = Instance(
            "stream_source", p_WIDTH=OPERANDS.size, p_BYTES=word_bytes(OPERANDS),
            p_FILE="operands.bin", i_clk=ClockSignal(), i_rst=ResetSignal(), i_seed=self.seed,
            i_stalls=self.stalls, i_ready=1, o_valid=valid, o_payload=operands,
        )  # fmt: skip
        multipliers = {
            name: self._multiplier(count) for name, count in products(self._kinds).items()
        }
        units = multipliers | {"sum": self._adder(), "multiply_add": self._adder()}
        whole = max(unit.latency for unit in units.values()) + self._adder.latency

        def delayed(value, cycles):
            for _ in range(cycles):
                before, value = value, Signal.like(value, reset_less=True)
                m.d.sync += value.eq(before)
            return value

        layout = results(self._kinds)
        record = Signal(layout)
        for name, unit in units.items():
            m.submodules[name] = unit
            before = 0
            if name == "multiply_add":
                product = next(iter(multipliers.values()))
                before = product.latency
                m.d.comb += [
                    unit.a.eq(delayed(operands.c, before)),
                    unit.b.eq(product.o),
                    unit.first.eq(delayed(operands.first, before)),
                ]
            else:
                second = operands.c if name == "sum" else operands.b
                m.d.comb += [unit.a.eq(operands.a), unit.b.eq(second)]
                if name == "sum":
                    m.d.comb += unit.first.eq(operands.first)
            m.d.comb += record[name].eq(delayed(unit.o, whole - before - unit.latency))

        pipeline = Signal(whole)
        m.d.sync += pipeline.eq(Cat(valid, pipeline))
        count = Signal(64)
        m.submodules.sink = Instance(
            "stream_sink", p_WIDTH=layout.size, p_FILE="results.hex", i_clk=ClockSignal(),
            i_rst=ResetSignal(), i_seed=self.seed, i_stalls=0, i_flush=self.finished,
            i_valid=pipeline[-1], i_payload=record.as_value(), o_count=count,
        )  # fmt: skip
        m.d.comb += self.finished.eq(count == self.records)
        return m


def build_float(
    engine: Engine, kinds: tuple[int, ...] = MULTIPLIERS, *, fault: str = "", **units: type
) -> Build:
    """The harness compiled for `engine`; `fault` names what is wrong with a class given."""
    sources = (VERILOG / "stream_source.v", VERILOG / "stream_sink.v")
    return build(
        lambda: FloatHarness(kinds, **units), key=f"{kinds} {fault}", engine=engine,
        toplevel="float_units", sources=sources,
    )  # fmt: skip
