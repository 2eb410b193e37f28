"""The settings of quantized training: one frozen, validated value for each option.

Torch-free, so that a command line can build and check them before it loads torch.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from golden.activations import ActivationFormat
from golden.calibration import STEP_METHODS
from golden.errors import UserError
from golden.quantize import check_settings
from golden.quantize.lbw import PARTIAL_SUMS

MOST_TERMS = 8
"""Largest number of terms of a weight."""


class SettingsError(UserError):
    """A setting of quantized training is out of range, or two do not go together."""


@dataclass(frozen=True, kw_only=True)
class WeightSettings:
    """How weights become powers of two: the arguments of `golden.quantize`.

    Parameters
    ----------
    bits, levels : one of them, the code width or the number of levels.
    method, per_channel, mu, partial_sums, sparsity, terms : as for `golden.quantize`.
    calibrated_mu : for "lbw": each layer's mu is the one of least expected squared error under
        the piecewise-Gaussian density of its weights, in place of `mu`.
    affine : a trained scale and offset for each layer, see `AffineMapping`.
    tolerance : for "exact" with scales per channel: every channel gets as many terms, up to
        `terms`, as bring its relative squared error below this (`golden.multipoint`); `terms` may
        then be 1 to 8.
    layers : names of the convolutions to quantize; None for all.

    Raises
    ------
    QuantizationError, SettingsError : values that are out of range or do not go together.
    """

    bits: int | None = None
    levels: int | None = None
    method: str = "lbw"
    per_channel: bool = False
    mu: float | None = None
    partial_sums: int | None = PARTIAL_SUMS
    sparsity: float = 0.0
    terms: int = 1
    calibrated_mu: bool = False
    affine: bool = False
    tolerance: float | None = None
    layers: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.tolerance is None:
            check_settings(**self.quantizer)
        else:
            check_settings(**{**self.quantizer, "terms": 1})
            _inside("tolerance", self.tolerance, 0, 1, low_too=True)
            if self.method != "exact" or not self.per_channel or self.sparsity:
                raise SettingsError(
                    "a tolerance goes with method='exact', per_channel=True and no sparsity"
                )
            if self.affine:
                raise SettingsError("a tolerance and an affine mapping exclude each other")
            if self.terms not in range(1, MOST_TERMS + 1):
                raise SettingsError(f"terms is {self.terms!r}, but must be 1 to {MOST_TERMS}")
        if self.calibrated_mu and (self.method != "lbw" or self.mu is not None):
            raise SettingsError("calibrated_mu goes with method='lbw' and without a mu of its own")
        if self.layers is not None:
            object.__setattr__(self, "layers", tuple(self.layers))

    @property
    def quantizer(self) -> dict[str, Any]:
        """The keyword arguments of `golden.quantize`, where there is no tolerance."""
        names = ("bits", "levels", "method", "per_channel", "mu", "partial_sums", "sparsity",
                 "terms")  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def with_bits(self, bits: int) -> "WeightSettings":
        """The same settings at another code width."""
        return dataclasses.replace(self, bits=bits, levels=None)


@dataclass(frozen=True, kw_only=True)
class ActivationSettings:
    """How maps become integers of few bits.

    Parameters
    ----------
    bits : 4 to 8.
    method : how the step is found, one of `STEP_METHODS`: "mse", of least squared error over the
        histogram, or "gaussian", over the piecewise-Gaussian fit of it.
    power_of_two : whether steps are powers of two.
    start : first iteration with quantized activations: the second of the two stages.

    Raises
    ------
    ActivationError, SettingsError : values that are out of range.
    """

    bits: int = 8
    method: str = "mse"
    power_of_two: bool = False
    start: int = 0

    def __post_init__(self) -> None:
        ActivationFormat(bits=self.bits)
        if self.method not in STEP_METHODS:
            raise SettingsError(
                f"no way to find a step is called {self.method!r}; choose one of "
                f"{', '.join(STEP_METHODS)}"
            )
        _whole("start", self.start, 0)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A step of the progressive schedule: the widths in use from an iteration on.

    Parameters
    ----------
    start : first iteration.
    weight_bits : code width of the weights, 2 to 7; None leaves that of `WeightSettings`.
    activation_bits : width of the activations, 4 to 8; None leaves that of `ActivationSettings`.

    Raises
    ------
    QuantizationError, ActivationError, SettingsError : values that are out of range.
    """

    start: int
    weight_bits: int | None = None
    activation_bits: int | None = None

    def __post_init__(self) -> None:
        _whole("start", self.start, 0)
        if self.weight_bits is not None:
            WeightSettings(bits=self.weight_bits)
        if self.activation_bits is not None:
            ActivationSettings(bits=self.activation_bits)
        if self.weight_bits is self.activation_bits is None:
            raise SettingsError("a stage changes neither weights nor activations: give it bits")


