"""The parameters of one shift-and-accumulate array, with named presets."""

import dataclasses
from dataclasses import dataclass
from math import ceil

from golden.errors import UserError

LARGEST_FILTER = 9216
"""Taps of the largest filter in R-FCN: the 3x3x1024 convolution of the RPN."""

MULTIPLIER_BITS = 16
"""Width of the unsigned requantization multiplier."""

MAX_ACCUMULATOR_BITS = 48
"""Widest accumulator: with the multiplier's bits it still fits the 64-bit words of `packing`."""


class ConfigError(UserError):
    """A parameter of the array is out of range; the message names it and its value."""


def worst_case_accumulator_bits(
    *, levels: int, activation_bits: int, taps: int = LARGEST_FILTER
) -> int:
    """Bits of a signed accumulator that no filter of `taps` weights can overflow.

    The largest magnitude is `taps * (2^activation_bits - 1) * 2^(levels - 1)`.
    """
    return (taps * ((1 << activation_bits) - 1) << (levels - 1)).bit_length() + 1


@dataclass(frozen=True, kw_only=True)
class ArrayConfig:
    """Parameters of the array; one value feeds the compiler, the hardware and the benches.

    Parameters
    ----------
    name : what reports call this configuration.
    lanes : output pixels computed side by side (P).
    rows : filter streams, each with a read port of the activation memory (K).
    filters_per_row : filters that share a row's read port and address stream (F).
    levels : magnitudes of a nonzero weight, 2^0 .. 2^(levels-1) on the integer grid (n).
    activation_bits : stored width of one activation, 4 to 8.
    accumulator_bits : signed accumulator width; the worst case of `LARGEST_FILTER` when None.
    depth : words of the activation memory, `lanes` activations each (D).
    lane_groups : slices of the lanes; control reaches each slice one cycle after the one above.
    drain_width : requantized activations a row emits per cycle.
    max_shift : largest lane shift of a run.
    mask_bits : weight positions per mask word.
    codes_per_word : weight codes per code word.
    mask_depth, code_depth : words of a row's weight buffer, per kind.
    max_runs : entries of the run table.
    max_passes : largest number of output rows per tile (T).

    Raises
    ------
    ConfigError : a value is out of range or two values do not go together.
    """

    name: str = "custom"
    lanes: int
    rows: int
    filters_per_row: int = 1
    levels: int = 4
    activation_bits: int = 8
    accumulator_bits: int = None  # type: ignore[assignment]  # an int from __post_init__ on
    depth: int
    lane_groups: int = 1
    drain_width: int
    max_shift: int = 3
    mask_bits: int = 32
    codes_per_word: int = 8
    mask_depth: int = 512
    code_depth: int = 2048
    max_runs: int = 16
    max_passes: int = 255

    def __post_init__(self) -> None:
        for field, low, high in (
            ("lanes", 1, 4096),
            ("rows", 1, 64),
            ("filters_per_row", 1, 8),
            ("levels", 1, 32),
            ("activation_bits", 4, 8),
            ("depth", 2, 1 << 20),
            ("lane_groups", 1, 4096),
            ("drain_width", 1, 4096),
            ("max_shift", 0, 31),
            ("mask_bits", 2, 64),
            ("codes_per_word", 1, 32),
            ("mask_depth", 2, 1 << 20),
            ("code_depth", 2, 1 << 20),
            ("max_runs", 1, 256),
            ("max_passes", 1, 1 << 16),
        ):
            self._check(field, low, high)
        if self.accumulator_bits is None:
            bits = worst_case_accumulator_bits(
                levels=self.levels, activation_bits=self.activation_bits
            )
            if bits > MAX_ACCUMULATOR_BITS:
                raise ConfigError(
                    f"levels is {self.levels}, whose worst case takes an accumulator of {bits} "
                    f"bits, more than {MAX_ACCUMULATOR_BITS}; lower it or give accumulator_bits"
                )
            object.__setattr__(self, "accumulator_bits", bits)
        # One product, with its sign, must fit at least.
        self._check("accumulator_bits", self.activation_bits + self.levels, MAX_ACCUMULATOR_BITS)
        for divisor, dividend in (
            ("lane_groups", "lanes"),
            ("drain_width", "lanes"),
            ("lane_groups", "drain_width"),
        ):
            if getattr(self, dividend) % getattr(self, divisor):
                raise ConfigError(
                    f"{dividend} is {getattr(self, dividend)}, but must be a multiple of "
                    f"{divisor}, which is {getattr(self, divisor)}"
                )
        if self.max_shift >= self.lanes or (
            self.lane_groups > 1 and (1 << self.shift_bits) - 1 > self.lanes_per_group
        ):
            raise ConfigError(
                f"max_shift is {self.max_shift}, but a lane group has only "
                f"{self.lanes_per_group} lanes to shift over"
            )

    def _check(self, field: str, low: int, high: int) -> None:
        value = getattr(self, field)
        if type(value) is not int or not low <= value <= high:
            raise ConfigError(f"{field} is {value!r}, but must be an integer in {low}..{high}")

    @property
    def lanes_per_group(self) -> int:
        """Lanes in one slice of the array."""
        return self.lanes // self.lane_groups

    @property
    def chains_per_group(self) -> int:
        """Drain chains in one slice of one row."""
        return self.drain_width // self.lane_groups

    @property
    def chain_length(self) -> int:
        """Lanes on one drain chain, for each filter of the row."""
        return self.lanes // self.drain_width

    @property
    def drain_words(self) -> int:
        """Output words, hence cycles, that one step through a row's filters takes to drain."""
        return self.chain_length * self.filters_per_row

    @property
    def processing_elements(self) -> int:
        """P * K * F: shift-and-accumulate operations per cycle at most."""
        return self.lanes * self.rows * self.filters_per_row

    @property
    def shift_bits(self) -> int:
        """Width of a lane shift."""
        return self.max_shift.bit_length()

    @property
    def exponent_bits(self) -> int:
        """Width of a weight's exponent, 0 for one level."""
        return (self.levels - 1).bit_length()

    @property
    def code_bits(self) -> int:
        """Width of a weight's code: sign and exponent."""
        return 1 + self.exponent_bits

    @property
    def offset_bits(self) -> int:
        """Signed width of the requantization offset: that of accumulator times multiplier."""
        return self.accumulator_bits + MULTIPLIER_BITS

    @property
    def max_right_shift(self) -> int:
        """Largest requantization shift."""
        return self.offset_bits

    @property
    def groups_per_run(self) -> int:
        """Most mask words that one run can take: the whole activation memory."""
        return ceil(self.depth / self.mask_bits)

    @property
    def max_groups(self) -> int:
        """Most mask words of one filter."""
        return self.groups_per_run * self.max_runs

    @property
    def max_code_words(self) -> int:
        """Most code words of one filter."""
        return ceil(self.max_groups * self.mask_bits / self.codes_per_word)

    def with_levels(self, levels: int) -> "ArrayConfig":
        """The same array for another number of levels, accumulator at its worst-case width."""
        return dataclasses.replace(self, levels=levels, accumulator_bits=None)


PRESETS = {
    config.name: config
    for config in (
        ArrayConfig(
            name="tiny", lanes=8, rows=2, depth=256, lane_groups=2, drain_width=2,
            mask_depth=64, code_depth=128,
        ),
        ArrayConfig(name="ulx3s", lanes=108, rows=2, depth=3072, lane_groups=6, drain_width=12),
        ArrayConfig(
            name="ulx3s-dense", lanes=108, rows=2, filters_per_row=2, levels=16, depth=3072,
            lane_groups=6, drain_width=12,
        ),
        ArrayConfig(
            name="large", lanes=256, rows=4, depth=4096, lane_groups=16, drain_width=16,
        ),
    )
}  # fmt: skip
"""Named configurations: `tiny` for fast tests, the others for boards."""


def preset(name: str, *, levels: int | None = None) -> ArrayConfig:
    """The preset `name`, rebuilt for `levels` magnitudes when given.

    Raises
    ------
    ConfigError : no such preset, or `levels` out of range.
    """
    if name not in PRESETS:
        raise ConfigError(f"no preset is called {name!r}; choose one of {', '.join(PRESETS)}")
    config = PRESETS[name]
    return config if levels in (None, config.levels) else config.with_levels(levels)
