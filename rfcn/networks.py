"""The R-FCN networks: what tells one from another.

Sources: the class-agnostic Pascal VOC networks of py-R-FCN (`rfcn_end2end/test_agnostic.prototxt`
and its `config.py`), which stand on the Caffe ResNets. `rfcn-tiny` is this project's own, of the
same structure, for images of rendered shapes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from golden.errors import UserError

EXPANSION = 4
"""Channels that leave a residual block, per channel of its inner 3x3 convolution."""

BOX_OFFSETS = 2 * 4
"""Box offsets of a bin: four coordinates, for background and object (class-agnostic)."""

SMALLEST_IMAGE = 3
"""Smaller images leave nothing behind the max-pool that follows conv1."""

VOC_CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
)  # fmt: skip
"""Pascal VOC's classes; label 1 is the first, label 0 the background."""

SHAPE_CLASSES = ("circle", "square", "triangle", "cross", "star", "ring")
"""Classes of the rendered shapes; label 1 is the first, label 0 the background."""


class NetworkError(UserError):
    """No such network or layer, or too small an image; the message says what there is."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage of residual blocks.

    Parameters
    ----------
    name : such as `res2`.
    blocks : what is appended to `name` to name its blocks.
    inner : channels of the blocks' 3x3 convolutions; `EXPANSION` times as many leave the stage.
    stride : stride of the first block, on its first 1x1 convolution and on its branch1.
    dilation : dilation of the 3x3 convolutions.
    """

    name: str
    blocks: tuple[str, ...]
    inner: int
    stride: int = 1
    dilation: int = 1

    @property
    def outer(self) -> int:
        """Channels of the stage's output."""
        return EXPANSION * self.inner


@dataclass(frozen=True, kw_only=True)
class Network:
    """An R-FCN detector. What is not said otherwise are the settings of py-R-FCN.

    Parameters
    ----------
    name : as users give it.
    class_names : the classes without the background; label 1 is the first.
    conv1_channels, conv1_kernel : of the first convolution, which has stride 2 and keeps the
        image's borders; a 3x3 max-pool of stride 2 follows.
    conv1_bias : conv1 has a bias besides its batch-norm, as the published Caffe ResNet-50 has.
    stages : the residual stages. The region proposal network (RPN) reads the last but one, the
        position-sensitive maps the last; those two have the same size.
    rpn_channels : channels of the RPN's 3x3 convolution.
    top_channels : channels of conv_new_1, which the position-sensitive maps are made from.
    bins : position-sensitive bins in each direction, the paper's k.
    anchor_base, anchor_scales, anchor_ratios : anchors are squares of `anchor_base` pixels,
        changed to each ratio (height / width) at the same area, then enlarged by each scale.
    shorter_side, longer_side : images are scaled until the shorter side has so many pixels, or
        the longer side would have more than that.
    image_height, image_width : the size of image that tables are made for when none is given.
    pixel_means : subtracted from the pixels 0..255; blue, green, red.
    proposals_before_nms, proposals_after_nms : the best so many are looked at and kept.
    smallest_proposal : least height and width of a proposal, in pixels of the unscaled image.
    box_stds : the box offsets that the network gives are in these units (dx, dy, dw, dh).
    frozen_batch_norm : statistics, scale and offset of batch-norms stay as loaded in training.
    frozen_stages : stages whose weights stay as loaded in training.
    """

    name: str
    class_names: tuple[str, ...]
    conv1_channels: int
    conv1_kernel: int
    conv1_bias: bool = False
    stages: tuple[Stage, ...]
    rpn_channels: int
    top_channels: int
    bins: int
    anchor_base: int
    anchor_scales: tuple[float, ...]
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    shorter_side: int
    longer_side: int
    image_height: int
    image_width: int
    pixel_means: tuple[float, float, float]
    proposals_before_nms: int
    proposals_after_nms: int
    smallest_proposal: int
    box_stds: tuple[float, float, float, float] = (0.1, 0.1, 0.2, 0.2)
    frozen_batch_norm: bool
    frozen_stages: tuple[str, ...] = ()

    @property
    def classes(self) -> int:
        """Classes with the background, the paper's C + 1."""
        return 1 + len(self.class_names)

    @property
    def anchors(self) -> int:
        """Boxes that the RPN scores at every position."""
        return len(self.anchor_scales) * len(self.anchor_ratios)

    @property
    def feature_stride(self) -> int:
        """Pixels of the image per pixel of the maps that the RPN and the RoIs read."""
        return 2 * 2 * prod(stage.stride for stage in self.stages)


def _numbered(blocks: int) -> tuple[str, ...]:
    """Caffe's block names in ResNet-101's long stages: a, b1, b2, ..."""
    return ("a", *(f"b{index}" for index in range(1, blocks)))


def _resnet(name: str, blocks: Iterable[Iterable[str]], *, conv1_bias: bool) -> Network:
    """R-FCN for Pascal VOC on a ResNet whose residual blocks are called `blocks`."""
    first, second, third, fourth = (tuple(names) for names in blocks)
    return Network(
        name=name,
        class_names=VOC_CLASSES,
        conv1_channels=64,
        conv1_kernel=7,
        conv1_bias=conv1_bias,
        stages=(
            Stage(name="res2", blocks=first, inner=64),
            Stage(name="res3", blocks=second, inner=128, stride=2),
            Stage(name="res4", blocks=third, inner=256, stride=2),
            Stage(name="res5", blocks=fourth, inner=512, dilation=2),
        ),
        rpn_channels=512,
        top_channels=1024,
        bins=7,
        anchor_base=16,
        anchor_scales=(8, 16, 32),
        shorter_side=600,
        longer_side=1000,
        image_height=600,
        image_width=800,
        pixel_means=(102.9801, 115.9465, 122.7717),
        proposals_before_nms=6000,
        proposals_after_nms=300,
        smallest_proposal=16,
        frozen_batch_norm=True,
        frozen_stages=("conv1", "res2"),
    )


_TINY = Network(
    name="rfcn-tiny",
    class_names=SHAPE_CLASSES,
    conv1_channels=32,
    conv1_kernel=5,
    # Small shapes need fine maps: no stage but the first convolution and the pool has a stride.
    stages=(
        Stage(name="res2", blocks=("a",), inner=24),
        Stage(name="res3", blocks=("a",), inner=32),
        Stage(name="res4", blocks=("a",), inner=32),
        Stage(name="res5", blocks=("a",), inner=32, dilation=2),
    ),
    rpn_channels=16,
    top_channels=64,
    bins=3,
    # Shapes of 18 to 70 pixels are the task.
    anchor_base=8,
    anchor_scales=(3, 5, 8),
    shorter_side=128,
    longer_side=128,
    image_height=128,
    image_width=128,
    # Pixels minus these are signed 8-bit integers.
    pixel_means=(128, 128, 128),
    proposals_before_nms=600,
    proposals_after_nms=64,
    smallest_proposal=8,
    # There are no weights to begin with, so there is nothing to freeze.
    frozen_batch_norm=False,
)

NETWORKS = {
    network.name: network
    for network in (
        _resnet("rfcn-resnet50", ("abc", "abcd", "abcdef", "abc"), conv1_bias=True),
        _resnet("rfcn-resnet101", ("abc", _numbered(4), _numbered(23), "abc"), conv1_bias=False),
        _TINY,
    )
}
"""The networks by name."""


def find_network(name: str) -> Network:
    """The network called `name`.

    Raises
    ------
    NetworkError : there is none.
    """
    if name not in NETWORKS:
        raise NetworkError(f"no network is called {name!r}; choose one of {', '.join(NETWORKS)}")
    return NETWORKS[name]
