"""Layouts of the streams between the blocks of a row."""

from amaranth.hdl import unsigned
from amaranth.lib import data

from params import ArrayConfig, layouts


def replayed(shape) -> data.StructLayout:
    """A word of a replay buffer: `last` of its pass, and `final` when no pass follows."""
    return data.StructLayout({"word": shape, "last": 1, "final": 1})


def group(config: ArrayConfig) -> data.StructLayout:
    """A mask word with the memory address of its position 0 and the lane shift of its run."""
    return data.StructLayout(
        {
            "masks": layouts.masks(config),
            "base": range(config.depth),
            "shift": unsigned(config.shift_bits),
            "last": 1,
        }
    )


def position(config: ArrayConfig) -> data.StructLayout:
    """A position at which a filter has a weight: bit `index` of the mask word at `base`.

    Bit f of `enable` says that filter f is nonzero there; dense filters have one bit in common.
    Only a pass without any weight has a position with no filter enabled.
    """
    return data.StructLayout(
        {
            "base": range(config.depth),
            "index": range(config.mask_bits),
            "enable": unsigned(config.masks_per_word),
            "shift": unsigned(config.shift_bits),
            "last": 1,
        }
    )


def control(config: ArrayConfig) -> data.StructLayout:
    """What the processing elements of a row do with an activation.

    `last` marks the last position of a pass. Filters that take turns have a step each at every
    position, that of filter `turn`, and `first` marks the first position of a pass.
    """
    return data.StructLayout(
        {
            "enable": unsigned(config.elements_per_lane),
            "codes": data.ArrayLayout(layouts.code(config), config.elements_per_lane),
            "turn": range(config.turns),
            "first": unsigned(config.turns > 1),
            "last": 1,
        }
    )


def step(config: ArrayConfig) -> data.StructLayout:
    """What all lanes of a row do in one cycle: read a word, shift it over, accumulate it."""
    return data.StructLayout(
        {
            "address": range(config.depth),
            "shift": unsigned(config.shift_bits),
            "control": control(config),
        }
    )


def beat(config: ArrayConfig) -> data.StructLayout:
    """A step on its way through the lane groups, or a write to the activation memory.

    A beat with neither `enable` nor `last` nor `write` set changes nothing.
    """
    return data.StructLayout({"step": step(config), "write": 1})
