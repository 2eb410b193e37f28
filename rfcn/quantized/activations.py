"""Maps rounded to integers of few bits within a float network ("fake quantization")."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from golden.activations import ActivationFormat
from golden.calibration import mse_step
from golden.histogram import Histogram
from rfcn.layers import NamedLayer
from rfcn.quantized.settings import ActivationSettings, SettingsError
from rfcn.quantized.weights import convolutions

NAME = "map_quantizer"
"""Attribute of a module that holds the quantizer of its output."""

INPUT = "data"
"""Name of the model's input among the maps."""


class _Round(torch.autograd.Function):
    """step * clamp(floor(x / step + 1/2), low, high), the gradient passed inside the range."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, step: float, low: int, high: int) -> Tensor:
        scaled = x.float() / step
        ctx.save_for_backward((scaled >= low) & (scaled <= high))
        # Ties go up, as in the requantization of the integer network.
        return (torch.floor(scaled + 0.5).clamp_(low, high) * step).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return gradient * ctx.saved_tensors[0], None, None, None


def round_activations(x: Tensor, step: float, output: ActivationFormat) -> Tensor:
    """`x` at the nearest value that `output` holds in units of `step`, ties up.

    The gradient passes unchanged where x / step lies within the format's range, and is zero
    outside.
    """
    return _Round.apply(x, step, output.low, output.high)


class MapQuantizer(nn.Module):
    """The quantizer of one map; it lets maps pass as they are until it is enabled.

    Attributes
    ----------
    enabled : whether maps are rounded.
    format, step : as found by calibration; None before.
    histogram : counts what passes while it is set.
    """

    def __init__(self) -> None:
        super().__init__()
        self.enabled = False
        self.format: ActivationFormat | None = None
        self.step: float | None = None
        self.histogram: Histogram | None = None

    def forward(self, x: Tensor) -> Tensor:
        """The map, rounded if enabled."""
        if self.histogram is not None:
            self.histogram.add(x.detach().float().cpu().numpy())
        if not self.enabled or self.format is None or self.step is None:
            return x
        return round_activations(x, self.step, self.format)

    def behind(self, _module: nn.Module, _args: object, output: Tensor) -> Tensor:
        """Forward hook: quantizes what a module returns."""
        return self(output)

    def before(self, _module: nn.Module, args: tuple) -> tuple:
        """Forward hook: quantizes a module's first argument."""
        return self(args[0]), *args[1:]


class QuantizedActivations:
    """The maps of a model: its input and what its convolutions return.

    Hooks act on the value of a convolution module's `forward`. For the convolutions of `rfcn` that
    is the map of the layer table, behind the addition of the residual and the ReLU.

    Parameters
    ----------
    model : any module whose first argument is the input map.
    layers : names of the convolutions; None for all.
    signed : by name, whether a map can be negative. Others are signed if the layer table says so
        or, outside of it, if calibration sees a negative value.

    Attributes
    ----------
    quantizers : by the names of the maps, "data" for the input.

    Raises
    ------
    SettingsError : no such convolution.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        layers: Iterable[str] | None = None,
        signed: Mapping[str, bool] | None = None,
    ) -> None:
        found = convolutions(model, layers)
        self._signed = dict(signed or {})
        self.quantizers: dict[str, MapQuantizer] = {}
        quantizer = self._add(model, INPUT)
        model.register_forward_pre_hook(quantizer.before)
        for name, convolution in found.items():
            layer = getattr(convolution, "layer", None)
            if isinstance(layer, NamedLayer):
                self._signed.setdefault(name, layer.signed_output)
            # In front of other hooks, so that they see the quantized map.
            hook = self._add(convolution, name).behind
            convolution.register_forward_hook(hook, prepend=True)

    def _add(self, module: nn.Module, name: str) -> MapQuantizer:
        if hasattr(module, NAME):
            raise SettingsError(f"the map {name} is quantized already: quantize a model once")
        quantizer = self.quantizers[name] = MapQuantizer()
        setattr(module, NAME, quantizer)
        return quantizer

    @property
    def calibrated(self) -> bool:
        """Whether every map has its step."""
        return all(quantizer.step is not None for quantizer in self.quantizers.values())

    @property
    def bits(self) -> int | None:
        """Width that the steps are for; None before calibration."""
        widths = {q.format.bits for q in self.quantizers.values() if q.format is not None}
        return widths.pop() if self.calibrated else None

    def enable(self, enabled: bool = True) -> None:
        """Round maps from now on, or let them pass.

        Raises
        ------
        SettingsError : before calibration.
        """
        if enabled and not self.calibrated:
            raise SettingsError("activations have no steps yet: calibrate before enabling them")
        for quantizer in self.quantizers.values():
            quantizer.enabled = enabled

    def calibrate(
        self, model: nn.Module, images: Iterable[Tensor], settings: ActivationSettings
    ) -> None:
        """Find the step of every map from float maps; enables or disables nothing.

        Parameters
        ----------
        model : the model, run in evaluation mode without gradients.
        images : batches of its input. In distributed training the steps of rank 0 hold.
        settings : how steps are found.

        Raises
        ------
        SettingsError, CalibrationError : no images, or a map that the model did not compute.
        """
        training = {module: module.training for module in model.modules()}
        enabled = {name: quantizer.enabled for name, quantizer in self.quantizers.items()}
        model.eval()
        try:
            for quantizer in self.quantizers.values():
                quantizer.histogram, quantizer.enabled = Histogram(), False
            with torch.no_grad():
                for batch in images:
                    model(batch)
            steps = self._steps(settings)
        finally:
            for module, mode in training.items():
                module.training = mode
            for name, quantizer in self.quantizers.items():
                quantizer.histogram, quantizer.enabled = None, enabled[name]
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            shared = [steps]
            torch.distributed.broadcast_object_list(shared, src=0)
            steps = shared[0]
        self._set(steps)

    def _steps(self, settings: ActivationSettings) -> dict[str, dict[str, Any]]:
        steps = {}
        for name, quantizer in self.quantizers.items():
            histogram = quantizer.histogram
            if histogram is None or not histogram.total:
                raise SettingsError(
                    f"calibration saw nothing of the map {name}: give images, and leave out "
                    f"convolutions that the model does not use"
                )
            signed = self._signed.get(name, histogram.negative)
            output = ActivationFormat(bits=settings.bits, signed=signed)
            step = mse_step(
                histogram, output, power_of_two=settings.power_of_two, method=settings.method
            )
            steps[name] = {"bits": output.bits, "signed": output.signed, "step": step}
        return steps

    def _set(self, steps: Mapping[str, Mapping[str, Any]]) -> None:
        for name, quantizer in self.quantizers.items():
            values = steps[name]
            quantizer.step = values["step"]
            quantizer.format = ActivationFormat(bits=values["bits"], signed=values["signed"])

    def state_dict(self) -> dict[str, Any]:
        """Formats and steps by map, and whether they are in use."""
        steps = {
            name: {"bits": q.format.bits, "signed": q.format.signed, "step": q.step}
            for name, q in self.quantizers.items()
            if q.format is not None
        }
        return {"enabled": any(q.enabled for q in self.quantizers.values()), "steps": steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back a `state_dict`.

        Raises
        ------
        SettingsError : it is of other maps.
        """
        steps = state["steps"]
        if steps:
            if steps.keys() != self.quantizers.keys():
                raise SettingsError(
                    f"the steps are of {len(steps)} maps, but the model has "
                    f"{len(self.quantizers)}: take the state of the same network"
                )
            self._set(steps)
        self.enable(state["enabled"])
