"""Detection with an integer network: the network in integers, everything behind it in floats."""

from collections.abc import Callable, Sequence

import numpy as np

from golden.network import IntegerNetwork, IntegerNode
from rfcn.boxes.detections import Detections, detect
from rfcn.data.batches import load_sample
from rfcn.data.evaluation import OVERLAPS, Evaluation, evaluate
from rfcn.data.images import prepare
from rfcn.data.voc import Sample
from rfcn.layers import layer_table
from rfcn.networks import NetworkError, find_network


class IntegerDetector:
    """An R-FCN detector out of an integer network.

    Parameters
    ----------
    network : its name says which R-FCN it is; images may have other sizes than its own.

    Attributes
    ----------
    network : as given.
    description : of the R-FCN, with the names of its classes.

    Raises
    ------
    NetworkError : no R-FCN of that name, or nodes that differ from its layer table.
    """

    def __init__(self, network: IntegerNetwork) -> None:
        self.network = network
        self.description = find_network(network.net)
        table = {layer.name: layer for layer in layer_table(network.net, *network.input.shape[1:])}
        convolutions = {node.name: node for node in network.nodes if node.op == "convolution"}
        for name in [*table, *convolutions]:
            if name not in table or name not in convolutions:
                raise NetworkError(
                    f"the layer {name} is {'missing from' if name in table else 'too much in'} the "
                    f"integer network for {network.net}: export the network again"
                )
            if network.maps[name].shape != table[name].shape.output_shape:
                raise NetworkError(
                    f"the map {name} has shape {network.maps[name].shape}, but {network.net} makes "
                    f"{table[name].shape.output_shape}: export the network again"
                )
        self._sized = {network.input.shape[1:]: network}

    def detect(
        self,
        image: np.ndarray,
        *,
        threshold: float = 0.0,
        telling: Callable[[IntegerNode], None] | None = None,
    ) -> Detections:
        """What is on an image, in its own pixels.

        Parameters
        ----------
        image : uint8 (height, width, 3), red, green, blue.
        threshold : only what is more probable is returned.
        telling : called with each node that is done.
        """
        pixels, scale = prepare(image, self.description)
        size = pixels.shape[1], pixels.shape[2]
        network = self.at(*size)
        maps = network.floats(network.run(network.input.quantize(pixels), telling=telling))
        return detect(maps, size, self.description, scale=scale, threshold=threshold)

    def evaluate(
        self,
        samples: Sequence[Sample],
        *,
        metric: str = "11-point",
        overlaps: Sequence[float] = OVERLAPS,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[Evaluation, ...]:
        """How well the network detects, for each of `overlaps`; see `rfcn.data.evaluation`.

        Parameters
        ----------
        progress : called with (images done, images in all).

        Raises
        ------
        DatasetError : an image cannot be read.
        """
        found = []
        for sample in samples:
            found.append(self.detect(load_sample(sample)))
            if progress is not None:
                progress(len(found), len(samples))
        names = self.description.class_names
        return tuple(
            evaluate(found, samples, names, iou=overlap, metric=metric) for overlap in overlaps
        )

    def at(self, height: int, width: int) -> IntegerNetwork:
        """The network for this size of image, kept for the next; all share their weights."""
        size = height, width
        if size not in self._sized:
            self._sized[size] = self.network.resized(height, width)
        return self._sized[size]
