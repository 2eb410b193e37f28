"""From a network in torch to an integer network."""

import copy
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from math import ceil, log2
from typing import Any

import numpy as np
import torch

from golden.calibration import CalibrationError
from golden.errors import UserError
from golden.feature_map import FeatureMap
from golden.network import INPUT, IntegerNetwork, IntegerNode
from golden.weights import MultipointWeights, PowerOfTwoWeights
from rfcn.dataflow import MAX_POOL, Step, dataflow
from rfcn.export.calibrate import Grid, Maps, calibrate, map_formats
from rfcn.export.fold import LARGEST_RESIDUAL_STEP, Folded, fold, normalisation
from rfcn.layers import layer_table
from rfcn.model.network import RFCN, Convolution
from rfcn.quantized.activations import NAME as MAP_QUANTIZER
from rfcn.quantized.multipoint import quantize_multipoint
from rfcn.quantized.settings import ActivationSettings, WeightSettings
from rfcn.quantized.weights import golden_weights, quantize_convolutions, weight_quantizers


class ExportError(UserError):
    """A network cannot be exported as asked; the message says why and what to do."""


def export(
    model: RFCN,
    *,
    images: Iterable[np.ndarray] = (),
    weights: WeightSettings | None = None,
    activations: ActivationSettings | None = None,
    height: int | None = None,
    width: int | None = None,
    origin: str = "",
    progress: Callable[[Step], None] | None = None,
) -> IntegerNetwork:
    """The integers of a network.

    A network that was trained with quantized weights keeps them, and one that was trained with
    quantized maps keeps their steps. What is float is quantized here: first the weights, then the
    maps, with the steps that are best for what the quantized weights make of `images`.

    Parameters
    ----------
    model : the network; it is not changed.
    images : float32 (3, y, x) of any size, mean subtracted, to calibrate on; not looked at where
        all is trained.
    weights : how float weights are quantized; None where they are trained quantized.
    activations : how the steps are found; 8 bits when None, and None where they are trained.
    height, width : pixels of the image, the network's usual ones when None.
    origin : where the weights come from, for reports.
    progress : called with each step that is done.

    Raises
    ------
    ExportError : both trained and new settings, or neither.
    CalibrationError : no images.
    FoldError : a layer's numbers do not fit a requantization.
    QuantizationError, SettingsError : unusable weights, or settings that do not go together.
    """
    model = copy.deepcopy(model).eval()
    images = list(images)
    layers = _quantized_weights(model, weights, images)
    grids = _grids(model, activations, images)
    table = layer_table(model.net, height, width)
    maps = {INPUT: _map(table[0].shape.input_shape, grids[INPUT])}
    nodes = []
    for step in dataflow(table):
        source = maps[step.source]
        if step.layer is None:
            size = MAX_POOL.output_size(*source.shape[1:])
            output = dataclasses.replace(source, shape=(source.shape[0], *size))
            node = IntegerNode(
                name=step.name, source=step.source, layer=MAX_POOL, format=output.format,
                scale=output.scale,
            )  # fmt: skip
        else:
            output = _map(step.layer.shape.output_shape, grids[step.name])
            if step.residual is not None:
                # A step of the residual may be worth only so many of the output's.
                excess = maps[step.residual].scale / (output.scale * LARGEST_RESIDUAL_STEP)
                raised = 2.0 ** max(0, ceil(log2(excess)))
                output = dataclasses.replace(output, scale=output.scale * raised)
            maps[step.name] = output
            folded = _folded(step, model.convolutions[step.name], layers[step.name], maps)
            node = IntegerNode(
                name=step.name, source=step.source, layer=folded.layer, format=output.format,
                scale=output.scale, exponent=folded.exponent, residual=step.residual,
            )  # fmt: skip
        maps[step.name] = output
        nodes.append(node)
        if progress is not None:
            progress(step)
    return IntegerNetwork(
        net=model.net,
        input=maps[INPUT],
        nodes=tuple(nodes),
        quantization=_settings(model, activations),
        origin=origin,
    )


def float_maps(model: RFCN) -> Maps:
    """All maps of a network, one image at a time, as NumPy arrays."""
    names = tuple(model.convolutions)
    device = next(model.parameters()).device

    def maps(image: np.ndarray) -> Mapping[str, np.ndarray]:
        with torch.no_grad():
            found = model(torch.from_numpy(image).to(device)[None], maps=names)
        return {name: values[0].float().cpu().numpy() for name, values in found.items()}

    return maps


