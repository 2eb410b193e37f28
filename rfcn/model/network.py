"""R-FCN's convolutions in torch: the layer table, walked."""

from collections import Counter
from collections.abc import Collection
from math import sqrt

from torch import Tensor, nn
from torch.nn import functional

from rfcn.layers import NamedLayer, layer_table
from rfcn.networks import NetworkError, find_network

OUTPUTS = ("rpn_cls_score", "rpn_bbox_pred", "rfcn_cls", "rfcn_bbox")
"""The maps that a detector reads: scores and offsets of anchors, and of position-sensitive bins."""

NEW_LAYER_STD = 0.01
"""Standard deviation of py-R-FCN's new layers, those that no pretrained backbone has."""


class Convolution(nn.Conv2d):
    """One layer of the table: convolution, batch-norm, addition of the residual, ReLU.

    Parameters
    ----------
    layer : the layer; the size of its image does not matter.
    std : standard deviation of the weights to begin with; He's, sqrt(2 / taps), when None.

    Attributes
    ----------
    layer, std : as given.
    norm : the `nn.BatchNorm2d` behind the convolution, or None.
    """

    def __init__(self, layer: NamedLayer, std: float | None = None) -> None:
        shape = layer.shape
        self.layer = layer
        self.std = sqrt(2 / shape.taps) if std is None else std
        super().__init__(
            shape.cin, shape.cout, shape.kernel, stride=shape.stride, padding=shape.padding,
            dilation=shape.dilation, bias=layer.bias,
        )  # fmt: skip
        self.norm = nn.BatchNorm2d(shape.cout) if layer.batch_norm else None

    def reset_parameters(self) -> None:
        """Normally distributed weights, and a bias of 0."""
        nn.init.normal_(self.weight, std=self.std)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The layer's map (N, cout, y, x) of `x` (N, cin, y, x), with `residual` like the map."""
        x = super().forward(x)
        if self.norm is not None:
            x = self.norm(x)
        if residual is not None:
            x = x + residual
        return functional.relu(x) if self.layer.relu else x


class RFCN(nn.Module):
    """The convolutions of an R-FCN network, for images of any size.

    The parameters are named like the layers: `res2a_branch2a.weight`, `conv1.bias`,
    `res2a_branch2a.norm.running_mean`. Behind the four maps stand `rfcn.boxes` and
    `rfcn.model.psroi`.

    Parameters
    ----------
    net : name of the network.
    frozen_batch_norm : batch-norms stay as they are in training; as the network says when None.
    frozen_stages : stages without training; those that the network says when None.

    Attributes
    ----------
    net : as given.
    network : its description.
    convolutions : the layers by name, in execution order.

    Raises
    ------
    NetworkError : no such network or stage.
    """

    def __init__(
        self,
        net: str,
        *,
        frozen_batch_norm: bool | None = None,
        frozen_stages: Collection[str] | None = None,
    ) -> None:
        super().__init__()
        self.net = net
        self.network = find_network(net)
        table = layer_table(net)
        for layer in table:
            # Where a backbone is to be loaded, the new layers start as in py-R-FCN; a network
            # trained from nothing learns faster with He's weights there too.
            new = not layer.batch_norm and (self.network.frozen_batch_norm or not layer.relu)
            self.add_module(layer.name, Convolution(layer, std=NEW_LAYER_STD if new else None))
        # How often each map is read, so that it is let go of after the last time.
        self._readers = Counter(
            ("conv1", *(n for layer in table for n in (layer.source, layer.residual) if n))
        )
        self.frozen_batch_norm = (
            self.network.frozen_batch_norm if frozen_batch_norm is None else frozen_batch_norm
        )
        self.frozen_stages = tuple(
            self.network.frozen_stages if frozen_stages is None else frozen_stages
        )
        self._freeze()

    @property
    def convolutions(self) -> dict[str, Convolution]:
        """The layers by name, in execution order."""
        return {
            name: module
            for name, module in self.named_children()
            if isinstance(module, Convolution)
        }

    def _freeze(self) -> None:
        stages = {convolution.layer.stage for convolution in self.convolutions.values()}
        for stage in self.frozen_stages:
            if stage not in stages:
                raise NetworkError(
                    f"{self.net} has no stage {stage!r} to freeze; choose from "
                    f"{', '.join(sorted(stages))}"
                )
        for convolution in self.convolutions.values():
            if convolution.layer.stage in self.frozen_stages:
                convolution.requires_grad_(False)
            if convolution.norm is not None and self.frozen_batch_norm:
                convolution.norm.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> "RFCN":
        """Switch to training or back; frozen batch-norms go on using their statistics."""
        super().train(mode)
        for convolution in self.convolutions.values():
            frozen = self.frozen_batch_norm or convolution.layer.stage in self.frozen_stages
            if convolution.norm is not None and frozen:
                convolution.norm.eval()
        return self

    def forward(self, images: Tensor, maps: Collection[str] = ()) -> dict[str, Tensor]:
        """The maps of `images`.

        Parameters
        ----------
        images : float (N, 3, y, x), blue, green, red, with the network's means subtracted.
        maps : names of maps to return besides the four of `OUTPUTS`: of layers, `data`, `pool1`,
            or residual blocks.

        Returns
        -------
        For each name a float (N, channels, y, x): the layer's output after batch-norm, residual
        and ReLU.

        Raises
        ------
        NetworkError : images of another shape or too small, or no such map.
        """
        if images.ndim != 4 or images.shape[1] != 3:
            raise NetworkError(
                f"{self.net} takes images of shape (N, 3, y, x), not {tuple(images.shape)}"
            )
        # The table of this size of image checks it.
        layer_table(self.net, *images.shape[2:])
        wanted = {*OUTPUTS, *maps}
        results = {}
        readers = Counter(self._readers)
        live = {"data": images}

        def take(name: str) -> Tensor:
            readers[name] -= 1
            return live[name] if readers[name] else live.pop(name)

        def put(name: str, value: Tensor) -> None:
            if readers[name]:
                live[name] = value
            if name in wanted:
                results[name] = value

        put("data", images)
        for convolution in self.convolutions.values():
            layer = convolution.layer
            residual = None if layer.residual is None else take(layer.residual)
            value = convolution(take(layer.source), residual)
            for name in layer.names:
                put(name, value)
            if layer.name == "conv1":
                put("pool1", functional.max_pool2d(take("conv1"), 3, 2, ceil_mode=True))
        missing = wanted - results.keys()
        if missing:
            raise NetworkError(
                f"{self.net} has no map {min(missing)!r}; maps are named like layers"
            )
        return results
