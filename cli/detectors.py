"""Networks that find objects on images: trained ones, and integer ones in NumPy or on the RTL."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cli.console import UsageError
from golden.layer import QuantizedConv
from golden.network import IntegerNetwork
from golden.network_files import read_network
from params import ArrayConfig, preset
from rfcn.boxes.detections import Detections, detect
from rfcn.data.images import prepare
from rfcn.integer import IntegerDetector
from rfcn.networks import Network
from sim.build import Build
from sim.engine import Engine
from sim.network import LayerRun, compile_network, simulate_network
from sim.simulate import build_harness


@dataclass(frozen=True, kw_only=True)
class Detector:
    """A network that finds objects.

    Parameters
    ----------
    title : what stands above its pictures.
    path : of its file.
    network : its description.
    find : detections of an image uint8 (height, width, 3), those above the threshold.
    """

    title: str
    path: Path
    network: Network
    find: Callable[[np.ndarray], Detections]


def trained_detector(path: Path, threshold: float) -> Detector:
    """The network of a training, computed by torch.

    Raises
    ------
    CheckpointError, SettingsError, NetworkError : no such network.
    """
    import torch

    from cli.recipes import describe
    from rfcn.training.checkpoints import read_checkpoint
    from rfcn.training.trained import trained_network

    model, quantized = trained_network(read_checkpoint(path), path)
    words = describe(quantized.recipe)

    def find(image: np.ndarray) -> Detections:
        ready, scale = prepare(image, model.network)
        with torch.inference_mode():
            maps = {
                name: values[0].numpy()
                for name, values in model(torch.from_numpy(ready)[None]).items()
            }
        size = ready.shape[1], ready.shape[2]
        return detect(maps, size, model.network, scale=scale, threshold=threshold)

    return Detector(title=words, path=path, network=model.network, find=find)


def integer_detector(path: Path, threshold: float) -> Detector:
    """An exported network, computed by NumPy.

    Raises
    ------
    NetworkFileError, GraphError, NetworkError : no such network.
    """
    detector = IntegerDetector(read_network(path))
    return Detector(
        title=f"integers, {describe_integers(detector.network)}",
        path=path,
        network=detector.description,
        find=lambda image: detector.detect(image, threshold=threshold),
    )


def rtl_detector(
    path: Path,
    threshold: float,
    *,
    preset_name: str,
    engine: Engine = Engine.VERILATOR,
    done: Callable[[LayerRun], None] = lambda run: None,
) -> Detector:
    """An exported network, its convolutions computed by the simulated array.

    Parameters
    ----------
    preset_name : the array; it is rebuilt for the levels of the network's weights.
    engine : simulator.
    done : called with each convolution that has run.

    Raises
    ------
    ConfigError, NetworkFileError, GraphError, NetworkError : no such array or network.
    """
    detector = IntegerDetector(read_network(path))
    config = array_of_network(detector.network, preset_name)
    harness: list[Build] = []

    def find(image: np.ndarray) -> Detections:
        pixels, scale = prepare(image, detector.description)
        size = pixels.shape[1], pixels.shape[2]
        network = detector.at(*size)
        programs = compile_network(network, config)
        if not harness:
            harness.append(build_harness(config, engine=engine))
        quantized = network.input.quantize(pixels).astype(np.int64)
        maps, runs = simulate_network(network, quantized, programs, harness=harness[0], done=done)
        wrong = next((run for run in runs if not run.result.bit_exact), None)
        if wrong is not None:
            raise UsageError(
                f"the array differs from the golden model in {wrong.node.name}: "
                f"{wrong.result.mismatch}"
            )
        floats = network.floats({name: maps[name] for name in network.outputs})
        return detect(floats, size, detector.description, scale=scale, threshold=threshold)

    return Detector(
        title=f"RTL of {preset_name}, {describe_integers(detector.network)}",
        path=path,
        network=detector.description,
        find=find,
    )


def array_of_network(network: IntegerNetwork, preset_name: str) -> ArrayConfig:
    """The preset, rebuilt for the levels of the network's weights if it has too few."""
    config = preset(preset_name)
    layers = [node.layer for node in network.nodes if isinstance(node.layer, QuantizedConv)]
    levels = max(layer.levels for layer in layers)
    return config if config.levels >= levels else config.with_levels(levels)


def describe_integers(network: IntegerNetwork) -> str:
    """How a network is quantized, in a few words."""
    weights = network.quantization.get("weights")
    activations = network.quantization.get("activations")
    words = []
    if isinstance(weights, Mapping) and weights.get("bits"):
        words.append(f"{weights['bits']}-bit {weights.get('method', '')} weights")
    if isinstance(activations, Mapping) and activations.get("bits"):
        words.append(f"{activations['bits']}-bit activations")
    return ", ".join(words)
