"""From a sequence of commands to the queues of the units."""

from amaranth.hdl import Cat, Module, Mux, Shape, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from params import layouts
from params.commands import BODIES, RAW, Fault, Opcode, Unit
from params.system import OFFSET_BITS, UNIT_BYTES, SystemConfig

UNITS = (Unit.LOAD, Unit.COMPUTE, Unit.WEIGHTS, Unit.STORE, Unit.RESIDUAL)
"""Units with a queue of their own, in the order of their numbers there."""


class Dispatcher(wiring.Component):
    """Checks each command and passes it on to its unit, in order.

    A field that is wider than what the hardware has of it must not use the bits above. An array
    without residuals has no commands for them. After a fault, and after END, nothing is taken any
    more.

    Latency one cycle, throughput a command per cycle. What is wrong with a command comes to light
    while it is held, END included.

    Members
    -------
    i : In(stream of RAW)
    queues : Out(stream of RAW per unit of `UNITS`)
    holding : Out, a command is held.
    ended : Out, END has come; fault : Out, what is wrong with a command, 0 for nothing.
    count : Out(32), commands taken, which is the number of the one at fault.
    """

    def __init__(self, config: SystemConfig):
        self._config = config
        super().__init__(
            {
                "i": In(stream.Signature(RAW)),
                "queues": Out(stream.Signature(RAW)).array(len(UNITS)),
                "holding": Out(1),
                "ended": Out(1),
                "fault": Out(Fault),
                "count": Out(32),
            }
        )

    def elaborate(self, platform):
        m = Module()
        raw = self.i.payload
        unit = raw.opcode[4:]
        known = Signal()
        fits = Signal()
        m.d.comb += [known.eq(0), fits.eq(1)]
        with m.Switch(raw.opcode):
            for opcode in _opcodes(self._config):
                with m.Case(opcode.value):
                    m.d.comb += [known.eq(1), fits.eq(self._fits(opcode, raw.body))]

        stopped = Signal()
        m.d.comb += stopped.eq(self.ended | (self.fault != Fault.NONE))
        held = Signal(RAW, reset_less=True)
        verdict = Signal(
            data.StructLayout({"known": 1, "good": 1, "end": 1, "target": len(UNITS)}),
            reset_less=True,
        )
        full = self.holding
        taken = Signal()
        m.d.comb += [
            taken.eq(
                full
                & verdict.good
                & (verdict.target & Cat(queue.ready for queue in self.queues)).any()
            ),
            self.i.ready.eq((~full | taken) & ~stopped),
        ]
        for n, queue in enumerate(self.queues):
            m.d.comb += [
                queue.payload.eq(held),
                queue.valid.eq(full & verdict.good & verdict.target[n]),
            ]
        with m.If(~full | taken):
            m.d.sync += [
                full.eq(self.i.valid & ~stopped),
                held.eq(raw),
                verdict.known.eq(known),
                verdict.good.eq(known & fits),
                verdict.end.eq(raw.opcode == Opcode.END.value),
                verdict.target.eq(Cat(unit == other.value for other in UNITS)),
            ]
        with m.If(taken):
            m.d.sync += self.count.eq(self.count + 1)
        with m.Elif(full & verdict.good & verdict.end):
            m.d.sync += [full.eq(0), self.ended.eq(1), self.count.eq(self.count + 1)]
        with m.Elif(full & ~verdict.good):
            m.d.sync += [
                full.eq(0),
                self.fault.eq(Mux(verdict.known, Fault.OPERAND, Fault.OPCODE)),
            ]
        return m

    def _fits(self, opcode: Opcode, body):
        """Whether the hardware has room for every field, and the rest of the body is zero."""
        layout = BODIES[opcode]
        rest = body[layout.size :]
        checks = [rest == 0]
        limits = _limits(self._config)
        for key, field in layout:
            value = body[field.offset : field.offset + field.width]
            limit = limits.get((opcode, key), limits.get(key))
            if limit is not None and limit < (1 << field.width):
                checks.append(value < limit)
        if opcode == Opcode.WEIGHTS_ROW and not self._config.array.residuals:
            checks.append(~data.View(layout, body[: layout.size]).residual)
        if opcode == Opcode.COMPUTE_TILE:
            checks += _tile_checks(self._config, data.View(layout, body[: layout.size]))
        return Cat(checks).all()


def _opcodes(config: SystemConfig) -> list[Opcode]:
    """The commands that a system has."""
    residual = Unit.RESIDUAL.value
    return [
        opcode
        for opcode in Opcode
        if config.array.residuals or opcode.value >> Unit.as_shape().width != residual
    ]


def _limits(config: SystemConfig) -> dict:
    """What a field must stay below; by name, or by opcode and name.

    The beats of a row's weights must be fewer than the window can have.
    """
    array = config.array
    return {
        "index": config.pieces,
        (Opcode.COMPUTE_RUN, "index"): array.max_runs,
        "lane": array.lanes,
        "count": array.lanes + 1,
        "destination": array.depth,
        "shift": 1 << array.shift_bits,
        "base": array.depth,
        "groups": array.groups_per_run + 1,
        "passes": array.max_passes + 1,
        "pitch": array.depth + 1,
        "row": array.rows,
        "rows": 1 << array.rows,
        "units": (1 << OFFSET_BITS) // UNIT_BYTES // 2,
    }


def _tile_checks(config: SystemConfig, tile) -> list:
    """A tile computes something, and its clamp is one of activations."""
    bound = Shape.cast(layouts.activation_bound(config.array)).width
    checks = [tile.passes != 0, tile.rows != 0]
    for value in (tile.low, tile.high):
        checks.append(value == value[:bound].as_signed())
    if not config.array.residuals:
        checks.append(~tile.residual)
    return checks
