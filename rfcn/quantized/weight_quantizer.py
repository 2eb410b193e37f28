"""The quantizer of one convolution, which computes with quantized weights and learns float ones.

Source: section 2.2 of the LBW-Net paper. Forward and backward passes use Q(W); the gradient taken
there is that of the float weights W, which the optimizer changes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from golden.calibration import calibrated_mu, calibrated_scale
from golden.multipoint import multipoint
from golden.quantize import check_settings, quantize
from golden.weights import MultipointWeights, PowerOfTwoWeights
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
    patches : float (samples, taps), typical inputs of the layer's filters, on which a tolerance
        of the settings is judged; None judges the weights themselves.
    mask : bool tensor that broadcasts to W, False where weights are pruned; or None.
    affine : the trained mapping, or None.
    """

    def __init__(self, settings: WeightSettings) -> None:
        super().__init__()
        self._settings = settings
        self.affine = AffineMapping() if settings.affine else None
        self._mu: float | None = None
        self._patches: np.ndarray | None = None
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
    def patches(self) -> np.ndarray | None:
        """Typical inputs."""
        return self._patches

    @patches.setter
    def patches(self, patches: np.ndarray | None) -> None:
        self._patches = patches
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
        return values if self.affine is None else self.affine.behind(values)

    def golden(self, weights: Tensor) -> tuple[PowerOfTwoWeights | MultipointWeights, float]:
        """The same weights as integers: powers of two, and the float factor that goes with them.

        The factor is 1 unless the mapping is affine. The values are equal to the last bit to
        those that `forward` gives on a float32 layer, before its factor.
        """
        with torch.no_grad():
            source = _array(self._masked(self._before(weights), weights))
            scale = 1.0 if self.affine is None else self.affine.scale
        return self._golden(source), scale

    def _golden(self, source: np.ndarray) -> PowerOfTwoWeights | MultipointWeights:
        settings = self._settings
        if settings.tolerance is None:
            return quantize(source, **self._arguments)
        return multipoint(
            source, bits=settings.bits, levels=settings.levels, tolerance=settings.tolerance,
            most=settings.terms, patches=self._patches,
        )  # fmt: skip

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
                self._values = self._evaluate(self._masked(source, weights))
            self._version = version
        return self._values

    def _evaluate(self, source: Tensor) -> Tensor:
        if self._settings.tolerance is None:
            return quantize_tensor(source, **self._arguments)
        values = torch.from_numpy(self._golden(_array(source)).dequantize())
        return values.to(source.device, source.dtype)

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


def _array(weights: Tensor) -> np.ndarray:
    return weights.detach().float().cpu().numpy()
