"""The convolution layers of the R-FCN networks, for any image size.

Source: the networks of py-R-FCN (`rfcn_end2end/test_agnostic.prototxt`), which stand on the Caffe
ResNets. They differ from torchvision's ResNet v1.5 in that a stage's stride is on the first 1x1
convolution and on branch1, not on the 3x3.
"""

from dataclasses import dataclass
from difflib import get_close_matches

from golden.shape import ConvShape
from rfcn.networks import (
    BOX_OFFSETS,
    NETWORKS,
    SMALLEST_IMAGE,
    Network,
    NetworkError,
    Stage,
    find_network,
)

__all__ = ["NETWORKS", "NamedLayer", "Network", "NetworkError", "find_layer", "layer_table"]


@dataclass(frozen=True, kw_only=True)
class NamedLayer:
    """One convolution of the network and what follows it.

    Parameters
    ----------
    name : name of the Caffe layer.
    shape : the convolution, with the size of its input.
    stage : `conv1`, `res2` to `res5`, `rpn` or `rfcn`.
    source : where the input comes from: `data` (the image), `pool1` (the max-pool behind conv1),
        the name of a layer, or of a residual block, such as `res2a`: the output of its branch2c.
    residual : what is added before the ReLU, named like `source`; None when nothing is.
    bias : the convolution has a bias of its own (ahead of the batch-norm, where there is one).
    batch_norm : a batch-norm with scale and offset follows.
    relu : a ReLU follows, after the addition of `residual`.
    """

    name: str
    shape: ConvShape
    stage: str
    source: str
    residual: str | None
    bias: bool
    batch_norm: bool
    relu: bool

    @property
    def names(self) -> tuple[str, ...]:
        """What `source` and `residual` call the output: the layer, and a block that ends here."""
        ends_block = self.residual is not None
        return (self.name, self.name.removesuffix("_branch2c")) if ends_block else (self.name,)

    @property
    def signed_input(self) -> bool:
        """Whether inputs can be negative: those of the image can, its mean is subtracted."""
        return self.source == "data"

    @property
    def signed_output(self) -> bool:
        """Whether outputs can be negative: those without a ReLU can."""
        return not self.relu


class _Builder:
    """Collects layers in the order of execution and the size of every feature map."""

    def __init__(self, height: int, width: int) -> None:
        self.layers: list[NamedLayer] = []
        self.maps = {"data": (3, height, width)}

    def convolution(
        self,
        name: str,
        source: str,
        cout: int,
        *,
        stage: str,
        kernel: int = 1,
        stride: int = 1,
        dilation: int = 1,
        padding: int = 0,
        residual: str | None = None,
        bias: bool = False,
        batch_norm: bool = False,
        relu: bool = False,
    ) -> str:
        """Append a layer that reads the map `source`; the name of its output is its own."""
        cin, height, width = self.maps[source]
        shape = ConvShape(
            cin=cin,
            cout=cout,
            kernel=kernel,
            stride=stride,
            dilation=dilation,
            padding=padding,
            height=height,
            width=width,
        )
        self.layers.append(
            NamedLayer(
                name=name,
                shape=shape,
                stage=stage,
                source=source,
                residual=residual,
                bias=bias,
                batch_norm=batch_norm,
                relu=relu,
            )
        )
        self.maps[name] = cout, shape.out_height, shape.out_width
        return name

    def max_pool(self, name: str, source: str) -> str:
        """A 3x3 max-pool of stride 2, no padding; Caffe rounds up: ceil((size - 3) / 2) + 1."""
        channels, height, width = self.maps[source]
        self.maps[name] = channels, height // 2, width // 2
        return name

    def block(self, name: str, source: str, stage: Stage, *, stride: int) -> str:
        """A bottleneck of 1x1, 3x3 and 1x1; branch1 projects where channels or size change."""
        residual = source
        if self.maps[source][0] != stage.outer or stride != 1:
            residual = self.convolution(
                f"{name}_branch1", source, stage.outer, stage=stage.name, stride=stride,
                batch_norm=True,
            )  # fmt: skip
        signal = self.convolution(
            f"{name}_branch2a", source, stage.inner, stage=stage.name, stride=stride,
            batch_norm=True, relu=True,
        )  # fmt: skip
        signal = self.convolution(
            f"{name}_branch2b", signal, stage.inner, stage=stage.name, kernel=3,
            dilation=stage.dilation, padding=stage.dilation, batch_norm=True, relu=True,
        )  # fmt: skip
        # `NamedLayer.names` relies on this name.
        signal = self.convolution(
            f"{name}_branch2c", signal, stage.outer, stage=stage.name, residual=residual,
            batch_norm=True, relu=True,
        )  # fmt: skip
        self.maps[name] = self.maps[signal]
        return name


