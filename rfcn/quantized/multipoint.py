"""Multipoint quantization of a trained network, without retraining it."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from golden.multipoint import sample_patches
from golden.shape import ConvShape
from rfcn.quantized.settings import SettingsError, WeightSettings
from rfcn.quantized.weight_quantizer import WeightQuantizer
from rfcn.quantized.weights import convolutions, quantize_convolutions

PATCHES = 64
"""Positions of each image at which the inputs of a layer are looked at."""


def quantize_multipoint(
    model: nn.Module, images: Iterable[Tensor], settings: WeightSettings, *, seed: int = 0
) -> dict[str, WeightQuantizer]:
    """Quantize a float network so that every channel has as many terms as its outputs need.

    Parameters
    ----------
    model : the network; it is run in evaluation mode, and quantized in place.
    images : batches of its input.
    settings : with a tolerance, which is judged on the layers' outputs.
    seed : of the positions that are looked at.

    Returns
    -------
    The quantizers by the names of their convolutions.

    Raises
    ------
    SettingsError : no tolerance, no images, or a convolution that cannot be quantized.
    """
    if settings.tolerance is None:
        raise SettingsError("multipoint quantization needs a tolerance: give one, such as 0.01")
    layers = convolutions(model, settings.layers)
    seen: dict[str, list[np.ndarray]] = {name: [] for name in layers}
    hooks = []
    for name, convolution in layers.items():

        def look(module: nn.Conv2d, args: tuple, into=seen[name]) -> None:
            into += _patches(module, args[0], seed + len(into))

        hooks.append(convolution.register_forward_pre_hook(look))
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            for batch in images:
                model(batch)
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in training.items():
            module.training = mode
    for name, patches in seen.items():
        if not patches:
            raise SettingsError(
                f"nothing was seen of the inputs of {name}: give images, and leave out "
                f"convolutions that the model does not use"
            )
    quantizers = quantize_convolutions(model, settings)
    for name, patches in seen.items():
        quantizers[name].patches = np.concatenate(patches)
    return quantizers


def _patches(module: nn.Conv2d, maps: Tensor, seed: int) -> list[np.ndarray]:
    """What the filters see of each image of a batch."""
    if isinstance(module.padding, str):
        raise SettingsError("a convolution's padding is given by name: give it in pixels")
    shape = ConvShape(
        cin=module.in_channels,
        cout=module.out_channels,
        kernel=_pair(module.kernel_size),
        stride=_pair(module.stride),
        dilation=_pair(module.dilation),
        padding=_pair(module.padding),
        height=maps.shape[2],
        width=maps.shape[3],
        groups=module.groups,
    )
    arrays = maps.float().cpu().numpy()
    return [sample_patches(x, shape, PATCHES, seed + i) for i, x in enumerate(arrays)]


def _pair(values: tuple[int, ...]) -> tuple[int, int]:
    return values[0], values[1]
