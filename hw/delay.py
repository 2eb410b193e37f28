"""Chains of registers."""

from amaranth.hdl import Signal


def delayed(
    m, signal, cycles: int, name: str, *, init: int | None = None, reset_less: bool = False
):
    """`signal`, a value or a view, `cycles` cycles later.

    `init`, or 0, is its value until then, also after a reset, unless the chain is `reset_less`.
    """
    for n in range(cycles):
        registered = Signal(
            signal.shape(), name=f"{name}_{n + 1}", init=init, reset_less=reset_less
        )
        m.d.sync += registered.eq(signal)
        signal = registered
    return signal
