"""The bench notices faults: each is put into one block of the array, and an output is wrong.

A faulty block is the right one inside a shell of wires, one of which is altered.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import numpy as np
import pytest
from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.wiring import In

import hw.drain
import hw.row
import hw.shift_elements
import hw.weight_decoder
from compiler import compile_layer
from golden.requantize import Requantization
from golden.shape import ConvShape
from params import ArrayConfig
from sim.build import build
from sim.errors import SimulationError
from sim.harness import SOURCES, Harness
from sim.simulate import build_harness, simulate
from tests.compiler.layers import random_terms
from tests.sim.layers import FORMATS, QUICK, Case, make_case

CONFIG = ArrayConfig(
    name="faulty", lanes=6, rows=1, filters_per_row=2, levels=4, activation_bits=8, depth=24,
    lane_groups=2, drain_width=2, max_shift=2, mask_bits=8, codes_per_word=4, mask_depth=16,
    code_depth=16, max_runs=4, max_passes=4,
)  # fmt: skip


def element(lane: int, filter_index: int) -> int:
    """Number of a processing element of `CONFIG`: the highest lane group is created first."""
    group, place = divmod(lane, CONFIG.lanes_per_group)
    before = (CONFIG.lane_groups - 1 - group) * CONFIG.filters_per_row + filter_index
    return before * CONFIG.lanes_per_group + place


Alteration = Callable[[Module, object, object], None]
"""Drives a wire, given as the second argument, from what it should be, the third."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A block of the array with one of its ports altered.

    Parameters
    ----------
    module, block : where a block is used, and its class there.
    port : name of the port, such as `o.payload`.
    alter : drives the port anew, after it has been driven as it should be.
    instance : which of the blocks is faulty, in the order of their creation; all when None.
    """

    module: object
    block: str
    port: str
    alter: Alteration
    instance: int | None = None

    def shell(self) -> type:
        """The faulty class."""
        fault, right, numbers = self, getattr(self.module, self.block), count()

        class Shell(right):
            def __init__(self, config: ArrayConfig):
                super().__init__(config)
                self._number, self._arguments = next(numbers), config

            def elaborate(self, platform):
                m = Module()
                m.submodules.inside = inside = right(self._arguments)
                altered = False
                for path, member, outer in self.signature.flatten(self):
                    inner = inside
                    for name in path:
                        inner = getattr(inner, name) if isinstance(name, str) else inner[name]
                    to, value = (inner, outer) if member.flow is In else (outer, inner)
                    m.d.comb += to.eq(value)
                    if fault.port == ".".join(map(str, path)):
                        altered = True
                        if fault.instance in (None, self._number):
                            fault.alter(m, to, value)
                assert altered, f"{fault.block} has no port {fault.port}"
                return m

        return Shell


def inverted(m, wire, value):
    m.d.comb += wire.eq(~value)


def one_more(m, wire, value):
    m.d.comb += wire.eq(value + 1)


def one_less(m, wire, value):
    m.d.comb += wire.eq(value - 1)


def stuck_low(m, wire, value):
    m.d.comb += wire.eq(0)


def delayed(m, wire, value):
    before = Signal.like(wire)
    m.d.sync += before.eq(value)
    m.d.comb += wire.eq(before)


def swapped(m, wire, value):
    m.d.comb += [wire[0].eq(value[1]), wire[1].eq(value[0])]


def last_not_enabled(m, wire, value):
    m.d.comb += wire.control.enable.eq(Mux(value.control.last, 0, value.control.enable))


def next_address(m, wire, value):
    m.d.comb += wire.step.address.eq(value.step.address + ~value.write)


def rounded_half_down(m, wire, value):
    m.d.comb += wire.offset.eq(value.offset - 1)


def rounded_towards_zero(m, wire, value):
    """Without the half, and up where the sum is negative."""
    m.d.comb += wire.offset.eq(value.offset - ((1 << value.shift) >> 1))


def shifted_once_more(m, wire, value):
    m.d.comb += wire.shift.eq(value.shift + 1)


def low_one_more(m, wire, value):
    m.d.comb += wire.low.eq(value.low + 1)


def high_one_less(m, wire, value):
    m.d.comb += wire.high.eq(value.high - 1)


def highest_bit_ignored(m, wire, value):
    m.d.comb += wire.masks[0].eq(value.masks[0][:-1])


def enables_swapped(m, wire, value):
    m.d.comb += wire.enable.eq(Cat(value.enable[1], value.enable[0]))


def groups_merged(m, wire, value):
    m.d.comb += wire.last.eq(0)


ELEMENT = {"module": hw.shift_elements, "block": "ProcessingElement"}
GROUP = {"module": hw.row, "block": "LaneGroup"}
REQUANTIZER = {"module": hw.drain, "block": "Requantizer"}
DRAIN = {"module": hw.row, "block": "Drain"}
DECODER = {"module": hw.weight_decoder, "block": "MaskDecoder"}
UNPACKER = {"module": hw.weight_decoder, "block": "CodeUnpacker"}
WALKER = {"module": hw.weight_decoder, "block": "RunWalker"}
WEIGHTS = {"module": hw.row, "block": "WeightDecoder"}

FAULTS = {
    "sign flipped": Fault(**ELEMENT, port="sign", alter=inverted),
    "sign flipped in one lane": Fault(
        **ELEMENT, port="sign", alter=inverted, instance=element(3, 0)
    ),
    "sign ignored": Fault(**ELEMENT, port="sign", alter=stuck_low),
    "last weight dropped": Fault(**WEIGHTS, port="o.payload", alter=last_not_enabled),
    "weight shift one more": Fault(**ELEMENT, port="exponent", alter=one_more),
    "weight shift one less in one lane": Fault(
        **ELEMENT, port="exponent", alter=one_less, instance=element(1, 1)
    ),
    "weight shift ignored": Fault(**ELEMENT, port="exponent", alter=stuck_low),
    "lane stale": Fault(**ELEMENT, port="x", alter=delayed, instance=element(3, 1)),
    "lane stuck": Fault(**ELEMENT, port="x", alter=stuck_low, instance=element(0, 0)),
    "activations unsigned": Fault(
        **ELEMENT, port="signed", alter=stuck_low, instance=element(2, 1)
    ),
    "bubbles accumulated": Fault(**ELEMENT, port="skip", alter=stuck_low),
    "accumulator not cleared": Fault(**ELEMENT, port="clear", alter=stuck_low),
    "sum captured late": Fault(**ELEMENT, port="capture", alter=delayed),
    "sum not captured": Fault(**ELEMENT, port="capture", alter=stuck_low, instance=element(2, 0)),
    "wrong activation read": Fault(**GROUP, port="i", alter=next_address, instance=0),
    "border of lane groups stale": Fault(**GROUP, port="from_above", alter=stuck_low),
    "rounded half down": Fault(**REQUANTIZER, port="epilogue", alter=rounded_half_down),
    "rounded towards zero": Fault(
        **REQUANTIZER, port="epilogue", alter=rounded_towards_zero
    ),
    "output shift one more": Fault(**REQUANTIZER, port="epilogue", alter=shifted_once_more),
    "lower clamp off by one": Fault(**REQUANTIZER, port="clamp", alter=low_one_more, instance=1),
    "upper clamp off by one": Fault(**REQUANTIZER, port="clamp", alter=high_one_less, instance=1),
    "outlets swapped": Fault(**DRAIN, port="outlets", alter=swapped),
    "drain begun late": Fault(**DRAIN, port="captured", alter=delayed),
    "requantization changed too early": Fault(**DRAIN, port="passes", alter=one_less),
    "bit of a mask ignored": Fault(**DECODER, port="i.payload", alter=highest_bit_ignored),
    "filters of a row swapped": Fault(**DECODER, port="o.payload", alter=enables_swapped),
    "filters merged": Fault(**DECODER, port="i.payload", alter=groups_merged),
    "code word not finished": Fault(**UNPACKER, port="flush", alter=stuck_low),
    "pass too far": Fault(**WALKER, port="pitch", alter=one_more),
    "passes one less": Fault(**WEIGHTS, port="passes", alter=one_less),
}  # fmt: skip

REPRESENTATIVE = (
    "sign flipped in one lane",
    "last weight dropped",
    "weight shift one more",
    "lane stale",
    "accumulator not cleared",
    "border of lane groups stale",
    "rounded half down",
    "rounded towards zero",
    "upper clamp off by one",
    "outlets swapped",
    "requantization changed too early",
    "bit of a mask ignored",
    "code word not finished",
    "pass too far",
)
"""At least one fault of every kind and of every block."""


@pytest.fixture(scope="module")
def case() -> Case:
    """A layer that uses all there is: signs, shifts, passes, tiles, runs, ties, both clamps."""
    rng = np.random.default_rng(11)
    shape = ConvShape(cin=5, cout=5, kernel=3, padding=1, height=5, width=6)
    terms = random_terms(rng, shape, levels=CONFIG.levels, density=0.5)
    # A filter without weights stands between others.
    terms[0, 3] = 0
    requantization = Requantization(
        multiplier=np.array([1 << 15, 1 << 15, 3 << 13, 1 << 15, 40_001]),
        bias=np.array([0, 5 << 19, -(3 << 18), 1 << 22, 0]),
        shift=np.array([19, 18, 19, 20, 19]),
        low=-100,
        high=90,
    )
    return make_case(shape, terms, rng=rng, inputs=FORMATS[1], requantization=requantization)


def outcome(case: Case, harness) -> bool:
    """Whether the case comes out right."""
    result = simulate(
        compile_layer(case.layer, CONFIG),
        case.image,
        harness=harness,
        expected=case.expected,
        stalls=0.2,
    )
    return result.bit_exact


def noticed(case: Case, harness) -> bool:
    """Whether an output is wrong or missing."""
    try:
        return not outcome(case, harness)
    except SimulationError as error:
        return "output" in str(error)


def test_the_layer_uses_all_there_is(case):
    program = compile_layer(case.layer, CONFIG)
    assert len(program.tiles) > 1
    assert max(tile.passes for tile in program.tiles) > 1
    assert len(program.layout.runs) > 1
    assert {-100, 90} < set(np.unique(case.expected))
    rule = case.layer.requantization
    scaled = case.layer.accumulate(case.image) * rule.multiplier[:, None, None]
    fraction = (scaled + rule.bias[:, None, None]) % (1 << rule.shift)[:, None, None]
    ties = fraction == (1 << rule.shift - 1)[:, None, None]
    assert (ties & (abs(case.expected) < 90)).sum() > 1


def test_the_array_without_a_fault_passes(case):
    assert outcome(case, build_harness(CONFIG, engine=QUICK))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in REPRESENTATIVE else [pytest.mark.slow])
        for name in FAULTS
    ],
)
def test_a_fault_is_noticed(name, case, monkeypatch):
    fault = FAULTS[name]
    monkeypatch.setattr(fault.module, fault.block, fault.shell())
    # A run that hangs need not be waited for as long as one of a large layer.
    monkeypatch.setattr("sim.simulate.CYCLES_OF_GRACE", 1000)
    harness = build(
        lambda: Harness(CONFIG),
        key=f"{CONFIG!r} with {name}",
        engine=QUICK,
        toplevel="harness",
        sources=SOURCES,
    )
    assert noticed(case, harness)


def test_a_shell_without_an_alteration_changes_nothing(case, monkeypatch):
    shell = Fault(**ELEMENT, port="x", alter=lambda m, wire, value: None)
    monkeypatch.setattr(shell.module, shell.block, shell.shell())
    harness = build(
        lambda: Harness(CONFIG),
        key=f"{CONFIG!r} in shells",
        engine=QUICK,
        toplevel="harness",
        sources=SOURCES,
    )
    assert outcome(case, harness)
