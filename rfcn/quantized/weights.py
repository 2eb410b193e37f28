"""Networks whose convolutions compute with quantized weights and learn float ones."""

from collections.abc import Iterable, Iterator

from torch import nn

from golden.weights import MultipointWeights, PowerOfTwoWeights
from rfcn.quantized.settings import SettingsError, WeightSettings
from rfcn.quantized.weight_quantizer import NAME, WeightQuantizer


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
) -> dict[str, tuple[PowerOfTwoWeights | MultipointWeights, float]]:
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
