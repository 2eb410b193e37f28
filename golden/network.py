"""The integer inference of a whole network: convolutions, residuals and max-pools."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from types import MappingProxyType

import numpy as np

from golden.activations import ActivationFormat
from golden.errors import UserError
from golden.feature_map import FeatureMap
from golden.layer import IntegerConv
from golden.pooling import MaxPool

INPUT = "data"
"""Name of the image among the maps."""


class GraphError(UserError):
    """The nodes of a network do not go together, or a map is asked for that it does not have."""


@dataclass(frozen=True, kw_only=True, eq=False)
class IntegerNode:
    """One step of a network; its output is the map of its name.

    Parameters
    ----------
    name : of the node and its output.
    source : the map that is read: `INPUT` or an earlier node.
    layer : a convolution with requantization, or a max-pool.
    format, scale : of the output, see `FeatureMap`.
    exponent : integers of shape () or (cout,): the weights of a convolution are
        `layer.integer_weights * 2^exponent`, but for the signs that batch-norm has turned.
    residual : the map that is added to a convolution; None when none is.
    """

    name: str
    source: str
    layer: IntegerConv | MaxPool
    format: ActivationFormat
    scale: float
    exponent: np.ndarray = field(default_factory=lambda: np.zeros((), np.int64))
    residual: str | None = None

    @property
    def op(self) -> str:
        """What the node does: "convolution" or "max_pool"."""
        return "convolution" if isinstance(self.layer, IntegerConv) else "max_pool"

    @property
    def sources(self) -> tuple[str, ...]:
        """The maps that are read."""
        return (self.source,) if self.residual is None else (self.source, self.residual)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of a dense evaluation; none for a max-pool."""
        return self.layer.shape.macs if isinstance(self.layer, IntegerConv) else 0

    def evaluate(self, maps: Mapping[str, np.ndarray]) -> np.ndarray:
        """The output, int64 or of the type that came in; `maps` holds the sources."""
        if isinstance(self.layer, MaxPool):
            return self.layer(maps[self.source])
        residual = None if self.residual is None else maps[self.residual]
        return self.layer.forward(maps[self.source], residual)


@dataclass(frozen=True, kw_only=True, eq=False)
class IntegerNetwork:
    """A quantized network for one size of image.

    Parameters
    ----------
    net : name of the network, such as "rfcn-resnet50"; tells what its outputs mean.
    input : the image: `INPUT` among the maps.
    nodes : in the order of execution; named as the layers of `rfcn.layers`, with their max-pool.
    quantization : how weights and activations were quantized: names and numbers for reports.
    origin : where the weights come from, for reports.

    Members
    -------
    maps : the image and every output by name.
    outputs : names of the maps that no node reads.

    Raises
    ------
    GraphError : a name that is used twice, a source that does not exist before its node, or
        shapes, formats or scales of neighbours that differ.
    """

    net: str
    input: FeatureMap
    nodes: tuple[IntegerNode, ...]
    quantization: Mapping[str, object] = field(default_factory=dict)
    origin: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(self.nodes))
        if not self.nodes:
            raise GraphError("a network needs at least one node")
        maps = {INPUT: self.input}
        for node in self.nodes:
            for source in node.sources:
                if source not in maps:
                    raise GraphError(
                        f"{node.name} reads the map {source}, which no node before it makes"
                    )
            if node.name in maps:
                raise GraphError(f"two maps are called {node.name}: give every node its own name")
            shape = _convolved(node, maps) if node.op == "convolution" else _pooled(node, maps)
            maps[node.name] = FeatureMap(shape=shape, format=node.format, scale=node.scale)
        object.__setattr__(self, "maps", MappingProxyType(maps))

    maps: Mapping[str, FeatureMap] = field(init=False)

    def __reduce__(self):
        """Travel between processes as what it was made from."""
        fields = {
            "net": self.net,
            "input": self.input,
            "nodes": self.nodes,
            "quantization": dict(self.quantization),
            "origin": self.origin,
        }
        return partial(IntegerNetwork, **fields), ()

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """Names of the maps that no node reads, in the order of execution."""
        read = {source for node in self.nodes for source in node.sources}
        return tuple(node.name for node in self.nodes if node.name not in read)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of a dense evaluation."""
        return sum(node.macs for node in self.nodes)

    def run(
        self,
        image: np.ndarray,
        keep: Iterable[str] | None = None,
        *,
        telling: Callable[[IntegerNode], None] | None = None,
    ) -> dict[str, np.ndarray]:
        """Evaluate what the kept maps depend on; other maps go when nothing needs them any more.

        Parameters
        ----------
        image : integers of the shape and format of `input`.
        keep : names of maps to return, `INPUT` among them if asked for; the outputs when None.
        telling : called with each node once it is done.

        Returns
        -------
        The maps by name in the order of execution, int8 or uint8 (channels, height, width).

        Raises
        ------
        ActivationError : an image of another shape or format.
        GraphError : no map of a name in `keep`.
        """
        kept = set(self.outputs if keep is None else keep)
        unknown = sorted(kept - self.maps.keys())
        if unknown:
            raise GraphError(
                f"{self.net} has no map {unknown[0]!r}; its {len(self.maps)} maps go from {INPUT} "
                f"to {self.nodes[-1].name}"
            )
        nodes = self._needed(kept)
        last = {INPUT: 0}
        for position, node in enumerate(nodes):
            last |= dict.fromkeys((node.name, *node.sources), position)
        maps = {INPUT: self.input.check(image, "the pixels").astype(self.input.dtype)}
        for position, node in enumerate(nodes):
            output = node.evaluate(maps)
            maps[node.name] = output.astype(self.maps[node.name].dtype, copy=False)
            for name in [*maps]:
                if last[name] == position and name not in kept:
                    del maps[name]
            if telling is not None:
                telling(node)
        return {name: values for name, values in maps.items() if name in kept}

    def _needed(self, kept: Iterable[str]) -> list[IntegerNode]:
        """The nodes that the maps `kept` depend on, in the order of execution."""
        needed, nodes = set(kept), []
        for node in reversed(self.nodes):
            if node.name in needed:
                needed.update(node.sources)
                nodes.append(node)
        return nodes[::-1]

    def floats(self, maps: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The real values of maps that `run` returned: float32 by name."""
        return {name: self.maps[name].floats(integers) for name, integers in maps.items()}

    def resized(self, height: int, width: int) -> "IntegerNetwork":
        """The same network for images of another size; the weights are shared.

        Raises
        ------
        ShapeError : the image is too small for a layer.
        """
        channels = self.input.shape[0]
        shapes = {INPUT: (channels, height, width)}
        nodes = []
        for node in self.nodes:
            channels, *size = shapes[node.source]
            if isinstance(node.layer, IntegerConv):
                layer = node.layer.resized(*size)
                node = dataclasses.replace(node, layer=layer)
                shapes[node.name] = layer.shape.output_shape
            else:
                shapes[node.name] = (channels, *node.layer.output_size(*size))
            nodes.append(node)
        image = dataclasses.replace(self.input, shape=shapes[INPUT])
        return dataclasses.replace(self, input=image, nodes=tuple(nodes))


