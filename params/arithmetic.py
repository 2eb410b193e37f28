"""What the processing elements of an array compute with."""

from enum import StrEnum


class Arithmetic(StrEnum):
    """Number formats of weights and activations, and what a step does with them.

    SHIFT is the array of this project, the others are what it is compared with: the same
    dataflow with multipliers, where a zero weight takes a step like any other.
    """

    SHIFT = "shift"
    """Integer activations, weights 0 or plus or minus 2^e: shift and accumulate, zeros skipped."""
    INT8 = "int8"
    """Integer activations, weights -128..127: multiply and accumulate, dense."""
    FLOAT32 = "float32"
    """Binary32 of IEEE 754: multiply, round, accumulate, round; dense."""