def layer_table(
    net: str, height: int | None = None, width: int | None = None
) -> tuple[NamedLayer, ...]:
    """Every convolution of R-FCN for an image of `height` x `width` pixels, in execution order.

    Parameters
    ----------
    net : `rfcn-resnet50` (59 convolutions), `rfcn-resnet101` (110) or `rfcn-tiny` (31).
    height, width : pixels of the image, the network's usual ones when None: 600x800 for the
        ResNets, 128x128 for `rfcn-tiny`.

    Raises
    ------
    NetworkError : no such network, or too small an image.
    """
    network = find_network(net)
    height = network.image_height if height is None else height
    width = network.image_width if width is None else width
    if min(height, width) < SMALLEST_IMAGE:
        raise NetworkError(
            f"the image is {height}x{width} pixels, but {net} needs at least "
            f"{SMALLEST_IMAGE}x{SMALLEST_IMAGE}"
        )
    build = _Builder(height, width)
    signal = build.convolution(
        "conv1", "data", network.conv1_channels, stage="conv1", kernel=network.conv1_kernel,
        stride=2, padding=network.conv1_kernel // 2, bias=network.conv1_bias, batch_norm=True,
        relu=True,
    )  # fmt: skip
    signal = build.max_pool("pool1", signal)
    ends = []
    for stage in network.stages:
        for index, block in enumerate(stage.blocks):
            stride = 1 if index else stage.stride
            signal = build.block(stage.name + block, signal, stage, stride=stride)
        ends.append(signal)
    rpn = build.convolution(
        "rpn_conv/3x3", ends[-2], network.rpn_channels, stage="rpn", kernel=3, padding=1,
        bias=True, relu=True,
    )  # fmt: skip
    build.convolution("rpn_cls_score", rpn, 2 * network.anchors, stage="rpn", bias=True)
    build.convolution("rpn_bbox_pred", rpn, 4 * network.anchors, stage="rpn", bias=True)
    top = build.convolution(
        "conv_new_1", ends[-1], network.top_channels, stage="rfcn", bias=True, relu=True
    )
    bins = network.bins**2
    build.convolution("rfcn_cls", top, bins * network.classes, stage="rfcn", bias=True)
    build.convolution("rfcn_bbox", top, bins * BOX_OFFSETS, stage="rfcn", bias=True)
    return tuple(build.layers)


def find_layer(
    net: str, name: str, height: int | None = None, width: int | None = None
) -> NamedLayer:
    """The layer `name` of `layer_table(net, height, width)`.

    Raises
    ------
    NetworkError : no such network or layer, with the names that come near, or too small an image.
    """
    table = {layer.name: layer for layer in layer_table(net, height, width)}
    if name not in table:
        near = get_close_matches(name, table, n=4)
        hint = (
            f"did you mean {' or '.join(near)}?"
            if near
            else f"its {len(table)} layers go from conv1, res2a_branch1, ... to rfcn_bbox"
        )
        raise NetworkError(f"{net} has no layer {name!r}: {hint}")
    return table[name]
