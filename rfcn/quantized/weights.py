"""Convolutions that compute with quantized weights and learn float ones.

Source: section 2.2 of the LBW-Net paper. Forward and backward passes use Q(W); the gradient taken
there is that of the float weights W, which the optimizer changes.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from golden.calibration import calibrated_mu, calibrated_scale
from golden.quantize import check_settings, quantize
from golden.weights import PowerOfTwoWeights, TwoTermWeights
from rfcn.quantized.affine import AffineMapping
from rfcn.quantized.quantizers import quantize_tensor
from rfcn.quantized.settings import SettingsError, WeightSettings

NAME = "weight_quantizer"
"""Attribute of a convolution that holds its quantizer."""


class _Steps:
    """Counts the steps of all optimizers: fused ones leave the version of a tensor as it was."""

    taken = 0

    @classmethod
    def count(cls, *_: object) -> None:
        cls.taken += 1


register_optimizer_step_post_hook(_Steps.count)


class _At(torch.autograd.Function):
    """The value of a second tensor with the gradient of the first, where a mask lets it pass."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        ctx.mask = mask
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return gradient if ctx.mask is None else gradient * ctx.mask, None, None


class WeightQuantizer(nn.Module):
    """Q(W) of one layer, evaluated once for each version of W.

    A new version is a step of any optimizer, a loaded state or another change in place that
    autograd can see; after changes through `.data`, call `invalidate`. It has no state of its own
    in a state dict unless the mapping is affine.

    Parameters
    ----------
    settings : the quantizer.

    Attributes
    ----------
    mu : the layer's mu in place of the settings', as a share of the largest weight, or None.
    mask : bool tensor that broadcasts to W, False where weights are pruned; or None.
    affine : the trained mapping, or None.
    """

    def __init__(self, settings: WeightSettings) -> None:
        super().__init__()
        self._settings = settings
        self.affine = AffineMapping() if settings.affine else None
        self._mu: float | None = None
        self._mask: Tensor | None = None
        self._values: Tensor | None = None
        self._version: tuple | None = None
        self._hooks: list = []

    @property
    def settings(self) -> WeightSettings:
        """The settings in use."""
        return self._settings

    @property
    def mu(self) -> float | None:
        """The layer's own mu."""
        return self._mu

    @mu.setter
    def mu(self, mu: float | None) -> None:
        self._mu = mu
        self.invalidate()

    @property
    def mask(self) -> Tensor | None:
        """Where weights are left."""
        return self._mask

    @mask.setter
    def mask(self, mask: Tensor | None) -> None:
        self._mask = mask
        self.invalidate()

    def invalidate(self) -> None:
        """Forget the quantized weights."""
        self._values = self._version = None

    def change(self, settings: WeightSettings, weights: Tensor) -> None:
        """Go on with other settings; a mu that they leave to the density is that of `weights`.

        Raises
        ------
        SettingsError : `affine` is another.
        """
        if settings.affine != self._settings.affine:
            raise SettingsError("affine cannot be changed in training: begin with it")
        if settings != self._settings:
            self._settings = settings
            self.mu = self._calibrated_mu(weights)

    def calibrate(self, weights: Tensor) -> None:
        """Take what the settings leave to the density of `weights`: mu, the first affine scale."""
        self.mu = self._calibrated_mu(weights)
        if self.affine is not None:
            levels = check_settings(**self._settings.quantizer)
            self.affine.start(calibrated_scale(_array(weights), levels))

    def _calibrated_mu(self, weights: Tensor) -> float | None:
        if not self._settings.calibrated_mu:
            return None
        levels = check_settings(**self._settings.quantizer)
        sums = self._settings.partial_sums
        return calibrated_mu(_array(weights), levels, partial_sums=sums)

    def forward(self, weights: Tensor) -> Tensor:
        """The weights to compute with; their gradient goes to `weights` as it is."""
        source = self._before(weights)
        values = _At.apply(source, self._quantized(weights, source), self._mask_for(weights))
        return values if self.affine is None else values * self.affine.scale

    def golden(self, weights: Tensor) -> tuple[PowerOfTwoWeights | TwoTermWeights, float]:
        """The same weights as integers: powers of two, and the float factor that goes with them.

        The factor is 1 unless the mapping is affine. The values are equal to the last bit to
        those that `forward` gives on a float32 layer, before its factor.
        """
        with torch.no_grad():
            source = _array(self._masked(self._before(weights), weights))
            scale = 1.0 if self.affine is None else float(self.affine.scale)
        return quantize(source, **self._arguments), scale

    @property
    def _arguments(self) -> dict[str, Any]:
        arguments = self._settings.quantizer
        return arguments if self._mu is None else {**arguments, "mu": self._mu}

    def _before(self, weights: Tensor) -> Tensor:
        return weights if self.affine is None else self.affine.before(weights)

    def _mask_for(self, weights: Tensor) -> Tensor | None:
        if self._mask is not None and self._mask.device != weights.device:
            self._mask = self._mask.to(weights.device)
        return self._mask

    def _masked(self, source: Tensor, weights: Tensor) -> Tensor:
        mask = self._mask_for(weights)
        return source.detach() if mask is None else source.detach() * mask

    def _quantized(self, weights: Tensor, source: Tensor) -> Tensor:
        version = self._version_of(weights)
        if version is None or version != self._version or self._values is None:
            # Tensors made in inference mode could not be used in training later on.
            with torch.inference_mode(False), torch.no_grad():
                self._values = quantize_tensor(self._masked(source, weights), **self._arguments)
            self._version = version
        return self._values

    def _version_of(self, weights: Tensor) -> tuple | None:
        tensors = [weights, *self.parameters()]
        if any(tensor.is_inference() for tensor in tensors):
            return None
        return _Steps.taken, *((t._version, t.data_ptr(), t.device, t.dtype) for t in tensors)

    def state(self) -> dict[str, Any]:
        """What is neither in the settings a training begins with nor in the model's state."""
        mask = None if self._mask is None else self._mask.cpu()
        return {"bits": self._settings.bits, "mu": self._mu, "mask": mask}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back a `state`."""
        if state["bits"] is not None:
            self._settings = self._settings.with_bits(state["bits"])
        self.mu = state["mu"]
        self.mask = state["mask"]

    def attach(self, convolution: nn.Module) -> None:
        """Make `convolution` compute with this quantizer's weights."""
        setattr(convolution, NAME, self)
        self._hooks = [
            convolution.register_forward_pre_hook(self._enter),
            convolution.register_forward_hook(self._leave, always_call=True),
        ]

    def detach(self, convolution: nn.Module) -> None:
        """Make `convolution` compute with its float weights again."""
        delattr(convolution, NAME)
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    def _enter(self, convolution: nn.Module, _: object) -> None:
        # Hides the parameter of that name, which stays what optimizers and state dicts see.
        convolution.__dict__["weight"] = self(convolution._parameters["weight"])

    def _leave(self, convolution: nn.Module, *_: object) -> None:
        convolution.__dict__.pop("weight", None)


