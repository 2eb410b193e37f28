"""The options that choose how a network is quantized while it is trained or evaluated."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import typer

from cli.console import UsageError
from cli.lists import parts
from rfcn.quantized.settings import (
    ActivationSettings,
    GuideSettings,
    PruningSettings,
    Recipe,
    Stage,
    WeightSettings,
)

BitsOption = Annotated[
    int | None, typer.Option(help="Quantize the weights to so many bits, 2 to 7.")
]
LevelsOption = Annotated[
    int | None, typer.Option(help="Magnitudes of a weight, instead of 2^(bits-2).")
]
MethodOption = Annotated[str | None, typer.Option(help="Quantizer: lbw (default), exact or inq.")]
PerChannelOption = Annotated[bool, typer.Option(help="A scale per output channel.")]
MuOption = Annotated[
    float | None, typer.Option(help="lbw's mu as a share of the largest weight (0.75).")
]
CalibratedMuOption = Annotated[
    bool, typer.Option(help="lbw's mu from the piecewise-Gaussian density of each layer.")
]
SparsityOption = Annotated[
    float | None, typer.Option(help="For exact: from its own density (0) to that of lbw (1).")
]
TermsOption = Annotated[int | None, typer.Option(help="Powers of two per weight, 1 or 2.")]
ActivationBitsOption = Annotated[
    int | None, typer.Option(help="Quantize the activations to so many bits, 4 to 8.")
]


@dataclass(frozen=True, kw_only=True)
class WeightOptions:
    """The options of weights as they are given; what is None or False was not."""

    bits: int | None = None
    levels: int | None = None
    method: str | None = None
    per_channel: bool = False
    mu: float | None = None
    calibrated_mu: bool = False
    sparsity: float | None = None
    terms: int | None = None
    affine: bool = False

    def settings(self) -> WeightSettings | None:
        """The settings of the weights, None where they stay floats.

        Raises
        ------
        UsageError : an option of quantized weights without --bits or --levels.
        QuantizationError, SettingsError : values out of range, or that do not go together.
        """
        given = {name: value for name, value in vars(self).items() if value not in (None, False)}
        if self.bits is None and self.levels is None:
            if given:
                option = next(iter(given)).replace("_", "-")
                raise UsageError(f"--{option} goes with quantized weights: give --bits or --levels")
            return None
        return WeightSettings(**given)


@dataclass(frozen=True, kw_only=True)
class RecipeOptions:
    """The options of quantized training as they are given.

    Parameters
    ----------
    weights : those of the weights.
    activation_bits, activation_start : of the second stage.
    stages : text such as 0:6,200:5,400:4.
    guide, guide_weight : names of maps, and the factor of the hints.
    blend : rho of blended coarse gradients.
    prune, prune_group, prune_start : share of the groups, filters x positions, iteration.
    """

    weights: WeightOptions
    activation_bits: int | None = None
    activation_start: int = 0
    stages: str | None = None
    guide: str | None = None
    guide_weight: float = 1.0
    blend: float = 0.0
    prune: float | None = None
    prune_group: str = "1x1"
    prune_start: int = 0

    def recipe(self) -> Recipe:
        """The recipe; one without any option is float training.

        Raises
        ------
        UsageError, SettingsError : options that cannot be read or do not go together.
        """
        weights = self.weights.settings()
        activations = guide = pruning = None
        if self.activation_bits is not None:
            activations = ActivationSettings(bits=self.activation_bits, start=self.activation_start)
        elif self.activation_start:
            raise UsageError("--activation-start goes with --activation-bits")
        if self.guide is not None:
            guide = GuideSettings(maps=tuple(parts(self.guide, "--guide")),
                                  weight=self.guide_weight)  # fmt: skip
        if self.prune is not None:
            filters, positions = _group(self.prune_group)
            pruning = PruningSettings(
                filters=filters, positions=positions, share=self.prune, start=self.prune_start
            )
        return Recipe(
            weights=weights,
            activations=activations,
            stages=tuple(_stages(self.stages)),
            guide=guide,
            blend=self.blend,
            pruning=pruning,
        )


def _stages(text: str | None) -> Iterable[Stage]:
    for part in parts(text, "--stages") if text else ():
        start, _, bits = part.partition(":")
        if not (start.isdecimal() and bits.isdecimal()):
            raise UsageError(
                f"--stages holds {part!r}, but must be ITERATION:BITS such as 0:6,200:5,400:4"
            )
        yield Stage(start=int(start), weight_bits=int(bits))


def _group(text: str) -> tuple[int, int]:
    filters, _, positions = text.partition("x")
    if not (filters.isdecimal() and positions.isdecimal()):
        raise UsageError(f"--prune-group is {text!r}, but must be FILTERSxPOSITIONS such as 2x4")
    return int(filters), int(positions)


def describe(recipe: Recipe) -> str:
    """A recipe in a few words."""
    words = []
    if recipe.weights:
        bits, levels = recipe.weights.bits, recipe.weights.levels
        size = f"{levels} levels" if bits is None else f"{bits} bits"
        words.append(f"{size}, {recipe.weights.method}")
    if recipe.activations:
        words.append(f"{recipe.activations.bits}-bit activations")
    return ", ".join(words) or "float"
