"""What the specifications share: a reference queue and the rules of a stream."""

from amaranth.hdl import Assert, Module, Mux, Signal, Value


class Queue:
    """A list of values in their order of arrival, entry 0 the oldest.

    Reference models keep in it what a block has taken and not given yet: a block that loses,
    doubles, invents or reorders something then differs from entry 0, overflows the list, or
    takes from it when it is empty.

    Parameters
    ----------
    depth : most values that the block may hold.
    push, value : a value arrives in this cycle; pop : entry 0 leaves in this cycle.
    latency : cycles from the arrival of a value until it counts as `settled`.

    Members
    -------
    count : number of entries; settled : those that arrived at least `latency` cycles ago, as
    long as none that is younger has left; arrivals : whether a value came 1, 2, .. cycles ago.
    """

    def __init__(self, m: Module, name: str, shape, depth: int, *, push, value, pop, latency=1):
        self.count = Signal(range(depth + 2), name=f"{name}_count")
        self.entries = [Signal(shape, name=f"{name}_{n}") for n in range(depth)]
        self.arrivals = history(m, push, latency - 1)
        self.settled = self.count - sum(self.arrivals)
        kept = Signal(range(depth + 2), name=f"{name}_kept")
        m.d.comb += [
            kept.eq(self.count - Mux(pop, 1, 0)),
            Assert(~pop | (self.count != 0)),
            Assert(self.count <= depth),
        ]
        m.d.sync += self.count.eq(kept + Mux(push, 1, 0))
        with m.If(pop):
            for entry, following in zip(self.entries, self.entries[1:], strict=False):
                m.d.sync += entry.eq(following)
        for n, entry in enumerate(self.entries):
            with m.If(push & (kept == n)):
                m.d.sync += entry.eq(value)


def transfer(stream):
    """The stream moves a payload in this cycle."""
    return stream.valid & stream.ready


def assert_held(m: Module, stream) -> None:
    """Asserts that valid and payload hold until the transfer."""
    waiting = Signal(name="waiting")
    payload = Signal.like(stream.payload, name="waiting_payload")
    m.d.sync += [waiting.eq(stream.valid & ~stream.ready), payload.eq(stream.payload)]
    with m.If(waiting):
        m.d.comb += [Assert(stream.valid), Assert(stream.payload == payload)]


def history(m: Module, value, cycles: int) -> list:
    """The bit `value` as it was 1 .. `cycles` cycles ago, 0 before the reset."""
    past = [Signal(name=f"past_{n}") for n in range(cycles)]
    for newer, older in zip([value, *past], past, strict=False):
        m.d.sync += older.eq(newer)
    return past


def nth(entries, index):
    """The value of entry `index` of a list of signals, by comparison with every index."""
    result = Value.cast(entries[0])
    for n, entry in enumerate(entries[1:], 1):
        result = Mux(index == n, Value.cast(entry), result)
    return result