def _quantized_weights(
    model: RFCN, settings: WeightSettings | None, images: list[np.ndarray]
) -> dict[str, tuple[PowerOfTwoWeights | MultipointWeights, float]]:
    """The weights of every layer and a factor; `model` computes with them from here on."""
    trained = weight_quantizers(model)
    if trained and settings is not None:
        raise ExportError(
            "the network was trained with quantized weights, which it keeps: leave out the "
            "settings of the weights, or export the float network"
        )
    if not trained:
        if settings is None:
            raise ExportError(
                "the network has float weights: tell how to quantize them, such as with bits=4"
            )
        if settings.tolerance is None:
            quantize_convolutions(model, settings)
        else:
            device = next(model.parameters()).device
            batches = [torch.from_numpy(image).to(device)[None] for image in images]
            quantize_multipoint(model, batches, settings)
    layers = golden_weights(model)
    floats = [name for name in model.convolutions if name not in layers]
    if floats:
        raise ExportError(
            f"{floats[0]} has float weights, but an integer network takes quantized ones in every "
            f"layer: quantize all of them"
        )
    return layers


def _grids(
    model: RFCN, settings: ActivationSettings | None, images: list[np.ndarray]
) -> dict[str, Grid]:
    """The format and step of every map: as trained, or calibrated."""
    trained = _trained_grids(model)
    if trained:
        if settings is not None:
            raise ExportError(
                "the network was trained with quantized activations, whose steps it keeps: leave "
                "out the settings of the activations"
            )
        return trained
    if settings is None:
        settings = ActivationSettings()
    if not images:
        raise CalibrationError("there are no images to calibrate on: give some")
    formats = map_formats(layer_table(model.net), settings.bits)
    return calibrate(float_maps(model), images, formats, settings)


def _trained_grids(model: RFCN) -> dict[str, Grid]:
    """The steps that the network was trained with; empty if it has float maps."""
    quantizers = {INPUT: model, **model.convolutions}
    found = {name: getattr(module, MAP_QUANTIZER, None) for name, module in quantizers.items()}
    return {
        name: (quantizer.format, quantizer.step)
        for name, quantizer in found.items()
        if quantizer is not None and quantizer.enabled
    }


def _map(shape: tuple[int, int, int], grid: Grid) -> FeatureMap:
    return FeatureMap(shape=shape, format=grid[0], scale=float(grid[1]))


def _folded(
    step: Step,
    convolution: Convolution,
    quantized: tuple[PowerOfTwoWeights | MultipointWeights, float],
    maps: Mapping[str, FeatureMap],
) -> Folded:
    layer = step.layer
    assert layer is not None
    weights, factor = quantized
    norm: dict[str, Any] = {}
    if convolution.norm is not None:
        norm = {
            "gamma": _array(convolution.norm.weight),
            "beta": _array(convolution.norm.bias),
            "mean": _array(convolution.norm.running_mean),
            "variance": _array(convolution.norm.running_var),
            "epsilon": convolution.norm.eps,
        }
    gain, offset = normalisation(layer.shape.cout, bias=_array(convolution.bias), **norm)
    residual = None if step.residual is None else maps[step.residual]
    return fold(
        step.name, weights, layer.shape, gain=gain * factor, offset=offset,
        source=maps[step.source], output=maps[step.name], relu=layer.relu, residual=residual,
    )  # fmt: skip


def _array(tensor: torch.Tensor | None) -> np.ndarray | None:
    return None if tensor is None else tensor.detach().double().cpu().numpy()


def _settings(model: RFCN, activations: ActivationSettings | None) -> dict[str, Any]:
    """What the network's file says of its quantization."""
    settings = next(iter(weight_quantizers(model).values())).settings
    report: dict[str, Any] = {"weights": dataclasses.asdict(settings)}
    trained = _trained_grids(model)
    if trained:
        widths = sorted({form.bits for form, _ in trained.values()})
        report["activations"] = {"bits": widths[-1], "method": "trained"}
    else:
        settings = activations or ActivationSettings()
        report["activations"] = {
            "bits": settings.bits, "method": settings.method,
            "power_of_two": settings.power_of_two,
        }  # fmt: skip
    return report
