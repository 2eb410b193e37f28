"""Moves the bytes of a beat in levels of multiplexers, with registers after every two.

A level takes the bytes and the step they belong to, with fields `rotation` and `double`, and
returns the bytes after one multiplexer each.
"""

from amaranth.hdl import Mux

LEVELS_PER_STAGE = 2


def stages(levels: list) -> list[list]:
    """`levels` in order, grouped by the register stage that they belong to."""
    return [
        levels[start : start + LEVELS_PER_STAGE]
        for start in range(0, len(levels), LEVELS_PER_STAGE)
    ]


def rotation_down(n: int):
    """The level that brings byte i + 2^n to i, modulo the bytes, if bit n of `rotation` is set."""
    return _rotation(n, 1 << n)


def rotation_up(n: int):
    """The level that brings byte i to i + 2^n, modulo the bytes, if bit n of `rotation` is set."""
    return _rotation(n, -(1 << n))


def compression(taken, step):
    """The level that brings byte 2 * i, modulo the bytes, to i if `double`."""
    count = len(taken)
    return [Mux(step.double, taken[2 * i % count], taken[i]) for i in range(count)]


def _rotation(n: int, distance: int):
    def level(taken, step):
        count = len(taken)
        return [
            Mux(step.rotation[n], taken[(i + distance) % count], taken[i]) for i in range(count)
        ]

    return level
