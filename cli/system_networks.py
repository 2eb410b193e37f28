"""Whole networks for a system: which one the options name, and the system that takes it."""

import dataclasses
from pathlib import Path

import numpy as np
from rich.markup import escape

from cli.console import UsageError, errors
from cli.layers import parse_size
from golden.layer import QuantizedConv
from golden.network import IntegerNetwork
from golden.network_files import read_network
from params import preset
from params.system import SystemConfig
from rfcn.data.images import load_image, prepare
from rfcn.networks import find_network
from rfcn.pretrained import INTEGER


def load_network(
    net: str, path: Path | None, *, size: tuple[int, int] | None, bits: int
) -> IntegerNetwork:
    """The network of a file, the trained `rfcn-tiny`, or one with synthetic weights.

    Its `origin` tells which. The first two have weights of their own.

    Parameters
    ----------
    net : name of the network; without meaning if there is a file.
    path : of an exported network; None for none.
    size : (height, width) of the image; that of the file, or the network's usual one, when None.
    bits : of a weight; without meaning if there is a file.

    Raises
    ------
    UsageError : `rfcn-tiny` does not come with so many bits.
    NetworkError, NetworkFileError, QuantizationError : no such network, file or number of bits.
    """
    path = _file(net, path, bits)
    if path is not None:
        network = read_network(path)
        return network if size is None else network.resized(*size)
    from rfcn.synthetic import synthetic_network

    with errors.status(f"making synthetic weights for {escape(net)}"):
        return synthetic_network(net, *(size or ()), bits=bits)


def load_network_and_pixels(
    net: str, path: Path | None, *, image: str | None, bits: int, seed: int
) -> tuple[IntegerNetwork, np.ndarray, str]:
    """A network as of `load_network`, its pixels, and where weights and pixels come from.

    Parameters
    ----------
    image : a picture, or HEIGHTxWIDTH of random pixels; as `size` when None.
    seed : of random pixels.

    Returns
    -------
    The network, pixels int64 (channels, height, width), and a text for reports.

    Raises
    ------
    UsageError : as `load_network`, or `image` is neither of both.
    """
    if image is not None and Path(image).suffix != "":
        file = _file(net, path, bits)
        name = net if file is None else read_network(file).net
        ready, _ = prepare(load_image(Path(image)), find_network(name))
        height, width = ready.shape[1:]
        network = load_network(net, path, size=(height, width), bits=bits)
        return network, network.input.quantize(ready).astype(np.int64), network.origin
    size = None if image is None else parse_size(image, "--image")
    network = load_network(net, path, size=size, bits=bits)
    form = network.input.format
    rng = np.random.default_rng(seed)
    pixels = rng.integers(form.low, form.high, size=network.input.shape, endpoint=True)
    return network, pixels, f"{network.origin}; random pixels"


def system_config(network: IntegerNetwork, preset_name: str, bus_bytes: int) -> SystemConfig:
    """The system of a preset's array, with as many levels, and residuals, as the network needs.

    Raises
    ------
    ConfigError : no such preset, or not one for a system.
    """
    array = preset(preset_name)
    convolutions = (node.layer for node in network.nodes if isinstance(node.layer, QuantizedConv))
    levels = max((layer.levels for layer in convolutions), default=1)
    if array.levels < levels:
        array = array.with_levels(levels)
    if any(node.residual is not None for node in network.nodes) and not array.residuals:
        array = dataclasses.replace(array, residuals=True)
    return SystemConfig(array=array, bus_bytes=bus_bytes)


def _file(net: str, path: Path | None, bits: int) -> Path | None:
    """The file that a network is in; None for synthetic weights.

    Raises
    ------
    UsageError : as `load_network`.
    """
    if path is not None or net != "rfcn-tiny":
        return path
    if bits not in INTEGER:
        raise UsageError(
            f"rfcn-tiny comes with {' and '.join(map(str, INTEGER))} bits; --bits is {bits}"
        )
    return INTEGER[bits]