@dataclass(frozen=True, kw_only=True)
class GuideSettings:
    """The full-precision guide of Zhuang et al.: a float twin, trained alongside.

    Parameters
    ----------
    maps : names of the maps on which the two are held together.
    weight : factor of the hint loss.
    train : whether the twin learns too, from its own losses and the hints; else it stays as it is.

    Raises
    ------
    SettingsError : no maps, or a factor that is not positive.
    """

    maps: tuple[str, ...]
    weight: float = 1.0
    train: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "maps", tuple(self.maps))
        if not self.maps:
            raise SettingsError("a guide needs at least one map to give hints on: name it in maps")
        _inside("weight", self.weight, 0, float("inf"))


@dataclass(frozen=True, kw_only=True)
class PruningSettings:
    """Pruning in groups that cost the array a step each, with clipped weight penalties.

    Parameters
    ----------
    filters : output channels of a group: filters per row (F) of the array.
    positions : input channels of a group, at one kernel position.
    share : groups of each layer that are pruned, 0 to 1.
    penalty : factor of the penalty that draws the norms of small groups to zero.
    clip : groups beyond this multiple of their layer's mean norm are not penalised.
    start : iteration at which the groups are pruned; the penalty acts before it.

    Raises
    ------
    SettingsError : a value is out of range.
    """

    filters: int = 1
    positions: int = 1
    share: float = 0.5
    penalty: float = 1e-4
    clip: float = 1.0
    start: int = 0

    def __post_init__(self) -> None:
        _whole("filters", self.filters, 1)
        _whole("positions", self.positions, 1)
        _whole("start", self.start, 0)
        _inside("share", self.share, 0, 1)
        _inside("penalty", self.penalty, 0, float("inf"), low_too=True)
        _inside("clip", self.clip, 0, float("inf"))


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All options of a quantized training; without any it is float training.

    Parameters
    ----------
    weights : power-of-two weights.
    activations : low-bit activations; with a `start` they are the second of two stages.
    stages : progressive bit-widths, in the order of their starts.
    guide : full-precision guide.
    blend : rho of blended coarse gradient descent, W <- (1 - rho) W + rho Q(W) - rate * gradient.
    pruning : pruning in groups.

    Raises
    ------
    SettingsError : options that do not go together.
    """

    weights: WeightSettings | None = None
    activations: ActivationSettings | None = None
    stages: tuple[Stage, ...] = ()
    guide: GuideSettings | None = None
    blend: float = 0.0
    pruning: PruningSettings | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", tuple(self.stages))
        starts = [stage.start for stage in self.stages]
        if starts != sorted(set(starts)):
            raise SettingsError(f"stages start at {starts}, but must start one after the other")
        _inside("blend", self.blend, 0, 1, low_too=True)
        if self.weights is None:
            needy = [
                name
                for name, used in (
                    ("blend", self.blend),
                    ("pruning", self.pruning),
                    ("weight_bits", any(stage.weight_bits for stage in self.stages)),
                )
                if used
            ]
            if needy:
                raise SettingsError(f"{needy[0]} acts on quantized weights: give weights as well")
        if self.activations is None and any(stage.activation_bits for stage in self.stages):
            raise SettingsError("activation_bits needs quantized activations: give activations")

    def as_dict(self) -> dict[str, Any]:
        """A dictionary for JSON, from which `from_dict` makes the same recipe."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "Recipe":
        """The recipe of `as_dict`.

        Raises
        ------
        SettingsError : an unknown name, or a value that is out of range.
        """
        parts = dict(values)
        try:
            for name, kind in (
                ("weights", WeightSettings),
                ("activations", ActivationSettings),
                ("guide", GuideSettings),
                ("pruning", PruningSettings),
            ):
                if parts.get(name) is not None:
                    parts[name] = kind(**parts[name])
            parts["stages"] = tuple(Stage(**stage) for stage in parts.get("stages", ()))
            return Recipe(**parts)
        except TypeError as error:
            raise SettingsError(f"the recipe cannot be read: {error}") from error

    def weights_at(self, iteration: int) -> WeightSettings | None:
        """The settings of the weights in an iteration."""
        bits = self._bits("weight_bits", iteration)
        return self.weights.with_bits(bits) if self.weights and bits else self.weights

    def activations_at(self, iteration: int) -> ActivationSettings | None:
        """The settings of the activations in an iteration; None before they are quantized."""
        if self.activations is None or iteration < self.activations.start:
            return None
        bits = self._bits("activation_bits", iteration) or self.activations.bits
        return dataclasses.replace(self.activations, bits=bits)

    def _bits(self, name: str, iteration: int) -> int | None:
        found = [
            getattr(stage, name)
            for stage in self.stages
            if stage.start <= iteration and getattr(stage, name) is not None
        ]
        return found[-1] if found else None


def _whole(name: str, value: object, low: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise SettingsError(f"{name} is {value!r}, but must be an integer from {low} on")


def _inside(name: str, value: float, low: float, high: float, *, low_too: bool = False) -> None:
    """Check for low < value <= high, with infinity always left out."""
    if not (low < value <= high or (low_too and value == low)) or value == float("inf"):
        raise SettingsError(
            f"{name} is {value!r}, but must be finite, {'at least' if low_too else 'above'} {low} "
            f"and at most {high}"
        )