def quantize_convolutions(model: nn.Module, settings: WeightSettings) -> dict[str, WeightQuantizer]:
    """Make the convolutions of `model` compute with quantized weights.

    Parameters are left as they are: the state dict keeps its keys, and so do optimizers. A deep
    copy of the model is quantized as well.

    Parameters
    ----------
    model : any module; its `nn.Conv2d` are quantized, those in `settings.layers` or all.
    settings : how; `calibrated_mu` and an affine scale are taken from the weights as they are.

    Returns
    -------
    The quantizers by the names of their convolutions.

    Raises
    ------
    SettingsError : no such convolution, or one that is already quantized.
    """
    found = convolutions(model, settings.layers)
    for name, convolution in found.items():
        if hasattr(convolution, NAME):
            raise SettingsError(f"{name} is quantized already: restore the model first")
    for convolution in found.values():
        quantizer = WeightQuantizer(settings).to(convolution.weight.device)
        quantizer.calibrate(convolution.weight)
        quantizer.attach(convolution)
    return weight_quantizers(model)


def weight_quantizers(model: nn.Module) -> dict[str, WeightQuantizer]:
    """The quantizers within `model` by the names of their convolutions."""
    return {
        name: getattr(module, NAME)
        for name, module in model.named_modules()
        if isinstance(getattr(module, NAME, None), WeightQuantizer)
    }


def quantized_layers(model: nn.Module) -> Iterator[tuple[str, WeightQuantizer, nn.Parameter]]:
    """Name, quantizer and float weights of every quantized layer within `model`."""
    for name, quantizer in weight_quantizers(model).items():
        # The attribute is another tensor while the layer computes.
        weights = model.get_submodule(name)._parameters["weight"]
        assert weights is not None
        yield name, quantizer, weights


def restore_convolutions(model: nn.Module) -> None:
    """Undo `quantize_convolutions`: the model computes with its float weights again."""
    for name, quantizer in weight_quantizers(model).items():
        quantizer.detach(model.get_submodule(name))


def golden_weights(
    model: nn.Module,
) -> dict[str, tuple[PowerOfTwoWeights | TwoTermWeights, float]]:
    """The quantized weights of each layer, and the float factor that goes with them."""
    return {name: q.golden(weights) for name, q, weights in quantized_layers(model)}


def convolutions(model: nn.Module, names: Iterable[str] | None = None) -> dict[str, nn.Conv2d]:
    """The `nn.Conv2d` of `model`, or those called `names`, in the order of the model.

    Raises
    ------
    SettingsError : no such convolution, or none at all.
    """
    found = {name: m for name, m in model.named_modules() if isinstance(m, nn.Conv2d)}
    if not found:
        raise SettingsError("the model has no convolution to quantize")
    if names is None:
        return found
    wanted = set(names)
    missing = sorted(wanted - found.keys())
    if missing:
        raise SettingsError(
            f"the model has no convolution {missing[0]!r}; its {len(found)} are called "
            f"{', '.join(list(found)[:4])}, ..."
        )
    return {name: module for name, module in found.items() if name in wanted}


def _array(weights: Tensor) -> np.ndarray:
    return weights.detach().float().cpu().numpy()
