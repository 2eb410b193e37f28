"""The parameters of one shift-and-accumulate array, with named presets."""

import dataclasses
from dataclasses import dataclass
from math import ceil

from golden.errors import UserError
from golden.requantize import RESIDUAL_FRACTION
from params.arithmetic import Arithmetic

LARGEST_FILTER = 9216
"""Taps of the largest filter in R-FCN: the 3x3x1024 convolution of the RPN."""

MULTIPLIER_BITS = 16
"""Width of the unsigned requantization multiplier."""

INT8_LEVELS = 8
"""Levels of int8 weights: their largest magnitude is 2^7."""

FLOAT_BITS = 32
"""Width of a float32 activation, weight and accumulator."""

FLOAT_LOOP = 8
"""Cycles from a float32 accumulator through its adder and back: as many filters take turns."""

MULTIPLIERS = {Arithmetic.SHIFT: (), Arithmetic.INT8: (0, 1), Arithmetic.FLOAT32: (0, 1, 2, 3, 4)}
"""18x18 multipliers that a processing element may be built with; LUTs do the rest."""

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
    arithmetic : what the processing elements compute with.
    lanes : output pixels computed side by side (P).
    rows : filter streams, each with a read port of the activation memory (K).
    filters_per_row : filters that share a row's read port and address stream (F). With float32
        `FLOAT_LOOP` of them use a processing element by turns, so F is a multiple of that.
    levels : magnitudes of a nonzero weight, 2^0 .. 2^(levels-1) on the integer grid (n); 4 when
        None. 8 for int8, and 1 for float32, where it has no meaning.
    activation_bits : stored width of one activation, 4 to 8, the largest when None; 32 for float32.
    accumulator_bits : signed accumulator width; the worst case of `LARGEST_FILTER` when None;
        32 for float32.
    multipliers : 18x18 multipliers of a processing element, for the lanes by turns; not for shift.
    depth : words of the activation memory, `lanes` activations each (D).
    lane_groups : slices of the lanes; control reaches each slice one cycle after the one above.
    drain_width : requantized activations a row emits per cycle.
    max_shift : largest lane shift of a run.
    mask_bits : weight positions per mask word.
    codes_per_word : weight codes per code word.
    mask_depth, code_depth : words of a row's weight buffer, per kind.
    residuals : rows can add a map to their sums before they round; not for float32.
    max_runs : entries of the run table.
    max_passes : largest number of output rows per tile (T).

    Raises
    ------
    ConfigError : a value is out of range or two values do not go together.
    """

    name: str = "custom"
    arithmetic: Arithmetic = Arithmetic.SHIFT
    lanes: int
    rows: int
    filters_per_row: int = 1
    # Integers from __post_init__ on.
    levels: int = None  # type: ignore[assignment]
    activation_bits: int = None  # type: ignore[assignment]
    accumulator_bits: int = None  # type: ignore[assignment]
    multipliers: tuple[int, ...] = None  # type: ignore[assignment]
    depth: int
    lane_groups: int = 1
    drain_width: int
    max_shift: int = 3
    mask_bits: int = 32
    codes_per_word: int = 8
    mask_depth: int = 512
    code_depth: int = 2048
    residuals: bool = False
    max_runs: int = 16
    max_passes: int = 255

    def __post_init__(self) -> None:
        self._set_defaults()
        floats = self.arithmetic == Arithmetic.FLOAT32
        widths = (FLOAT_BITS, FLOAT_BITS) if floats else (4, 8)
        filters = (FLOAT_LOOP, 8 * FLOAT_LOOP) if floats else (1, 8)
        levels = {Arithmetic.SHIFT: (1, 32), Arithmetic.INT8: (INT8_LEVELS, INT8_LEVELS)}
        for field, low, high in (
            ("lanes", 1, 4096),
            ("rows", 1, 64),
            ("filters_per_row", *filters),
            ("levels", *levels.get(self.arithmetic, (1, 1))),
            ("activation_bits", *widths),
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
        if self.residuals not in (False, True) or (self.residuals and floats):
            raise ConfigError(
                f"residuals is {self.residuals!r}, but must be False or True, and False for "
                f"{Arithmetic.FLOAT32}"
            )
        self._check_accumulator()
        choices = MULTIPLIERS[self.arithmetic]
        if any(count not in choices for count in self.multipliers) or bool(choices) != bool(
            self.multipliers
        ):
            raise ConfigError(
                f"multipliers is {self.multipliers!r}, but a processing element of "
                f"{self.arithmetic} has {' or '.join(map(str, choices)) or 'none'}"
            )
        for divisor, dividend in (
            ("turns", "filters_per_row"),
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

    def _set_defaults(self) -> None:
        floats = self.arithmetic == Arithmetic.FLOAT32
        choices = MULTIPLIERS[self.arithmetic]
        for field, value in (
            ("levels", {Arithmetic.SHIFT: 4, Arithmetic.INT8: INT8_LEVELS}.get(self.arithmetic, 1)),
            ("activation_bits", FLOAT_BITS if floats else 8),
            ("multipliers", choices[-1:]),
        ):
            if getattr(self, field) is None:
                object.__setattr__(self, field, value)

    def _check_accumulator(self) -> None:
        if self.arithmetic == Arithmetic.FLOAT32:
            if self.accumulator_bits is None:
                object.__setattr__(self, "accumulator_bits", FLOAT_BITS)
            self._check("accumulator_bits", FLOAT_BITS, FLOAT_BITS)
            return
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

    def _check(self, field: str, low: int, high: int) -> None:
        value = getattr(self, field)
        if type(value) is not int or not low <= value <= high:
            raise ConfigError(f"{field} is {value!r}, but must be an integer in {low}..{high}")

    @property
    def dense(self) -> bool:
        """Every weight takes a step, zero or not; one mask serves all filters of a row."""
        return self.arithmetic != Arithmetic.SHIFT

    @property
    def turns(self) -> int:
        """Filters that use a processing element by turns, each step being taken once for each.

        Filter f of a group is that of turn f // elements_per_lane on element f % elements_per_lane.
        """
        return FLOAT_LOOP if self.arithmetic == Arithmetic.FLOAT32 else 1

    @property
    def elements_per_lane(self) -> int:
        """Processing elements of a lane in a row, each with a code stream of its own."""
        return self.filters_per_row // self.turns

    @property
    def masks_per_word(self) -> int:
        """Masks side by side in a mask word."""
        return 1 if self.dense else self.filters_per_row

    @property
    def lanes_per_group(self) -> int:
        """Lanes in one slice of the array."""
        return self.lanes // self.lane_groups

    @property
    def outlets_per_group(self) -> int:
        """Ways to the drain of one slice of one row, each with an epilogue unit."""
        return self.drain_width // self.lane_groups

    @property
    def lanes_per_outlet(self) -> int:
        """Lanes that share an outlet."""
        return self.lanes // self.drain_width

    @property
    def drain_words(self) -> int:
        """Output words, hence cycles, that one step through a row's filters takes to drain."""
        return self.lanes_per_outlet * self.filters_per_row

    @property
    def processing_elements(self) -> int:
        """P * K * F, with float32 an eighth of it: accumulations per cycle at most."""
        return self.lanes * self.rows * self.elements_per_lane

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
        """Width of a weight's code: sign and exponent, or the weight itself."""
        weight_bits = {Arithmetic.INT8: INT8_LEVELS, Arithmetic.FLOAT32: FLOAT_BITS}
        return weight_bits.get(self.arithmetic, 1 + self.exponent_bits)

    @property
    def residual_fraction(self) -> int:
        """Bits of a requantized value behind the binary point when a residual is added."""
        return RESIDUAL_FRACTION if self.residuals else 0

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
        """Most code words of one filter, or of all filters that take turns."""
        return ceil(self.max_groups * self.mask_bits * self.turns / self.codes_per_word)

    def with_levels(self, levels: int) -> "ArrayConfig":
        """The same array for another number of levels, accumulator at its worst-case width.

        Raises
        ------
        ConfigError : out of range, or weights that are not powers of two.
        """
        if self.arithmetic != Arithmetic.SHIFT:
            raise ConfigError(
                f"{self.name} takes {self.arithmetic} weights, which have no choice of levels; "
                "choose an array for powers of two"
            )
        return dataclasses.replace(self, levels=levels, accumulator_bits=None)