def _convolved(node: IntegerNode, maps: Mapping[str, FeatureMap]) -> tuple[int, int, int]:
    """The shape of a convolution's output, once all is found to fit."""
    layer, source = node.layer, maps[node.source]
    assert isinstance(layer, IntegerConv)
    if layer.shape.input_shape != source.shape:
        raise GraphError(
            f"{node.name} takes maps of shape {layer.shape.input_shape}, but {node.source} has "
            f"{source.shape}"
        )
    if layer.input_format != source.format:
        raise GraphError(
            f"{node.name} takes {layer.input_format} activations, but {node.source} is "
            f"{source.format}"
        )
    if layer.requantization is None:
        raise GraphError(f"{node.name} has no requantization, so it gives no activations")
    low, high = layer.requantization.low, layer.requantization.high
    if low < node.format.low or high > node.format.high:
        raise GraphError(
            f"{node.name} clamps its outputs to {low}..{high}, but {node.format} activations hold "
            f"{node.format.low}..{node.format.high}"
        )
    if np.shape(node.exponent) not in ((), (layer.shape.cout,)):
        raise GraphError(
            f"the exponent of {node.name} has shape {np.shape(node.exponent)}, but must hold one "
            f"integer, or one for each of the {layer.shape.cout} channels"
        )
    if (node.residual is None) != (layer.residual_format is None):
        raise GraphError(
            f"{node.name} "
            + ("adds no map" if node.residual is None else f"adds the map {node.residual}")
            + f", but its layer takes {'none' if layer.residual_format is None else 'one'}"
        )
    if node.residual is not None:
        added = maps[node.residual]
        if added.shape != layer.shape.output_shape:
            raise GraphError(
                f"{node.name} makes maps of shape {layer.shape.output_shape}, but its residual "
                f"{node.residual} has {added.shape}"
            )
        if added.format != layer.residual_format:
            raise GraphError(
                f"{node.name} adds {layer.residual_format} activations, but {node.residual} is "
                f"{added.format}"
            )
    return layer.shape.output_shape


def _pooled(node: IntegerNode, maps: Mapping[str, FeatureMap]) -> tuple[int, int, int]:
    """The shape of a max-pool's output, once all is found to fit."""
    assert isinstance(node.layer, MaxPool)
    source = maps[node.source]
    if node.residual is not None:
        raise GraphError(f"{node.name} is a max-pool, so nothing can be added to it")
    if (node.format, node.scale) != (source.format, source.scale):
        raise GraphError(
            f"{node.name} is a max-pool, which keeps format and scale, but it has {node.format} "
            f"activations in steps of {node.scale:g} and {node.source} has {source.format} ones in "
            f"steps of {source.scale:g}"
        )
    channels, height, width = source.shape
    return channels, *node.layer.output_size(height, width)
