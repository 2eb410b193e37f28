"""The clock of the bits on a UART line, as a fraction of the system's."""

from params.config import ConfigError

PHASE_BITS = 16
"""Of the accumulator that counts parts of a bit: the rate is off by 2^-17 of the clock at most."""

LEAST_CYCLES = 8
"""Cycles of the clock that a bit takes at least."""


def bit_step(clock_hz: float, baud: float) -> int:
    """What is added per cycle to a phase of `PHASE_BITS` that overflows once in a bit.

    Raises
    ------
    ConfigError : a bit has too few cycles, or so many that the rate would be off.
    """
    if not 0 < LEAST_CYCLES * baud <= clock_hz:
        raise ConfigError(
            f"baud is {baud:g}, but must be {clock_hz / LEAST_CYCLES:g} at most, an eighth of the "
            f"clock of {clock_hz:g} Hz"
        )
    step = round((1 << PHASE_BITS) * baud / clock_hz)
    if step < 100:
        raise ConfigError(
            f"baud is {baud:g}, too slow for a clock of {clock_hz:g} Hz: give "
            f"{100 * clock_hz / (1 << PHASE_BITS):g} or more"
        )
    return step
