"""Cycles that things take in the array: what the hardware is built to and the cycle model counts.

Every constant here is the length of a register chain in `hw`, which takes it from here.
"""

from params.arithmetic import Arithmetic
from params.config import FLOAT_LOOP, ArrayConfig

CHANNELS_AHEAD = 8
"""Filter groups whose requantization waits in a row's drain while their weights are decoded."""

READ_LATENCY = 3
"""From an address to its word of the activation memory: block RAM, register, choice of bank."""

PART_BITS = 17
"""Accumulator bits per partial product: an 18x18 signed multiplier takes them as unsigned."""

RIGHT_SHIFT_STAGES_PER_CYCLE = 2
"""Stages of the requantizer's right shift between two registers."""

FIFO_READ_LATENCY = 3
"""Cycles from a write into an empty output FIFO to the word's transfer."""

FIFO_LATENCY = 7
"""Cycles through the FIFO, and from a transfer to the end of a pass that it makes room for."""

CAPACITY_STEP = 16
"""Words that the output FIFO grows by: distributed RAM comes 16 deep."""


FLOAT_ADDER_LATENCY = FLOAT_LOOP
"""From two floats to their sum, and so the loop of an accumulator."""

INT8_MULTIPLIER_LATENCY = 4
"""From two integers to their product: operands, and three levels of adders."""

FLOAT_MULTIPLIER_LATENCY = 5
"""From two floats to their product."""


def element_latency(config: ArrayConfig) -> int:
    """From a processing element's activation to its accumulator.

    A cycle per stage of the shifter but the last, or per stage of a multiplier; a float's
    accumulator is the adder.
    """
    match config.arithmetic:
        case Arithmetic.INT8:
            return INT8_MULTIPLIER_LATENCY
        case Arithmetic.FLOAT32:
            return FLOAT_MULTIPLIER_LATENCY + 1 + FLOAT_ADDER_LATENCY
    return max(1, config.exponent_bits - 1)


def lane_latency(config: ArrayConfig) -> int:
    """From a step at the highest lane group of a row to the shadow registers of the lowest."""
    return config.lane_groups + READ_LATENCY + config.shift_bits + element_latency(config) + 1


def accumulator_parts(config: ArrayConfig) -> int:
    """Partial products of a requantization, each in a multiplier of its own."""
    return -(-config.accumulator_bits // PART_BITS)


def epilogue_latency(config: ArrayConfig) -> int:
    """From an accumulator to its activation.

    Product, sums, right shift and clamp of a requantization; or a float's bias and ReLU.
    """
    if config.arithmetic == Arithmetic.FLOAT32:
        return FLOAT_ADDER_LATENCY + 2
    return residual_latency(config) + (1 if config.residuals else 0) + 2


def residual_latency(config: ArrayConfig) -> int:
    """From an accumulator to its scaled sum, to which a residual is added in another cycle."""
    shift_cycles = -(-config.max_right_shift.bit_length() // RIGHT_SHIFT_STAGES_PER_CYCLE)
    return 2 + accumulator_parts(config) + shift_cycles


def output_capacity(config: ArrayConfig) -> int:
    """Words of a row's output FIFO.

    Room for every word between a pass's end and the FIFO's exit, so that the passes of filters of
    `drain_words` weights follow each other without a pause.
    """
    in_flight = lane_latency(config) + epilogue_latency(config) + FIFO_LATENCY
    return -(-(in_flight + config.drain_words) // CAPACITY_STEP) * CAPACITY_STEP


def residual_capacity(config: ArrayConfig) -> int:
    """Words of a row's queue of residuals.

    Those of the passes that have ended and not left yet, and those of the next.
    """
    held = lane_latency(config) + FIFO_LATENCY + 2 * config.drain_words
    return -(-held // CAPACITY_STEP) * CAPACITY_STEP


def requantization_released(config: ArrayConfig) -> int:
    """From the last step of a filter group's last pass to the end of its wait in the drain."""
    return lane_latency(config) - config.lane_groups + 2


def output_latency(config: ArrayConfig) -> int:
    """From the last step of a pass to the transfer of its first output word."""
    return lane_latency(config) + 1 + epilogue_latency(config) + FIFO_READ_LATENCY
