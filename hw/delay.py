"""Chains of registers."""

from amaranth.hdl import Signal


def delayed(m, signal, cycles: int, name: str, *, init: int | None = None):
    """`signal`, a value or a view, `cycles` cycles later; `init`, or 0, is its value until then."""
    for n in range(cycles):
        registered = Signal(signal.shape(), name=f"{name}_{n + 1}", init=init)
        m.d.sync += registered.eq(signal)
        signal = registered
    return signal
