"""All options of quantized training behind the few calls a training loop makes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor, nn

from golden.weights import MultipointWeights, PowerOfTwoWeights
from rfcn.quantized.activations import QuantizedActivations
from rfcn.quantized.blending import blend
from rfcn.quantized.guide import Guide
from rfcn.quantized.pruning import hold, penalty, prune
from rfcn.quantized.settings import Recipe, SettingsError
from rfcn.quantized.weights import (
    golden_weights,
    quantize_convolutions,
    quantized_layers,
    weight_quantizers,
)


class QuantizedTraining:
    """A recipe at work on a model.

    One iteration of a training loop::

        quantized.begin(iteration, calibration_images)
        loss = ...(model(images))  [+ the guide's losses]  + quantized.penalty()
        loss.backward()
        quantized.before_step()
        optimizer.step()
        quantized.after_step()

    With a guide, forward passes run within `guide.watch(model)`, and `guide.loss` of what it
    yields is added. The state of the options is in `state_dict`; weights, and the parameters of
    an affine mapping, are in the model's. Everything is deterministic, and the same on every rank.

    Parameters
    ----------
    model : any module with `nn.Conv2d`, float, not yet wrapped for distributed training.
    recipe : the options.

    Attributes
    ----------
    guide : the float twin, or None.
    activations : the quantizers of the maps, or None.

    Raises
    ------
    SettingsError : the recipe names layers that the model does not have.
    """

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        self.model = model
        self.recipe = recipe
        self.guide = Guide(model, recipe.guide) if recipe.guide else None
        self.activations = QuantizedActivations(model) if recipe.activations else None
        if recipe.weights:
            quantize_convolutions(model, recipe.weights)
        self._pruned = False

    def begin(self, iteration: int, images: Callable[[], Iterable[Tensor]] | None = None) -> None:
        """Put the widths of this iteration into use, and what starts with it.

        Parameters
        ----------
        iteration : number of the iteration, from 0 on.
        images : gives batches to calibrate activations on; called only when they get other steps.

        Raises
        ------
        SettingsError, CalibrationError : activations start without images, or with useless ones.
        """
        weights = self.recipe.weights_at(iteration)
        if weights is not None:
            for _, quantizer, floats in quantized_layers(self.model):
                quantizer.change(weights, floats)
        pruning = self.recipe.pruning
        if pruning is not None and not self._pruned and iteration >= pruning.start:
            prune(self.model, pruning)
            self._pruned = True
        if self.activations is not None:
            self._begin_activations(self.activations, iteration, images)

    def _begin_activations(
        self,
        activations: QuantizedActivations,
        iteration: int,
        images: Callable[[], Iterable[Tensor]] | None,
    ) -> None:
        settings = self.recipe.activations_at(iteration)
        if settings is None:
            activations.enable(False)
            return
        if activations.bits != settings.bits:
            if images is None:
                raise SettingsError(
                    f"activations of {settings.bits} bits start at iteration {iteration}: give "
                    f"images to calibrate them on"
                )
            activations.calibrate(self.model, images(), settings)
        activations.enable()

    def penalty(self) -> Tensor | float:
        """What the options add to the loss besides the guide: the penalty before pruning."""
        if self.recipe.pruning is None or self._pruned:
            return 0.0
        return penalty(self.model, self.recipe.pruning)

    def before_step(self) -> None:
        """To be called when the gradients are there, before the optimizer's step."""
        if self.recipe.blend:
            blend(self.model, self.recipe.blend)

    def after_step(self) -> None:
        """To be called after the optimizer's step."""
        if self._pruned:
            hold(self.model)

    def golden_weights(self) -> dict[str, tuple[PowerOfTwoWeights | MultipointWeights, float]]:
        """The quantized weights of each layer, and the float factor that goes with them."""
        return golden_weights(self.model)

    def state_dict(self) -> dict[str, Any]:
        """The state of the options: plain numbers, and tensors on the CPU."""
        quantizers = weight_quantizers(self.model)
        return {
            "recipe": self.recipe.as_dict(),
            "pruned": self._pruned,
            "layers": {name: quantizer.state() for name, quantizer in quantizers.items()},
            "activations": self.activations.state_dict() if self.activations else None,
            "guide": self.guide.twin.state_dict() if self.guide else None,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back a `state_dict`.

        Raises
        ------
        SettingsError : it is of another recipe or of another network.
        """
        if Recipe.from_dict(state["recipe"]) != self.recipe:
            raise SettingsError(
                "the state is of another recipe: go on with the one the training began with"
            )
        quantizers = weight_quantizers(self.model)
        if state["layers"].keys() != quantizers.keys():
            raise SettingsError("the state is of another network: its layers have other names")
        self._pruned = state["pruned"]
        for name, quantizer in quantizers.items():
            quantizer.restore(state["layers"][name])
        if self.activations:
            self.activations.load_state_dict(state["activations"])
        if self.guide:
            self.guide.twin.load_state_dict(state["guide"])
