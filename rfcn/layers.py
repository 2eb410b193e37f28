"""The convolution layers of R-FCN on ResNet-50 and ResNet-101, for any image size.

Source: the class-agnostic Pascal VOC networks of py-R-FCN (`rfcn_end2end/test_agnostic.prototxt`),
which stand on the Caffe ResNets. They differ from torchvision's ResNet v1.5 in that a stage's
stride is on the first 1x1 convolution and on branch1, not on the 3x3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from golden.errors import UserError
from golden.shape import ConvShape

CLASSES = 21
"""Classes of Pascal VOC with the background."""

ANCHORS = 9
"""Boxes that the region proposal network scores at every position."""

BINS = 7 * 7
"""Position-sensitive bins, each with score and box maps of its own."""

BOX_OFFSETS = 2 * 4
"""Box offsets per bin: four coordinates, for background and object (class-agnostic)."""

SMALLEST_IMAGE = 3
"""Smaller images leave nothing behind the max-pool that follows conv1."""

STAGES = ((2, 64, 1, 1), (3, 128, 2, 1), (4, 256, 2, 1), (5, 512, 1, 2))
"""The four stages of residual blocks: number, inner channels, first block's stride, dilation."""


class NetworkError(UserError):
    """No such network or layer, or too small an image; the message says what there is."""


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
    def signed_input(self) -> bool:
        """Whether inputs can be negative: those of the image can, its mean is subtracted."""
        return self.source == "data"

    @property
    def signed_output(self) -> bool:
        """Whether outputs can be negative: those without a ReLU can."""
        return not self.relu


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """What tells one ResNet from another.

    Parameters
    ----------
    blocks : names of the residual blocks, stage by stage.
    conv1_bias : conv1 has a bias besides its batch-norm, as the published Caffe ResNet-50 has.
    """

    blocks: tuple[Sequence[str], ...]
    conv1_bias: bool


def _numbered(blocks: int) -> tuple[str, ...]:
    """Caffe's block names in ResNet-101's long stages: a, b1, b2, ..."""
    return ("a", *(f"b{index}" for index in range(1, blocks)))


NETWORKS = {
    "rfcn-resnet50": Backbone(blocks=("abc", "abcd", "abcdef", "abc"), conv1_bias=True),
    "rfcn-resnet101": Backbone(
        blocks=("abc", _numbered(4), _numbered(23), "abc"), conv1_bias=False
    ),
}
"""The networks by name."""


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

    def block(
        self, name: str, source: str, inner: int, *, stage: str, stride: int, dilation: int
    ) -> str:
        """A bottleneck of 1x1, 3x3 and 1x1; branch1 projects where the channels change."""
        outer = 4 * inner
        residual = source
        if self.maps[source][0] != outer:
            residual = self.convolution(
                f"{name}_branch1", source, outer, stage=stage, stride=stride, batch_norm=True
            )
        signal = self.convolution(
            f"{name}_branch2a",
            source,
            inner,
            stage=stage,
            stride=stride,
            batch_norm=True,
            relu=True,
        )
        signal = self.convolution(
            f"{name}_branch2b", signal, inner, stage=stage, kernel=3, dilation=dilation,
            padding=dilation, batch_norm=True, relu=True,
        )  # fmt: skip
        signal = self.convolution(
            f"{name}_branch2c", signal, outer, stage=stage, residual=residual, batch_norm=True,
            relu=True,
        )  # fmt: skip
        self.maps[name] = self.maps[signal]
        return name


def layer_table(net: str, height: int = 600, width: int = 800) -> tuple[NamedLayer, ...]:
    """Every convolution of R-FCN for an image of `height` x `width` pixels, in execution order.

    Parameters
    ----------
    net : `rfcn-resnet50` (59 convolutions) or `rfcn-resnet101` (110).
    height, width : pixels of the image; py-R-FCN scales the short side to 600.

    Raises
    ------
    NetworkError : no such network, or too small an image.
    """
    if net not in NETWORKS:
        raise NetworkError(f"no network is called {net!r}; choose one of {', '.join(NETWORKS)}")
    if min(height, width) < SMALLEST_IMAGE:
        raise NetworkError(
            f"the image is {height}x{width} pixels, but {net} needs at least "
            f"{SMALLEST_IMAGE}x{SMALLEST_IMAGE}"
        )
    backbone = NETWORKS[net]
    build = _Builder(height, width)
    signal = build.convolution(
        "conv1", "data", 64, stage="conv1", kernel=7, stride=2, padding=3,
        bias=backbone.conv1_bias, batch_norm=True, relu=True,
    )  # fmt: skip
    signal = build.max_pool("pool1", signal)
    ends = {}
    for (number, inner, first_stride, dilation), blocks in zip(
        STAGES, backbone.blocks, strict=True
    ):
        stage = f"res{number}"
        for index, block in enumerate(blocks):
            stride = 1 if index else first_stride
            signal = build.block(
                stage + block, signal, inner, stage=stage, stride=stride, dilation=dilation
            )
        ends[stage] = signal
    rpn = build.convolution(
        "rpn_conv/3x3", ends["res4"], 512, stage="rpn", kernel=3, padding=1, bias=True, relu=True
    )
    build.convolution("rpn_cls_score", rpn, 2 * ANCHORS, stage="rpn", bias=True)
    build.convolution("rpn_bbox_pred", rpn, 4 * ANCHORS, stage="rpn", bias=True)
    top = build.convolution("conv_new_1", ends["res5"], 1024, stage="rfcn", bias=True, relu=True)
    build.convolution("rfcn_cls", top, BINS * CLASSES, stage="rfcn", bias=True)
    build.convolution("rfcn_bbox", top, BINS * BOX_OFFSETS, stage="rfcn", bias=True)
    return tuple(build.layers)


def find_layer(net: str, name: str, height: int = 600, width: int = 800) -> NamedLayer:
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
