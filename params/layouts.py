"""Bit layouts of the array's streams: the one place that owns bit positions.

Every function takes an `ArrayConfig` and returns an `amaranth.lib.data` layout or a shape.
"""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data

from params.arithmetic import Arithmetic
from params.config import FLOAT_BITS, MULTIPLIER_BITS, ArrayConfig


def activations(config: ArrayConfig) -> data.ArrayLayout:
    """One word of the activation memory: `lanes` raw activations, lane 0 lowest."""
    return data.ArrayLayout(unsigned(config.activation_bits), config.lanes)


def load(config: ArrayConfig) -> data.StructLayout:
    """A write to the activation memory."""
    return data.StructLayout({"address": range(config.depth), "word": activations(config)})


def run(config: ArrayConfig) -> data.StructLayout:
    """An entry of the run table: `groups` mask words of positions read from `base` upwards.

    Lane l takes the value of lane l + `shift` of each word.
    """
    return data.StructLayout(
        {
            "shift": unsigned(config.shift_bits),
            "base": range(config.depth),
            "groups": range(config.groups_per_run + 1),
        }
    )


def run_write(config: ArrayConfig) -> data.StructLayout:
    """A write to the run table."""
    return data.StructLayout({"index": range(config.max_runs), "run": run(config)})


def activation_bound(config: ArrayConfig) -> data.Layout:
    """Shape of a clamp limit: any signed or unsigned activation."""
    return signed(config.activation_bits + 1)  # type: ignore[return-value]


def tile(config: ArrayConfig) -> data.StructLayout:
    """The command that computes one tile.

    `passes` output rows are computed from words `pitch` apart. Bit k of `rows` says that row k
    takes part: it consumes filters up to and including the next header with `end` set.
    `signed` is the sign flag of integer input activations. `residual` says that each row takes a
    word from its stream of residuals for every output word; `residual_signed` is their sign flag.
    """
    flags = ("signed", "residual", "residual_signed") if config.residuals else ("signed",)
    return data.StructLayout(
        {
            "passes": range(config.max_passes + 1),
            "pitch": range(config.depth + 1),
            "rows": unsigned(config.rows),
            **dict.fromkeys(flags, unsigned(1)),
            "clamp": clamp(config),
        }
    )


def clamp(config: ArrayConfig) -> data.StructLayout:
    """What bounds the outputs of a tile: limits of integers, a ReLU or none of floats."""
    if config.arithmetic == Arithmetic.FLOAT32:
        return data.StructLayout({"relu": unsigned(1)})
    return data.StructLayout({"low": activation_bound(config), "high": activation_bound(config)})


def epilogue(config: ArrayConfig) -> data.StructLayout:
    """Per output channel, what makes outputs of sums: a requantization, or a float's bias."""
    if config.arithmetic == Arithmetic.FLOAT32:
        return data.StructLayout({"bias": unsigned(FLOAT_BITS)})
    return requantization(config)


def requantization(config: ArrayConfig) -> data.StructLayout:
    """The epilogue of integers: q = clamp((acc * multiplier + offset) >> shift, low, high).

    With a residual r, q = clamp(floor((acc * multiplier + offset) / 2^shift
    + r * residual_multiplier / 2^15), low, high).

    `offset` is everything of the golden requantization that is known before the array runs: the
    bias, the rounding term 2^(shift-1), and, where weights are shifts, multiplier times the number
    of negative weights. Such an array subtracts x << e by adding its complement ~(x << e), one less
    than -(x << e), so that a negative weight costs no carry; `acc` is low by exactly one for each.
    """
    residual = {"residual_multiplier": unsigned(MULTIPLIER_BITS)} if config.residuals else {}
    return data.StructLayout(
        {
            "multiplier": unsigned(MULTIPLIER_BITS),
            "offset": signed(config.offset_bits),
            "shift": range(config.max_right_shift + 1),
            **residual,
        }
    )


def lengths(config: ArrayConfig) -> data.StructLayout:
    """How many words of each weight stream belong to the next F filters of a row.

    `groups` mask words follow on the mask stream, trailing all-zero groups left out, at least
    one; `code_words[f]` words follow on code stream f.
    """
    return data.StructLayout(
        {
            "groups": range(config.max_groups + 1),
            "code_words": data.ArrayLayout(
                range(config.max_code_words + 1), config.elements_per_lane
            ),
        }
    )


def header(config: ArrayConfig) -> data.StructLayout:
    """Announces the next F filters of a row; `end` marks the row's last of the tile."""
    return data.StructLayout(
        {
            "lengths": lengths(config),
            "epilogue": data.ArrayLayout(epilogue(config), config.filters_per_row),
            "end": unsigned(1),
        }
    )


def masks(config: ArrayConfig) -> data.ArrayLayout:
    """A mask word: for each of the F filters, which of `mask_bits` positions are nonzero.

    Dense filters share one mask, which tells the positions that have a weight at all.
    """
    return data.ArrayLayout(unsigned(config.mask_bits), config.masks_per_word)


def code(config: ArrayConfig) -> data.StructLayout:
    """A weight: (-1)^sign * 2^exponent on the integer grid, an int8, or the bits of a float32."""
    match config.arithmetic:
        case Arithmetic.INT8:
            return data.StructLayout({"weight": signed(config.code_bits)})
        case Arithmetic.FLOAT32:
            return data.StructLayout({"weight": unsigned(config.code_bits)})
    return data.StructLayout({"sign": unsigned(1), "exponent": unsigned(config.exponent_bits)})


def codes(config: ArrayConfig) -> data.ArrayLayout:
    """A code word, first code lowest: of one filter, or of filters that take turns."""
    return data.ArrayLayout(code(config), config.codes_per_word)


def residuals(config: ArrayConfig) -> data.ArrayLayout:
    """What is added to an output word of a row: raw activations, element by element."""
    return outputs(config)


def outputs(config: ArrayConfig) -> data.ArrayLayout:
    """An output word of a row: element c is one lane of outlet c.

    Word j of filter f carries the lanes c * lanes_per_outlet + j; the words of a pass come filter
    by filter, the passes of a tile row by row, the filters of a row in the order of their headers.
    """
    return data.ArrayLayout(unsigned(config.activation_bits), config.drain_width)
